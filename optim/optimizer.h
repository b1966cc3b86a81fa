#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../array/state_dict.h"
#include "../autograd/tensor.h"

namespace attune::optim {

// What an optimizer knows of one parameter: its moments by name ("exp_avg") and its count of steps.
struct ParamState {
  std::map<std::string, Array> moments;
  int64_t step = 0;
  bool fresh = true;  // the moments were made for this step
};

// Base of optimizers: parameter groups, each with options of its own, and the state of every
// parameter. Parameters without a gradient are left alone by step(). It moves, but does not copy:
// two would share moments, and each count steps of its own.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer(Optimizer&&) = default;

  // Updates every parameter from its gradient, in place and unrecorded. A parameter that was
  // converted to another dtype takes its moments along. DTypeError or ValueError, with nothing
  // changed, unless all are float32 or float64 and dense, and their gradients of the same dtype.
  void step();
  // Forgets all gradients.
  void zero_grad() const;

  size_t num_groups() const { return groups_.size(); }
  // Groups count from 0; IndexError if there is no such group.
  const std::vector<Tensor>& parameters(size_t group = 0) const { return groups_[checked(group)]; }
  virtual double lr(size_t group = 0) const = 0;
  // ValueError unless lr is finite and not negative.
  virtual void set_lr(double lr, size_t group = 0) = 0;

  // All that load_state_dict needs to go on exactly: options as "group.lr", moments and counts of
  // steps as "group.parameter.exp_avg". A copy: neither follows what is done to the other.
  StateDict state_dict() const;
  // Replaces state and options, the learning rate too, by copies of those saved. FormatError, with
  // nothing changed, unless groups, names, shapes and dtypes fit.
  void load_state_dict(const StateDict& state);

 protected:
  // Options of one group by name, as a state dict holds them.
  using Options = std::map<std::string, double>;

  explicit Optimizer(const char* name) : name_(name) {}

  // The group, or the IndexError that it is none.
  size_t checked(size_t group) const;
  // ValueError unless every value is finite and not negative.
  void check_not_negative(std::initializer_list<std::pair<const char*, double>> values) const;
  // Adds a group. ValueError if a parameter is no leaf, is not dense or floating, or is in a group
  // already.
  void add_parameters(std::vector<Tensor> parameters);

  virtual Options options_of(size_t group) const = 0;
  // Replaces the options of every group, after checking all of them.
  virtual void set_options(const std::vector<Options>& groups) = 0;
  virtual std::vector<const char*> moment_names(size_t group) const = 0;
  // One step of one parameter, whose moments are there.
  virtual void update(size_t group, Array& parameter, const Array& grad, ParamState& state) = 0;

  const char* const name_;

 private:
  void check_step(const Tensor& parameter, const Tensor& grad) const;
  void prepare_moments(size_t group, const Tensor& parameter, ParamState& state) const;
  std::vector<Options> all_options() const;

  std::vector<std::vector<Tensor>> groups_;
  std::vector<std::vector<ParamState>> states_;
};

}  // namespace attune::optim
