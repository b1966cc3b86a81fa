// Edges of elementwise operations that their table's samples do not reach.
#include <attune/autograd.h>

#include <cmath>
#include <limits>

#include "../catch.h"

using namespace attune;

TEST_CASE("nan_to_num puts the largest numbers of the dtype for infinities") {
  const auto check = [](auto largest) {
    using T = decltype(largest);
    const T infinity = std::numeric_limits<T>::infinity();
    const Tensor x =
        tensor(std::vector<T>{infinity, -infinity, std::numeric_limits<T>::quiet_NaN(), 2}, {4});
    CHECK(nan_to_num(x).template to_vector<T>() == std::vector<T>{largest, -largest, 0, 2});
  };
  check(std::numeric_limits<float>::max());
  check(std::numeric_limits<double>::max());
}

TEST_CASE("softplus is x above its threshold, and curved below") {
  const Tensor x = full({}, 20.5, float64);
  CHECK(softplus(x).item<double>() == 20.5);
  CHECK(softplus(x, 1, 21).item<double>() - 20.5 == Approx(std::log1p(std::exp(-20.5))));
}

TEST_CASE("a matrix to which its own transpose is added in place is the sum of both") {
  const Tensor x = randn({70, 70}, float64);
  const Tensor sum = x + transpose(x, 0, 1);
  x.add_(transpose(x, 0, 1));
  CHECK(x.to_vector<double>() == sum.to_vector<double>());
}
