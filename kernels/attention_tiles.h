#pragma once

// For .cpp files only: what forward and backward of attention share.

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "../array/trace.h"
#include "attention.h"
#include "copy.h"
#include "gemm.h"
#include "heads.h"
#include "parallel.h"
#include "rows.h"
#include "scratch.h"

namespace attune::kernels {

inline constexpr int64_t query_tile = 64;
inline constexpr int64_t key_tile = 128;
// Where a diagonal ends a tile, it is cut into parts of so many queries, which end where theirs
// does.
inline constexpr int64_t part_rows = 32;

// Elements that one thread works in. Forward: a tile of scores, a row for every query, and what its
// products need; backward: two tiles, keys and values transposed, and a number for every query.
template <class Products>
int64_t forward_scratch(int64_t depth, int64_t width) {
  return query_tile * (key_tile + width) + Products::scratch(depth, width);
}
inline int64_t backward_scratch(int64_t queries, int64_t depth, int64_t width) {
  return (2 * query_tile + depth + width) * key_tile + queries;
}

// The index-th matrix of an operand with batch dimensions.
inline int64_t batch_offset(const Array& x, int64_t index) {
  int64_t offset = 0;
  for (int64_t i = x.dim() - 3; i >= 0; --i) {
    offset += index % x.shape()[i] * x.strides()[i];
    index /= x.shape()[i];
  }
  return offset;
}

// A batch of matrices where BLAS finds them: rows are dense, but may lie apart. T is const for
// those that are read.
template <class T>
class Matrices {
  using Element = std::remove_const_t<T>;

 public:
  explicit Matrices(const Array& x) requires std::is_const_v<T>
      : array_(has_dense_rows(x) ? x : clone(x)), data_(array_.data<Element>()) {}
  // To be filled; rows of x are dense.
  explicit Matrices(Array& x) requires(!std::is_const_v<T>)
      : array_(x), data_(array_.output<Element>()) {}

  T* at(int64_t index, int64_t row) const {
    return data_ + batch_offset(array_, index) + row * array_.strides()[array_.dim() - 2];
  }
  int64_t leading() const {
    return std::max<int64_t>({1, array_.size(-1), array_.strides()[array_.dim() - 2]});
  }

 private:
  static bool has_dense_rows(const Array& x) {
    const int64_t width = x.size(-1), rows = x.size(-2);
    return (width <= 1 || x.strides().back() == 1) &&
           (rows <= 1 || (x.strides()[x.dim() - 2] >= std::max<int64_t>(width, 1) &&
                          x.strides()[x.dim() - 2] <= largest_of_blas));
  }

  Array array_;
  T* data_;
};

// One tile of scores: query rows by key columns.
struct Tile {
  int64_t batch, row, rows, column, columns;
};

// The shape of all scores of q: [..., Tq, D] for so many keys.
inline Shape scores_shape(const Array& q, int64_t keys) {
  Shape shape = q.shape();
  shape[shape.size() - 1] = keys;
  return shape;
}

// How many batch indices of q in a row read the same keys.
inline int64_t heads_sharing_keys(const Array& q, const Array& k) {
  return q.dim() < 3 || k.size(-3) == 0 ? 1 : q.size(-3) / k.size(-3);
}

// Decides which scores of a tile count.
template <class T>
class Masking {
 public:
  // scores: [..., Tq, Tk].
  Masking(const AttentionMask& mask, const Shape& scores) : mask_(mask), keys_(scores.back()) {
    if (mask.keep.defined()) keep_ = mask.keep.expand(scores);
    if (mask.bias.defined()) bias_ = mask.bias.expand(scores);
    for (int64_t d = 1; d < scores.size() - 2; ++d) batches_per_sequence_ *= scores[d];
    batches_per_sequence_ = std::max<int64_t>(1, batches_per_sequence_);
    if (scores.size() > 2) heads_ = std::max<int64_t>(1, scores[scores.size() - 3]);
  }

  // Keys at and beyond this one are masked for the whole batch index.
  int64_t key_end(int64_t batch) const {
    if (mask_.lengths.empty()) return keys_;
    return std::clamp<int64_t>(of_sequence(mask_.lengths, batch), 0, keys_);
  }
  // Keys at and beyond this one are masked for all of these queries. Rounded up to a multiple of
  // part_rows where a diagonal decides, since products of odd sizes save nothing.
  int64_t key_end(int64_t batch, int64_t row, int64_t rows) const {
    const int64_t seen = std::max<int64_t>(0, row + first(batch) + rows + mask_.highest);
    return std::min(key_end(batch), round_up(seen, part_rows));
  }
  // Keys before this one are masked for all queries from this one on.
  int64_t key_begin(int64_t batch, int64_t row) const {
    return std::max<int64_t>(0, row + first(batch) + mask_.lowest);
  }
  // Calls f(part) for the parts of a tile that are not masked whole, from above. The tile may reach
  // beyond the keys or the diagonal; parts do not.
  template <class F>
  void each_part(const Tile& t, const F& f) const {
    const int64_t first_end = key_end(t.batch, t.row, std::min(part_rows, t.rows));
    const int64_t end = std::min(t.column + t.columns, key_end(t.batch, t.row, t.rows));
    const int64_t step = first_end < end ? part_rows : t.rows;
    for (int64_t row = t.row; row < t.row + t.rows; row += step) {
      const int64_t rows = std::min(step, t.row + t.rows - row);
      const int64_t seen = key_end(t.batch, row, rows) - t.column;
      const Tile part{t.batch, row, rows, t.column, std::min(t.columns, seen)};
      if (seen > 0 && !empty(part)) f(part);
    }
  }
  // True if the diagonals mask the whole tile.
  bool empty(const Tile& t) const {
    const int64_t position = t.row + first(t.batch);
    return t.column - (position + t.rows - 1) > mask_.highest ||
           t.column + t.columns - 1 - position < mask_.lowest;
  }
  // True if some score of the tile may be masked or biased.
  bool partial(const Tile& t) const {
    const int64_t position = t.row + first(t.batch);
    return keep_.defined() || bias_.defined() || !mask_.slopes.empty() ||
           t.column + t.columns - 1 - position > mask_.highest ||
           t.column - (position + t.rows - 1) < mask_.lowest;
  }
  // The position of query 0.
  int64_t first(int64_t batch) const {
    return mask_.first.empty() ? 0 : of_sequence(mask_.first, batch);
  }
  // What a step away from the query subtracts from the score.
  double slope(int64_t batch) const {
    return mask_.slopes.empty() ? 0 : mask_.slopes[static_cast<size_t>(batch % heads_)];
  }

  // Adds the biases and puts -inf where masked. scores: [rows, key_tile].
  void apply(const Tile& t, T* scores) const {
    for (int64_t i = 0; i < t.rows; ++i) {
      T* row = scores + i * key_tile;
      if (!mask_.slopes.empty()) apply_slope(t, t.row + i, row);
      apply_diagonals(t, t.row + i, row);
      if (keep_.defined()) apply_keep(t, t.row + i, row);
      if (bias_.defined()) apply_bias(t, t.row + i, row);
    }
  }

 private:
  static constexpr T masked = -std::numeric_limits<T>::infinity();

  int64_t of_sequence(const std::vector<int64_t>& values, int64_t batch) const {
    return values[values.size() == 1 ? 0 : static_cast<size_t>(batch / batches_per_sequence_)];
  }

  void apply_slope(const Tile& t, int64_t query, T* row) const {
    const int64_t position = query + first(t.batch);
    const T slope = static_cast<T>(this->slope(t.batch));
    for (int64_t j = 0; j < t.columns; ++j)
      row[j] -= slope * static_cast<T>(std::abs(t.column + j - position));
  }

  void apply_diagonals(const Tile& t, int64_t query, T* row) const {
    const int64_t position = query + first(t.batch) - t.column;
    std::fill_n(row, std::clamp<int64_t>(position + mask_.lowest, 0, t.columns), masked);
    const int64_t stop = std::clamp<int64_t>(position + mask_.highest + 1, 0, t.columns);
    std::fill(row + stop, row + t.columns, masked);
  }

  template <class Element>
  static const Element* row_of(const Array& x, const Tile& t, int64_t query) {
    return x.data<Element>() + batch_offset(x, t.batch) + query * x.strides()[x.dim() - 2] +
           t.column * x.strides().back();
  }

  void apply_keep(const Tile& t, int64_t query, T* row) const {
    const bool* keep = row_of<bool>(keep_, t, query);
    const int64_t step = keep_.strides().back();
    for (int64_t j = 0; j < t.columns; ++j) row[j] = keep[j * step] ? row[j] : masked;
  }

  void apply_bias(const Tile& t, int64_t query, T* row) const {
    const T* bias = row_of<T>(bias_, t, query);
    const int64_t step = bias_.strides().back();
    // A bias of -inf masks NaN too, which adding would not.
    for (int64_t j = 0; j < t.columns; ++j) {
      const T add = bias[j * step];
      row[j] = add == masked || row[j] == masked ? masked : row[j] + add;
    }
  }

  const AttentionMask& mask_;
  int64_t keys_, batches_per_sequence_ = 1, heads_ = 1;
  Array keep_, bias_;
};

// Scores in the tiles that are not masked whole: what the products of attention work through.
template <class T>
double scores_in_tiles(const Masking<T>& masking, int64_t batches, int64_t queries) {
  int64_t scores = 0;
  for (int64_t batch = 0; batch < batches; ++batch)
    for (int64_t row = 0; row < queries; row += query_tile) {
      const int64_t rows = std::min(query_tile, queries - row);
      const int64_t end = masking.key_end(batch, row, rows);
      int64_t column = masking.key_begin(batch, row) / key_tile * key_tile;
      // Tiles that no diagonal ends are not walked through: of a million keys there are many.
      const int64_t whole =
          masking.key_end(batch, row, std::min(part_rows, rows)) / key_tile * key_tile;
      if (column < whole) scores += rows * (whole - std::exchange(column, whole));
      for (; column < end; column += key_tile) {
        masking.each_part({batch, row, rows, column, key_tile},
                          [&](const Tile& part) { scores += part.rows * part.columns; });
      }
    }
  return static_cast<double>(scores);
}

// c += alpha op(weights) b without the weights that are zero, whatever stands in b. weights: [rows,
// key_tile]; op transposes where told, so that outer rows of c get inner rows of b.
template <class T>
void add_weighted(bool transpose, int64_t outer, int64_t inner, int64_t width, T alpha,
                  const T* weights, const T* b, int64_t ldb, T* c, int64_t ldc) {
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < inner; ++j) {
      const T weight = transpose ? weights[j * key_tile + i] : weights[i * key_tile + j];
      if (weight != 0) rows::add_scaled(alpha * weight, b + j * ldb, c + i * ldc, width);
    }
}

// c += alpha op(weights) b, likewise. Where a masked tile meets NaN or Inf in b, zero weights are
// left out: 0 NaN would leak what the mask hides.
template <class T>
void multiply_weights(bool transpose, bool partial, int64_t rows, int64_t columns, int64_t width,
                      T alpha, const T* weights, const T* b, int64_t ldb, T* c, int64_t ldc) {
  if (width == 0) return;
  const int64_t inner = transpose ? rows : columns, outer = transpose ? columns : rows;
  if (!partial || rows::all_finite(b, width, inner, ldb))
    gemm_tile(transpose, false, outer, width, inner, alpha, weights, key_tile, b, ldb, T{1}, c,
              ldc);
  else
    add_weighted(transpose, outer, inner, width, alpha, weights, b, ldb, c, ldc);
}

}  // namespace attune::kernels
