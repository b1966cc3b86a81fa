#include "../../kernels/transpose.h"

#include "products.h"

using namespace attune;
using namespace attune::test;

namespace {

// Writes what it should, and nothing beside it.
template <class T>
bool transposes(int64_t rows, int64_t columns) {
  const int64_t x_stride = columns + 3, y_stride = rows + 5;
  std::vector<T> x(static_cast<size_t>(rows * x_stride)),
      y(static_cast<size_t>(columns * y_stride), -1);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i);
  kernels::transpose(x.data(), x_stride, rows, columns, y.data(), y_stride);
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < y_stride; ++i) {
      const T expected = i < rows ? static_cast<T>(i * x_stride + j) : T{-1};
      if (y[static_cast<size_t>(j * y_stride + i)] != expected) return false;
    }
  return true;
}

}  // namespace

TEST_CASE("transpose() puts rows in the place of columns, whatever the sizes") {
  on_every_target([] {
    for (const int64_t rows : {0, 1, 3, 8, 15, 16, 17, 40, 64})
      for (const int64_t columns : {0, 1, 2, 4, 7, 16, 21, 32, 67}) {
        INFO(rows << " x " << columns);
        CHECK(transposes<float>(rows, columns));
        CHECK(transposes<double>(rows, columns));
      }
  });
}
