#include "../../kernels/copy.h"

#include <limits>

#include "../../array/error.h"
#include "../../array/random.h"
#include "../catch.h"

using namespace attune;
using namespace attune::kernels;

namespace {

template <class T>
std::vector<T> values(const Array& x) {
  return std::vector<T>(x.data<T>(), x.data<T>() + x.numel());
}

}  // namespace

TEST_CASE("fills") {
  CHECK(values<float>(full({2}, float32, 1.5)) == std::vector<float>{1.5, 1.5});
  CHECK(values<bool>(ones({2}, boolean)) == std::vector<bool>{true, true});
  CHECK(values<int64_t>(arange(3)) == std::vector<int64_t>{0, 1, 2});
  CHECK(zeros({0, 3}, float64).numel() == 0);
  CHECK_THROWS_AS(zeros({-1}, float32), ShapeError);
}

TEST_CASE("conversions truncate, saturate and round") {
  Array x({5}, float64);
  const double given[] = {-1.75, 0, 2.5, std::numeric_limits<double>::quiet_NaN(), 1e300};
  std::copy(given, given + 5, x.output<double>());
  constexpr int64_t none = std::numeric_limits<int64_t>::min();
  CHECK(values<int64_t>(convert(x, int64)) == std::vector<int64_t>{-1, 0, 2, none, none});
  CHECK(values<bool>(convert(x, boolean)) == std::vector<bool>{true, false, true, true, true});
  const Array brain = convert(full({1}, float32, 1.00390625), bfloat16);
  CHECK(values<float>(convert(brain, float32)) == std::vector<float>{1});
  CHECK(convert(x, float64).shares_storage(x));
  CHECK_FALSE(clone(x).shares_storage(x));
}

TEST_CASE("views become contiguous element by element") {
  const Array x = reshape(convert(arange(24), float32), {2, 3, 4});
  const Array view = x.permute({2, 0, 1}).slice(1, std::nullopt, std::nullopt, -1);
  const Array dense = contiguous(view);
  CHECK(dense.is_contiguous());
  CHECK(contiguous(dense).shares_storage(dense));
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 2; ++j)
      for (int64_t k = 0; k < 3; ++k)
        CHECK(*dense.select(0, i).select(0, j).select(0, k).data<float>() ==
              static_cast<float>((1 - j) * 12 + k * 4 + i));
  CHECK(reshape(x, {6, -1}).shares_storage(x));
  CHECK_FALSE(reshape(view, {-1}).shares_storage(x));
}

TEST_CASE("a large transpose goes through many tiles") {
  const Array x = reshape(arange(300 * 257), {300, 257});
  const Array turned = clone(x.transpose(0, 1));
  bool right = true;
  for (int64_t i = 0; i < 257; ++i)
    for (int64_t j = 0; j < 300; ++j)
      right = right && turned.data<int64_t>()[i * 300 + j] == j * 257 + i;
  CHECK(right);
}

TEST_CASE("copy_into broadcasts and converts into strided memory") {
  Array grid = zeros({2, 3}, float64);
  Array column = grid.slice(1, 0, std::nullopt, 2);
  copy_into(column, arange(2));
  CHECK(values<double>(grid) == std::vector<double>{0, 0, 1, 0, 0, 1});
  copy_into(column, full({2, 2}, int64, 7));
  CHECK(values<double>(grid) == std::vector<double>{7, 0, 7, 7, 0, 7});
  Array line = arange(4);
  copy_into(line, line.flip(0));
  CHECK(values<int64_t>(line) == std::vector<int64_t>{3, 2, 1, 0});
  CHECK_THROWS_AS(copy_into(line, arange(3)), ShapeError);
}
