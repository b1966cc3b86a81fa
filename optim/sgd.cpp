#include "sgd.h"

#include <cmath>

#include "../array/fail.h"
#include "../kernels/optimizer.h"

namespace attune::optim {

SGD::SGD(std::vector<Tensor> parameters, SgdOptions options) : Optimizer("SGD") {
  add_param_group(std::move(parameters), options);
}

void SGD::add_param_group(std::vector<Tensor> parameters, SgdOptions options) {
  check(options);
  add_parameters(std::move(parameters));
  options_.push_back(options);
}

void SGD::check(const SgdOptions& options) const {
  check_not_negative(
      {{"lr", options.lr}, {"momentum", options.momentum}, {"weight_decay", options.weight_decay}});
  if (!std::isfinite(options.dampening))
    fail<ValueError>("SGD", "dampening is {}; use a finite number", options.dampening);
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0))
    fail<ValueError>("SGD", "nesterov needs momentum, and no dampening");
}

void SGD::set_lr(double lr, size_t group) {
  check_not_negative({{"lr", lr}});
  options_[checked(group)].lr = lr;
}

SGD::Options SGD::options_of(size_t group) const {
  const SgdOptions& o = options_[group];
  return {{"lr", o.lr},
          {"momentum", o.momentum},
          {"dampening", o.dampening},
          {"weight_decay", o.weight_decay},
          {"nesterov", o.nesterov},
          {"maximize", o.maximize}};
}

void SGD::set_options(const std::vector<Options>& groups) {
  std::vector<SgdOptions> all;
  for (const Options& o : groups) {
    all.push_back({o.at("lr"), o.at("momentum"), o.at("dampening"), o.at("weight_decay"),
                   o.at("nesterov") != 0, o.at("maximize") != 0});
    check(all.back());
  }
  options_ = std::move(all);
}

std::vector<const char*> SGD::moment_names(size_t group) const {
  if (options_[group].momentum == 0) return {};
  return {"momentum_buffer"};
}

void SGD::update(size_t group, Array& parameter, const Array& grad, ParamState& state) {
  const SgdOptions& o = options_[group];
  Array velocity = o.momentum == 0 ? Array() : state.moments.at("momentum_buffer");
  kernels::sgd_update(
      parameter, grad, velocity,
      {o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize, state.fresh});
}

}  // namespace attune::optim
