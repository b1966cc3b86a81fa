#pragma once

#include <algorithm>
#include <cstdint>

// What the panels of every element type have in common. kernels/packed_product.h says what they are
// for.
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

// Panels of one side that follow each other at a distance, which is that of a panel or, where they
// are part of deeper ones, more.
template <class Word>
struct Panels {
  const Word* data;
  int64_t distance;

  const Word* operator[](int64_t panel) const { return data + panel * distance; }
};

// Where a product goes: row-major, on top of what is there if `add`, with a bias for every column
// unless that is null.
struct PanelResult {
  float* data;
  int64_t stride, rows, columns;
  bool add;
  const float* bias;
};

// Asks for upcoming memory, line by line.
class Prefetcher {
 public:
  explicit Prefetcher(const Upcoming& x)
      : at_(x.data), end_(x.data + x.count), count_(x.count), stride_(x.stride), rows_(x.rows) {}

  void next() {
    if (rows_ == 0) return;
    __builtin_prefetch(at_);
    at_ += 16;
    if (at_ < end_) return;
    --rows_;
    end_ += stride_;
    at_ = end_ - count_;
  }

 private:
  const float *at_, *end_;
  int64_t count_, stride_, rows_;
};

// Multiplies a tile's panel of rows with up to three panels of columns, a distance apart.
template <class Word>
using TileProduct = void(int64_t words, const Word* rows, const Word* columns, int64_t distance,
                         const PanelResult& result, Prefetcher& upcoming);

// Cuts a result into tiles of so many rows and of up to three panels of columns; of[n - 1]
// multiplies those of n.
template <class Word>
void multiply_tiles(TileProduct<Word>* const (&of)[3], int64_t tile_rows, int64_t width,
                    int64_t words, const Panels<Word>& rows, const Panels<Word>& columns,
                    const PanelResult& result, const Upcoming& upcoming) {
  Prefetcher ahead(upcoming);
  for (int64_t j = 0, count = 0; j < result.columns; j += count) {
    // Of four panels, two and two keep the multipliers busier than three and one.
    const int64_t left = (result.columns - j + width - 1) / width;
    const int64_t panels = left == 4 ? 2 : std::min<int64_t>(3, left);
    count = std::min(panels * width, result.columns - j);
    for (int64_t i = 0; i < result.rows; i += tile_rows)
      of[panels - 1](
          words, rows[i / width] + i % width, columns[j / width], columns.distance,
          {result.data + i * result.stride + j, result.stride, std::min(tile_rows, result.rows - i),
           count, result.add, result.bias ? result.bias + j : nullptr},
          ahead);
  }
}

}  // namespace attune::kernels
