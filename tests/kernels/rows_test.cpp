#include <kernels/rows.h>

#include <limits>
#include <vector>

#include "../catch.h"
#include "products.h"

using namespace attune;

TEMPLATE_TEST_CASE("one element that is not finite is found among rows apart", "", float, double) {
  constexpr TestType infinity = std::numeric_limits<TestType>::infinity();
  constexpr int64_t rows = 3, stride = 45;
  test::on_every_target([&] {
    for (const int64_t n : {1, 7, 16, 40})
      for (const TestType bad : {infinity, -infinity, std::numeric_limits<TestType>::quiet_NaN()}) {
        std::vector<TestType> x(rows * stride, bad);
        for (int64_t i = 0; i < rows; ++i)
          std::fill_n(x.begin() + i * stride, n, std::numeric_limits<TestType>::max());
        REQUIRE(kernels::rows::all_finite(x.data(), n, rows, stride));
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < n; ++j) {
            std::vector<TestType> y = x;
            y[static_cast<size_t>(i * stride + j)] = bad;
            REQUIRE_FALSE(kernels::rows::all_finite(y.data(), n, rows, stride));
          }
      }
  });
}

TEMPLATE_TEST_CASE("what stands where a weight is zero is cleared, and nothing else", "", float,
                   double) {
  constexpr TestType nan = std::numeric_limits<TestType>::quiet_NaN();
  test::on_every_target([&] {
    for (const int64_t n : {1, 7, 16, 40}) {
      const TestType weights[] = {0, 1, TestType{-0.0}, nan, std::numeric_limits<TestType>::min()};
      std::vector<TestType> w, y;
      for (int64_t i = 0; i <= n; ++i) {
        w.push_back(weights[i % 5]);
        y.push_back(i % 3 ? nan : static_cast<TestType>(i + 1));
      }
      const std::vector<TestType> before = y;
      kernels::rows::clear_where_zero(w.data(), y.data(), n);
      for (size_t i = 0; i < y.size(); ++i) {
        const TestType expected = w[i] == 0 && i < static_cast<size_t>(n) ? 0 : before[i];
        REQUIRE((y[i] == expected || (y[i] != y[i] && expected != expected)));
      }
    }
  });
}
