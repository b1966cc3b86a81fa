#pragma once

#include "../array/random.h"

namespace attune {

// Filled arrays, from the next draw or the given one. dtype float32 or float64 (DTypeError).
Array random_uniform(const Shape& shape, DType dtype, double low, double high,
                     RandomState draw = next_draw());  // in [low, high)
Array random_normal(const Shape& shape, DType dtype, double mean, double std,
                    RandomState draw = next_draw());
// bool: true with probability p.
Array random_bernoulli(const Shape& shape, double p, RandomState draw = next_draw());
// int64 in [low, high).
Array random_integers(const Shape& shape, int64_t low, int64_t high,
                      RandomState draw = next_draw());
// int64 [n]: 0 … n-1 shuffled.
Array random_permutation(int64_t n, RandomState draw = next_draw());

}  // namespace attune
