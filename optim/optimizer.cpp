#include "optimizer.h"

#include <cmath>
#include <set>

#include "../array/fail.h"
#include "../array/trace.h"
#include "../autograd/grad_mode.h"
#include "../kernels/copy.h"

namespace attune::optim {
namespace {

std::string group_key(size_t group) { return fmt::format("{}.", group); }
std::string param_key(size_t group, size_t index) { return fmt::format("{}.{}.", group, index); }

constexpr const char* size_entry = "num_parameters";
constexpr int64_t most_steps = int64_t{1} << 62;  // so that counting on does not overflow

// The state of one parameter, copied.
ParamState read_state(StateReader& reader, const std::string& prefix, const Tensor& parameter,
                      const std::vector<const char*>& moments) {
  ParamState state;
  if (!reader.has_any(prefix)) return state;
  state.step = reader.number<int64_t>(prefix + "step");
  if (state.step < 1 || state.step > most_steps)
    fail<FormatError>("load_state_dict", "{}step is {}; a count of steps is 1 to {}", prefix,
                      state.step, most_steps);
  for (const char* name : moments)
    state.moments[name] =
        kernels::clone(reader.entry(prefix + name, parameter.shape(), parameter.dtype()));
  state.fresh = false;
  return state;
}

}  // namespace

size_t Optimizer::checked(size_t group) const {
  if (group >= groups_.size())
    fail<IndexError>(name_, "there is no group {}, but {} from 0", group, groups_.size());
  return group;
}

void Optimizer::check_not_negative(
    std::initializer_list<std::pair<const char*, double>> values) const {
  for (const auto& [option, value] : values)
    if (!(value >= 0) || std::isinf(value))
      fail<ValueError>(name_, "{} is {}; use a finite number >= 0", option, value);
}

void Optimizer::add_parameters(std::vector<Tensor> parameters) {
  if (groups_.empty() && parameters.empty())
    fail<ValueError>(name_, "there are no parameters to optimize");
  std::set<const void*> known;
  for (const auto& group : groups_)
    for (const Tensor& parameter : group) known.insert(parameter.identity());
  for (const Tensor& parameter : parameters) {
    if (!parameter.defined()) fail<ValueError>(name_, "a parameter is undefined");
    const std::string shape = to_string(parameter.shape());
    if (!parameter.is_leaf())
      fail<ValueError>(
          name_, "a parameter of shape {} is the result of an operation; optimize leaves", shape);
    if (!is_floating(parameter.dtype()))
      fail<ValueError>(name_, "a parameter of shape {} is {}; it must be floating", shape,
                       name_of(parameter.dtype()));
    if (!parameter.array().is_contiguous())
      fail<ValueError>(name_, "a parameter of shape {} is a strided view; optimize a clone()",
                       shape);
    if (!known.insert(parameter.identity()).second)
      fail<ValueError>(name_, "a parameter of shape {} is in a group already", shape);
  }
  states_.emplace_back(parameters.size());
  groups_.push_back(std::move(parameters));
}

void Optimizer::check_step(const Tensor& parameter, const Tensor& grad) const {
  if (parameter.dtype() != float32 && parameter.dtype() != float64)
    fail<DTypeError>(name_, "a parameter of shape {} is {}; optimize float32 or float64",
                     to_string(parameter.shape()), name_of(parameter.dtype()));
  if (!parameter.array().is_contiguous())
    fail<ValueError>(name_, "a parameter of shape {} was given strided memory; assign a clone",
                     to_string(parameter.shape()));
  if (grad.dtype() != parameter.dtype())
    fail<DTypeError>(name_, "the gradient of a {} parameter of shape {} was made {}",
                     name_of(parameter.dtype()), to_string(parameter.shape()),
                     name_of(grad.dtype()));
}

// Makes what update() writes to, so that nothing can fail once the first parameter has changed.
void Optimizer::prepare_moments(size_t group, const Tensor& parameter, ParamState& state) const {
  for (const char* name : moment_names(group)) {
    Array& moment = state.moments[name];
    if (!moment.defined()) {
      moment = kernels::zeros(parameter.shape(), parameter.dtype());
      state.fresh = true;
    } else if (moment.dtype() != parameter.dtype()) {
      moment = kernels::convert(moment, parameter.dtype());
    }
  }
}

void Optimizer::step() {
  const Span span(name_);
  NoGrad no_grad;
  const auto each = [&](auto&& f) {
    for (size_t g = 0; g < groups_.size(); ++g)
      for (size_t i = 0; i < groups_[g].size(); ++i)
        if (const Tensor grad = groups_[g][i].grad(); grad.defined())
          f(g, groups_[g][i], grad, states_[g][i]);
  };
  // The gradients without strides. All are made before the first parameter changes, because memory
  // may not suffice for them.
  std::vector<Array> dense;
  each([&](size_t, const Tensor& parameter, const Tensor& grad, ParamState&) {
    check_step(parameter, grad);
    dense.push_back(kernels::contiguous(grad.array()));
  });
  each([&](size_t group, const Tensor& parameter, const Tensor&, ParamState& state) {
    prepare_moments(group, parameter, state);
  });
  auto next = dense.begin();
  each([&](size_t group, const Tensor& parameter, const Tensor&, ParamState& state) {
    ++state.step;
    Array param = parameter.array();
    update(group, param, *next++, state);
    param.mark_written();
    state.fresh = false;
  });
}

void Optimizer::zero_grad() const {
  for (const auto& group : groups_)
    for (const Tensor& parameter : group) parameter.set_grad({});
}

StateDict Optimizer::state_dict() const {
  StateDict state;
  for (size_t g = 0; g < groups_.size(); ++g) {
    state.emplace(group_key(g) + size_entry, scalar_array(static_cast<int64_t>(groups_[g].size())));
    for (const auto& [name, value] : options_of(g))
      state.emplace(group_key(g) + name, scalar_array(value));
    for (size_t i = 0; i < groups_[g].size(); ++i) {
      if (states_[g][i].step == 0) continue;
      state.emplace(param_key(g, i) + "step", scalar_array(states_[g][i].step));
      for (const auto& [name, moment] : states_[g][i].moments)
        state.emplace(param_key(g, i) + name, kernels::clone(moment));
    }
  }
  return state;
}

std::vector<Optimizer::Options> Optimizer::all_options() const {
  std::vector<Options> all;
  for (size_t g = 0; g < groups_.size(); ++g) all.push_back(options_of(g));
  return all;
}

void Optimizer::load_state_dict(const StateDict& state) {
  StateReader reader(state, "optimizer");
  const std::vector<Options> before = all_options();
  std::vector<Options> options = before;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const auto size = reader.number<int64_t>(group_key(g) + size_entry);
    if (size != static_cast<int64_t>(groups_[g].size()))
      fail<FormatError>("load_state_dict",
                        "group {} of the state has {} parameters, that of the optimizer {}", g,
                        size, groups_[g].size());
    for (auto& [name, value] : options[g]) value = reader.number<double>(group_key(g) + name);
  }
  // First, because they decide which moments there are.
  try {
    set_options(options);
  } catch (const ValueError& error) {
    fail<FormatError>("load_state_dict", "{}", error.what());
  }
  try {
    std::vector<std::vector<ParamState>> states;
    for (size_t g = 0; g < groups_.size(); ++g) {
      auto& group = states.emplace_back();
      for (size_t i = 0; i < groups_[g].size(); ++i)
        group.push_back(read_state(reader, param_key(g, i), groups_[g][i], moment_names(g)));
    }
    reader.expect_end();
    states_ = std::move(states);
  } catch (...) {
    set_options(before);
    throw;
  }
}

}  // namespace attune::optim
