#pragma once

#include <cstdint>

// What the panels of every element type have in common.
namespace attune::kernels {

// Memory that will be packed next: rows of `count` values, a stride apart.
struct Upcoming {
  const float* data = nullptr;
  int64_t stride = 0, rows = 0, count = 0;
};

// One side of a product: `index` counts rows of the left operand, columns of the right one; `depth`
// is what the product sums over.
struct PanelOperand {
  const float* data;
  int64_t stride;    // between what is not dense
  bool dense_depth;  // whether neighbours in memory differ in depth, or else in index

  const float* at(int64_t index, int64_t depth) const {
    return data + (dense_depth ? index * stride + depth : depth * stride + index);
  }
  // Where so many indices from `first` lie, at so many depths from `from`.
  Upcoming part(int64_t first, int64_t indices, int64_t from, int64_t depth) const {
    return {at(first, from), stride, dense_depth ? indices : depth, dense_depth ? depth : indices};
  }
};

// Where a product goes: row-major, on top of what is there if `add`.
struct PanelResult {
  float* data;
  int64_t stride, rows, columns;
  bool add;
};

}  // namespace attune::kernels
