#include "attention_tiles.h"
#include "elementwise.h"

namespace attune::kernels {
namespace {

template <class T>
bool all_finite(const Array& x) {
  return rows::all_finite(x.data<T>(), x.numel());
}

// y = Σ a[i] b_i over the rows b_i that keep allows.
template <class T>
void add_kept(const bool* keep, const T* a, const T* b, int64_t rows, int64_t width, T* y) {
  std::fill_n(y, width, T{0});
  for (int64_t i = 0; i < rows; ++i)
    if (keep[i]) rows::add_scaled(a[i], b + i * width, y, width);
}

}  // namespace

Array allowed(const AttentionMask& mask, const Shape& scores) {
  Array out(scores, boolean);
  const int64_t queries = scores[scores.size() - 2], keys = scores.back();
  if (scores.numel() == 0) return out;
  const DType dtype = mask.bias.defined() ? mask.bias.dtype() : float32;
  visit_floating("scaled_dot_product_attention", dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Masking<T> masking(mask, scores);
    bool* to = out.output<bool>();
    T row[key_tile];
    const int64_t batches = scores.numel() / (queries * keys);
    for (int64_t batch = 0; batch < batches; ++batch)
      for (int64_t i = 0; i < queries; ++i, to += keys) {
        const int64_t end = masking.key_end(batch);
        std::fill_n(to, keys, false);
        for (int64_t column = 0; column < end; column += key_tile) {
          const Tile tile{batch, i, 1, column, std::min(key_tile, end - column)};
          std::fill_n(row, tile.columns, T{0});
          masking.apply(tile, row);
          for (int64_t j = 0; j < tile.columns; ++j)
            to[column + j] = row[j] != -std::numeric_limits<T>::infinity();
        }
      }
  });
  return out;
}

Array masked_matmul(const Array& keep, const Array& a, const Array& b) {
  const Array kept = where(keep, a, zeros({}, a.dtype())), right = contiguous(b);
  Array y = matmul(kept, right);
  if (y.numel() == 0) return y;
  visit_floating("matmul", a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (all_finite<T>(right)) return;
    const Array dense = contiguous(keep);
    const int64_t rows = a.size(-2), inner = a.size(-1), width = b.size(-1);
    T* to = y.output<T>();
    for (int64_t i = 0; i < y.numel() / width; ++i)
      add_kept(dense.data<bool>() + i * inner, kept.data<T>() + i * inner,
               right.data<T>() + i / rows * inner * width, inner, width, to + i * width);
  });
  return y;
}

Array distance_bias(const AttentionMask& mask, const Shape& scores) {
  Array out(scores, float64);
  if (scores.numel() == 0) return out;
  const Masking<double> masking(mask, scores);
  double* to = out.output<double>();
  const int64_t queries = scores[scores.size() - 2], keys = scores.back();
  for (int64_t batch = 0; batch < scores.numel() / (queries * keys); ++batch)
    for (int64_t position = masking.first(batch); position < masking.first(batch) + queries;
         ++position)
      for (int64_t j = 0; j < keys; ++j)
        *to++ = -masking.slope(batch) * static_cast<double>(std::abs(j - position));
  return out;
}

}  // namespace attune::kernels
