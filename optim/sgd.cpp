#include "sgd.h"

#include "../array/fail.h"
#include "../kernels/optimizer.h"

namespace attune::optim {

SGD::SGD(std::vector<Tensor> parameters, SgdOptions options) {
  add_group(std::move(parameters), options);
}

void SGD::add_group(std::vector<Tensor> parameters, SgdOptions options) {
  if (!(options.lr >= 0) || !(options.momentum >= 0) || !(options.weight_decay >= 0))
    fail<ValueError>("SGD", "lr {}, momentum {} and weight_decay {} must not be negative",
                     options.lr, options.momentum, options.weight_decay);
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0))
    fail<ValueError>("SGD", "nesterov needs momentum, and no dampening");
  add_parameters("SGD", std::move(parameters));
  options_.push_back(options);
}

void SGD::update(size_t group, const Tensor& parameter, const Array& grad, ParamState& state) {
  const SgdOptions& o = options_[group];
  Array none;
  Array& velocity = o.momentum == 0 ? none : moment(state, "momentum_buffer", parameter);
  Array param = parameter.array();
  kernels::sgd_update(param, grad, velocity,
                      {o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov, state.step == 1});
  param.mark_written();
}

}  // namespace attune::optim
