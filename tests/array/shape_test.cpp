#include <attune/array.h>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a shape refuses places that it has not, and stays as it was") {
  Shape shape{2, 3};
  const Shape& same = shape;
  CHECK(same[1] == 3);
  CHECK(same.back() == 3);
  CHECK_THROWS_AS(same[2], IndexError);
  CHECK_THROWS_WITH(same[-1], ContainsSubstring("index -1 is out of range for [2, 3]"));
  CHECK_THROWS_AS(shape[2] = 1, IndexError);
  CHECK_THROWS_AS(shape.insert(3, 1), IndexError);
  CHECK_THROWS_AS(shape.erase(2), IndexError);
  CHECK_THROWS_AS(Shape().back(), IndexError);
  CHECK(shape == Shape{2, 3});
}

TEST_CASE("sizes count from either end, and a scalar has none") {
  const Array x({2, 3}, float32), scalar({}, float32);
  CHECK(x.size(0) == 2);
  CHECK(x.size(-1) == 3);
  CHECK_THROWS_AS(x.size(2), IndexError);
  CHECK_THROWS_AS(scalar.size(0), IndexError);
  CHECK_THROWS_AS(scalar.size(-1), IndexError);
}
