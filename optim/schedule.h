#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "optimizer.h"

namespace attune::optim {

// A learning rate as a function of the step, counted from 0. An empty function is a ValueError
// where one is asked for.
using Schedule = std::function<double(int64_t step)>;

// base throughout.
Schedule constant_lr(double base);
// base · gamma^(step / period), the exponent rounded down.
Schedule step_lr(double base, int64_t period, double gamma = 0.1);
// base · gamma^k after k of the milestones, which are steps in any order.
Schedule multi_step_lr(double base, std::vector<int64_t> milestones, double gamma = 0.1);
// base · gamma^step.
Schedule exponential_lr(double base, double gamma);
// From base to last on a straight line over `steps`, then last.
Schedule linear_lr(double base, double last, int64_t steps);
// From base to last on half a cosine over `steps`, then last. Loshchilov and Hutter 2017.
Schedule cosine_lr(double base, double last, int64_t steps);
// Up to peak over the first `rise` of the steps and down again, both on half a cosine: from peak /
// 25 and to peak / 250,000. Smith and Topin 2018, with PyTorch's defaults.
Schedule one_cycle_lr(double peak, int64_t steps, double rise = 0.3);
// The first `steps` on a straight line from 0 (excluded) to where `then` begins; then `then`, from
// its own step 0.
Schedule warm_up(int64_t steps, Schedule then);

// Sets the learning rate of every group of the optimizer, or of one, to that of the step.
void apply(const Schedule& schedule, int64_t step, Optimizer& optimizer);
void apply(const Schedule& schedule, int64_t step, Optimizer& optimizer, size_t group);

// A schedule that drives an optimizer and counts its steps, as torch.optim.lr_scheduler does: it
// sets the learning rate of step 0 when it is made, and that of the next step in every step(),
// which is called after the optimizer's. It drives every group, or the one that it is given. The
// optimizer must outlive it.
class LrScheduler {
 public:
  // ValueError if groups that it is to drive together have different learning rates, which would be
  // lost: such take a scheduler each. IndexError if there is no such group.
  LrScheduler(Optimizer& optimizer, Schedule schedule, std::optional<size_t> group = {});

  void step();
  // Calls of step() so far.
  int64_t steps() const { return steps_; }
  // The learning rate that the schedule gives now.
  double lr() const { return schedule_(steps_); }

  // The count, and the learning rate by which load_state_dict knows the schedule.
  StateDict state_dict() const;
  // Goes on at the saved step, and sets its learning rate. FormatError, with nothing changed, if
  // the state is not one or if this schedule gives another learning rate there than the saved one
  // did.
  void load_state_dict(const StateDict& state);

 private:
  void set_lr_of(int64_t step) const;

  Optimizer& optimizer_;
  Schedule schedule_;
  std::optional<size_t> group_;
  int64_t steps_ = 0;
};

}  // namespace attune::optim
