#include "module.h"

#include <set>

#include "../array/fail.h"
#include "../autograd/grad_mode.h"
#include "init.h"

namespace attune::nn {

Module::Module() : state_(std::make_shared<State>()) {}

void Module::State::set_path(const std::string& text) {
  path = intern_path(text);
  for (auto& [name, module] : modules) module->set_path(text.empty() ? name : text + "." + name);
}

void Module::State::check_new(const std::string& name) const {
  if (name.empty()) fail<ValueError>("module", "a parameter or child needs a name");
  for (const auto& [known, tensor] : params)
    if (known == name) fail<ValueError>("module", "\"{}\" is already a parameter", name);
  for (const auto& [known, module] : modules)
    if (known == name) fail<ValueError>("module", "\"{}\" is already a child", name);
}

template <class F>
void Module::State::each_param(const std::string& prefix, const F& f) const {
  for (const auto& [name, tensor] : params) f(prefix + name, tensor);
  for (const auto& [name, module] : modules) module->each_param(prefix + name + ".", f);
}

template <class F>
void Module::State::each_module(const F& f) {
  f(*this);
  for (auto& [name, module] : modules) module->each_module(f);
}

void Module::attach(const std::string& name, const Module& module) {
  state_->check_new(name);
  state_->modules.emplace_back(name, module.state_);
  module.state_->set_path(path().empty() ? name : path() + "." + name);
}

Tensor Module::param(const std::string& name, Tensor init) {
  state_->check_new(name);
  // A parameter registered elsewhere already is tied: both names share one handle.
  if (!init.requires_grad()) init.requires_grad_();
  state_->params.emplace_back(name, init);
  return init;
}

Tensor Module::param(const std::string& name, const Shape& shape) {
  return param(name, init::empty(shape));
}

void Module::describe(std::string kind, std::string details) {
  state_->kind = std::move(kind);
  state_->details = std::move(details);
}

std::vector<std::pair<std::string, Tensor>> Module::named_parameters() const {
  std::vector<std::pair<std::string, Tensor>> named;
  std::set<const void*> seen;
  state_->each_param("", [&](const std::string& name, const Tensor& tensor) {
    if (seen.insert(tensor.identity()).second) named.emplace_back(name, tensor);
  });
  return named;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> tensors;
  for (auto& [name, tensor] : named_parameters()) tensors.push_back(tensor);
  return tensors;
}

int64_t Module::num_parameters() const {
  int64_t count = 0;
  for (const Tensor& tensor : parameters()) count += tensor.numel();
  return count;
}

StateDict Module::state_dict() const {
  StateDict state;
  state_->each_param("", [&](const std::string& name, const Tensor& tensor) {
    state.emplace(name, tensor.array());
  });
  return state;
}

void Module::load_state_dict(const StateDict& state, bool strict) const {
  std::set<std::string> known;
  std::string problems;
  state_->each_param("", [&](const std::string& name, const Tensor& tensor) {
    known.insert(name);
    const auto found = state.find(name);
    if (found == state.end()) {
      if (strict) problems += fmt::format("; missing {} {}", name, to_string(tensor.shape()));
    } else if (found->second.shape() != tensor.shape()) {
      problems += fmt::format("; {} is {}, the module takes {}", name,
                              to_string(found->second.shape()), to_string(tensor.shape()));
    }
  });
  if (strict)
    for (const auto& [name, array] : state)
      if (!known.contains(name)) problems += fmt::format("; unknown {}", name);
  if (!problems.empty())
    fail<FormatError>("load_state_dict", "the state does not fit the module: {}",
                      problems.substr(2));

  NoGrad no_grad;
  state_->each_param("", [&](const std::string& name, const Tensor& tensor) {
    if (const auto found = state.find(name); found != state.end())
      tensor.copy_(Tensor(found->second));
  });
}

void Module::train(bool training) const {
  state_->each_module([&](State& module) { module.training = training; });
}

void Module::zero_grad() const {
  for (const Tensor& tensor : parameters())
    if (tensor.requires_grad()) tensor.set_grad({});
}

void Module::requires_grad_(bool requires_grad) const {
  for (const Tensor& tensor : parameters()) tensor.requires_grad_(requires_grad);
}

void Module::to(DType dtype) const {
  if (!is_floating(dtype))
    fail<DTypeError>("to", "parameters are floating, {} is not", name_of(dtype));
  for (const Tensor& tensor : parameters()) tensor.convert_(dtype);
}

int64_t Module::State::print(std::string& out, const std::string& name, size_t indent) const {
  int64_t count = 0;
  for (const auto& [param, tensor] : params) count += tensor.numel();
  const size_t line = out.size();
  std::string inner;
  for (const auto& [child, module] : modules) count += module->print(inner, child, indent + 2);
  out.insert(line, fmt::format("{}{}{}({}) {} parameters\n", std::string(indent, ' '),
                               name.empty() ? "" : name + ": ", kind, details, count));
  out += inner;
  return count;
}

std::string to_string(const Module& module) {
  std::string out;
  module.state_->print(out, "", 0);
  return out;
}

}  // namespace attune::nn
