#include <attune/io.h>
#include <attune/optim.h>

#include <cmath>

#include "../catch.h"

using namespace attune;

namespace {

void check_rates(const std::string& name, const optim::Schedule& schedule) {
  static const StateDict arrays =
      io::load_safetensors(ATTUNE_TEST_DATA "/optim.safetensors").arrays;
  const double* expected = arrays.at("lr." + name).data<double>();
  for (int64_t step = 0; step < 100; ++step) {
    INFO(name << " at step " << step);
    CHECK(schedule(step) == Approx(expected[step]).epsilon(1e-11));
  }
}

// As PyTorch's schedule of that name, alone and behind a warm-up of 10 steps.
void check_golden(const std::string& name, const optim::Schedule& schedule) {
  check_rates(name, schedule);
  check_rates("warm." + name, optim::warm_up(10, schedule));
}

}  // namespace

TEST_CASE("schedules follow PyTorch's") {
  check_golden("constant", optim::constant_lr(0.1));
  check_golden("step", optim::step_lr(0.1, 7, 0.5));
  check_golden("multi_step", optim::multi_step_lr(0.1, {50, 7, 7, 90}, 0.5));
  check_golden("exponential", optim::exponential_lr(0.1, 0.97));
  check_golden("linear", optim::linear_lr(0.1, 0.001, 40));
  check_golden("cosine", optim::cosine_lr(0.1, 0.001, 99));
  check_golden("one_cycle", optim::one_cycle_lr(0.1, 100));
  check_golden("late_cycle", optim::one_cycle_lr(0.1, 100, 0.7));
}

TEST_CASE("a warm-up climbs to the schedule behind it") {
  const optim::Schedule schedule = optim::warm_up(4, optim::linear_lr(0.8, 0, 8));
  const double expected[] = {0.2, 0.4, 0.6, 0.8, 0.8, 0.7};
  for (int64_t step = 0; step < 6; ++step) CHECK(schedule(step) == Approx(expected[step]));
  CHECK(optim::warm_up(0, optim::constant_lr(0.3))(0) == 0.3);
}

TEST_CASE("schedules stay finite at their edges") {
  const optim::Schedule no_rise = optim::one_cycle_lr(0.1, 10, 0.1);
  CHECK(no_rise(0) == Approx(0.1));
  for (int64_t step = 0; step < 20; ++step) CHECK(std::isfinite(no_rise(step)));
  CHECK(std::isfinite(optim::one_cycle_lr(0.1, 1)(0)));
  CHECK(optim::cosine_lr(1, 0.25, 5)(1000) == 0.25);
  CHECK_THROWS_AS(optim::cosine_lr(1, 0, 0), ValueError);
}

TEST_CASE("schedules reach the largest number without passing it") {
  const double top = 1e308;
  const optim::Schedule schedule = optim::warm_up(10, optim::cosine_lr(top, top / 10, 20));
  for (int64_t step = 0; step < 30; ++step) CHECK(schedule(step) <= top);
  CHECK(schedule(4) == Approx(top / 2));
}

TEST_CASE("apply sets every group, or the one it is told") {
  const Tensor a = tensor({1.0}).requires_grad_(), b = tensor({1.0}).requires_grad_();
  optim::SGD sgd({a});
  sgd.add_param_group({b}, {});
  optim::apply(optim::constant_lr(0.125), 3, sgd);
  CHECK(sgd.lr(0) == 0.125);
  CHECK(sgd.lr(1) == 0.125);
  optim::apply(optim::constant_lr(0.5), 3, sgd, 1);
  CHECK(sgd.lr(0) == 0.125);
  CHECK(sgd.lr(1) == 0.5);
}

TEST_CASE("a scheduler drives one group, or all that have one learning rate") {
  const Tensor a = tensor({1.0}).requires_grad_(), b = tensor({1.0}).requires_grad_();
  optim::SGD sgd({a}, {.lr = 0.5});
  sgd.add_param_group({b}, {.lr = 0.25});
  CHECK_THROWS_WITH(optim::LrScheduler(sgd, optim::constant_lr(1)),
                    Catch::Matchers::ContainsSubstring("make a scheduler for each group"));
  CHECK_THROWS_AS(optim::LrScheduler(sgd, optim::constant_lr(1), 2), IndexError);
  CHECK(sgd.lr(1) == 0.25);
  optim::LrScheduler fast(sgd, optim::linear_lr(0.5, 0.1, 4), 0);
  optim::LrScheduler slow(sgd, optim::linear_lr(0.25, 0.05, 4), 1);
  fast.step();
  slow.step();
  CHECK(sgd.lr(0) == Approx(0.4));
  CHECK(sgd.lr(1) == Approx(0.2));
  slow.load_state_dict({{"steps", scalar_array(int64_t{4})}, {"lr", scalar_array(0.05)}});
  CHECK(sgd.lr(0) == Approx(0.4));
  CHECK(sgd.lr(1) == Approx(0.05));
}

TEST_CASE("a scheduler counts the optimizer's steps, and goes on where it was") {
  const Tensor a = tensor({1.0}).requires_grad_();
  optim::SGD sgd({a}), resumed({a});
  const auto schedule = optim::linear_lr(0.8, 0, 8);
  optim::LrScheduler scheduler(sgd, schedule), after(resumed, schedule);
  for (int64_t step = 0; step < 5; ++step) {
    CHECK(sgd.lr() == schedule(step));
    scheduler.step();
  }
  after.load_state_dict(scheduler.state_dict());
  CHECK(after.steps() == 5);
  CHECK(resumed.lr() == sgd.lr());

  const auto refused = [](optim::LrScheduler& other, const StateDict& state, const char* message) {
    const int64_t steps = other.steps();
    CHECK_THROWS_AS(other.load_state_dict(state), FormatError);
    CHECK_THROWS_WITH(other.load_state_dict(state), Catch::Matchers::ContainsSubstring(message));
    CHECK(other.steps() == steps);
  };
  optim::LrScheduler longer(resumed, optim::linear_lr(0.8, 0, 9));
  refused(longer, scheduler.state_dict(), "learning rate of 0.3");
  CHECK(resumed.lr() == 0.8);
  StateDict state = scheduler.state_dict();
  state["steps"] = scalar_array(int64_t{-1});
  refused(after, state, "step -1");
  refused(after, {}, "steps is missing");
}
