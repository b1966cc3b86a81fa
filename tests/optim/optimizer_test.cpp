#include <attune/autograd.h>
#include <attune/io.h>
#include <attune/optim.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

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
  void step(int64_t at) const {
    a.set_grad(copy(golden().at("a.grad").select(0, at)));
    b.set_grad(at % 3 == 2 ? Tensor() : copy(golden().at("b.grad").select(0, at)));
    optimizer->step();
  }
};

void check_golden(const std::string& name, const Make& make) {
  const Run run(make);
  for (int64_t at = 0; at < 100; ++at) {
    run.step(at);
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
    optimizer->add_param_group({b}, second);
    return optimizer;
  };
}

template <class Optimizer, class Options>
void check_adam(const std::string& name) {
  for (bool amsgrad : {false, true})
    for (const char* decay : {"0.0", "0.05"})
      check_golden(name + (amsgrad ? ".1." : ".0.") + decay,
                   two_groups<Optimizer>(Options{.betas = {0.8, 0.95},
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
  check_golden("sgd.maximize", two_groups<optim::SGD>(optim::SgdOptions{
                                   .momentum = 0.9, .weight_decay = 0.05, .maximize = true}));
}

TEST_CASE("Adam and AdamW take PyTorch's steps") {
  check_adam<optim::Adam, optim::AdamOptions>("adam");
  check_adam<optim::AdamW, optim::AdamWOptions>("adamw");
  check_golden("adamw.maximize", two_groups<optim::AdamW>(
                                     optim::AdamWOptions{.weight_decay = 0.05, .maximize = true}));
}

TEST_CASE("Adam that forgets at once sees a small gradient after a large one") {
  for (const DType dtype : {float32, float64}) {
    Tensor x = zeros({3}, dtype).requires_grad_();
    optim::Adam adam({x}, {.lr = 1, .betas = {0, 0}, .eps = 1e-12});
    double expected = 0;
    for (const double gradient : {1e8, 0.1, 0.1}) {
      x.set_grad(full({3}, gradient, dtype));
      adam.step();
      expected -= 1;
      for (const double value : x.detach().to(float64).to_vector<double>())
        CHECK(value == Approx(expected).epsilon(1e-6));
    }
  }
}

TEST_CASE("a loaded optimizer goes on bit for bit, with its options") {
  for (const Make& make : {full_adam, momentum_sgd}) {
    const Run whole(make), before(make), after(make);
    for (int64_t at = 0; at < 20; ++at) whole.step(at);
    for (int64_t at = 0; at < 10; ++at) before.step(at);
    {
      NoGrad no_grad;
      after.a.copy_(before.a);
      after.b.copy_(before.b);
    }
    after.optimizer->set_lr(7, 1);
    after.optimizer->load_state_dict(before.optimizer->state_dict());
    CHECK(after.optimizer->lr(0) == 0.05);
    CHECK(after.optimizer->lr(1) == 0.02);
    before.step(10);  // must not reach what was loaded
    for (int64_t at = 10; at < 20; ++at) after.step(at);
    CHECK(after.a.to_vector<double>() == whole.a.to_vector<double>());
    CHECK(after.b.to_vector<double>() == whole.b.to_vector<double>());
  }
}

TEST_CASE("a state dict is a snapshot in both directions") {
  const Run run(full_adam);
  run.step(0);
  const StateDict saved = run.optimizer->state_dict();
  const auto values = [&] { return Tensor(saved.at("0.0.exp_avg")).to_vector<double>(); };
  const auto before = values();
  run.step(1);
  CHECK(values() == before);
  CHECK(saved.at("0.0.step").data<int64_t>()[0] == 1);
  Array copied = run.optimizer->state_dict().at("0.0.exp_avg");
  const auto moment = Tensor(copied).clone().to_vector<double>();
  copied.write<double>([](double* value) { *value = 1e3; });
  CHECK(Tensor(run.optimizer->state_dict().at("0.0.exp_avg")).to_vector<double>() == moment);

  const Run other(full_adam);
  other.optimizer->load_state_dict(saved);
  Array held = saved.at("0.0.exp_avg");
  held.write<double>([](double* value) { *value = 1e3; });
  CHECK(Tensor(other.optimizer->state_dict().at("0.0.exp_avg")).to_vector<double>() == before);
}

TEST_CASE("a state dict holds options by group, and moments and counts by parameter") {
  const Run run(two_groups<optim::Adam>(optim::AdamOptions{.weight_decay = 0.5}));
  for (int64_t at = 0; at < 3; ++at) run.step(at);
  const StateDict state = run.optimizer->state_dict();
  std::vector<std::string> names;
  for (const auto& [name, array] : state) names.push_back(name);
  CHECK(names == std::vector<std::string>{"0.0.exp_avg",
                                          "0.0.exp_avg_sq",
                                          "0.0.step",
                                          "0.amsgrad",
                                          "0.beta1",
                                          "0.beta2",
                                          "0.decoupled_weight_decay",
                                          "0.eps",
                                          "0.lr",
                                          "0.maximize",
                                          "0.num_parameters",
                                          "0.weight_decay",
                                          "1.0.exp_avg",
                                          "1.0.exp_avg_sq",
                                          "1.0.step",
                                          "1.amsgrad",
                                          "1.beta1",
                                          "1.beta2",
                                          "1.decoupled_weight_decay",
                                          "1.eps",
                                          "1.lr",
                                          "1.maximize",
                                          "1.num_parameters",
                                          "1.weight_decay"});
  CHECK(*state.at("0.0.step").data<int64_t>() == 3);
  CHECK(*state.at("1.0.step").data<int64_t>() == 2);
  CHECK(*state.at("1.lr").data<double>() == 0.02);
  CHECK(*state.at("1.weight_decay").data<double>() == 0.5);
}

TEST_CASE("a state that does not fit is refused, names what is wrong, and changes nothing") {
  const Run run(full_adam), other(full_adam);
  run.step(0);
  const auto lone = [](auto value) { return tensor(value).array(); };
  struct Case {
    const char* message;
    std::function<void(StateDict&)> spoil;
  };
  const Case cases[] = {
      {"7.0.exp_avg belongs", [](auto& s) { s["7.0.exp_avg"] = s["0.0.exp_avg"]; }},
      {"0.0.velocity belongs", [](auto& s) { s["0.0.velocity"] = s["0.0.exp_avg"]; }},
      {"0.0.exp_avg is float64 [5]", [](auto& s) { s["0.0.exp_avg"] = s["1.0.exp_avg"]; }},
      {"0.0.exp_avg is float32",
       [](auto& s) {
         s["0.0.exp_avg"] = zeros({2, 3}).array();
       }},
      {"0.0.step is missing", [](auto& s) { s.erase("0.0.step"); }},
      {"0.0.exp_avg_sq is missing", [](auto& s) { s.erase("0.0.exp_avg_sq"); }},
      {"0.0.step is 0", [&](auto& s) { s["0.0.step"] = lone(int64_t{0}); }},
      {"0.num_parameters is missing", [](auto& s) { s.erase("0.num_parameters"); }},
      {"group 1 of the state has 2", [&](auto& s) { s["1.num_parameters"] = lone(int64_t{2}); }},
      {"1.lr is missing", [](auto& s) { s.erase("1.lr"); }},
      {"1.lr is int64 []", [&](auto& s) { s["1.lr"] = lone(int64_t{1}); }},
      {"lr is nan", [&](auto& s) { s["1.lr"] = lone(std::nan("")); }},
      {"betas 0.9 and 2", [&](auto& s) { s["1.beta2"] = lone(2.0); }},
      {"1.maximize is missing", [](auto& s) { s.erase("1.maximize"); }},
  };
  const auto before = other.optimizer->state_dict();
  for (const Case& c : cases) {
    StateDict state = run.optimizer->state_dict();
    state["0.lr"] = lone(3.0);
    c.spoil(state);
    INFO(c.message);
    CHECK_THROWS_AS(other.optimizer->load_state_dict(state), FormatError);
    CHECK_THROWS_WITH(other.optimizer->load_state_dict(state), ContainsSubstring(c.message));
    CHECK(other.optimizer->lr() == 0.05);
    CHECK(other.optimizer->state_dict().size() == before.size());
  }
  const Run sgd(momentum_sgd);
  CHECK_THROWS_AS(sgd.optimizer->load_state_dict(run.optimizer->state_dict()), FormatError);
}

TEST_CASE("groups have options of their own") {
  const Tensor a = tensor({1.0}).requires_grad_(), b = tensor({1.0}).requires_grad_();
  optim::SGD sgd({a}, {.lr = 0.5});
  sgd.add_param_group({b}, {.lr = 0.25, .weight_decay = 2});
  CHECK(sgd.num_groups() == 2);
  CHECK(sgd.lr(1) == 0.25);
  CHECK(sgd.options(1).weight_decay == 2);
  a.set_grad(tensor({1.0}));
  b.set_grad(tensor({1.0}));
  sgd.step();
  CHECK(a.item<double>() == 1 - 0.5);
  CHECK(b.item<double>() == 1 - 0.25 * (1 + 2));
  sgd.set_lr(0, 1);
  sgd.step();
  CHECK(a.item<double>() == 0);
  CHECK(b.item<double>() == 0.25);
}

TEST_CASE("a parameter converted between steps takes its moments along") {
  Run converted(full_adam), whole(full_adam);
  // Values that float32 represents exactly, so that nothing is lost on the way.
  for (const Run* run : {&converted, &whole}) {
    NoGrad no_grad;
    run->a.fill_(0.5);
    run->b.fill_(0.25);
  }
  const auto step = [](const Run& run, double g) {
    run.a.set_grad(full_like(run.a, g));
    run.b.set_grad(full_like(run.b, g));
    run.optimizer->step();
  };
  step(whole, 0.5);
  step(whole, -1);
  step(converted, 0.5);
  converted.a.convert_(float32);
  step(converted, -1);
  CHECK(converted.a.dtype() == float32);
  CHECK(converted.optimizer->state_dict().at("0.0.exp_avg").dtype() == float32);
  CHECK(converted.b.to_vector<double>() == whole.b.to_vector<double>());
  for (int i = 0; i < 6; ++i)
    CHECK(converted.a.to_vector<float>()[static_cast<size_t>(i)] ==
          Approx(whole.a.to_vector<double>()[static_cast<size_t>(i)]).epsilon(1e-6));
}

TEST_CASE("a step that cannot be made changes nothing") {
  const Run run(full_adam);
  run.step(0);
  const auto before = run.a.to_vector<double>();
  run.b.convert_(bfloat16);
  run.a.set_grad(ones_like(run.a));
  run.b.set_grad(Tensor(Array({5}, bfloat16)));
  CHECK_THROWS_AS(run.optimizer->step(), DTypeError);
  CHECK_THROWS_WITH(run.optimizer->step(), ContainsSubstring("bfloat16"));
  CHECK(run.a.to_vector<double>() == before);
  CHECK(*run.optimizer->state_dict().at("0.0.step").data<int64_t>() == 1);
  run.b.assign_(ones({5, 2}, float64).array().select(1, 0));
  run.b.set_grad(ones_like(run.b));
  CHECK_THROWS_AS(run.optimizer->step(), ValueError);
  CHECK(run.a.to_vector<double>() == before);
}

TEST_CASE("a step is a write that an older tape notices") {
  const Run run(plain_sgd);
  const Tensor loss = (run.a * run.a).sum();
  run.step(0);
  CHECK_THROWS_AS(loss.backward(), GradError);
}

TEST_CASE("frozen and untouched parameters are left alone") {
  const Tensor frozen = tensor({1.0}), untouched = tensor({1.0}).requires_grad_();
  optim::Adam adam({frozen, untouched}, {.lr = 1});
  adam.zero_grad();
  adam.step();
  CHECK(frozen.item<double>() == 1);
  CHECK(untouched.item<double>() == 1);
}

TEST_CASE("an infinite parameter stays what it is without weight decay") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto check = [&](const auto& optimizer_of) {
    const Tensor x = tensor({1.0, -inf, 2.0}).requires_grad_();
    auto optimizer = optimizer_of(x);
    x.set_grad(tensor({1.0, 0.0, 1.0}));
    optimizer.step();
    const auto values = x.to_vector<double>();
    CHECK(values[0] < 1);
    CHECK(values[1] == -inf);
  };
  check([](const Tensor& x) { return optim::SGD({x}, {.lr = 0.1}); });
  check([](const Tensor& x) { return optim::Adam({x}, {.lr = 0.1}); });
  check([](const Tensor& x) { return optim::AdamW({x}, {.lr = 0.1}); });
}

TEST_CASE("bad options and parameters are refused") {
  const Tensor x = copy(golden().at("a.start")).requires_grad_();
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  for (double bad : {-1.0, nan, inf}) {
    CHECK_THROWS_AS(optim::SGD({x}, {.lr = bad}), ValueError);
    CHECK_THROWS_AS(optim::SGD({x}, {.momentum = bad}), ValueError);
    CHECK_THROWS_AS(optim::SGD({x}, {.weight_decay = bad}), ValueError);
    CHECK_THROWS_AS(optim::Adam({x}, {.lr = bad}), ValueError);
    CHECK_THROWS_AS(optim::Adam({x}, {.betas = {0.9, bad}}), ValueError);
    CHECK_THROWS_AS(optim::AdamW({x}, {.eps = bad}), ValueError);
    CHECK_THROWS_AS(optim::AdamW({x}, {.weight_decay = bad}), ValueError);
    optim::SGD sgd({x});
    CHECK_THROWS_AS(sgd.set_lr(bad), ValueError);
  }
  CHECK_THROWS_AS(optim::SGD({x}, {.momentum = 0.5, .dampening = nan}), ValueError);
  CHECK_THROWS_AS(optim::SGD({x}, {.nesterov = true}), ValueError);
  CHECK_THROWS_AS(optim::Adam({x}, {.betas = {1, 0.9}}), ValueError);
  CHECK_THROWS_AS(optim::SGD({x, x}, {}), ValueError);
  CHECK_THROWS_AS(optim::SGD({x * x}, {}), ValueError);
  CHECK_THROWS_AS(optim::SGD({x, Tensor()}, {}), ValueError);
  CHECK_THROWS_AS(optim::SGD({tensor({1, 2})}, {}), ValueError);
  CHECK_THROWS_AS(optim::SGD({tensor({{1.0, 2.0}, {3.0, 4.0}}).transpose(0, 1).detach()}, {}),
                  ValueError);
  CHECK_THROWS_AS(optim::SGD(std::vector<Tensor>{}, {}), ValueError);
  optim::SGD sgd({x});
  CHECK_THROWS_AS(sgd.add_param_group({x}, {}), ValueError);
  CHECK(sgd.num_groups() == 1);
}

TEST_CASE("an optimizer moves with its state, and has no copy that would share its moments") {
  static_assert(!std::is_copy_constructible_v<optim::SGD>);
  static_assert(!std::is_copy_constructible_v<optim::AdamW>);
  const Tensor x = tensor({1.0}).requires_grad_();
  optim::SGD sgd({x}, {.lr = 1, .momentum = 0.5});
  x.set_grad(tensor({1.0}));
  sgd.step();
  optim::SGD moved = std::move(sgd);
  moved.step();
  CHECK(x.item<double>() == 1 - 1 - 1.5);
}

TEST_CASE("every element of a large tensor is stepped once, on two threads") {
  const int threads = num_threads();
  set_num_threads(2);
  const auto values = [](int64_t n, const auto& make) {
    const Tensor x = full({n}, 3.0, float64).requires_grad_();
    auto optimizer = make(x);
    for (int i = 0; i < 2; ++i) {
      x.set_grad(full({n}, 0.5, float64));
      optimizer.step();
    }
    return x.to_vector<double>();
  };
  const auto check = [&](const auto& make) {
    constexpr size_t many = 1 << 20;
    CHECK(values(many, make) == std::vector<double>(many, values(1, make)[0]));
  };
  check([](const Tensor& x) {
    return optim::SGD({x}, {.lr = 0.1, .momentum = 0.9, .nesterov = true});
  });
  check([](const Tensor& x) { return optim::AdamW({x}, {.lr = 0.1}); });
  set_num_threads(threads);
}
