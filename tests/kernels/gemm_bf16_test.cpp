#include "../../kernels/gemm.h"

#include <cstdint>
#include <limits>

#include "../../kernels/matmul_precision.h"
#include "products.h"

using namespace attune;
using namespace attune::test;

namespace {

// One block and tile of each kind, and several; sides that fill no panel, and odd depths.
const Product products[] = {
    {{}, 64, 72, 96},   {{}, 17, 97, 777},  {{}, 100, 1031, 49},  {{}, 33, 2049, 130},
    {{}, 900, 40, 170}, {{}, 65, 30, 1500}, {{2}, 257, 256, 259},
};

// The values rounded to bfloat16, one by one.
Array rounded(const Array& x) {
  Array y = kernels::clone(x);
  float* values = y.output<float>();
  for (int64_t i = 0; i < y.numel(); ++i) values[i] = static_cast<float>(BFloat16(values[i]));
  return y;
}

}  // namespace

TEST_CASE("medium products are those of operands rounded to bfloat16, in every layout") {
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  on_every_target([] {
    each_product(products, [](const Array& a, const Array& b) {
      const Array product = kernels::matmul(a, b);
      // As tight as for float32 itself: products of two bfloat16 are exact, only sums are rounded.
      CHECK(worst_error(rounded(a), rounded(b), product) < 4);
      const MatmulPrecisionScope highest(MatmulPrecision::highest);
      CHECK_FALSE(same_bits(product, kernels::matmul(a, b)));
    });
  });
}

TEST_CASE("a medium product is added in place to what is there") {
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  on_every_target([] { check_added_in_place(products); });
}

TEST_CASE("medium products do not depend on threads") {
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  check_threads_do_not_matter(products);
}

TEST_CASE("operands are rounded to nearest even, and what is not finite stays so") {
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  const int64_t n = 80;
  const float infinity = std::numeric_limits<float>::infinity();
  const float largest = std::numeric_limits<float>::max();
  on_every_target([&] {
    for (bool left : {true, false}) {
      INFO((left ? "left" : "right") << " operand");
      Array x = random_normal({n, n}, float32, 0, 1e10);
      float* values = x.output<float>();
      // Halfway between neighbours: down to the even one, up to it; just beyond; a carry.
      const float ties[] = {1.00390625f, 1.01171875f, 1.0039064f, 1.9999f, -1.00390625f, 0.f};
      std::copy(std::begin(ties), std::end(ties), values);
      const Array same = left ? kernels::matmul(x, identity(n)) : kernels::matmul(identity(n), x);
      CHECK(same_bits(same, rounded(x)));
      CHECK(same.data<float>()[0] == 1.f);
      CHECK(same.data<float>()[1] == 1.015625f);

      // Of a product with the identity, Inf taints the line along which is summed: Inf · 0 is NaN.
      const std::pair<float, float> tainted[] = {
          {NAN, NAN}, {infinity, infinity}, {-infinity, -infinity}, {largest, infinity}};
      for (const auto& [given, expected] : tainted) {
        x.output<float>()[5 * n + 7] = given;
        const Array y = left ? kernels::matmul(x, identity(n)) : kernels::matmul(identity(n), x);
        for (int64_t i = 0; i < n; ++i)
          for (int64_t j = 0; j < n; ++j) {
            const float value = y.data<float>()[i * n + j];
            if (i == 5 && j == 7 && !std::isnan(expected)) {
              CHECK(value == expected);
            } else if (left ? i == 5 : j == 7) {
              CHECK(std::isnan(value));
            } else {
              CHECK(value == same.data<float>()[i * n + j]);
            }
          }
      }
    }
  });
}

TEST_CASE("float64, small products and those of few rows are the same at medium precision") {
  const Product untouched[] = {{{}, 64, 64, 64},   {{}, 16, 900, 900},   {{}, 900, 900, 16},
                               {{}, 900, 16, 900}, {{3}, 200, 200, 200}, {{}, 70, 0, 70}};
  for (const Product& p : untouched) {
    INFO(p.m << " x " << p.k << " x " << p.n);
    const Array a = matrices(p.batch, p.m, p.k, float32, false);
    const Array b = matrices(p.batch, p.k, p.n, float32, false);
    const Array exact = kernels::matmul(a, b);
    const MatmulPrecisionScope medium(MatmulPrecision::medium);
    CHECK(same_bits(kernels::matmul(a, b), exact));
  }
  const Array a = matrices({}, 200, 300, float64, false),
              b = matrices({}, 300, 100, float64, false);
  const Array exact = kernels::matmul(a, b);
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  CHECK(same_bits(kernels::matmul(a, b), exact));
}
