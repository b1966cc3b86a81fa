#pragma once

#include "../array/random.h"

namespace attune {

// Filled arrays of a draw, the next one if none is given. dtype float32 or float64 (DTypeError).
Array random_uniform(const Shape& shape, DType dtype, double low, double high,
                     RandomState draw);  // in [low, high)
Array random_normal(const Shape& shape, DType dtype, double mean, double std, RandomState draw);
// bool: true with the probability of each element of p. ValueError unless all are in [0, 1].
Array random_bernoulli(const Array& p, RandomState draw);
// int64 in [low, high).
Array random_integers(const Shape& shape, int64_t low, int64_t high, RandomState draw);
// int64 [n]: 0 … n-1 shuffled.
Array random_permutation(int64_t n, RandomState draw);

inline Array random_uniform(const Shape& shape, DType dtype, double low, double high) {
  return with_next_draw([&](auto draw) { return random_uniform(shape, dtype, low, high, draw); });
}
inline Array random_normal(const Shape& shape, DType dtype, double mean, double std) {
  return with_next_draw([&](auto draw) { return random_normal(shape, dtype, mean, std, draw); });
}
inline Array random_bernoulli(const Array& p) {
  return with_next_draw([&](auto draw) { return random_bernoulli(p, draw); });
}
inline Array random_integers(const Shape& shape, int64_t low, int64_t high) {
  return with_next_draw([&](auto draw) { return random_integers(shape, low, high, draw); });
}
inline Array random_permutation(int64_t n) {
  return with_next_draw([&](auto draw) { return random_permutation(n, draw); });
}

}  // namespace attune
