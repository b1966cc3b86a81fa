// Every public way to change a tensor's elements, between the forward and the backward pass that
// needs them: backward refuses, or gives the gradient of what was computed.
#include <attune/attune.h>
#include <kernels/copy.h>
#include <kernels/elementwise.h>

#include <functional>
#include <iostream>

#include "../catch.h"

using namespace attune;

namespace {

// A product that needs both x and the weight in backward, for any module with one Linear.
struct Net : nn::Module {
  nn::Linear linear = child("linear", nn::Linear(3, 3, {.bias = false}));
  Tensor operator()(const Tensor& x) const { return linear(x); }
};

struct Scene {
  Net net;
  Tensor x = rand({2, 3}).requires_grad_();
  Tensor weight = net.linear.weight;
  optim::SGD sgd{{weight}, {.lr = 0.5}};
  optim::AdamW adam{{weight}, {.lr = 0.5}};

  // With a gradient to step by.
  Scene() { weight.set_grad(ones({3, 3})); }
  StateDict other_state() const { return {{"linear.weight", full({3, 3}, 7).array()}}; }
};

struct Way {
  const char* name;
  std::function<void(Scene&)> write;
};

Array array_of(const Tensor& x) { return x.array(); }

const std::vector<Way>& ways() {
  static const std::vector<Way> all = {
      {"add_", [](Scene& s) { s.weight.add_(1); }},
      {"copy_",
       [](Scene& s) {
         s.weight.copy_(zeros({3, 3}));
       }},
      {"fill_ of a row", [](Scene& s) { s.weight.select(0, 1).fill_(7); }},
      {"zero_ of a detached handle", [](Scene& s) { s.weight.detach().zero_(); }},
      {"mul_ of a reshaped view", [](Scene& s) { s.weight.reshape({9}).mul_(3); }},
      {"Array::write", [](Scene& s) { array_of(s.weight).write<float>([](float* w) { *w = 7; }); }},
      {"Array::output", [](Scene& s) { *array_of(s.weight).output<float>() = 7; }},
      {"Array::output of a view",
       [](Scene& s) { *array_of(s.weight).select(0, 2).output<float>() = 7; }},
      {"Array::output_data",
       [](Scene& s) { *static_cast<float*>(array_of(s.weight).output_data()) = 7; }},
      {"Array::output through state_dict()",
       [](Scene& s) { *s.net.state_dict().at("linear.weight").output<float>() = 7; }},
      {"kernels::copy_into",
       [](Scene& s) {
         Array to = array_of(s.weight);
         kernels::copy_into(to, kernels::zeros({3, 3}, float32));
       }},
      {"kernels::add_into",
       [](Scene& s) {
         Array to = array_of(s.weight);
         kernels::add_into(to, kernels::ones({3, 3}, float32));
       }},
      {"assign_",
       [](Scene& s) {
         s.weight.assign_(zeros({3, 3}).array());
       }},
      {"convert_", [](Scene& s) { s.weight.convert_(bfloat16); }},
      {"Module::to", [](Scene& s) { s.net.to(bfloat16); }},
      {"Module::to, there and back",
       [](Scene& s) {
         s.net.to(bfloat16);
         s.net.to(float32);
       }},
      {"Module::load_state_dict", [](Scene& s) { s.net.load_state_dict(s.other_state()); }},
      {"SGD::step", [](Scene& s) { s.sgd.step(); }},
      {"AdamW::step", [](Scene& s) { s.adam.step(); }},
      {"init::normal_", [](Scene& s) { nn::init::normal_(s.weight); }},
      {"init::constant_", [](Scene& s) { nn::init::constant_(s.weight, 1); }},
      {"init::orthogonal_", [](Scene& s) { nn::init::orthogonal_(s.weight); }},
      {"Lora::merge",
       [](Scene& s) {
         const nn::Lora lora(s.net, {.r = 1, .target_modules = {"linear"}});
         for (const Tensor& p : lora.parameters()) nn::init::constant_(p, 1);
         lora.merge();
       }},
      // These write nothing that backward needs.
      {"zero_grad", [](Scene& s) { s.net.zero_grad(); }},
      {"clip_grad_norm_", [](Scene& s) { optim::clip_grad_norm_({s.weight}, 0.1); }},
      {"clip_grad_value_", [](Scene& s) { optim::clip_grad_value_({s.weight}, 0.1); }},
      {"grad().mul_", [](Scene& s) { s.weight.grad().mul_(3); }},
      {"train and eval", [](Scene& s) { s.net.eval(); }},
      {"freezing", [](Scene& s) { s.net.requires_grad_(false); }},
      {"optimizer load_state_dict", [](Scene& s) { s.sgd.load_state_dict(s.sgd.state_dict()); }},
      {"another tensor in the handle",
       [](Scene& s) {
         s.weight = zeros({3, 3});
       }},
      {"another tensor in the module",
       [](Scene& s) {
         s.net.linear.weight = zeros({3, 3});
       }},
      {"another Linear in the module", [](Scene& s) { s.net.linear = nn::Linear(3, 3); }},
  };
  return all;
}

}  // namespace

TEST_CASE("there is no way to write that backward does not notice or need not") {
  int refused = 0;
  for (const Way& way : ways()) {
    INFO(way.name);
    Scene s;
    const Tensor y = s.net(s.x);
    const std::vector<float> right =
        ones({2, 3}).matmul(s.weight.detach().clone()).to_vector<float>();
    {
      NoGrad off;
      way.write(s);
    }
    try {
      y.sum().backward();
      CHECK(s.x.grad().to_vector<float>() == right);
    } catch (const GradError&) {
      ++refused;
      CHECK_FALSE(s.x.grad().defined());
    }
  }
  CHECK(refused == 23);
  std::cout << "ways to write: " << ways().size() << ", " << refused << " refused\n";
}

TEST_CASE("a leaf that was given other data no longer collects what a tape says of the old") {
  Tensor w = rand({3}).requires_grad_(), x = rand({3}).requires_grad_();
  const Tensor y = (w + x).sum();
  w.assign_(zeros({3}).array());
  CHECK_THROWS_AS(y.backward(), GradError);
  CHECK_FALSE(w.grad().defined());
  CHECK_FALSE(x.grad().defined());
  (w + x).sum().backward();
  CHECK(w.grad().to_vector<float>() == std::vector<float>(3, 1));
}

TEST_CASE("a hook that writes to its gradient changes nobody else's") {
  Tensor a = rand({3}).requires_grad_(), b = rand({3}).requires_grad_();
  a.register_hook([](const Tensor& g) {
    g.mul_(5);
    return Tensor();
  });
  const Tensor cotangent = ones({3});
  (a + b).backward(cotangent);
  CHECK(a.grad().to_vector<float>() == std::vector<float>(3, 5));
  CHECK(b.grad().to_vector<float>() == std::vector<float>(3, 1));
  CHECK(cotangent.to_vector<float>() == std::vector<float>(3, 1));
}

TEST_CASE("gradients share no memory with each other or with the cotangent") {
  Tensor a = rand({3}).requires_grad_(), b = rand({3}).requires_grad_();
  const Tensor cotangent = ones({3});
  (a + b).backward(cotangent);
  a.grad().fill_(7);
  CHECK(b.grad().to_vector<float>() == std::vector<float>(3, 1));
  CHECK(cotangent.to_vector<float>() == std::vector<float>(3, 1));
  a.set_grad(cotangent);
  (a + b).backward(cotangent);
  CHECK(a.grad().to_vector<float>() == std::vector<float>(3, 2));
  CHECK(cotangent.to_vector<float>() == std::vector<float>(3, 1));
}

TEST_CASE("keys and values that a cache overwrites are not those of a tape") {
  nn::KvCache cache(4);
  cache.begin(1, 1);
  const auto [k, v, mask] = cache.append(0, ones({1, 1, 1, 2}), ones({1, 1, 1, 2}));
  Tensor q = rand({1, 1, 1, 2}).requires_grad_();
  const Tensor y = scaled_dot_product_attention(q, k, v, mask).sum();
  cache.append(0, zeros({1, 1, 1, 2}), zeros({1, 1, 1, 2}));
  CHECK_THROWS_AS(y.backward(), GradError);
}

TEST_CASE("a tensor that is filled with a constant stays on the tape, where nothing flows") {
  const Tensor x = ones({2}).requires_grad_();
  const auto gradient_after = [&](const std::function<void(const Tensor&)>& write) {
    const Tensor y = x * 2;
    write(y);
    CHECK(y.requires_grad());
    return grad({y.sum()}, {x})[0].to_vector<float>();
  };
  const std::vector<float> none(2);
  CHECK(gradient_after([](const Tensor& y) { y.zero_(); }) == none);
  CHECK(gradient_after([](const Tensor& y) { y.fill_(3); }) == none);
  CHECK(gradient_after([](const Tensor& y) { y.copy_(ones({2})); }) == none);
  CHECK(gradient_after([&](const Tensor& y) { y.copy_(x); }) == std::vector<float>(2, 1));
}

TEST_CASE("a buffer is filled anew for every pass, with infinities too") {
  const AnomalyMode checked;
  const Tensor w = ones({2}).requires_grad_(), buffer = zeros({2});
  for (int pass = 0; pass < 3; ++pass) {
    buffer.copy_(w * 2);
    buffer.sum().backward();
    buffer.zero_();
    buffer.add_(w * w);
    buffer.sum().backward();
  }
  CHECK(w.grad().to_vector<float>() == std::vector<float>(2, 12));
  const Tensor y = w * 2;
  CHECK_NOTHROW(y.fill_(-INFINITY));
  CHECK_NOTHROW(y.copy_(full({2}, INFINITY)));
}
