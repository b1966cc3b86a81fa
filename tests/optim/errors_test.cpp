// Optimizers, clipping and schedules refuse what does not fit by an error in their name, and change
// nothing: parameters, gradients, moments, options.
#include <attune/optim.h>

#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "../refusals.h"

using namespace attune;
using namespace attune::test;
using namespace attune::optim;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t vast = std::numeric_limits<int64_t>::max();

Tensor leaf(DType dtype = float64) { return ones({2, 3}, dtype).requires_grad_(); }

using Content = std::map<std::string, std::vector<double>>;

void add(Content& content, const std::string& name, const Tensor& x) {
  content[name + to_string(x.shape()) + std::string(name_of(x.dtype()))] =
      x.to(float64).to_vector<double>();
}

Content content_of(const Optimizer& optimizer) {
  Content content;
  for (const auto& [name, array] : optimizer.state_dict()) add(content, name, Tensor(array));
  return content;
}

// Two groups of every optimizer, each after a step.
struct Scene {
  Tensor a = leaf(), b = ones({}, float64).requires_grad_();
  SGD sgd{{a}, {.lr = 0.1, .momentum = 0.9}};
  Adam adam{{a}, {.lr = 0.1, .amsgrad = true}};
  AdamW adamw{{a}, {.lr = 0.1}};
  LrScheduler scheduler{adam, linear_lr(0.8, 0.1, 8)};

  Scene() {
    sgd.add_param_group({b}, {.lr = 0.2});
    adam.add_param_group({b}, {.lr = 0.2});
    adamw.add_param_group({b}, {.lr = 0.2});
    for (const Tensor& x : {a, b}) x.set_grad(ones_like(x));
    for (Optimizer* optimizer : optimizers()) optimizer->step();
    scheduler.step();
  }
  std::vector<Optimizer*> optimizers() { return {&sgd, &adam, &adamw}; }

  // Everything that a refused call must leave as it is.
  std::vector<Content> content() {
    std::vector<Content> all(1);
    add(all[0], "a", a);
    add(all[0], "a.grad", a.grad());
    add(all[0], "b", b);
    add(all[0], "b.grad", b.grad());
    for (const auto& [name, array] : scheduler.state_dict()) add(all[0], name, Tensor(array));
    for (Optimizer* optimizer : optimizers()) all.push_back(content_of(*optimizer));
    return all;
  }
};

Refusals of_constructors() {
  Refusals all;
  for (const double bad : {-1.0, nan, HUGE_VAL, -HUGE_VAL}) {
    const Refusals more = {
        value_error("SGD", "lr is", [=] { SGD({leaf()}, {.lr = bad}); }),
        value_error("SGD", "momentum is", [=] { SGD({leaf()}, {.momentum = bad}); }),
        value_error("SGD", "weight_decay is", [=] { SGD({leaf()}, {.weight_decay = bad}); }),
        value_error("Adam", "lr is", [=] { Adam({leaf()}, {.lr = bad}); }),
        value_error("Adam", "betas",
                    [=] {
                      Adam({leaf()}, {.betas = {bad, 0.9}});
                    }),
        value_error("Adam", "betas 0.9 and",
                    [=] {
                      Adam({leaf()}, {.betas = {0.9, bad}});
                    }),
        value_error("Adam", "eps is", [=] { Adam({leaf()}, {.eps = bad}); }),
        value_error("AdamW", "lr is", [=] { AdamW({leaf()}, {.lr = bad}); }),
        value_error("AdamW", "betas",
                    [=] {
                      AdamW({leaf()}, {.betas = {bad, 0.9}});
                    }),
        value_error("AdamW", "weight_decay is", [=] { AdamW({leaf()}, {.weight_decay = bad}); }),
    };
    all.insert(all.end(), more.begin(), more.end());
  }
  const auto made = [](std::vector<Tensor> parameters) {
    return [parameters] { AdamW{parameters}; };
  };
  const Tensor x = leaf();
  const Refusals more = {
      value_error("Adam", "betas 1 and 0.9",
                  [] {
                    Adam({leaf()}, {.betas = {1, 0.9}});
                  }),
      value_error("SGD", "dampening is", [] { SGD({leaf()}, {.dampening = nan}); }),
      value_error("SGD", "momentum", [] { SGD({leaf()}, {.nesterov = true}); }),
      value_error("SGD", "dampening",
                  [] { SGD({leaf()}, {.momentum = 1, .dampening = 1, .nesterov = true}); }),
      value_error("AdamW", "no parameters", made({})),
      value_error("AdamW", "undefined", made({Tensor()})),
      value_error("AdamW", "undefined", made({x, Tensor()})),
      value_error("AdamW", "[2, 3] is in a group already", made({x, x})),
      value_error("AdamW", "[2, 3] is the result of an operation", made({x * 2})),
      value_error("AdamW", "[3] is int64", made({ones({3}, int64)})),
      value_error("AdamW", "[3] is bool", made({ones({3}, boolean)})),
      value_error("AdamW", "[3, 2] is a strided view", made({x.detach().transpose(0, 1)})),
      value_error("AdamW", "[4] is a strided view", made({ones({1}).expand({4})})),
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Refusals of_groups(Scene& s) {
  Refusals all;
  for (Optimizer* one : s.optimizers()) {
    const std::string name = one == &s.sgd ? "SGD" : one == &s.adam ? "Adam" : "AdamW";
    const Refusals more = {
        index_error(name, "group 2, but 2", [=] { one->parameters(2); }),
        index_error(name, [=] { one->parameters(SIZE_MAX); }),
        index_error(name, [=] { one->lr(2); }),
        index_error(name, [=] { one->set_lr(0.5, 2); }),
        value_error(name, "lr is -1", [=] { one->set_lr(-1); }),
        value_error(name, "lr is nan", [=] { one->set_lr(nan, 1); }),
    };
    all.insert(all.end(), more.begin(), more.end());
  }
  const Refusals more = {
      index_error("SGD", [&] { s.sgd.options(2); }),
      index_error("Adam", [&] { s.adam.options(7); }),
      value_error("SGD", "in a group already", [&] { s.sgd.add_param_group({s.a}, {}); }),
      value_error("Adam", "[] is in a group",
                  [&] {
                    s.adam.add_param_group({leaf(), s.b}, {});
                  }),
      value_error("Adam", "lr is -1", [&] { s.adam.add_param_group({leaf()}, {.lr = -1}); }),
      value_error("AdamW", "result", [&] { s.adamw.add_param_group({s.a * 2}, {}); }),
      value_error("AdamW", "int64", [&] { s.adamw.add_param_group({whole(3)}, {}); }),
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Steps of an optimizer whose second parameter cannot be stepped; the first keeps its value, its
// moments and its count.
Refusals of_steps() {
  const auto step = [](auto spoil) {
    return [spoil] {
      const Tensor first = leaf(), second = leaf();
      Adam adam({first, second});
      for (const Tensor& x : {first, second}) x.set_grad(ones_like(x));
      adam.step();
      first.convert_(float32);
      first.set_grad(ones_like(first));
      spoil(second);
      const auto before = content_of(adam);
      const auto values = first.to_vector<float>();
      try {
        adam.step();
      } catch (const Error&) {
        if (content_of(adam) != before || first.to_vector<float>() != values)
          throw std::logic_error("half a step was made");
        throw;
      }
    };
  };
  const auto with_gradient = [](const Tensor& x) { x.set_grad(ones_like(x)); };
  return {
      dtype_error("Adam", "[2, 3] is bfloat16", step([=](const Tensor& x) {
                    x.convert_(bfloat16);
                    with_gradient(x);
                  })),
      value_error("Adam", "strided memory", step([=](const Tensor& x) {
                    x.assign_(ones({3, 2}, float64).transpose(0, 1).array());
                    with_gradient(x);
                  })),
      dtype_error("Adam", "gradient of a float64 parameter of shape [2, 3] was made float32",
                  step([](const Tensor& x) { x.grad().convert_(float32); })),
      dtype_error("Adam", "was made int64", step([](const Tensor& x) {
                    x.grad().assign_(ones({2, 3}, int64).array());
                  })),
  };
}

Refusals of_gradients(Scene& s) {
  return {
      shape_error("set_grad", "[3, 2]", [&] { s.a.set_grad(some(3, 2)); }),
      shape_error("set_grad", [&] { s.a.set_grad(some()); }),
      dtype_error("set_grad", "float32",
                  [&] {
                    s.a.set_grad(ones({2, 3}));
                  }),
      dtype_error("set_grad", "int64", [&] { s.a.set_grad(whole(2, 3)); }),
      grad_error("set_grad", [] { some(3).set_grad(some(3)); }),
      value_error("clip_grad_norm_", "max_norm -1", [&] { clip_grad_norm_({s.a}, -1); }),
      value_error("clip_grad_norm_", "max_norm nan", [&] { clip_grad_norm_({s.a}, nan); }),
      value_error("clip_grad_norm_", "norm_type 0", [&] { clip_grad_norm_({s.a}, 1, 0); }),
      value_error("clip_grad_norm_", "norm_type -2", [&] { clip_grad_norm_({s.a}, 1, -2); }),
      value_error("clip_grad_norm_", "norm_type nan", [&] { clip_grad_norm_({s.a}, 1, nan); }),
      value_error("clip_grad_norm_", "undefined",
                  [&] {
                    clip_grad_norm_({s.a, Tensor()}, 1);
                  }),
      value_error("clip_grad_norm_", "the norm of the gradients is inf",
                  [] {
                    const Tensor x = leaf();
                    x.set_grad(full_like(x, HUGE_VAL));
                    clip_grad_norm_({x}, 1, 2, true);
                  }),
      value_error("clip_grad_value_", "limit -1", [&] { clip_grad_value_({s.a}, -1); }),
      value_error("clip_grad_value_", "limit nan", [&] { clip_grad_value_({s.a}, nan); }),
      value_error("clip_grad_value_", "undefined",
                  [&] {
                    clip_grad_value_({s.a, Tensor()}, 1);
                  }),
  };
}

Refusals of_states(Scene& s) {
  Refusals all;
  const auto refused = [&](Optimizer& optimizer, const char* says,
                           std::function<void(StateDict&)> spoil) {
    all.push_back(format_error("load_state_dict", says, [&optimizer, spoil] {
      StateDict state = optimizer.state_dict();
      state["0.lr"] = scalar_array(3.0);
      spoil(state);
      optimizer.load_state_dict(state);
    }));
  };
  for (Optimizer* one : s.optimizers()) {
    refused(*one, "0.num_parameters is missing", [](StateDict& state) { state.clear(); });
    refused(*one, "1.lr is missing", [](StateDict& state) { state.erase("1.lr"); });
    refused(*one, "1.lr is int64",
            [](StateDict& state) { state["1.lr"] = scalar_array(int64_t{1}); });
    refused(*one, "lr is -1", [](StateDict& state) { state["1.lr"] = scalar_array(-1.0); });
    refused(*one, "group 0 of the state has 2",
            [](StateDict& state) { state["0.num_parameters"] = scalar_array(int64_t{2}); });
    refused(*one, "belongs to nothing",
            [](StateDict& state) { state["2.lr"] = scalar_array(1.0); });
    refused(*one, "belongs to nothing", [](StateDict& state) { state[""] = scalar_array(1.0); });
    refused(*one, "0.0.step is missing", [](StateDict& state) { state.erase("0.0.step"); });
    for (const int64_t step : {int64_t{0}, int64_t{-5}, vast})
      refused(*one, "0.0.step is ",
              [=](StateDict& state) { state["0.0.step"] = scalar_array(step); });
    refused(*one, "0.0.step is float64 [2]",
            [](StateDict& state) { state["0.0.step"] = Array({2}, float64); });
    refused(*one, "0.lr in the state of the optimizer is undefined",
            [](StateDict& state) { state["0.lr"] = Array(); });
  }
  refused(s.sgd, "0.0.momentum_buffer is missing",
          [](StateDict& state) { state.erase("0.0.momentum_buffer"); });
  refused(s.sgd, "0.0.momentum_buffer is float32 [2, 3]", [](StateDict& state) {
    state["0.0.momentum_buffer"] = Array({2, 3}, float32);
  });
  refused(s.adam, "the state is that of AdamW",
          [](StateDict& state) { state["0.decoupled_weight_decay"] = scalar_array(1.0); });
  refused(s.adam, "1.0.exp_avg in the state of the optimizer is undefined",
          [](StateDict& state) { state["1.0.exp_avg"] = Array(); });
  refused(s.adam, "0.0.exp_avg_sq is float64 [3]",
          [](StateDict& state) { state["0.0.exp_avg_sq"] = Array({3}, float64); });
  refused(s.adam, "0.0.max_exp_avg_sq is missing",
          [](StateDict& state) { state.erase("0.0.max_exp_avg_sq"); });
  refused(s.adam, "0.0.max_exp_avg_sq belongs",
          [](StateDict& state) { state["0.amsgrad"] = scalar_array(0.0); });
  refused(s.adam, "betas 2 and", [](StateDict& state) { state["0.beta1"] = scalar_array(2.0); });
  refused(s.adamw, "betas 0.9 and nan",
          [](StateDict& state) { state["0.beta2"] = scalar_array(nan); });
  const Refusals more = {
      format_error("load_state_dict", [&] { s.sgd.load_state_dict(s.adam.state_dict()); }),
      format_error("load_state_dict", "steps is missing", [&] { s.scheduler.load_state_dict({}); }),
      format_error("load_state_dict", "step -1",
                   [&] {
                     s.scheduler.load_state_dict(
                         {{"steps", scalar_array(int64_t{-1})}, {"lr", scalar_array(0.8)}});
                   }),
      format_error(
          "load_state_dict", "cannot be at step",
          [&] {
            s.scheduler.load_state_dict({{"steps", scalar_array(vast)}, {"lr", scalar_array(0.1)}});
          }),
      format_error("load_state_dict", "learning rate of 0.7 after 2 steps",
                   [&] {
                     s.scheduler.load_state_dict(
                         {{"steps", scalar_array(int64_t{2})}, {"lr", scalar_array(0.7)}});
                   }),
      format_error("load_state_dict", "learning rate of nan",
                   [&] {
                     s.scheduler.load_state_dict(
                         {{"steps", scalar_array(int64_t{2})}, {"lr", scalar_array(nan)}});
                   }),
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Refusals of_schedules(Scene& s) {
  return {
      value_error("step_lr", "0 steps", [] { step_lr(1, 0); }),
      value_error("step_lr", [] { step_lr(1, -vast); }),
      value_error("linear_lr", "0 steps", [] { linear_lr(1, 0, 0); }),
      value_error("cosine_lr", "-3 steps", [] { cosine_lr(1, 0, -3); }),
      value_error("one_cycle_lr", "0 steps", [] { one_cycle_lr(1, 0); }),
      value_error("one_cycle_lr", "rise 0", [] { one_cycle_lr(1, 10, 0); }),
      value_error("one_cycle_lr", "rise 1", [] { one_cycle_lr(1, 10, 1); }),
      value_error("one_cycle_lr", "rise nan", [] { one_cycle_lr(1, 10, nan); }),
      value_error("warm_up", "-1 steps", [] { warm_up(-1, constant_lr(1)); }),
      value_error("warm_up", "empty", [] { warm_up(3, {}); }),
      value_error("apply", "empty", [&] { apply({}, 0, s.sgd); }),
      value_error("apply", "empty", [&] { apply({}, 0, s.sgd, 1); }),
      value_error("SGD", "lr is nan", [&] { apply(constant_lr(nan), 0, s.sgd); }),
      value_error("Adam", "lr is -1", [&] { apply(linear_lr(1, -1, 4), 4, s.adam, 1); }),
      index_error("Adam", "group 2", [&] { apply(constant_lr(1), 0, s.adam, 2); }),
      value_error("LrScheduler", "empty", [&] { LrScheduler(s.sgd, {}); }),
      value_error("SGD", "lr is -1", [&] { LrScheduler(s.sgd, constant_lr(-1), 0); }),
      value_error("SGD", "lr is -1",
                  [&] {
                    SGD other({leaf()});
                    LrScheduler falling(other, linear_lr(1, -1, 2));
                    falling.step();
                    falling.step();
                  }),
  };
}

}  // namespace

TEST_CASE("optimizers and schedules refuse bad input in their name, and stay what they are") {
  Scene scene;
  check_refusals("optimizers",
                 {of_constructors(), of_groups(scene), of_steps(), of_gradients(scene),
                  of_states(scene), of_schedules(scene)},
                 [&] { return scene.content(); });
}
