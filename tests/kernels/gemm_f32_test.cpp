#include "../../kernels/gemm_f32.h"

#include <limits>

#include "../../kernels/gemm.h"
#include "products.h"

using namespace attune;
using namespace attune::test;

namespace {

// Tiles of rows and of columns, one block of depth and several, one chain and several, the last of
// them full or not; sides that fill no panel.
const Product products[] = {
    {{}, 160, 72, 96},  {{}, 17, 97, 977},  {{}, 120, 1031, 49},  {{}, 33, 2049, 35},
    {{}, 900, 40, 170}, {{}, 65, 30, 1500}, {{2}, 257, 256, 259}, {{}, 40, 512, 64},
};

// Runs f with every instruction set that packs.
void on_packing_targets(const std::function<void()>& f) {
  on_every_target([&] {
    if (kernels::gemm_f32_pays(160, 96, 72)) f();
  });
}

}  // namespace

TEST_CASE("packed products are those of the definition, in every layout") {
  on_packing_targets([] {
    each_product(products, [](const Array& a, const Array& b) {
      CHECK(worst_error(a, b, kernels::matmul(a, b)) < 4);
    });
  });
}

TEST_CASE("a packed product is added in place to what is there") {
  on_packing_targets([] { check_added_in_place(products); });
}

TEST_CASE("a bias is added once, to every row, strided too") {
  on_packing_targets([] {
    each_product(products, [](const Array& a, const Array& b) {
      if (a.dim() > 2) return;
      const int64_t n = b.size(1);
      const Array bias = *random_normal({n, 2}, float32, 0, 1).narrow(1, 1, 1).try_view({n});
      const auto product = doubles(kernels::matmul(a, b)), added = doubles(bias);
      const auto found = doubles(kernels::linear(a, b, bias, false));
      double worst = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        const double expected = product[i] + added[i % added.size()];
        worst = std::max(worst, std::abs(found[i] - expected) / (1 + std::abs(expected)));
      }
      CHECK(worst < 1e-5);
    });
  });
}

TEST_CASE("only products that are large in every direction are packed") {
  on_packing_targets([] {
    CHECK(kernels::gemm_f32_pays(17, 32, 1928));
    CHECK_FALSE(kernels::gemm_f32_pays(16, 2000, 2000));
    CHECK_FALSE(kernels::gemm_f32_pays(2000, 31, 2000));
    CHECK(kernels::gemm_f32_pays(2000, 33, 16));
    CHECK_FALSE(kernels::gemm_f32_pays(3000, 300, 15));
    CHECK_FALSE(kernels::gemm_f32_pays(32, 32, 1024));
    CHECK_FALSE(kernels::gemm_f32_pays(20, 40, 20));
  });
}

TEST_CASE("packed products do not depend on threads") { check_threads_do_not_matter(products); }

TEST_CASE("an element of a packed product depends on its row and column alone") {
  if (!kernels::gemm_f32_pays(700, 300, 1100)) return;
  const Array a = random_normal({700, 1100}, float32, 0, 1);
  const Array b = random_normal({1100, 300}, float32, 0, 1);
  const Array all = kernels::matmul(a, b);
  const auto part = [&](int64_t row, int64_t rows, int64_t column, int64_t columns) {
    REQUIRE(kernels::gemm_f32_pays(rows, columns, 1100));
    return same_bits(kernels::matmul(a.narrow(0, row, rows), b.narrow(1, column, columns)),
                     kernels::contiguous(all.narrow(0, row, rows).narrow(1, column, columns)));
  };
  CHECK(part(3, 100, 0, 300));
  CHECK(part(0, 700, 7, 33));
  CHECK(part(650, 50, 150, 149));
  CHECK(same_bits(kernels::matmul(b.transpose(0, 1), a.transpose(0, 1)),
                  kernels::contiguous(all.transpose(0, 1))));
}

TEST_CASE("what is not finite taints its own row or column of a packed product and no other") {
  const int64_t n = 136;
  const float infinity = std::numeric_limits<float>::infinity();
  on_packing_targets([&] {
    for (bool left : {true, false})
      for (const float given : {NAN, infinity, -infinity}) {
        INFO((left ? "left" : "right") << " operand, " << given);
        const auto product = [&](const Array& x) {
          return left ? kernels::matmul(x, identity(n)) : kernels::matmul(identity(n), x);
        };
        Array x = random_normal({n, n}, float32, 0, 1);
        CHECK(same_bits(product(x), x));
        x.output<float>()[5 * n + 7] = given;
        const Array y = product(x);
        // Inf times the zeros of the identity is NaN.
        const auto good = [&](int64_t i, int64_t j) {
          const float value = y.data<float>()[i * n + j], before = x.data<float>()[i * n + j];
          if (i == 5 && j == 7) return std::isnan(given) ? std::isnan(value) : value == given;
          return (left ? i == 5 : j == 7) ? std::isnan(value) : value == before;
        };
        int64_t wrong = 0;
        for (int64_t i = 0; i < n; ++i)
          for (int64_t j = 0; j < n; ++j) wrong += !good(i, j);
        CHECK(wrong == 0);
      }
  });
}
