// What the operation table does not reach: accuracy, threads, ties, NaN, nothing to reduce, errors.
// Values are PyTorch's where it defines them.

#include <attune/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "../catch.h"
#include "../layouts.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// Values in [-0.3, 0.7) that differ from each other, in guarded memory.
template <class T>
Array numbers(const Shape& shape) {
  Array x(shape, dtype_of<T>);
  uint64_t state = 1;
  for (int64_t i = 0; i < x.numel(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x.output<T>()[i] = static_cast<T>(static_cast<double>(state >> 40) / (1 << 24) - 0.3);
  }
  return test::guarded(x);
}

// The sum over the dimensions in `mask` (bit i: dimension i) of a 3-D array, by its definition.
std::vector<double> slow_sum(const Array& x, int mask) {
  const Shape& s = x.shape();
  Shape kept = s;
  for (int64_t i = 0; i < 3; ++i)
    if (mask >> i & 1) kept[i] = 1;
  std::vector<long double> sums(static_cast<size_t>(kept.numel()));
  for (int64_t i = 0; i < s[0]; ++i)
    for (int64_t j = 0; j < s[1]; ++j)
      for (int64_t k = 0; k < s[2]; ++k) {
        const int64_t at = (i % kept[0] * kept[1] + j % kept[1]) * kept[2] + k % kept[2];
        sums[static_cast<size_t>(at)] += static_cast<long double>(
            x.data<float>()[i * x.strides()[0] + j * x.strides()[1] + k * x.strides()[2]]);
      }
  return std::vector<double>(sums.begin(), sums.end());
}

void check_sums(const Array& x) {
  for (int mask = 1; mask < 8; ++mask) {
    Shape dims;
    for (int64_t i = 0; i < 3; ++i)
      if (mask >> i & 1) dims.push_back(i);
    const std::vector<double> expected = slow_sum(x, mask);
    const std::vector<float> sums = sum(Tensor(x), dims, true).to_vector<float>();
    REQUIRE(sums.size() == expected.size());
    const auto off = [](double sum, double right) {
      return !(std::abs(sum - right) <= 1e-6 * (1 + std::abs(right)));
    };
    INFO(to_string(x.shape()) << " strides " << to_string(x.strides()) << " mask " << mask);
    CHECK(std::equal(sums.begin(), sums.end(), expected.begin(), std::not_fn(off)));
  }
}

Tensor gradient(const Tensor& y, const Tensor& x) { return grad({sum(y)}, {x})[0]; }

}  // namespace

TEST_CASE("sums over every set of dimensions agree with their definition in any layout") {
  const Shape shape = GENERATE(Shape{3, 4, 5}, Shape{1, 70, 33}, Shape{70, 3, 700},
                               Shape{140000, 1, 3}, Shape{2, 3, 70001}, Shape{2, 3000, 7});
  const Array x = numbers<float>(shape);
  check_sums(x);
  check_sums(x.transpose(0, 2));
  check_sums(x.permute({1, 2, 0}));
  check_sums(x.flip(1));
  check_sums(x.slice(0, 0, std::nullopt, 2));
  check_sums(x.select(0, 0).unsqueeze(0).expand({4, shape[1], shape[2]}));
}

TEST_CASE("sums of integers and bools are those of the same numbers in float64") {
  const Shape shape =
      GENERATE(Shape{3, 4, 5}, Shape{70, 3, 700}, Shape{2, 3000, 7}, Shape{1, 130, 512});
  const Tensor x(numbers<double>(shape));
  for (const Tensor& whole : {floor(x * 1000.0).to(int64), x > 0.0})
    for (const test::Layout layout : test::layouts) {
      const Tensor laid(test::lay(whole.array(), layout));
      const Tensor exact = laid.to(float64);
      INFO(to_string(shape) << " " << test::layout_names[static_cast<int>(layout)]);
      for (const Shape& dims : {Shape{0}, Shape{1}, Shape{2}, Shape{0, 2}, Shape{0, 1, 2}})
        CHECK(sum(laid, dims).to(float64).to_vector<double>() ==
              sum(exact, dims).to_vector<double>());
    }
}

TEST_CASE("a long sum stays accurate") {
  const int64_t n = 10'000'000;
  Array tenths({n}, float32);
  std::fill_n(tenths.output<float>(), n, 0.1f);
  const Tensor x(tenths);
  CHECK(sum(x).item<double>() ==
        Approx(static_cast<double>(0.1f) * static_cast<double>(n)).epsilon(1e-7));
  CHECK(mean(x).item<double>() == Approx(static_cast<double>(0.1f)).epsilon(1e-7));
}

TEST_CASE("reductions have the same bits at any number of threads") {
  const Tensor x(numbers<float>({300, 700}));
  const auto reduce = [&] {
    std::vector<float> all;
    for (const Shape& dims : {Shape{}, Shape{0}, Shape{1}})
      for (const Tensor& y : {sum(x, dims), mean(x, dims), prod(x, dims), attune::std(x, dims),
                              logsumexp(x, dims), norm(x, 2, dims), cumsum(x, 0)})
        for (const float value : y.to_vector<float>()) all.push_back(value);
    return all;
  };
  const int before = num_threads();
  set_num_threads(1);
  const auto one = reduce();
  for (const int threads : {2, 4}) {
    set_num_threads(threads);
    CHECK(reduce() == one);
  }
  set_num_threads(before);
}

TEST_CASE("the variance keeps its digits far from zero") {
  const Tensor x(numbers<double>({5000}));
  const double near = var(x).item<double>();
  CHECK(var(x + 1e5).item<double>() == Approx(near).epsilon(1e-9));
  CHECK(var(to(x + 1e3, float32)).item<double>() == Approx(near).epsilon(1e-4));
  CHECK(std::isnan(var(tensor({1.0})).item<double>()));
  CHECK(var(tensor({1.0, 2.0}), {}, 2).item<double>() == infinity);
  CHECK(var(tensor({1.0, 2.0}), {}, 5).item<double>() == infinity);
}

TEST_CASE("a deviation is right where its square is no float32") {
  for (const float unit : {1e-25f, 1e20f}) {
    const Tensor x = tensor({unit, 3 * unit}).requires_grad_();
    const Tensor y = attune::std(x);
    CHECK(y.item<float>() == Approx(std::sqrt(2.0) * static_cast<double>(unit)));
    const auto slopes = gradient(y, x).to_vector<float>();
    CHECK(slopes[0] == Approx(-std::sqrt(0.5)));
    CHECK(slopes[1] == Approx(std::sqrt(0.5)));
  }
}

TEST_CASE("a norm and its gradients are right where squares are no float32") {
  for (const float unit : {1e-23f, 1e20f}) {
    const Tensor x = tensor({{3 * unit, 4 * unit}, {-4 * unit, 3 * unit}}).requires_grad_();
    for (const Shape& dims : {Shape{0}, Shape{1}}) {
      const Tensor y = norm(x, 2, dims);
      for (const double length : y.to(float64).to_vector<double>())
        CHECK(length == Approx(5 * static_cast<double>(unit)));
      const Tensor first = grad({y.sum()}, {x}, {}, {.create_graph = true})[0];
      const Tensor ratio = x.detach() / unit / 5.f;
      CHECK(amax(abs(first.detach() - ratio)).item<double>() < 1e-6);
      // The derivative of x / |x| along (a, 0), a = 5 unit, at (3, 4) / 5 is (16, -12) / 25.
      const Tensor weight = tensor({{1.f, 0.f}, {0.f, 0.f}});
      const Tensor second = gradient(first * weight * (5 * unit), x);
      const int64_t beside = dims == Shape{0} ? 2 : 1;
      const auto found = second.to_vector<float>();
      CHECK(found[0] == Approx(0.64));
      CHECK(found[static_cast<size_t>(beside)] == Approx(beside == 2 ? 0.48 : -0.48));
    }
  }
}

TEST_CASE("extrema prefer NaN, then the first of equals") {
  const Tensor x = tensor({{1.0, 3.0, 3.0}, {not_a_number, 5.0, not_a_number}});
  const auto [values, indices] = max(x, 1);
  CHECK(indices.to_vector<int64_t>() == std::vector<int64_t>{1, 0});
  CHECK(values.to_vector<double>()[0] == 3);
  CHECK(std::isnan(values.to_vector<double>()[1]));
  CHECK(min(x, -1).indices.to_vector<int64_t>() == std::vector<int64_t>{0, 0});
  CHECK(argmax(x).item<int64_t>() == 3);
  CHECK(argmin(x, 0).to_vector<int64_t>() == std::vector<int64_t>{1, 0, 1});
  CHECK(std::isnan(max(x).item<double>()));
  CHECK(std::isnan(amin(x, {0}).to_vector<double>()[2]));
}

TEST_CASE("equal extrema share the gradient, a position takes all of it") {
  const Tensor x = tensor({1.0, 3.0, 3.0, 2.0}).requires_grad_();
  CHECK(gradient(max(x), x).to_vector<double>() == std::vector<double>{0, 0.5, 0.5, 0});
  CHECK(gradient(norm(x, infinity), x).to_vector<double>() == std::vector<double>{0, 0.5, 0.5, 0});
  CHECK(gradient(max(x, 0).values, x).to_vector<double>() == std::vector<double>{0, 1, 0, 0});
}

TEST_CASE("gradients at zero are zero, not NaN") {
  const Tensor x = tensor({0.0, 0.0, 0.0}).requires_grad_();
  const std::vector<double> zeros(3);
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, infinity})
    CHECK(gradient(norm(x, p), x).to_vector<double>() == zeros);
  CHECK(gradient(attune::std(x), x).to_vector<double>() == zeros);
}

TEST_CASE("the gradient of a product is right where factors are zero") {
  const Tensor one = tensor({2.0, 0.0, 3.0}).requires_grad_();
  CHECK(gradient(prod(one), one).to_vector<double>() == std::vector<double>{0, 6, 0});
  const Tensor alone = tensor({0.0}).requires_grad_();
  CHECK(gradient(prod(alone), alone).to_vector<double>() == std::vector<double>{1});
  const Tensor two = tensor({2.0, 0.0, 0.0}).requires_grad_();
  const Tensor first = grad({prod(two)}, {two}, {}, {.create_graph = true})[0];
  CHECK(first.to_vector<double>() == std::vector<double>{0, 0, 0});
  CHECK(gradient(first, two).to_vector<double>() == std::vector<double>{0, 2, 2});
}

TEST_CASE("the gradient of a product is right where the product is no float32") {
  const auto slopes = [](std::vector<float> factors) {
    const auto n = static_cast<int64_t>(factors.size());
    const Tensor x = tensor(factors, {n}).requires_grad_();
    return gradient(prod(x), x).to_vector<float>();
  };
  constexpr float inf = std::numeric_limits<float>::infinity();
  CHECK(slopes({1e-30f, 1e-30f}) == std::vector<float>{1e-30f, 1e-30f});
  CHECK(slopes({1e-20f, 3e-20f}) == std::vector<float>{3e-20f, 1e-20f});
  CHECK(slopes({1e30f, 2e30f}) == std::vector<float>{2e30f, 1e30f});
  CHECK(slopes({inf, 2}) == std::vector<float>{2, inf});
  for (const float slope : slopes({2, std::nanf(""), 3})) CHECK(std::isnan(slope));
  CHECK(slopes({0, std::nanf(""), 3})[1] == 0);
}

TEST_CASE("reducing nothing gives the neutral element, or says that there is none") {
  const Tensor empty(Array({2, 0}, float32));
  CHECK(sum(empty, {1}).to_vector<float>() == std::vector<float>{0, 0});
  CHECK(prod(empty).item<float>() == 1);
  CHECK(std::isnan(mean(empty).item<float>()));
  CHECK(logsumexp(empty, {}).item<double>() == -infinity);
  CHECK(all(empty).item<bool>());
  CHECK_FALSE(any(empty).item<bool>());
  CHECK(sum(empty, {0}).shape() == Shape{0});
  CHECK_THROWS_AS(max(empty), ShapeError);
  CHECK_THROWS_AS(amin(empty, {1}), ShapeError);
  CHECK_THROWS_AS(argmax(empty, 1), ShapeError);
  CHECK(amax(empty, {0}).shape() == Shape{0});
}

TEST_CASE("logsumexp neither overflows nor makes NaN of infinities, but has no gradient there") {
  CHECK(logsumexp(tensor({1e4, 1e4}), {0}).item<double>() == Approx(1e4 + std::log(2.0)));
  CHECK(logsumexp(tensor({-infinity, -infinity}), {0}).item<double>() == -infinity);
  CHECK(logsumexp(tensor({infinity, 0.0}), {0}).item<double>() == infinity);
  const Tensor x = tensor({-infinity, -infinity}).requires_grad_();
  for (const double g : gradient(logsumexp(x, {0}), x).to_vector<double>()) CHECK(std::isnan(g));
  const Tensor beside = tensor({infinity, 1000.0, 3.0}).requires_grad_();
  const auto g = gradient(logsumexp(beside, {0}), beside).to_vector<double>();
  CHECK(std::isnan(g[0]));
  CHECK(g[1] == 0);
  CHECK(g[2] == 0);
}

TEST_CASE("where a deviation or a norm is zero, so are its gradient and the gradient of that") {
  const auto check = [](const Tensor& x, const auto& f) {
    const Tensor first = grad({f(x)}, {x}, {}, {.create_graph = true})[0];
    CHECK(first.to_vector<double>() == std::vector<double>(3));
    CHECK(gradient((first * tensor({1.0, 2.0, 3.0})).sum(), x).to_vector<double>() ==
          std::vector<double>(3));
  };
  check(ones({1, 3}, float64).requires_grad_(), [](const Tensor& x) { return attune::std(x); });
  for (const double p : {0.5, 2.0, 3.0})
    check(zeros({1, 3}, float64).requires_grad_(), [=](const Tensor& x) { return norm(x, p); });
}

TEST_CASE("integers and bools reduce to int64") {
  CHECK(sum(tensor({true, false, true})).item<int64_t>() == 2);
  CHECK(sum(tensor({true})).dtype() == int64);
  CHECK(prod(tensor({3, -4})).item<int64_t>() == -12);
  CHECK(cumsum(tensor({true, true, true}), 0).to_vector<int64_t>() ==
        std::vector<int64_t>{1, 2, 3});
  CHECK(max(tensor({3, 7, 5})).item<int64_t>() == 7);
  CHECK(all(tensor({3, 0})).item<bool>() == false);
}

TEST_CASE("sort keeps equals in order and puts NaN last, or first when descending") {
  const Tensor x = tensor({2.0, not_a_number, 1.0, 2.0, not_a_number});
  CHECK(sort(x).indices.to_vector<int64_t>() == std::vector<int64_t>{2, 0, 3, 1, 4});
  CHECK(sort(x, 0, true).indices.to_vector<int64_t>() == std::vector<int64_t>{1, 4, 0, 3, 2});
  CHECK(topk(x, 3, 0, false).values.to_vector<double>() == std::vector<double>{1, 2, 2});
  const Tensor columns = tensor({{3, 1}, {2, 5}, {9, 4}});
  CHECK(sort(columns, 0).values.to_vector<int64_t>() == std::vector<int64_t>{2, 1, 3, 4, 9, 5});
  CHECK(topk(columns, 1, 0).indices.to_vector<int64_t>() == std::vector<int64_t>{2, 1});
  for (const int64_t k : {0, 1}) {  // a scalar counts as one element, as in PyTorch
    const auto [value, index] = topk(tensor(3.0), k);
    CHECK(value.item<double>() == 3);
    CHECK(index.item<int64_t>() == 0);
  }
  CHECK_THROWS_AS(topk(tensor(3.0), 2), ShapeError);
}

TEST_CASE("reductions say what they can't take") {
  const Tensor x = tensor({{1.0, 2.0}});
  CHECK_THROWS_AS(sum(x, {2}), IndexError);
  CHECK_THROWS_AS(argmax(x, -3), IndexError);
  CHECK_THROWS_AS(sum(x, {0, -2}), ValueError);
  CHECK_THROWS_AS(sum(tensor(1.0), {0, 0}), ValueError);
  CHECK_THROWS_WITH(norm(zeros({0}), -1), ContainsSubstring("norm: the norm -1 of no element"));
  CHECK_THROWS_AS(topk(x, 3), ShapeError);
  CHECK_THROWS_WITH(mean(tensor({1, 2})), ContainsSubstring("to(float32)"));
  CHECK_THROWS_AS(norm(tensor({1})), DTypeError);
}

TEST_CASE("of a mean over nothing, the gradient of the gradient is zero") {
  const Tensor x = zeros({2, 0, 3}, float64).requires_grad_(),
               g = ones({}, float64).requires_grad_();
  const Tensor first = grad({mean(x)}, {x}, {g}, {.create_graph = true})[0];
  CHECK(grad({first.sum()}, {g}, {}, {.allow_unused = true})[0].item<double>() == 0);
}
