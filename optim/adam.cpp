#include "adam.h"

#include "../array/fail.h"
#include "../kernels/optimizer.h"

namespace attune::optim {

Adam::Adam(std::vector<Tensor> parameters, AdamOptions options) {
  add_group(std::move(parameters), options);
}

void Adam::add_group(std::vector<Tensor> parameters, AdamOptions options) {
  auto is_decay_rate = [](double beta) { return beta >= 0 && beta < 1; };
  if (!(options.lr >= 0) || !(options.eps >= 0) || !(options.weight_decay >= 0))
    fail<ValueError>(name_, "lr {}, eps {} and weight_decay {} must not be negative", options.lr,
                     options.eps, options.weight_decay);
  if (!is_decay_rate(options.beta1) || !is_decay_rate(options.beta2))
    fail<ValueError>(name_, "beta1 {} and beta2 {} must lie in [0, 1)", options.beta1,
                     options.beta2);
  add_parameters(name_, std::move(parameters));
  options_.push_back(options);
}

void Adam::update(size_t group, const Tensor& parameter, const Array& grad, ParamState& state) {
  const AdamOptions& o = options_[group];
  Array none;
  Array& first = moment(state, "exp_avg", parameter);
  Array& second = moment(state, "exp_avg_sq", parameter);
  Array& largest = o.amsgrad ? moment(state, "max_exp_avg_sq", parameter) : none;
  Array param = parameter.array();
  kernels::adam_update(param, grad, first, second, largest,
                       {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, decoupled_, state.step});
  param.mark_written();
}

AdamW::AdamW(std::vector<Tensor> parameters, AdamWOptions options) : Adam("AdamW", true) {
  add_group(std::move(parameters), options);
}

void AdamW::add_group(std::vector<Tensor> parameters, AdamWOptions o) {
  Adam::add_group(std::move(parameters),
                  {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.amsgrad});
}

}  // namespace attune::optim
