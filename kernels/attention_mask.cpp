#include "attention_tiles.h"

namespace attune::kernels {

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
