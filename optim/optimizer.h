#pragma once

#include <vector>

#include "../array/state_dict.h"
#include "../autograd/tensor.h"

namespace attune::optim {

// What an optimizer knows of one parameter: its moments by name ("exp_avg") and its count of steps.
struct ParamState {
  std::map<std::string, Array> arrays;
  int64_t step = 0;
};

// Base of optimizers: parameter groups that share a learning rate and options, and their state.
// Parameters without a gradient are left alone by step().
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Updates every parameter from its gradient, in place and unrecorded. ShapeError or DTypeError,
  // with nothing changed, if a gradient does not fit.
  void step();
  // Forgets all gradients.
  void zero_grad() const;

  size_t num_groups() const { return groups_.size(); }
  const std::vector<Tensor>& parameters(size_t group = 0) const { return groups_.at(group); }
  virtual double lr(size_t group = 0) const = 0;
  virtual void set_lr(double lr, size_t group = 0) = 0;

  // Moments and step counts, by "group.parameter.name"; what load_state_dict needs to go on
  // exactly.
  StateDict state_dict() const;
  // FormatError, with nothing changed, unless names and shapes fit the parameters.
  void load_state_dict(const StateDict& state);

 protected:
  // Adds a group. ValueError if a parameter is no leaf, is not dense or is in a group
  // already.
  void add_parameters(const char* name, std::vector<Tensor> parameters);
  virtual void update(size_t group, const Tensor& parameter, const Array& grad,
                      ParamState& state) = 0;
  // A zero array like the parameter, made on first use.
  static Array& moment(ParamState& state, const char* name, const Tensor& parameter);

 private:
  std::vector<std::vector<Tensor>> groups_;
  std::vector<std::vector<ParamState>> states_;
};

// Scales all gradients together so that their norm is at most max_norm, and returns the norm
// before: the p-norm of all of them with p = 2.
double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm);
// Limits every gradient element to ±limit.
void clip_grad_value_(const std::vector<Tensor>& parameters, double limit);

}  // namespace attune::optim
