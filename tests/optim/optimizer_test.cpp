#include <attune/autograd.h>
#include <attune/io.h>
#include <attune/optim.h>

#include <cmath>
#include <functional>
#include <memory>

#include "../catch.h"

using namespace attune;

namespace {

using Make = std::function<std::unique_ptr<optim::Optimizer>(const Tensor& a, const Tensor& b)>;

const StateDict& golden() {
  static const StateDict arrays =
      io::load_safetensors(ATTUNE_TEST_DATA "/optim.safetensors").arrays;
  return arrays;
}

Tensor copy(const Array& array) { return Tensor(array).clone(); }

void check_close(const std::string& what, const Array& ours, const Array& expected) {
  REQUIRE(ours.shape() == expected.shape());
  const double *x = ours.data<double>(), *y = expected.data<double>();
  double worst = 0;
  for (int64_t i = 0; i < ours.numel(); ++i)
    worst = std::max(worst, std::abs(x[i] - y[i]) / (1e-2 + std::abs(y[i])));
  INFO(what << ": relative error " << worst);
  CHECK(worst < 1e-13);
}

struct Run {
  Tensor a = copy(golden().at("a.start")), b = copy(golden().at("b.start"));
  std::unique_ptr<optim::Optimizer> optimizer;

  explicit Run(const Make& make) {
    a.requires_grad_();
    b.requires_grad_();
    optimizer = make(a, b);
  }
  // As the script that made the golden file: b has no gradient on every third step.
  void step(int64_t at, const std::function<void()>& clip = {}) const {
    a.set_grad(copy(golden().at("a.grad").select(0, at)));
    b.set_grad(at % 3 == 2 ? Tensor() : copy(golden().at("b.grad").select(0, at)));
    if (clip) clip();
    optimizer->step();
  }
};

void check_golden(const std::string& name, const Make& make,
                  const std::function<void(const Run&, int64_t)>& clip = {}) {
  const Run run(make);
  for (int64_t at = 0; at < 100; ++at) {
    run.step(at, [&] {
      if (clip) clip(run, at);
    });
    if (at % 10 != 9) continue;
    check_close(name, run.a.array(), golden().at("a." + name).select(0, at / 10));
    check_close(name, run.b.array(), golden().at("b." + name).select(0, at / 10));
  }
}

template <class Optimizer, class Options>
Make two_groups(Options options) {
  return [options](const Tensor& a, const Tensor& b) {
    Options first = options, second = options;
    first.lr = 0.05;
    second.lr = 0.02;
    auto optimizer = std::make_unique<Optimizer>(std::vector{a}, first);
    optimizer->add_group({b}, second);
    return optimizer;
  };
}

template <class Optimizer, class Options>
void check_adam(const std::string& name) {
  for (bool amsgrad : {false, true})
    for (const char* decay : {"0.0", "0.05"})
      check_golden(name + (amsgrad ? ".1." : ".0.") + decay,
                   two_groups<Optimizer>(Options{.beta1 = 0.8,
                                                 .beta2 = 0.95,
                                                 .eps = 1e-6,
                                                 .weight_decay = std::stod(decay),
                                                 .amsgrad = amsgrad}));
}

const Make plain_sgd = two_groups<optim::SGD>(optim::SgdOptions{});
const Make full_adam = two_groups<optim::Adam>(optim::AdamOptions{.amsgrad = true});
const Make momentum_sgd =
    two_groups<optim::SGD>(optim::SgdOptions{.momentum = 0.9, .dampening = 0.3});

}  // namespace

TEST_CASE("SGD takes PyTorch's steps") {
  for (const char* momentum : {"0.0", "0.9"})
    for (const char* decay : {"0.0", "0.05"})
      check_golden(std::string("sgd.") + momentum + "." + decay,
                   two_groups<optim::SGD>(optim::SgdOptions{.momentum = std::stod(momentum),
                                                            .weight_decay = std::stod(decay)}));
  check_golden("sgd.dampening", two_groups<optim::SGD>(optim::SgdOptions{
                                    .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.05}));
  check_golden("sgd.nesterov", two_groups<optim::SGD>(optim::SgdOptions{
                                   .momentum = 0.9, .weight_decay = 0.05, .nesterov = true}));
}

TEST_CASE("Adam and AdamW take PyTorch's steps") {
  check_adam<optim::Adam, optim::AdamOptions>("adam");
  check_adam<optim::AdamW, optim::AdamWOptions>("adamw");
}

TEST_CASE("gradients are clipped as PyTorch clips them") {
  const Array& norms = golden().at("norms");
  check_golden("clip_norm", plain_sgd, [&](const Run& run, int64_t at) {
    CHECK(optim::clip_grad_norm_({run.a, run.b}, 2.5) ==
          Approx(norms.data<double>()[at]).epsilon(1e-13));
  });
  check_golden("clip_value", plain_sgd, [](const Run& run, int64_t) {
    optim::clip_grad_value_({run.a, run.b}, 0.4);
  });
}

TEST_CASE("a loaded optimizer goes on bit for bit") {
  for (const Make& make : {full_adam, momentum_sgd}) {
    const Run whole(make), before(make), after(make);
    for (int64_t at = 0; at < 20; ++at) whole.step(at);
    for (int64_t at = 0; at < 10; ++at) before.step(at);
    {
      NoGrad no_grad;
      after.a.copy_(before.a);
      after.b.copy_(before.b);
    }
    after.optimizer->load_state_dict(before.optimizer->state_dict());
    before.step(10);  // must not reach what was loaded
    for (int64_t at = 10; at < 20; ++at) after.step(at);
    CHECK(after.a.to_vector<double>() == whole.a.to_vector<double>());
    CHECK(after.b.to_vector<double>() == whole.b.to_vector<double>());
  }
}

TEST_CASE("a state that does not fit is refused and changes nothing") {
  const Run run(full_adam), other(full_adam);
  run.step(0);
  const StateDict good = run.optimizer->state_dict();
  StateDict stranger = good, misshapen = good, countless = good;
  stranger.emplace("7.0.exp_avg", good.at("0.0.exp_avg"));
  misshapen.at("0.0.exp_avg") = good.at("1.0.exp_avg");
  countless.erase("0.0.step");
  for (const StateDict& bad : {stranger, misshapen, countless}) {
    CHECK_THROWS_AS(other.optimizer->load_state_dict(bad), FormatError);
    CHECK(other.optimizer->state_dict().empty());
  }
}

TEST_CASE("a step is a write that an older tape notices") {
  const Run run(plain_sgd);
  const Tensor loss = (run.a * run.a).sum();
  run.step(0);
  CHECK_THROWS_AS(loss.backward(), GradError);
}

TEST_CASE("bad options and parameters are refused") {
  const Tensor x = copy(golden().at("a.start")).requires_grad_();
  CHECK_THROWS_AS(optim::SGD({x}, {.lr = -1}), ValueError);
  CHECK_THROWS_AS(optim::SGD({x}, {.nesterov = true}), ValueError);
  CHECK_THROWS_AS(optim::Adam({x}, {.beta1 = 1}), ValueError);
  CHECK_THROWS_AS(optim::AdamW({x}, {.eps = std::nan("")}), ValueError);
  CHECK_THROWS_AS(optim::SGD({x, x}, {}), ValueError);
  CHECK_THROWS_AS(optim::SGD({x * x}, {}), ValueError);
}
