// Numbers at the edge: huge logits, long sums, denormals, arrays of more than 2^31 elements.
#include <attune/autograd.h>
#include <attune/kernels.h>
#include <unistd.h>

#include <cfenv>
#include <cmath>
#include <iostream>
#include <limits>

#include "../catch.h"
#include "../sanitized.h"

using namespace attune;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

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
