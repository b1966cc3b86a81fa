#include "../catch.h"

#include <attune/autograd.h>
#include <autograd/ops/composite.h>

#include <cmath>

using namespace attune;

namespace {

Tensor normal(const Shape& shape) { return randn(shape, float64).requires_grad_(); }

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return a.numel() == 0 ? 0 : amax(abs(a - b)).item<double>();
}

// Outputs and gradients of two ways to compute the same.
void require_same(const std::function<Tensor()>& f, const std::function<Tensor()>& g,
                  const std::vector<Tensor>& inputs, double tolerance = 1e-12) {
  const Tensor a = f(), b = g();
  CHECK(largest_difference(a, b) < tolerance);
  const Tensor cotangent = randn(a.shape(), float64);
  const auto da = grad({a}, inputs, {cotangent}), db = grad({b}, inputs, {cotangent});
  for (size_t i = 0; i < inputs.size(); ++i) CHECK(largest_difference(da[i], db[i]) < tolerance);
}

// x with every head repeated n times in a row.
Tensor repeat_heads(const Tensor& x, int64_t n) {
  std::vector<Tensor> heads;
  for (const Tensor& head : split(x, 1, -3))
    heads.insert(heads.end(), static_cast<size_t>(n), head);
  return cat(heads, -3);
}

}  // namespace

TEST_CASE("keys and values of one head serve all heads of the other") {
  manual_seed(1);
  for (const auto& [keys, values] : {std::pair{1, 2}, {1, 3}, {2, 1}, {3, 1}}) {
    const int64_t of_keys = keys, of_values = values, heads = std::max(of_keys, of_values);
    const Tensor q = normal({heads, 3, 4}), k = normal({of_keys, 5, 4}),
                 v = normal({of_values, 5, 2});
    require_same([&] { return scaled_dot_product_attention(q, k, v); },
                 [&] {
                   return scaled_dot_product_attention(q, repeat_heads(k, heads / of_keys),
                                                       repeat_heads(v, heads / of_values));
                 },
                 {q, k, v});
    const Tensor one = normal({1, 3, 4});
    require_same([&] { return scaled_dot_product_attention(one, k, v); },
                 [&] { return scaled_dot_product_attention(repeat_heads(one, heads), k, v); },
                 {one, k, v});
  }
}

TEST_CASE("grouped heads attend as repeated ones do, and gather their gradients") {
  manual_seed(1);
  for (const Shape& batch : {Shape{}, Shape{2}, Shape{2, 3}})
    for (const int64_t shared : {1, 2, 6})
      for (const int64_t queries : {3, 70}) {
        INFO(to_string(batch) << ", " << shared << " shared, " << queries << " queries");
        const auto make = [&](int64_t heads, int64_t rows, int64_t width) {
          Shape shape = batch;
          for (const int64_t size : {heads, rows, width}) shape.push_back(size);
          return normal(shape);
        };
        const Tensor q = make(6, queries, 4), k = make(shared, 150, 4), v = make(shared, 150, 3);
        Mask mask = Mask::causal() & Mask::offset(150 - queries);
        if (batch.size() > 0) mask = mask & Mask::padding({140, 90});
        const AttentionOptions options{.enable_gqa = true};
        require_same([&] { return scaled_dot_product_attention(q, k, v, mask, options); },
                     [&] {
                       return scaled_dot_product_attention(q, repeat_heads(k, 6 / shared),
                                                           repeat_heads(v, 6 / shared), mask);
                     },
                     {q, k, v});
      }
}

TEST_CASE("grouped heads take as many products as repeated ones") {
  const auto flops = [](int64_t heads, int64_t queries) {
    const Tensor q = randn({2, 6, queries, 4}), k = randn({2, heads, 150, 4});
    const Profiler profiler;
    scaled_dot_product_attention(q, k, k, {}, {.enable_gqa = true});
    double sum = 0;
    for (const ProfileRow& row : profiler.by_operation()) sum += row.flops;
    return sum;
  };
  for (const int64_t queries : {1, 3, 70}) CHECK(flops(2, queries) == flops(6, queries));
}

TEST_CASE("grouped heads are twice differentiable") {
  manual_seed(2);
  for (const int64_t shared : {1, 2}) {
    const std::vector<Tensor> in{normal({1, 4, 3, 2}), normal({1, shared, 5, 2}),
                                 normal({1, shared, 5, 3})};
    const auto f = [](const std::vector<Tensor>& x) {
      return scaled_dot_product_attention(x[0], x[1], x[2],
                                          Mask::alibi(4) & Mask::causal() & Mask::offset(2),
                                          {.enable_gqa = true});
    };
    CHECK(gradcheck(f, in).ok);
    CHECK(gradgradcheck(f, in).ok);
  }
}

TEST_CASE("alibi adds what its slopes say") {
  manual_seed(3);
  const Tensor q = normal({2, 4, 70, 6}), k = normal({2, 4, 200, 6}), v = normal({2, 4, 200, 5});
  const std::vector<double> slopes{0.5, 0.25, 0.125, 0.0625};
  const Tensor distance = abs(unsqueeze(arange(70) + 130, 1) - arange(200)).to(float64);
  const Tensor bias = -distance * reshape(tensor(slopes, {4}), {4, 1, 1});
  const Mask causal = Mask::causal() & Mask::offset(130);
  require_same([&] { return scaled_dot_product_attention(q, k, v, Mask::alibi(slopes) & causal); },
               [&] { return scaled_dot_product_attention(q, k, v, Mask::bias(bias) & causal); },
               {q, k, v});
}

TEST_CASE("alibi takes the paper's slopes for any number of heads") {
  const auto bias_of_one_step = [](int64_t heads) {
    const auto mask = Mask::alibi(heads).for_scores({heads, 1, 2}, float64);
    return mask.slopes;
  };
  CHECK(bias_of_one_step(4) == std::vector<double>{0.25, 0.0625, 0.015625, 0.00390625});
  const auto six = bias_of_one_step(6);
  CHECK(six[3] == 0.00390625);
  CHECK(six[4] == 0.5);
  CHECK(six[5] == 0.125);
}

TEST_CASE("a window of n sees n - 1 keys on either side") {
  manual_seed(6);
  for (const int64_t length : {9, 150}) {
    const Tensor q = normal({length, 4}), k = normal({length, 4}), v = normal({length, 3});
    const Tensor distance = abs(unsqueeze(arange(length), 1) - arange(length));
    for (const int64_t n : {1, 3, 40}) {
      const Mask near = Mask::keep(lt(distance, static_cast<double>(n)));
      require_same([&] { return scaled_dot_product_attention(q, k, v, Mask::window(n)); },
                   [&] { return scaled_dot_product_attention(q, k, v, near); }, {q, k, v});
    }
  }
}

TEST_CASE("every sequence has an offset of its own") {
  manual_seed(4);
  const Tensor q = normal({2, 2, 3, 4}), k = normal({2, 2, 9, 4}), v = normal({2, 2, 9, 4});
  const Mask mask = Mask::causal() & Mask::window(4) & Mask::offset(std::vector<int64_t>{2, 6});
  const Tensor y = scaled_dot_product_attention(q, k, v, mask);
  for (const auto& [sequence, first] : {std::pair<int64_t, int64_t>{0, 2}, {1, 6}}) {
    const auto alone = [at = sequence](const Tensor& x) { return narrow(x, 0, at, 1); };
    const Tensor expected = scaled_dot_product_attention(
        alone(q), alone(k), alone(v), Mask::causal() & Mask::window(4) & Mask::offset(first));
    CHECK(largest_difference(alone(y), expected) == 0);
  }
}

// Without a dimension of heads, the first one counts as that and as sequences.
TEST_CASE("sequences that share keys end and stand each where it does") {
  manual_seed(9);
  for (const int64_t queries : {1, 3, 17}) {
    const Tensor q = normal({3, queries, 4}), k = normal({1, 140, 4}), v = normal({1, 140, 2});
    const std::pair<Mask, std::function<Mask(size_t)>> cases[] = {
        {Mask::padding({1, 130, 0}),
         [](size_t i) {
           return Mask::padding({std::vector<int64_t>{1, 130, 0}[i]});
         }},
        {Mask::causal() & Mask::offset({2, 137, 0}), [](size_t i) {
           return Mask::causal() & Mask::offset(std::vector<int64_t>{2, 137, 0}[i]);
         }}};
    for (const auto& [together, alone] : cases)
      require_same([&, &mask = together] { return scaled_dot_product_attention(q, k, v, mask); },
                   [&, &mask_of = alone] {
                     std::vector<Tensor> parts;
                     for (size_t i = 0; i < 3; ++i)
                       parts.push_back(scaled_dot_product_attention(
                           narrow(q, 0, static_cast<int64_t>(i), 1), k, v, mask_of(i)));
                     return cat(parts);
                   },
                   {q, k, v});
  }
}

TEST_CASE("the widest window hides nothing, and no offset is farther than can be counted") {
  manual_seed(10);
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  const Tensor q = normal({5, 4});
  for (const int64_t n : {largest, largest / 2})
    CHECK(largest_difference(scaled_dot_product_attention(q, q, q, Mask::window(n)),
                             scaled_dot_product_attention(q, q, q)) < 1e-15);
  CHECK_THROWS_AS(Mask::offset(largest), ValueError);
  CHECK_THROWS_AS(Mask::offset(-largest), ValueError);
  const Mask far = Mask::causal() & Mask::offset(int64_t{1} << 60);
  CHECK(largest_difference(scaled_dot_product_attention(q, q, q, far),
                           scaled_dot_product_attention(q, q, q)) < 1e-15);
}

TEST_CASE("a bias takes its gradient past NaN that the mask hides") {
  manual_seed(5);
  const Tensor q = normal({1, 2, 4, 3}), k = normal({1, 2, 5, 3}), bias = normal({2, 4, 5});
  const Tensor v = normal({1, 2, 5, 3});
  Array poisoned = v.detach().clone().array();
  poisoned.write<double>([](double* at) { at[4 * 3] = NAN; });
  const Mask mask = Mask::bias(bias) & Mask::padding({4});
  for (const bool create_graph : {false, true}) {
    const auto gradient = [&](const Tensor& values) {
      const Tensor loss = sum(square(scaled_dot_product_attention(q, k, values, mask)));
      return grad({loss}, {bias}, {}, {.create_graph = create_graph})[0];
    };
    CHECK(largest_difference(gradient(Tensor(poisoned)), gradient(v)) < 1e-14);
  }
}

TEST_CASE("attention refuses heads, offsets and slopes that do not fit") {
  const Tensor q = zeros({2, 4, 3, 2}), two = zeros({2, 2, 3, 2}), three = zeros({2, 3, 3, 2});
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(scaled_dot_product_attention(q, two, two), ContainsSubstring("enable_gqa"));
  CHECK_THROWS_AS(scaled_dot_product_attention(q, three, three, {}, {.enable_gqa = true}),
                  ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(q, two, q, {}, {.enable_gqa = true}), ShapeError);
  const Tensor no_heads = zeros({2, 0, 3, 2});
  CHECK_THROWS_AS(scaled_dot_product_attention(q, no_heads, no_heads, {}, {.enable_gqa = true}),
                  ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(q, q, q, Mask::offset({1, 2, 3})), ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(q, q, q, Mask::alibi({0.5, 0.25})), ShapeError);
  CHECK_THROWS_AS(Mask::alibi(0), ValueError);
  CHECK_THROWS_AS(Mask::padding({3, -1}), ValueError);
  CHECK_THROWS_AS(Mask::offset(1) & Mask::offset(2), ValueError);
}

TEST_CASE("a mask that was given an empty list fits an empty batch alone") {
  const Tensor q = zeros({2, 4, 3, 2}), none = zeros({0, 4, 3, 2});
  const Mask masks[] = {Mask::padding(std::vector<int64_t>{}), Mask::offset(std::vector<int64_t>{}),
                        Mask::alibi(std::vector<double>{})};
  for (const Mask& mask : masks) {
    CHECK_THROWS_AS(scaled_dot_product_attention(q, q, q, mask), ShapeError);
    CHECK_THROWS_AS(scaled_dot_product_attention(q, q, q, Mask::causal() & mask), ShapeError);
    CHECK(scaled_dot_product_attention(none, none, none, mask).numel() == 0);
  }
}
