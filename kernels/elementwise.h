#pragma once

#include "../array/array.h"

namespace attune::kernels {

// Element by element on arrays of any strides; the result is fresh and row-major. Operands
// broadcast under NumPy's rules (ShapeError) and are promoted as PyTorch promotes them. bool and
// int64 turn into float32 where the function is not closed over integers; bfloat16 computes in
// float32 and rounds. Float results are within 4 ulp, NaN and Inf follow IEEE 754.

enum class Unary : uint8_t {
  // Closed over integers. neg of bool is a DTypeError; an integer rounded is itself.
  neg,
  abs,
  sign,
  square,
  relu,
  floor,
  ceil,
  round,  // halves to even
  trunc,
  reciprocal,
  sqrt,
  rsqrt,
  exp,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sin,
  cos,
  tanh,
  erf,
  sigmoid,
  gelu,       // x Φ(x). Hendrycks and Gimpel 2016.
  gelu_tanh,  // its approximation through tanh
  silu,       // x sigmoid(x)
  softplus,   // log(1 + exp(x)); x itself above 20, as in PyTorch
};

enum class Binary : uint8_t {
  // Closed over integers. On bool add and maximum are "or", mul and minimum "and", sub a
  // DTypeError.
  add,
  sub,
  mul,
  minimum,
  maximum,
  pow,  // int64 to a negative power is a ValueError
  div,
  leaky_relu,  // (x, slope): x, or slope x below 0
  elu,         // (x, alpha): x, or alpha (exp(x) - 1) below 0
  // Gradients of activations, (x, g) or (y, g): x the input, y the output, g the gradient of y.
  relu_backward,       // (x, g)
  abs_backward,        // (x, g)
  tanh_backward,       // (y, g)
  sigmoid_backward,    // (y, g)
  gelu_backward,       // (x, g)
  gelu_tanh_backward,  // (x, g)
  silu_backward,       // (x, g)
  softplus_backward,   // (x, g)
};

// Tests with a bool result.
enum class Compare : uint8_t { eq, ne, lt, le, gt, ge, logical_and, logical_or };

// The dtype two operands are promoted to: the later in PyTorch's order, but a scalar array (0
// dimensions) only counts if its kind (bool, integer, floating) is the later one.
DType result_dtype(const Array& a, const Array& b);
// An operand of an operation in bfloat16, whatever it was, in float32, which computes it.
Array widened(const Array& x);

Array unary(Unary op, const Array& x);
Array binary(Binary op, const Array& a, const Array& b);
// A scalar operand beside an array of this dtype, which it takes: floating where that is; else
// int64, or float32 if it is not whole.
Array scalar_like(double value, DType dtype);
Array binary(Binary op, const Array& a, double b);
Array binary(Binary op, double a, const Array& b);
Array compare(Compare op, const Array& a, const Array& b);
Array compare(Compare op, const Array& a, double b);
Array logical_not(const Array& x);
// a where condition (bool; DTypeError) is true, b elsewhere.
Array where(const Array& condition, const Array& a, const Array& b);

// out = op(a, b), which must have the shape that a and b broadcast to (ShapeError); out's strides
// may be any that do not overlap, and a or b may be out itself. The result is converted to out's
// dtype. Not marked as a write: call out.mark_written() unless the array is fresh.
void binary_into(Binary op, Array& out, const Array& a, const Array& b);
// into += x, likewise; x may broadcast.
void add_into(Array& into, const Array& x);

}  // namespace attune::kernels
