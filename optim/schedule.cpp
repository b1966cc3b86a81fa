#include "schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "../array/fail.h"

namespace attune::optim {
namespace {

// From `from` at 0 to `to` at 1.
double half_cosine(double from, double to, double progress) {
  return to + (from - to) * ((1 + std::cos(std::numbers::pi * progress)) / 2);
}

double progress(int64_t step, int64_t steps) {
  return std::min(static_cast<double>(step) / static_cast<double>(steps), 1.0);
}

void check_steps(const char* name, int64_t steps) {
  if (steps < 1) fail<ValueError>(name, "{} steps; there must be at least one", steps);
}

void check_schedule(const char* name, const Schedule& schedule) {
  if (!schedule) fail<ValueError>(name, "the schedule is empty");
}

}  // namespace

Schedule constant_lr(double base) {
  return [base](int64_t) { return base; };
}

Schedule step_lr(double base, int64_t period, double gamma) {
  check_steps("step_lr", period);
  return [=](int64_t step) { return base * std::pow(gamma, static_cast<double>(step / period)); };
}

Schedule multi_step_lr(double base, std::vector<int64_t> milestones, double gamma) {
  return [=](int64_t step) {
    const auto passed = std::count_if(milestones.begin(), milestones.end(),
                                      [=](int64_t milestone) { return milestone <= step; });
    return base * std::pow(gamma, static_cast<double>(passed));
  };
}

Schedule exponential_lr(double base, double gamma) { return step_lr(base, 1, gamma); }

Schedule linear_lr(double base, double last, int64_t steps) {
  check_steps("linear_lr", steps);
  return [=](int64_t step) { return base + (last - base) * progress(step, steps); };
}

Schedule cosine_lr(double base, double last, int64_t steps) {
  check_steps("cosine_lr", steps);
  return [=](int64_t step) { return half_cosine(base, last, progress(step, steps)); };
}

Schedule one_cycle_lr(double peak, int64_t steps, double rise) {
  check_steps("one_cycle_lr", steps);
  if (!(rise > 0 && rise < 1)) fail<ValueError>("one_cycle_lr", "rise {} is not in (0, 1)", rise);
  const double start = peak / 25, end = start / 1e4;
  const double top = rise * static_cast<double>(steps) - 1;
  const double last = static_cast<double>(steps) - 1;
  return [=](int64_t at) {
    const double step = std::min(static_cast<double>(at), last);
    if (step < top) return half_cosine(start, peak, step / top);
    return half_cosine(peak, end, (step - top) / (last - top));
  };
}

Schedule warm_up(int64_t steps, Schedule then) {
  if (steps < 0) fail<ValueError>("warm_up", "{} steps; use 0 or more", steps);
  check_schedule("warm_up", then);
  return [steps, then = std::move(then)](int64_t step) {
    if (step >= steps) return then(step - steps);
    const double top = then(0), risen = top * static_cast<double>(step + 1);
    if (!std::isfinite(risen))
      return top * (static_cast<double>(step + 1) / static_cast<double>(steps));
    return risen / static_cast<double>(steps);
  };
}

void apply(const Schedule& schedule, int64_t step, Optimizer& optimizer) {
  for (size_t group = 0; group < optimizer.num_groups(); ++group)
    apply(schedule, step, optimizer, group);
}

void apply(const Schedule& schedule, int64_t step, Optimizer& optimizer, size_t group) {
  check_schedule("apply", schedule);
  optimizer.set_lr(schedule(step), group);
}

LrScheduler::LrScheduler(Optimizer& optimizer, Schedule schedule, std::optional<size_t> group)
    : optimizer_(optimizer), schedule_(std::move(schedule)), group_(group) {
  check_schedule("LrScheduler", schedule_);
  for (size_t other = 1; !group_ && other < optimizer_.num_groups(); ++other)
    if (optimizer_.lr(other) != optimizer_.lr(0))
      fail<ValueError>("LrScheduler",
                       "group 0 has a learning rate of {} and group {} one of {}, which a schedule "
                       "for all would replace; make a scheduler for each group",
                       optimizer_.lr(0), other, optimizer_.lr(other));
  set_lr_of(steps_);
}

void LrScheduler::set_lr_of(int64_t step) const {
  if (group_) {
    apply(schedule_, step, optimizer_, *group_);
  } else {
    apply(schedule_, step, optimizer_);
  }
}

void LrScheduler::step() {
  set_lr_of(steps_ + 1);
  ++steps_;
}

StateDict LrScheduler::state_dict() const {
  return {{"steps", scalar_array(steps_)}, {"lr", scalar_array(lr())}};
}

void LrScheduler::load_state_dict(const StateDict& state) {
  StateReader reader(state, "scheduler");
  const auto steps = reader.number<int64_t>("steps");
  const auto saved = reader.number<double>("lr");
  reader.expect_end();
  if (steps < 0 || steps > int64_t{1} << 62)
    fail<FormatError>("load_state_dict", "the scheduler cannot be at step {}", steps);
  const double here = schedule_(steps);
  // Another machine's cosine may differ in its last bits.
  if (!(std::abs(here - saved) <= 1e-9 * std::abs(saved)))
    fail<FormatError>("load_state_dict",
                      "the saved scheduler had a learning rate of {} after {} steps, this one has "
                      "{}; it takes the same schedule to go on",
                      saved, steps, here);
  set_lr_of(steps);
  steps_ = steps;
}

}  // namespace attune::optim
