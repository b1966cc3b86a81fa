#include "../catch.h"

#include <kernels/gemm.h>
#include <kernels/random.h>
#include <kernels/thin_product.h>

#include <cmath>

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
  for (const int64_t m : {1, 3, 8, 15})
    for (const int64_t n : {1, 4, 7, 70, 135})
      for (const int64_t k : {1, 5, 16, 67})
        for (const bool transposed : {false, true}) {
          const Array a = random_normal({m, k}, float64, 0, 1);
          const Array stored = random_normal(transposed ? Shape{n, k} : Shape{k, n}, float64, 0, 1);
          const Array b = transposed ? stored.transpose(0, 1) : stored;
          std::vector<TestType> left(a.data<double>(), a.data<double>() + m * k);
          std::vector<TestType> right(stored.data<double>(), stored.data<double>() + n * k);
          std::vector<TestType> c(static_cast<size_t>(m * (n + 2)), TestType{7});
          thin_product(transposed, m, n, k, left.data(), k, right.data(), transposed ? k : n,
                       c.data(), n + 2);
          for (int64_t i = 0; i < m; ++i)
            for (int64_t j = 0; j < n + 2; ++j) {
              const double expected = j < n ? product(a, b, i, j) : 7;
              const auto found = static_cast<double>(c[static_cast<size_t>(i * (n + 2) + j)]);
              REQUIRE(std::abs(found - expected) <= tolerance * (1 + std::abs(expected)));
            }
        }
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
