#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

#include "../tensor.h"

namespace attune {

// New leaves without gradient, in fresh row-major memory. ShapeError if a size is negative.

Tensor full(const Shape& shape, double value, DType dtype = float32);
Tensor zeros(const Shape& shape, DType dtype = float32);
Tensor ones(const Shape& shape, DType dtype = float32);
// [n, m]: ones on the main diagonal. m defaults to n.
Tensor eye(int64_t n, std::optional<int64_t> m = {}, DType dtype = float32);
// [steps]: evenly spaced from start to end, both included; of int64, whole parts between those of
// start and end.
Tensor linspace(double start, double end, int64_t steps, DType dtype = float32);

// start, start + step, … before end; int64 counts from and by their whole parts. ValueError if step
// is zero or leads away from end.
Tensor arange(double start, double end, double step, DType dtype);
Tensor arange(int64_t start, int64_t end, int64_t step);
// As above; int64 if all arguments are integers, else float32.
template <class Start, class End, class Step = int>
requires std::is_arithmetic_v<Start> && std::is_arithmetic_v<End> && std::is_arithmetic_v<Step>
    Tensor arange(Start start, End end, Step step = 1) {
  if constexpr (std::integral<Start> && std::integral<End> && std::integral<Step>)
    return arange(static_cast<int64_t>(start), static_cast<int64_t>(end),
                  static_cast<int64_t>(step));
  else
    return arange(static_cast<double>(start), static_cast<double>(end), static_cast<double>(step),
                  float32);
}
template <class End>
requires std::is_arithmetic_v<End> Tensor arange(End end) { return arange(0, end); }

// Drawn from this thread's random stream (array/random.h). dtype float32 or float64 (DTypeError).
Tensor rand(const Shape& shape, DType dtype = float32);   // uniform in [0, 1)
Tensor randn(const Shape& shape, DType dtype = float32);  // standard normal
// int64 in [low, high). ValueError if that is empty.
Tensor randint(int64_t low, int64_t high, const Shape& shape);
Tensor randint(int64_t high, const Shape& shape);
// int64 [n]: 0 … n-1 shuffled.
Tensor randperm(int64_t n);
// 1 with the probability that the element of p gives, else 0, in the dtype of p. ValueError unless
// all lie in [0, 1].
Tensor bernoulli(const Tensor& p);

// In the shape of x, and its dtype unless told another.
Tensor full_like(const Tensor& x, double value, std::optional<DType> dtype = {});
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor ones_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor rand_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor randn_like(const Tensor& x, std::optional<DType> dtype = {});

}  // namespace attune
