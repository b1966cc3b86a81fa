#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../array/scope.h"
#include "../array/state_dict.h"
#include "../autograd/tensor.h"

namespace attune::nn {

// A named part of a model with parameters and child modules. A Module is a handle, like a Tensor:
// copying it aliases its parameters. Derive from it, register parts as members, and write a const
// operator():
//
//   struct Mlp : nn::Module {
//     nn::Linear up = child("up", nn::Linear(64, 256));
//     nn::Linear down = child("down", nn::Linear(256, 64));
//     Tensor operator()(const Tensor& x) const { return down(gelu(up(x))); }
//   };
//
// A name that is taken already is a ValueError. What was registered stays: assigning another module
// or tensor to a member changes the member alone, so that it is neither trained nor saved. To
// change values, write to the parameter (weight.assign_, weight.copy_ under NoGrad,
// load_state_dict); to have other parts, build the module with them.
class Module {
 public:
  Module();
  // A move copies the handle, so that a module that was moved from is still one.
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;
  ~Module() = default;

  // Every parameter once (tied ones count once), in the order of registration.
  std::vector<Tensor> parameters() const;
  // With their names as PyTorch builds them: "h.0.attn.c_proj.weight".
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  // Scalars in parameters().
  int64_t num_parameters() const;
  // The same for tensors that belong to the module and are not trained: tables, running means.
  std::vector<Tensor> buffers() const;
  std::vector<std::pair<std::string, Tensor>> named_buffers() const;
  // Direct children by name, in the order of registration; they alias what they name.
  std::vector<std::pair<std::string, Module>> named_children() const;
  // This module, under the empty name, and every one below it once.
  std::vector<std::pair<std::string, Module>> named_modules() const;

  // The arrays of all parameters and persistent buffers by name; they alias them. Tied ones occur
  // under each name. ValueError if two have one name, as "a.b" and the b of a child "a".
  StateDict state_dict() const;
  // Copies arrays into the tensors of the same name, converting the dtype. FormatError lists every
  // missing, unknown and mis-shaped name; nothing is copied then. Not strict: missing and unknown
  // names pass.
  void load_state_dict(const StateDict& state, bool strict = true) const;

  // Tell Dropout and the like whether this is training; set a flag in the whole subtree.
  void train(bool training = true) const;
  void eval() const { train(false); }
  bool is_training() const { return state_->training; }
  // Tell the models of nn/models to compute each block again in backward while training, in place
  // of keeping what it computed (see checkpoint); set a flag in the whole subtree.
  void gradient_checkpointing_enable(bool enable = true) const;
  bool is_gradient_checkpointing() const { return state_->checkpointing; }

  void zero_grad() const;
  // Freezes or unfreezes every parameter.
  void requires_grad_(bool requires_grad = true) const;
  // Converts every parameter and floating buffer to a floating dtype, under all its handles.
  void to(DType dtype) const;

  // What it calls itself: "Linear".
  const std::string& kind() const { return state_->kind; }
  // Lets a Linear or Conv1D add to its output what the adapter gives for its input; an empty one
  // takes it off. See Lora.
  using Adapter = std::function<Tensor(const Tensor& input, bool training)>;
  void set_adapter(Adapter adapter) const { state_->adapter = std::move(adapter); }
  bool has_adapter() const { return static_cast<bool>(state_->adapter); }

  // Where this module stands in its tree; empty for the root.
  const std::string& path() const { return *state_->path; }

 protected:
  // Registers a parameter, which will require a gradient, and returns its handle. ValueError if it
  // is undefined, GradError if it is the result of a recorded operation.
  Tensor param(const std::string& name, Tensor init);
  // The same with memory for a shape, float32 and uninitialised.
  Tensor param(const std::string& name, const Shape& shape);
  // Registers a tensor that is not trained, and returns its handle. In the state dict if
  // persistent. ValueError if it is undefined or requires a gradient.
  Tensor buffer(const std::string& name, Tensor init, bool persistent = true);
  // Registers a child and returns it. ValueError if this module is the child or a part of it.
  template <class M>
  M child(const std::string& name, M module) {
    attach(name, module);
    return module;
  }
  // Registers n children "name.0", "name.1", …, made by make(i).
  template <class Make>
  auto children(const std::string& name, int64_t n, Make&& make) {
    std::vector<decltype(make(int64_t{0}))> list;
    for (int64_t i = 0; i < n; ++i) {
      list.push_back(make(i));
      attach(name + "." + std::to_string(i), list.back());
    }
    return list;
  }
  // Opens this module's scope: while it lives, errors, tape nodes and profiles carry its path. The
  // first line of a layer's operator().
  Scope enter() const { return Scope(state_->path); }
  // The output with what an adapter adds, if there is one.
  Tensor adapted(const Tensor& input, const Tensor& output) const;
  // What to_string shows in parentheses, such as "in=64, out=256".
  void describe(std::string kind, std::string details = "");

 private:
  friend std::string to_string(const Module& module);

  enum class Role { parameter, buffer, temporary };  // a temporary is a buffer that is not saved

  struct Slot {
    std::string name;
    Tensor tensor;
    Role role;
  };

  // How a module prints: a line for itself, without name and indentation, and those below it.
  struct Text {
    std::string line, below;

    friend bool operator==(const Text&, const Text&) = default;
  };

  struct State {
    Path path = intern_path("");
    bool training = true, checkpointing = false;
    std::string kind = "Module", details;
    std::vector<Slot> slots;
    Adapter adapter;
    std::vector<std::pair<std::string, std::shared_ptr<State>>> modules;

    void set_path(const std::string& path);
    void check_new(const std::string& name) const;
    template <class F>
    void each_slot(const std::string& prefix, const F& f) const;
    template <class F>
    void each_module(const F& f);
    std::vector<std::pair<std::string, Tensor>> named(const std::set<Role>& roles) const;
    Text text(size_t indent) const;
  };

  explicit Module(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void attach(const std::string& name, const Module& module);

  std::shared_ptr<State> state_;
};

// The tree of modules with parameter counts, one line each; equal neighbours of a list share
// theirs: "h.0-11: 12 x GptBlock() 7087872 parameters each".
std::string to_string(const Module& module);

}  // namespace attune::nn
