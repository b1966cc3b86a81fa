// Numbers at the edge: huge logits, long sums, denormals, arrays of more than 2^31 elements.
#include <attune/autograd.h>
#include <attune/kernels.h>
#include <unistd.h>

#include <cfenv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "../catch.h"
#include "../sanitized.h"

using namespace attune;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

std::vector<double> values_of(const Tensor& x) { return to(x, float64).to_vector<double>(); }

bool all_finite(const Tensor& x) { return all(isfinite(x)).item<bool>(); }

// Rows with everything that overflows a naive exponential.
Tensor hard_rows(DType dtype) {
  return to(tensor({{1e4, -1e4, 0.0, 5.0}, {-1e4, -1e4, -1e4, -1e4}, {-inf, 1e4, 1e4, -inf}}),
            dtype);
}

int64_t physical_memory() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

}  // namespace

TEST_CASE("softmax, logsumexp and cross entropy are exact at logits of ±1e4 and -inf") {
  for (const DType dtype : {float32, float64}) {
    const Tensor x = hard_rows(dtype).requires_grad_();
    const Tensor p = softmax(x, -1);
    CHECK(to(p, float64).to_vector<double>() ==
          std::vector<double>{1, 0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0, 0.5, 0.5, 0});
    const auto sums = to(logsumexp(x, {-1}), float64).to_vector<double>();
    const double shift[] = {1e4, -1e4 + std::log(4), 1e4 + std::log(2)};
    for (size_t i = 0; i < 3; ++i)
      CHECK(std::abs(sums[i] - shift[i]) <= (dtype == float32 ? 1e-3 : 1e-11));
    const Tensor loss = cross_entropy(x, tensor({0, 3, 1}), {.reduction = Reduction::sum});
    CHECK(std::abs(to(loss, float64).item<double>() - std::log(4) - std::log(2)) <=
          (dtype == float32 ? 1e-6 : 1e-11));
    loss.backward();
    CHECK(all_finite(x.grad()));
  }
}

TEST_CASE("attention is finite at scores of ±1e4, with all derivatives") {
  for (const DType dtype : {float32, float64}) {
    const Tensor q = (randn({2, 5, 8}, dtype) * 2e3).detach().requires_grad_();
    const Tensor k = (randn({2, 5, 8}, dtype) * 10).detach().requires_grad_();
    const Tensor v = randn({2, 5, 8}, dtype).requires_grad_();
    const Tensor y = scaled_dot_product_attention(q, k, v, Mask::causal());
    CHECK(all_finite(y));
    y.backward(randn({2, 5, 8}, dtype));
    for (const Tensor& x : {q, k, v}) CHECK(all_finite(x.grad()));
  }
}

TEST_CASE(
    "attention gives exact weights and gradients at biases of ±1e4 and -inf, and rows of -inf") {
  const Tensor biases = tensor({{1e4, -1e4, 0.0},
                                {-inf, -1e4, -1e4},
                                {-inf, -inf, -inf},
                                {1e4, 1e4, -inf},
                                {-1e4, -inf, -inf}});
  const Tensor weights =
      tensor({{1.0, 0.0, 0.0}, {0.0, 0.5, 0.5}, {0.0, 0.0, 0.0}, {0.5, 0.5, 0.0}, {1.0, 0.0, 0.0}});
  // Of weights whose gradient is 1 for the first key.
  const Tensor score_gradients = tensor(
      {{0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, {0.25, -0.25, 0.0}, {0.0, 0.0, 0.0}});
  for (const DType dtype : {float32, float64})
    for (const int64_t copies : {1, 5}) {  // a handful of queries, and tiles of them
      const auto rows = [&](const Tensor& x) { return to(repeat(x, {copies, 1}), dtype); };
      const Tensor q = zeros({copies * 5, 4}, dtype).requires_grad_();
      const Tensor k = zeros({3, 4}, dtype).requires_grad_();
      const Tensor v = to(eye(3), dtype).detach().requires_grad_();
      const Tensor bias = rows(biases).detach().requires_grad_();
      const Tensor y = scaled_dot_product_attention(q, k, v, Mask::bias(bias));
      CHECK(values_of(y) == values_of(rows(weights)));
      sum(select(y, 1, 0)).backward();
      CHECK(values_of(bias.grad()) == values_of(rows(score_gradients)));
      CHECK(values_of(v.grad()) ==
            values_of(sum(rows(weights), {0}).unsqueeze(1) * tensor({{1.0, 0.0, 0.0}})));
      CHECK(values_of(q.grad()) == values_of(zeros_like(q)));
      CHECK(values_of(k.grad()) == values_of(zeros_like(k)));
    }
}

TEST_CASE("attention gives exact weights where products are ±1e4, masked in part or whole") {
  for (const DType dtype : {float32, float64})
    for (const int64_t copies : {1, 9}) {
      const auto column = [&](std::vector<double> x) {
        const auto n = static_cast<int64_t>(x.size());
        return to(Tensor(tensor<double>(x, {n, 1})), dtype).requires_grad_();
      };
      const Tensor few = to(tensor({{100.0}, {-100.0}}), dtype);
      const Tensor q = repeat(few, {copies, 1}).detach().requires_grad_();
      const Tensor k = column({100, -100, 100}), v = column({1, 2, 4});
      const Tensor keep = repeat(tensor({{true, true, true}, {false, true, true}}), {copies, 1});
      const Tensor y = scaled_dot_product_attention(q, k, v, Mask::keep(keep), {.scale = 1.0});
      CHECK(values_of(y) == values_of(repeat(to(tensor({{2.5}, {2.0}}), dtype), {copies, 1})));
      sum(y).backward();
      for (const Tensor& x : {q, k, v}) CHECK(all_finite(x.grad()));
      const Mask none = Mask::keep(zeros({2 * copies, 3}, boolean));
      const Tensor hidden = scaled_dot_product_attention(q, k, v, none, {.scale = 1.0});
      CHECK(values_of(hidden) == values_of(zeros_like(hidden)));
    }
}

TEST_CASE("nothing at all goes through, with gradients") {
  const auto leaf = [](const Shape& shape) { return zeros(shape).requires_grad_(); };
  const auto check = [](const Tensor& y, const Shape& shape, const std::vector<Tensor>& inputs) {
    CHECK(y.shape() == shape);
    for (const bool create_graph : {true, false})
      for (const Tensor& gradient :
           grad({y}, inputs, {ones_like(y)}, {.create_graph = create_graph}))
        CHECK(all_finite(gradient));
  };
  const Tensor rows = leaf({0, 3}), empty_rows = leaf({3, 0});
  check(softmax(rows, -1), {0, 3}, {rows});
  check(softmax(empty_rows, -1), {3, 0}, {empty_rows});
  check(log_softmax(rows, 0), {0, 3}, {rows});
  check(logsumexp(rows, {-1}), {0}, {rows});
  check(logsumexp(empty_rows, {-1}), {3}, {empty_rows});
  CHECK(values_of(logsumexp(empty_rows, {-1})) == std::vector<double>{-inf, -inf, -inf});
  const Tensor no_targets = zeros({0}, int64);
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    const Tensor loss = cross_entropy(rows, no_targets, {.reduction = reduction});
    check(loss, {}, {rows});
    CHECK(loss.item<float>() == 0);
  }
  check(cross_entropy(rows, no_targets, {.reduction = Reduction::none}), {0}, {rows});
  const Tensor weight = leaf({3}), bias = leaf({3});
  check(layer_norm(rows, {3}, weight, bias), {0, 3}, {rows, weight, bias});
  check(rms_norm(rows, {3}, weight), {0, 3}, {rows, weight});
  check(layer_norm(empty_rows, {0}), {3, 0}, {empty_rows});
  check(var(rows, {-1}), {0}, {rows});
  CHECK(std::isnan(var(rows).item<float>()));
  for (const int64_t batch : {0, 2})
    for (const int64_t queries : {0, 3, 20})
      for (const int64_t keys : {0, 5})
        for (const int64_t depth : {0, 4}) {
          const Tensor q = leaf({batch, queries, depth}), k = leaf({batch, keys, depth}),
                       v = leaf({batch, keys, 2});
          for (const Mask& mask : {Mask(), Mask::causal()}) {
            const Tensor y = scaled_dot_product_attention(q, k, v, mask);
            CHECK(values_of(y) == values_of(zeros_like(y)));
            check(y, {batch, queries, 2}, {q, k, v});
          }
        }
}

TEST_CASE("variance keeps six digits where the mean is 100,000 deviations away") {
  const Tensor spread = randn({1, 4096}, float64);
  const Tensor x = to(spread + 1e5, float32);
  const double exact = var(to(x, float64)).item<double>();
  CHECK(std::abs(static_cast<double>(var(x).item<float>()) / exact - 1) <= 1e-6);
}

TEST_CASE("sums of 100 million float32 values") {
  const Tensor tenth = full({100'000'000}, 0.1, float32);
  const double each = static_cast<double>(0.1f);
  CHECK(std::abs(static_cast<double>(sum(tenth).item<float>()) / (each * 1e8) - 1) <= 1e-7);
  CHECK(std::abs(static_cast<double>(mean(tenth).item<float>()) / each - 1) <= 1e-7);
}

TEST_CASE("denormals are kept, and the floating-point mode is the caller's") {
  CHECK((tensor({0x1p-140f}) * 2.f).item<float>() == 0x1p-139f);
  CHECK((tensor({0x1p-1060}) + 0x1p-1060).item<double>() == 0x1p-1059);
  CHECK(exp(tensor({-100.f})).item<float>() > 0);
  REQUIRE(std::fesetround(FE_UPWARD) == 0);
  matmul(randn({40, 40}, float32), randn({40, 40}, float32));
  const int mode = std::fegetround();
  std::fesetround(FE_TONEAREST);
  CHECK(mode == FE_UPWARD);
}

TEST_CASE("denormals go through what is built of exponentials, squares and sums") {
  for (const DType dtype : {float32, float64}) {
    const double tiny = dtype == float32 ? 0x1p-140 : 0x1p-1060;
    const auto row = [&](double a, double b) {
      return to(tensor({{a, b}}), dtype).detach().requires_grad_();
    };
    const Tensor x = row(tiny, -tiny), twice = row(tiny, tiny);
    CHECK(values_of(softmax(x, -1)) == std::vector<double>{0.5, 0.5});
    CHECK(values_of(logsumexp(to(tensor({{tiny}}), dtype), {-1})) == std::vector<double>{tiny});
    CHECK(values_of(mean(twice)) == std::vector<double>{tiny});
    CHECK(values_of(var(x)) == std::vector<double>{0});
    const Tensor loss = cross_entropy(x, tensor<int64_t>({0}, {1}));
    CHECK(std::abs(to(loss, float64).item<double>() - std::log(2)) < 1e-7);
    const double scaled = values_of(layer_norm(x, {2}))[0] / tiny;  // by 1 / sqrt(eps)
    CHECK(std::abs(scaled * std::sqrt(1e-5) - 1) < 1e-3);
    CHECK(values_of(grad({softmax(x, -1)}, {x}, {x.detach() * 4.0})[0]) ==
          std::vector<double>{2 * tiny, -2 * tiny});
    for (const int64_t queries : {1, 20}) {
      const Tensor q = full({queries, 1}, tiny, dtype).requires_grad_();
      const Tensor k = transpose(x, 0, 1), v = transpose(twice, 0, 1);
      const Tensor y = scaled_dot_product_attention(q, k, v);
      CHECK(values_of(y) == std::vector<double>(static_cast<size_t>(queries), tiny));
      const auto g = grad({y}, {twice}, {full({queries, 1}, tiny, dtype)});
      const double expected = static_cast<double>(queries) * tiny / 2;
      CHECK(values_of(g[0]) == std::vector<double>{expected, expected});
    }
  }
}

TEST_CASE("arrays of more than 2^31 elements") {
  const int64_t n = (int64_t{1} << 31) + 37;
  const Tensor ones = full({1}, 1.0, float32).expand({n});
  CHECK(sum(ones).item<float>() == static_cast<float>(n));
  if (physical_memory() < int64_t{6'000'000'000} || sanitized) {
    std::cout << "skipped: memory of more than 2^31 elements needs 6 GB, and no sanitizer\n";
    return;
  }
  const Tensor x = zeros({n}, boolean);
  CHECK_FALSE(any(x).item<bool>());
  x.narrow(0, n - 2, 1).fill_(1);
  CHECK(any(x).item<bool>());
  const Tensor places = tensor<int64_t>({0, n - 3, n - 2, n - 1}, {4});
  CHECK(to(index_select(x, 0, places), int64).to_vector<int64_t>() ==
        std::vector<int64_t>{0, 0, 1, 0});
  CHECK(to(flip(narrow(x, 0, n - 4, 4), {0}), int64).to_vector<int64_t>() ==
        std::vector<int64_t>{0, 1, 0, 0});
}

// Writing 8.6 GB takes most of a minute: scripts/trust asks for it.
TEST_CASE("float32 arrays of more than 2^31 elements") {
  if (!std::getenv("ATTUNE_LARGE_ARRAYS")) return;
  if (physical_memory() < int64_t{24'000'000'000} || sanitized) {
    std::cout << "skipped: 2^31 floats need a machine of 24 GB, and no sanitizer\n";
    return;
  }
  const int64_t n = (int64_t{1} << 31) + 37;
  const Tensor x = full({n}, 1.0, float32);
  x.narrow(0, n - 2, 1).fill_(5);
  CHECK(sum(x).item<float>() == static_cast<float>(n + 4));
  CHECK(argmax(x).item<int64_t>() == n - 2);
  CHECK(amax(x).item<float>() == 5);
  std::cout << n << " float32 elements summed and searched\n";
}
