#include <attune/array.h>

#include "../catch.h"

using namespace attune;

TEST_CASE("an array without elements is contiguous in any order, and viewed in any shape of none") {
  const Array x({4, 0, 3}, float32);
  for (const Array& empty : {x, x.permute({2, 1, 0}), x.transpose(0, 2), x.slice(0, 0, 4, 2)}) {
    INFO(to_string(empty.shape()));
    CHECK(empty.is_contiguous());
    for (const Shape& shape : {Shape{0, 12}, Shape{0}, Shape{2, 3, 0, 5}}) {
      const auto view = empty.try_view(shape);
      REQUIRE(view);
      CHECK(view->shape() == shape);
    }
  }
}
