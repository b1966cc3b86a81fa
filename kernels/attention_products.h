#pragma once

// For .cpp files only: the products of a tile of attention, of queries with keys and of weights
// with values, by either of two classes that compute the same. An object serves one thread, and a
// block of queries at a time.

#include "attention_tiles.h"
#include "bf16_panels.h"
#include "thin_product.h"
#include "transpose.h"

namespace attune::kernels {

// In the precision of T, by BLAS.
template <class T>
class ExactProducts {
 public:
  // Elements of memory that they need.
  static int64_t scratch(int64_t depth, int64_t) { return depth * key_tile; }

  ExactProducts(int64_t depth, int64_t width, T scale, T* scratch)
      : depth_(depth), width_(width), scale_(scale), keys_(scratch) {}

  // The queries that products are of from now on; stride: between their rows.
  void take_queries(const T* q, int64_t stride, int64_t) {
    q_ = q;
    stride_ = stride;
  }

  // scores [rows, key_tile] = scale q kᵀ for the queries from `first`, a multiple of part_rows.
  void score(int64_t first, int64_t rows, const T* k, int64_t stride, int64_t columns,
             T* scores) const {
    // BLAS multiplies small plain operands where they lie, and copies transposed ones.
    transpose(k, stride, columns, depth_, keys_, key_tile);
    gemm_tile(false, false, rows, columns, depth_, scale_, q_ + first * stride_, stride_, keys_,
              key_tile, T{0}, scores, key_tile);
  }

  // y [rows, width] += weights v, with weights [rows, key_tile]; as multiply_weights().
  void add_values(bool partial, int64_t rows, int64_t columns, const T* weights, const T* v,
                  int64_t stride, T* y) const {
    multiply_weights(false, partial, rows, columns, width_, T{1}, weights, v, stride, y, width_);
  }

 private:
  int64_t depth_, width_;
  T scale_;
  T* keys_;
  const T* q_ = nullptr;
  int64_t stride_ = 0;
};

// Of operands rounded to bfloat16, with sums in float32. Needs has_bf16_panels().
class RoundedProducts {
 public:
  // Whether rounding pays.
  static bool pay(int64_t queries, int64_t keys, int64_t depth, int64_t width) {
    return std::min({queries, keys, depth, width}) > thin_rows && has_bf16_panels();
  }
  static int64_t scratch(int64_t depth, int64_t width) {
    return words(query_tile, depth) + words(key_tile, depth) + words(query_tile, key_tile) +
           words(width, key_tile);
  }

  RoundedProducts(int64_t depth, int64_t width, float scale, float* scratch)
      : depth_(depth),
        width_(width),
        scale_(scale),
        queries_(reinterpret_cast<Bf16Pair*>(scratch)),
        keys_(queries_ + words(query_tile, depth)),
        weights_(keys_ + words(key_tile, depth)),
        values_(weights_ + words(query_tile, key_tile)) {}

  void take_queries(const float* q, int64_t stride, int64_t rows) {
    pack_panels({q, stride, true}, 0, rows, 0, depth_, queries_);
  }

  void score(int64_t first, int64_t rows, const float* k, int64_t stride, int64_t columns,
             float* scores) const {
    static_assert(part_rows % panel_width == 0);
    pack_panels({k, stride, true}, 0, columns, 0, depth_, keys_);
    multiply_panels(pairs(depth_), panels(queries_ + words(first, depth_), depth_),
                    panels(keys_, depth_), {scores, key_tile, rows, columns, false, nullptr}, {});
    for (int64_t i = 0; i < rows; ++i, scores += key_tile)
      rows::affine(scores, scale_, 0.0f, scores, columns);
  }

  void add_values(bool partial, int64_t rows, int64_t columns, const float* weights, const float* v,
                  int64_t stride, float* y) const {
    if (partial && !stays_finite(v, stride, columns))
      return add_weighted(false, rows, columns, width_, 1.0f, weights, v, stride, y, width_);
    pack_panels({weights, key_tile, true}, 0, rows, 0, columns, weights_);
    pack_panels({v, stride, false}, 0, width_, 0, columns, values_);
    multiply_panels(pairs(columns), panels(weights_, columns), panels(values_, columns),
                    {y, width_, rows, width_, true, nullptr}, {});
  }

 private:
  static int64_t pairs(int64_t depth) { return (depth + 1) / 2; }
  static int64_t words(int64_t indices, int64_t depth) {
    return round_up(indices, panel_width) * pairs(depth);
  }
  static Panels<Bf16Pair> panels(const Bf16Pair* data, int64_t depth) {
    return {data, pairs(depth) * panel_width};
  }

  // Whether no value is NaN or Inf once it is rounded, which adds half of a last place at most.
  bool stays_finite(const float* v, int64_t stride, int64_t columns) const {
    float* const enlarged = reinterpret_cast<float*>(values_);
    for (int64_t j = 0; j < columns; ++j) {
      rows::affine(v + j * stride, 1 + 0x1p-8f, 0.0f, enlarged, width_);
      if (!rows::all_finite(enlarged, width_)) return false;
    }
    return true;
  }

  int64_t depth_, width_;
  float scale_;
  Bf16Pair *queries_, *keys_, *weights_, *values_;
};

}  // namespace attune::kernels
