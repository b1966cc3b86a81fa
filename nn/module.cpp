#include "module.h"

#include <charconv>
#include <functional>
#include <set>

#include "../array/fail.h"
#include "../autograd/grad_mode.h"
#include "../autograd/ops/arithmetic.h"
#include "init.h"

namespace attune::nn {

Module::Module() : state_(std::make_shared<State>()) {}

void Module::State::set_path(const std::string& text) {
  path = intern_path(text);
  for (auto& [name, module] : modules) module->set_path(text.empty() ? name : text + "." + name);
}

void Module::State::check_new(const std::string& name) const {
  if (name.empty()) fail<ValueError>("module", "a parameter, buffer or child needs a name");
  for (const Slot& slot : slots)
    if (slot.name == name)
      fail<ValueError>("module", "\"{}\" is already a {}", name,
                       slot.role == Role::parameter ? "parameter" : "buffer");
  for (const auto& [known, module] : modules)
    if (known == name) fail<ValueError>("module", "\"{}\" is already a child", name);
}

template <class F>
void Module::State::each_slot(const std::string& prefix, const F& f) const {
  for (const Slot& slot : slots) f(prefix + slot.name, slot);
  for (const auto& [name, module] : modules) module->each_slot(prefix + name + ".", f);
}

template <class F>
void Module::State::each_module(const F& f) {
  f(*this);
  for (auto& [name, module] : modules) module->each_module(f);
}

void Module::attach(const std::string& name, const Module& module) {
  state_->check_new(name);
  module.state_->each_module([&](const State& part) {
    if (&part == state_.get())
      fail<ValueError>("module", "child \"{}\" is, or holds, the module it is registered in", name);
  });
  state_->modules.emplace_back(name, module.state_);
  module.state_->set_path(path().empty() ? name : path() + "." + name);
}

Tensor Module::param(const std::string& name, Tensor init) {
  state_->check_new(name);
  if (!init.defined()) fail<ValueError>("module", "parameter \"{}\" is undefined", name);
  if (!init.is_leaf())
    fail<GradError>(
        "module",
        "parameter \"{}\" is the result of an operation, which no optimizer can change; "
        "register its detach()",
        name);
  // A parameter registered elsewhere already is tied: both names share one handle.
  if (!init.requires_grad()) init.requires_grad_();
  state_->slots.push_back({name, init, Role::parameter});
  return init;
}

Tensor Module::param(const std::string& name, const Shape& shape) {
  return param(name, init::empty(shape));
}

Tensor Module::buffer(const std::string& name, Tensor init, bool persistent) {
  state_->check_new(name);
  if (!init.defined()) fail<ValueError>("module", "buffer \"{}\" is undefined", name);
  if (init.requires_grad())
    fail<ValueError>("module", "buffer \"{}\" requires a gradient; register it with param()", name);
  state_->slots.push_back({name, init, persistent ? Role::buffer : Role::temporary});
  return init;
}

void Module::describe(std::string kind, std::string details) {
  state_->kind = std::move(kind);
  state_->details = std::move(details);
}

// Tensors of these roles, each once.
std::vector<std::pair<std::string, Tensor>> Module::State::named(
    const std::set<Role>& roles) const {
  std::vector<std::pair<std::string, Tensor>> found;
  std::set<const void*> seen;
  each_slot("", [&](const std::string& name, const Slot& slot) {
    if (roles.contains(slot.role) && seen.insert(slot.tensor.identity()).second)
      found.emplace_back(name, slot.tensor);
  });
  return found;
}

namespace {

std::vector<Tensor> without_names(std::vector<std::pair<std::string, Tensor>> named) {
  std::vector<Tensor> tensors;
  for (auto& [name, tensor] : named) tensors.push_back(std::move(tensor));
  return tensors;
}

}  // namespace

std::vector<std::pair<std::string, Tensor>> Module::named_parameters() const {
  return state_->named({Role::parameter});
}

std::vector<Tensor> Module::parameters() const { return without_names(named_parameters()); }

std::vector<std::pair<std::string, Tensor>> Module::named_buffers() const {
  return state_->named({Role::buffer, Role::temporary});
}

std::vector<Tensor> Module::buffers() const { return without_names(named_buffers()); }

std::vector<std::pair<std::string, Module>> Module::named_children() const {
  std::vector<std::pair<std::string, Module>> found;
  for (const auto& [name, module] : state_->modules) found.emplace_back(name, Module(module));
  return found;
}

std::vector<std::pair<std::string, Module>> Module::named_modules() const {
  std::vector<std::pair<std::string, Module>> found;
  std::set<const State*> seen;
  const std::function<void(const std::string&, const Module&)> visit = [&](const std::string& name,
                                                                           const Module& module) {
    if (!seen.insert(module.state_.get()).second) return;
    found.emplace_back(name, module);
    for (const auto& [child, below] : module.named_children())
      visit(name.empty() ? child : name + "." + child, below);
  };
  visit("", *this);
  return found;
}

int64_t Module::num_parameters() const {
  int64_t count = 0;
  for (const Tensor& tensor : parameters()) count += tensor.numel();
  return count;
}

StateDict Module::state_dict() const {
  StateDict state;
  state_->each_slot("", [&](const std::string& name, const Slot& slot) {
    if (slot.role == Role::temporary) return;
    if (!state.emplace(name, slot.tensor.array()).second)
      fail<ValueError>("state_dict", "two tensors are called \"{}\"; rename a part of the module",
                       name);
  });
  return state;
}

void Module::load_state_dict(const StateDict& state, bool strict) const {
  std::set<std::string> known;
  std::string problems;
  state_->each_slot("", [&](const std::string& name, const Slot& slot) {
    if (slot.role == Role::temporary) return;
    known.insert(name);
    const Shape& shape = slot.tensor.shape();
    const auto found = state.find(name);
    if (found == state.end()) {
      if (strict) problems += fmt::format("; missing {} {}", name, to_string(shape));
    } else if (!found->second.defined()) {
      problems += fmt::format("; {} is undefined", name);
    } else if (found->second.shape() != shape) {
      problems += fmt::format("; {} is {}, the module takes {}", name,
                              to_string(found->second.shape()), to_string(shape));
    }
  });
  if (strict)
    for (const auto& [name, array] : state)
      if (!known.contains(name)) problems += fmt::format("; unknown {}", name);
  if (!problems.empty())
    fail<FormatError>("load_state_dict", "the state does not fit the module: {}",
                      problems.substr(2));

  NoGrad no_grad;
  state_->each_slot("", [&](const std::string& name, const Slot& slot) {
    if (slot.role == Role::temporary) return;
    if (const auto found = state.find(name); found != state.end())
      slot.tensor.copy_(Tensor(found->second));
  });
}

Tensor Module::adapted(const Tensor& input, const Tensor& output) const {
  return state_->adapter ? output + state_->adapter(input, is_training()) : output;
}

void Module::train(bool training) const {
  state_->each_module([&](State& module) { module.training = training; });
}

void Module::gradient_checkpointing_enable(bool enable) const {
  state_->each_module([&](State& module) { module.checkpointing = enable; });
}

void Module::zero_grad() const {
  for (const Tensor& tensor : parameters()) tensor.set_grad({});
}

void Module::requires_grad_(bool requires_grad) const {
  for (const Tensor& tensor : parameters()) tensor.requires_grad_(requires_grad);
}

void Module::to(DType dtype) const {
  if (!is_floating(dtype))
    fail<DTypeError>("to", "parameters are floating, {} is not", name_of(dtype));
  for (const Tensor& tensor : parameters()) tensor.convert_(dtype);
  for (const Tensor& tensor : buffers())
    if (is_floating(tensor.dtype())) tensor.convert_(dtype);
}

namespace {

// Whether b follows a in a list: "h.1" after "h.0".
bool is_next(const std::string& a, const std::string& b) {
  const size_t number = a.rfind('.') + 1;
  int64_t index = 0;
  const auto [end, error] = std::from_chars(a.data() + number, a.data() + a.size(), index);
  return number > 0 && error == std::errc() && end == a.data() + a.size() &&
         b == a.substr(0, number) + std::to_string(index + 1);
}

}  // namespace

Module::Text Module::State::text(size_t indent) const {
  int64_t count = 0;
  for (const auto& [name, tensor] : named({Role::parameter})) count += tensor.numel();
  Text text{fmt::format("{}({}) {} parameters", kind, details, count), ""};
  for (size_t first = 0; first < modules.size();) {
    const Text child = modules[first].second->text(indent + 2);
    size_t last = first;
    while (last + 1 < modules.size() && is_next(modules[last].first, modules[last + 1].first) &&
           modules[last + 1].second->text(indent + 2) == child)
      ++last;
    const std::string& name = modules[first].first;
    text.below += std::string(indent + 2, ' ');
    if (last == first) {
      text.below += fmt::format("{}: {}\n", name, child.line);
    } else {
      const std::string end = modules[last].first.substr(name.rfind('.') + 1);
      text.below += fmt::format("{}-{}: {} x {} each\n", name, end, last - first + 1, child.line);
    }
    text.below += child.below;
    first = last + 1;
  }
  return text;
}

std::string to_string(const Module& module) {
  const Module::Text text = module.state_->text(0);
  return text.line + "\n" + text.below;
}

}  // namespace attune::nn
