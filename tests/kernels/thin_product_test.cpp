#include "../catch.h"

#include <array/pool.h>
#include <kernels/gemm.h>
#include <kernels/random.h>
#include <kernels/thin_product.h>

#include <algorithm>
#include <cmath>

#include "products.h"

using namespace attune;
using kernels::thin_product;

namespace {

// a b element by element, in double.
double product(const Array& a, const Array& b, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t l = 0; l < a.size(1); ++l) {
    const double x = a.data<double>()[i * a.strides()[0] + l * a.strides()[1]];
    sum += x * b.data<double>()[l * b.strides()[0] + j * b.strides()[1]];
  }
  return sum;
}

}  // namespace

TEMPLATE_TEST_CASE("a product of few rows equals the sums, for every remainder", "", float,
                   double) {
  const double tolerance = sizeof(TestType) == 4 ? 1e-5 : 1e-13;
  test::on_every_target([&] {
    for (const int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 15})
      for (const int64_t n : {1, 4, 7, 70, 231})
        for (const int64_t k : {1, 5, 12, 16, 67})
          for (const bool transposed : {false, true}) {
            const Array a = random_normal({m, k}, float64, 0, 1);
            const Array stored =
                random_normal(transposed ? Shape{n, k} : Shape{k, n}, float64, 0, 1);
            const Array b = transposed ? stored.transpose(0, 1) : stored;
            const DType dtype = dtype_of<TestType>;
            const Array left = test::guarded(kernels::convert(a, dtype));
            const Array right = test::guarded(kernels::convert(stored, dtype));
            std::vector<TestType> c(static_cast<size_t>(m * (n + 2)), TestType{7});
            thin_product(transposed, m, n, k, left.data<TestType>(), k, right.data<TestType>(),
                         transposed ? k : n, c.data(), n + 2);
            for (int64_t i = 0; i < m; ++i)
              for (int64_t j = 0; j < n + 2; ++j) {
                const double expected = j < n ? product(a, b, i, j) : 7;
                const auto found = static_cast<double>(c[static_cast<size_t>(i * (n + 2) + j)]);
                REQUIRE(std::abs(found - expected) <= tolerance * (1 + std::abs(expected)));
              }
          }
  });
}

TEMPLATE_TEST_CASE("a row's product does not depend on the rows beside it", "", float, double) {
  const int64_t n = 70, k = 67;
  const Array left = random_normal({16, k}, dtype_of<TestType>, 0, 1);
  const Array right = random_normal({n, k}, dtype_of<TestType>, 0, 1);
  const auto* a = left.data<TestType>();
  for (const bool transposed : {false, true})
    for (int64_t m = 1; m <= 16; ++m) {
      std::vector<TestType> all(static_cast<size_t>(m * n)), one(static_cast<size_t>(n));
      const auto multiply = [&](int64_t rows, const TestType* from, TestType* to) {
        thin_product(transposed, rows, n, k, from, k, right.data<TestType>(), transposed ? k : n,
                     to, n);
      };
      multiply(m, a, all.data());
      for (int64_t i = 0; i < m; ++i) {
        multiply(1, a + i * k, one.data());
        REQUIRE(std::equal(one.begin(), one.end(), all.begin() + i * n));
      }
    }
}

// Matrices this large are cut into parts of their depth, and into columns, which fill a tile or
// not.
TEMPLATE_TEST_CASE("a row's product with a large matrix is right and does not depend on others", "",
                   float, double) {
  const int64_t n = GENERATE(400, 1536, 1600, 3100), k = 901, rows = 11, batch = 2;
  const DType dtype = dtype_of<TestType>;
  const Array a = random_normal({batch, rows, k}, float64, 0, 1);
  const Array b = random_normal({batch, k, n}, float64, 0, 1);
  const Array left = kernels::convert(a, dtype), right = kernels::convert(b, dtype);
  const Array all = kernels::matmul(left, right);
  const double tolerance = sizeof(TestType) == 4 ? 1e-4 : 1e-12;
  for (int64_t matrix = 0; matrix < batch; ++matrix)
    for (int64_t i = 0; i < rows; i += 5) {
      const Array one =
          kernels::matmul(left.select(0, matrix).narrow(0, i, 1), right.select(0, matrix));
      REQUIRE(std::equal(one.data<TestType>(), one.data<TestType>() + n,
                         all.data<TestType>() + (matrix * rows + i) * n));
      for (int64_t j = 0; j < n; j += 49) {
        const double expected = product(a.select(0, matrix), b.select(0, matrix), i, j);
        REQUIRE(std::abs(one.data<TestType>()[j] - expected) <=
                tolerance * (1 + std::abs(expected)));
      }
    }
}

TEST_CASE("a product of few rows takes no more memory than is said, however many matrices") {
  const int64_t m = 3, k = 900, n = 400;
  const Array a = random_normal({5, m, k}, float32, 0, 1);
  const Array b = random_normal({k, n}, float32, 0, 1).expand({5, k, n});
  const int64_t scratch = kernels::matmul_scratch(m, n, k) * int64_t{sizeof(float)};
  CHECK(scratch > m * n * int64_t{sizeof(float)});
  reset_peak_memory();
  const int64_t before = memory_stats().live_bytes;
  const Array y = kernels::matmul(a, b);
  const int64_t taken = memory_stats().peak_bytes - before - y.numel() * int64_t{sizeof(float)};
  CHECK(taken >= scratch);
  CHECK(taken < scratch * 5 / 4);
}

TEST_CASE("a thin product of more columns than a tile holds is the sums") {
  const int64_t m = 3, n = kernels::thin_columns + 5, k = 9;
  const Array a = random_normal({m, k}, float64, 0, 1), b = random_normal({k, n}, float64, 0, 1);
  std::vector<double> c(static_cast<size_t>(m * n));
  thin_product(false, m, n, k, a.data<double>(), k, b.data<double>(), n, c.data(), n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      REQUIRE(std::abs(c[static_cast<size_t>(i * n + j)] - product(a, b, i, j)) < 1e-12);
}

TEST_CASE("matmul of few rows agrees with many, whichever way it goes") {
  const Array a = random_normal({40, 300}, float64, 0, 1);
  const Array b = random_normal({700, 300}, float64, 0, 1);
  for (const Array& right : {b.transpose(0, 1), b.transpose(0, 1).expand({2, 300, 700})}) {
    const Array all = kernels::matmul(a, right), few = kernels::matmul(a.narrow(0, 3, 5), right);
    for (int64_t i = 0; i < 5 * 700; ++i)
      REQUIRE(std::abs(few.data<double>()[i] - all.data<double>()[3 * 700 + i]) < 1e-12);
  }
}
