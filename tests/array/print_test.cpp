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

TEST_CASE("scalars and empty arrays") {
  CHECK(to_string(array<float>({}, {2.5f})) == "2.5000");
  CHECK(to_string(array<int64_t>({}, {-7})) == "-7");
  CHECK(to_string(array<bool>({}, {true})) == "true");
  CHECK(to_string(Array({0}, float32)) == "[] of shape [0]");
  CHECK(to_string(Array({2, 0, 3}, float32)) == "[] of shape [2, 0, 3]");
}

TEST_CASE("columns line up") {
  CHECK(to_string(array<int64_t>({2, 3}, {1, -20, 3, 400, 5, 6})) ==
        "[[  1, -20,   3],\n [400,   5,   6]]");
  CHECK(to_string(array<bool>({2, 2}, {true, false, false, true})) ==
        "[[ true, false],\n [false,  true]]");
  CHECK(to_string(array<double>({2}, {1.5, -10.25})) == "[  1.5000, -10.2500]");
}

TEST_CASE("floats choose the shortest of three notations") {
  CHECK(to_string(array<float>({3}, {1, 2, 300})) == "[  1.,   2., 300.]");
  CHECK(to_string(array<float>({2}, {1e-6f, 1})) == "[1.0000e-06, 1.0000e+00]");
  CHECK(to_string(array<double>({2}, {1e10, 1})) == "[1.0000e+10, 1.0000e+00]");
  CHECK(to_string(array<float>({3}, {1.5f, NAN, -INFINITY})) == "[1.5000,    nan,   -inf]");
}

TEST_CASE("blocks of three dimensions are set apart") {
  CHECK(to_string(array<int64_t>({2, 1, 2}, {1, 2, 3, 4})) == "[[[1, 2]],\n\n [[3, 4]]]");
}

TEST_CASE("views print what they show") {
  const Array x = array<int64_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(to_string(x.transpose(0, 1)) == "[[1, 4],\n [2, 5],\n [3, 6]]");
  CHECK(to_string(x.select(0, 1).flip(0)) == "[6, 5, 4]");
}

TEST_CASE("beyond 1,000 elements only the edges are shown") {
  CHECK(to_string(count(1001)) == "[   0,    1,    2, ...,  998,  999, 1000]");
  CHECK(to_string(count(1000)).find("...") == std::string::npos);
  const std::string square = to_string(count(10000).try_view({100, 100}).value());
  CHECK(square.find("[   0,    1,    2, ...,   97,   98,   99],\n [ 100,") == 1);
  CHECK(square.find("[ 200,  201,  202, ...,  297,  298,  299],\n ...,\n [9700,") !=
        std::string::npos);
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
