#include "adam.h"

#include "../array/fail.h"
#include "../kernels/optimizer.h"

namespace attune::optim {

Adam::Adam(std::vector<Tensor> parameters, AdamOptions options) : Adam("Adam", false) {
  add_param_group(std::move(parameters), options);
}

void Adam::add_param_group(std::vector<Tensor> parameters, AdamOptions options) {
  check(options);
  add_parameters(std::move(parameters));
  options_.push_back(options);
}

void Adam::check(const AdamOptions& options) const {
  check_not_negative(
      {{"lr", options.lr}, {"eps", options.eps}, {"weight_decay", options.weight_decay}});
  for (double beta : {options.betas.first, options.betas.second})
    if (!(beta >= 0 && beta < 1))
      fail<ValueError>(name_, "betas {} and {} must lie in [0, 1)", options.betas.first,
                       options.betas.second);
}

void Adam::set_lr(double lr, size_t group) {
  check_not_negative({{"lr", lr}});
  options_[checked(group)].lr = lr;
}

Adam::Options Adam::options_of(size_t group) const {
  const AdamOptions& o = options_[group];
  return {{"lr", o.lr},
          {"beta1", o.betas.first},
          {"beta2", o.betas.second},
          {"eps", o.eps},
          {"weight_decay", o.weight_decay},
          {"decoupled_weight_decay", decoupled_},
          {"amsgrad", o.amsgrad},
          {"maximize", o.maximize}};
}

void Adam::set_options(const std::vector<Options>& groups) {
  std::vector<AdamOptions> all;
  for (const Options& o : groups) {
    if ((o.at("decoupled_weight_decay") != 0) != decoupled_)
      fail<ValueError>(name_, "the state is that of {}, which decays weights in another way",
                       decoupled_ ? "Adam" : "AdamW");
    all.push_back({o.at("lr"),
                   {o.at("beta1"), o.at("beta2")},
                   o.at("eps"),
                   o.at("weight_decay"),
                   o.at("amsgrad") != 0,
                   o.at("maximize") != 0});
    check(all.back());
  }
  options_ = std::move(all);
}

std::vector<const char*> Adam::moment_names(size_t group) const {
  if (options_[group].amsgrad) return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  return {"exp_avg", "exp_avg_sq"};
}

void Adam::update(size_t group, Array& parameter, const Array& grad, ParamState& state) {
  const AdamOptions& o = options_[group];
  Array largest = o.amsgrad ? state.moments.at("max_exp_avg_sq") : Array();
  kernels::adam_update(parameter, grad, state.moments.at("exp_avg"), state.moments.at("exp_avg_sq"),
                       largest,
                       {o.lr, o.betas.first, o.betas.second, o.eps, o.weight_decay, decoupled_,
                        o.maximize, state.step});
}

AdamW::AdamW(std::vector<Tensor> parameters, AdamWOptions options) : Adam("AdamW", true) {
  add_param_group(std::move(parameters), options);
}

void AdamW::add_param_group(std::vector<Tensor> parameters, AdamWOptions o) {
  Adam::add_param_group(std::move(parameters),
                        {o.lr, o.betas, o.eps, o.weight_decay, o.amsgrad, o.maximize});
}

}  // namespace attune::optim
