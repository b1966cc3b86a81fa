#include <attune/attune.h>

#include <sstream>

#include "../catch.h"

using namespace attune;

namespace {

template <class T>
void check_same(const T& value) {
  std::ostringstream stream;
  stream << value;
  CHECK(stream.str() == to_string(value));
  CHECK(fmt::format("{}", value) == to_string(value));
}

}  // namespace

TEST_CASE("dtypes, shapes, arrays, tensors and modules print through fmt and streams") {
  check_same(float32);
  check_same(Shape{2, 3});
  check_same(tensor({1.f, 2.f}).array());
  check_same(tensor({1.f, 2.f}));
  check_same(nn::Linear(2, 3));
  CHECK(fmt::format("{:>8}", Shape{2, 3}) == "  [2, 3]");
}
