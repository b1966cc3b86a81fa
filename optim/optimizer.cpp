#include "optimizer.h"

#include <cmath>
#include <set>

#include "../array/fail.h"
#include "../autograd/grad_mode.h"
#include "../kernels/copy.h"
#include "../kernels/elementwise.h"
#include "../kernels/optimizer.h"

namespace attune::optim {

using kernels::Binary;

namespace {

std::string key(size_t group, size_t index) { return fmt::format("{}.{}.", group, index); }

Array scalar(int64_t value) {
  Array array({}, int64);
  *array.output<int64_t>() = value;
  return array;
}

}  // namespace

void Optimizer::add_parameters(const char* name, std::vector<Tensor> parameters) {
  std::set<const void*> known;
  for (const auto& group : groups_)
    for (const Tensor& parameter : group) known.insert(parameter.identity());
  for (const Tensor& parameter : parameters) {
    if (!parameter.is_leaf())
      fail<ValueError>(name,
                       "a parameter of shape {} is the result of an operation; optimize leaves",
                       to_string(parameter.shape()));
    if (!parameter.array().is_contiguous())
      fail<ValueError>(name, "a parameter of shape {} is a strided view; optimize a clone()",
                       to_string(parameter.shape()));
    if (!known.insert(parameter.identity()).second)
      fail<ValueError>(name, "a parameter of shape {} is in a group already",
                       to_string(parameter.shape()));
  }
  states_.emplace_back(parameters.size());
  groups_.push_back(std::move(parameters));
}

void Optimizer::step() {
  NoGrad no_grad;
  for (size_t g = 0; g < groups_.size(); ++g)
    for (size_t i = 0; i < groups_[g].size(); ++i) {
      const Tensor& parameter = groups_[g][i];
      const Tensor grad = parameter.grad();
      if (!grad.defined()) continue;
      ++states_[g][i].step;
      update(g, parameter, kernels::contiguous(grad.array()), states_[g][i]);
    }
}

void Optimizer::zero_grad() const {
  for (const auto& group : groups_)
    for (const Tensor& parameter : group)
      if (parameter.requires_grad()) parameter.set_grad({});
}

Array& Optimizer::moment(ParamState& state, const char* name, const Tensor& parameter) {
  auto [found, fresh] = state.arrays.try_emplace(name);
  if (fresh) found->second = kernels::zeros(parameter.shape(), parameter.dtype());
  return found->second;
}

StateDict Optimizer::state_dict() const {
  StateDict state;
  for (size_t g = 0; g < groups_.size(); ++g)
    for (size_t i = 0; i < groups_[g].size(); ++i) {
      if (states_[g][i].step == 0) continue;
      state.emplace(key(g, i) + "step", scalar(states_[g][i].step));
      for (const auto& [name, array] : states_[g][i].arrays) state.emplace(key(g, i) + name, array);
    }
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  std::vector<std::vector<ParamState>> loaded;
  size_t used = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    auto& group = loaded.emplace_back(groups_[g].size());
    for (size_t i = 0; i < groups_[g].size(); ++i) {
      const std::string prefix = key(g, i);
      for (auto at = state.lower_bound(prefix); at != state.end() && at->first.starts_with(prefix);
           ++at, ++used) {
        const std::string name = at->first.substr(prefix.size());
        const Array& array = at->second;
        const bool is_step = name == "step";
        if (is_step
                ? array.numel() != 1 || array.dtype() != int64
                : array.shape() != groups_[g][i].shape() || array.dtype() != groups_[g][i].dtype())
          fail<FormatError>("load_state_dict", "{} is {} {}, the parameter is {} {}", at->first,
                            name_of(array.dtype()), to_string(array.shape()),
                            name_of(groups_[g][i].dtype()), to_string(groups_[g][i].shape()));
        if (is_step) {
          group[i].step = *array.data<int64_t>();
        } else {
          group[i].arrays[name] = kernels::clone(array);
        }
      }
      // Moments without their count would be corrected as those of the first step.
      if (group[i].step < (group[i].arrays.empty() ? 0 : 1))
        fail<FormatError>("load_state_dict", "{}step is {}; moments need a count of at least 1",
                          prefix, group[i].step);
    }
  }
  if (used != state.size())
    fail<FormatError>("load_state_dict",
                      "{} of {} entries belong to no parameter of this optimizer",
                      state.size() - used, state.size());
  states_ = std::move(loaded);
}

double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm) {
  double total = 0;
  for (const Tensor& parameter : parameters)
    if (Tensor grad = parameter.grad(); grad.defined())
      total += kernels::sum_of_squares(grad.array());
  const double norm = std::sqrt(total);
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return norm;
  for (const Tensor& parameter : parameters)
    if (Tensor grad = parameter.grad(); grad.defined()) {
      parameter.set_grad(Tensor(kernels::binary(Binary::mul, grad.array(), factor)));
    }
  return norm;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double limit) {
  if (!(limit >= 0)) fail<ValueError>("clip_grad_value_", "limit {} is negative", limit);
  for (const Tensor& parameter : parameters)
    if (Tensor grad = parameter.grad(); grad.defined()) {
      const Array above = kernels::binary(Binary::maximum, grad.array(), -limit);
      parameter.set_grad(Tensor(kernels::binary(Binary::minimum, above, limit)));
    }
}

}  // namespace attune::optim
