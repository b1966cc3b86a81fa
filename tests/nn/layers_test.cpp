#include "golden.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

const Golden& golden() {
  static const Golden file("nn.safetensors");
  return file;
}

}  // namespace

TEST_CASE("layers agree with PyTorch's in value and every gradient") {
  const auto apply = [](const auto& module, const Inputs& in) { return module(in.at("x")); };
  golden().check("linear", nn::Linear(3, 4), apply);
  golden().check("layer_norm", nn::LayerNorm(6), apply);
  golden().check("rms_norm", nn::RMSNorm(6), apply);
  golden().check("layer_norm_2d", nn::LayerNorm({2, 3}, {.eps = 1e-3}), apply);
  golden().check("layer_norm_unbiased", nn::LayerNorm(6, {.bias = false}), apply);
  golden().check("rms_norm_2d", nn::RMSNorm({2, 3}, {.eps = 1e-3}), apply);
}

TEST_CASE("Conv1D is a Linear with its weight the other way round, gradient included") {
  const nn::Conv1D conv(3, 4);
  const nn::Linear flipped(transpose(conv.weight.detach(), 0, 1).clone(),
                           conv.bias.detach().clone());
  const Tensor x = randn({2, 5, 3});
  CHECK(amax(abs(conv(x) - flipped(x))).item<float>() < 1e-6);
  square(conv(x)).sum().backward();
  square(flipped(x)).sum().backward();
  CHECK(conv.weight.grad().array().is_contiguous());
  const Tensor error = amax(abs(conv.weight.grad() - transpose(flipped.weight.grad(), 0, 1)));
  CHECK(error.item<float>() < 1e-5);
}

TEST_CASE("an Embedding's padding row starts at zero and takes no gradient") {
  const nn::Embedding table(4, 2, {.padding_idx = 1});
  CHECK(select(table.weight, 0, 1).to_vector<float>() == std::vector<float>{0, 0});
  table(tensor({1, 2, 1})).sum().backward();
  CHECK(table.weight.grad().to_vector<float>() == std::vector<float>{0, 0, 0, 0, 1, 1, 0, 0});
  CHECK(nn::Embedding(4, 2, {.padding_idx = -1}).weight.to_vector<float>().back() == 0);
  CHECK_THROWS_AS(nn::Embedding(4, 2, {.padding_idx = 4}), ValueError);
  CHECK_THROWS_AS(nn::Embedding(4, 2, {.padding_idx = -5}), ValueError);
}

TEST_CASE("norms without parameters, and shapes and options that do not fit") {
  const Tensor x = randn({2, 3, 4});
  const nn::LayerNorm plain({3, 4}, {.elementwise_affine = false});
  CHECK(plain.parameters().empty());
  CHECK(plain(x).to_vector<float>() == layer_norm(x, {3, 4}).to_vector<float>());
  const nn::RMSNorm scale_free(4, {.elementwise_affine = false});
  CHECK(scale_free.parameters().empty());
  CHECK(scale_free(x).to_vector<float>() == rms_norm(x, {4}).to_vector<float>());
  CHECK_THROWS_AS(plain(randn({2, 4, 3})), ShapeError);
  CHECK_THROWS_AS(nn::LayerNorm(Shape{}), ValueError);
  CHECK_THROWS_AS(nn::LayerNorm(4, {.eps = -1}), ValueError);
  CHECK_THROWS_AS(nn::RMSNorm(4, {.eps = -1}), ValueError);
}

TEST_CASE("Identity and Flatten") {
  const Tensor x = randn({2, 3, 4, 5});
  CHECK(nn::Identity()(x).identity() == x.identity());
  CHECK(nn::Flatten()(x).shape() == Shape{2, 60});
  CHECK(nn::Flatten(0)(x).shape() == Shape{120});
  CHECK(nn::Flatten(1, 2)(x).shape() == Shape{2, 12, 5});
  CHECK_THROWS_AS(nn::Flatten(4)(x), IndexError);
}

TEST_CASE("what is appended to a Sequential is appended to its copies") {
  struct Net : nn::Module {
    nn::Sequential body = child("body", nn::Sequential(nn::Linear(2, 3)));
  };
  Net net;
  nn::Sequential copy = net.body;
  copy.append(nn::Linear(3, 4));
  CHECK(net.body(ones({1, 2})).shape() == Shape{1, 4});
  net.body.append(nn::Linear(4, 5));
  CHECK(copy(ones({1, 2})).shape() == Shape{1, 5});
  CHECK(net.parameters().size() == 6);
}

TEST_CASE("Dropout works while training only") {
  const nn::Dropout half(0.5);
  Tensor x(Array({1000}, float32));
  nn::init::ones_(x);
  const auto y = half(x).to_vector<float>();
  const auto kept = std::count(y.begin(), y.end(), 2.f);
  CHECK((kept > 400 && kept < 600));
  CHECK(std::count(y.begin(), y.end(), 0.f) == 1000 - kept);
  half.eval();
  CHECK(half(x).to_vector<float>() == x.to_vector<float>());
  CHECK_THROWS_AS(nn::Dropout(1.5), ValueError);
}
