#include <attune/array.h>

#include <cmath>
#include <string>
#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

template <class T>
Array array(const Shape& shape, const std::vector<T>& values) {
  Array result(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), result.template output<T>());
  return result;
}

Array count(int64_t n) {
  Array result(Shape{n}, int64);
  for (int64_t i = 0; i < n; ++i) result.output<int64_t>()[i] = i;
  return result;
}

}  // namespace

TEST_CASE("arrays print as torch prints them, without its frame") {
  CHECK(to_string(Array()) == "undefined");
  CHECK(to_string(array<float>({}, {2.5f})) == "2.5000");
  CHECK(to_string(Array({2, 0, 3}, float32)) == "[]");
  CHECK(to_string(array<int64_t>({2, 3}, {1, -20, 3, 400, 5, 6})) ==
        "[[  1, -20,   3],\n [400,   5,   6]]");
  CHECK(to_string(array<bool>({2, 2}, {true, false, false, true}), 4) ==
        "[[ True, False],\n     [False,  True]]");
  CHECK(to_string(array<float>({3}, {1.5f, NAN, -INFINITY})) == "[1.5000,    nan,   -inf]");
  CHECK(to_string(array<float>({1}, {std::copysign(NAN, -1.f)})) == "[nan]");
}

TEST_CASE("long rows wrap within 80 columns and stay aligned") {
  const std::string text = to_string(count(100));
  size_t start = 0;
  for (size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    CHECK(end - start <= 80);
    CHECK(text[end + 1] == ' ');
    CHECK(text[end - 1] == ',');
  }
  CHECK(start > 0);
}
