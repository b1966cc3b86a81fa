#include "elementwise.h"

#include <cmath>

#include "../array/fail.h"
#include "../array/trace.h"
#include "copy.h"
#include "elementwise_loops.h"
#include "operand.h"

namespace attune::kernels {
namespace {

constexpr const char* unary_names[] = {
    "neg",        "abs",  "sign",  "square", "relu",    "floor", "ceil",      "round", "trunc",
    "reciprocal", "sqrt", "rsqrt", "exp",    "expm1",   "log",   "log2",      "log10", "log1p",
    "sin",        "cos",  "tanh",  "erf",    "sigmoid", "gelu",  "gelu_tanh", "silu",  "softplus"};
constexpr const char* binary_names[] = {"add",
                                        "sub",
                                        "mul",
                                        "minimum",
                                        "maximum",
                                        "pow",
                                        "div",
                                        "leaky_relu",
                                        "elu",
                                        "relu_backward",
                                        "abs_backward",
                                        "tanh_backward",
                                        "sigmoid_backward",
                                        "gelu_backward",
                                        "gelu_tanh_backward",
                                        "silu_backward",
                                        "softplus_backward"};

const char* name_of(Unary op) { return unary_names[static_cast<size_t>(op)]; }
const char* name_of(Binary op) { return binary_names[static_cast<size_t>(op)]; }

bool closed_over_integers(Unary op) { return op <= Unary::trunc; }
bool closed_over_integers(Binary op) { return op <= Binary::pow; }

int64_t cost_of(Unary op) { return op <= Unary::rsqrt ? 1 : 8; }
int64_t cost_of(Binary op) { return op <= Binary::leaky_relu && op != Binary::pow ? 1 : 8; }

template <class F>
Array dispatch(DType dtype, const F& compute) {
  switch (dtype) {
    case DType::float32:
      return compute(TypeTag<float>{});
    case DType::float64:
      return compute(TypeTag<double>{});
    default:
      return compute(TypeTag<int64_t>{});
  }
}

template <class T>
void run(BinaryLoop<T> loop, int64_t cost, const Array& a, const Array& b, Array& out) {
  const Operand<T> left(a, out.shape()), right(b, out.shape());
  const Layout layout(out, out.shape());
  T* to = out.output<T>();
  count_traffic(a, b, out);
  for_each_chunk(out.numel(), cost, [&](int64_t start, int64_t n) {
    T left_buffer[elementwise_chunk], right_buffer[elementwise_chunk], result[elementwise_chunk];
    T* into = layout.dense() ? to + start : result;
    loop(left.run(start, n, left_buffer), right.run(start, n, right_buffer), into,
         static_cast<size_t>(n));
    if (into == result) layout.scatter(to, sizeof(T), start, n, result);
  });
}

// The dtype an operation computes in, given that of its promoted operands.
template <class Op>
DType compute_dtype(Op op, DType dtype) {
  if (dtype == bfloat16) return float32;
  if (is_floating(dtype)) return dtype;
  return closed_over_integers(op) ? int64 : float32;
}

Array binary_boolean(Binary op, const Array& a, const Array& b) {
  if (op == Binary::sub)
    fail<DTypeError>("sub", "bool does not subtract; convert to int64 or use a logical operation");
  if (op == Binary::add || op == Binary::maximum) return compare(Compare::logical_or, a, b);
  if (op == Binary::mul || op == Binary::minimum) return compare(Compare::logical_and, a, b);
  return binary(op, convert(a, int64), convert(b, int64));
}

void check_exponents(const Array& exponents) {
  const Array dense = contiguous(exponents);
  const int64_t* values = dense.data<int64_t>();
  for (int64_t i = 0; i < dense.numel(); ++i)
    if (values[i] < 0)
      fail<ValueError>("pow", "int64 to the power {}; convert to a floating dtype first",
                       values[i]);
}

int category(DType dtype) { return dtype == boolean ? 0 : dtype == int64 ? 1 : 2; }

bool same_layout(const Array& a, const Array& b) {
  return a.offset() == b.offset() && a.shape() == b.shape() && a.strides() == b.strides();
}

}  // namespace

Array scalar_like(double value, DType dtype) {
  const bool whole = std::trunc(value) == value && value >= -0x1p63 && value < 0x1p63;
  if (!is_floating(dtype)) dtype = whole ? int64 : float32;
  return full({}, dtype, value);
}

Array widened(const Array& x) { return convert(convert(x, bfloat16), float32); }

DType result_dtype(const Array& a, const Array& b) {
  if (a.dtype() == b.dtype()) return a.dtype();
  if (a.dim() > 0 && b.dim() == 0 && category(b.dtype()) <= category(a.dtype())) return a.dtype();
  if (b.dim() > 0 && a.dim() == 0 && category(a.dtype()) <= category(b.dtype())) return b.dtype();
  return promote(a.dtype(), b.dtype());
}

Array unary(Unary op, const Array& x) {
  if (x.dtype() == boolean && op == Unary::sign) return clone(x);
  if (x.dtype() == boolean && (op == Unary::neg || op == Unary::abs))
    fail<DTypeError>(name_of(op), "not defined for bool; convert to int64 first");
  const DType dtype = compute_dtype(op, x.dtype());
  if (x.dtype() == bfloat16) return convert(unary(op, convert(x, float32)), bfloat16);
  if (x.dtype() != dtype) return unary(op, convert(x, dtype));
  return dispatch(dtype, [&]<class T>(TypeTag<T>) {
    const UnaryLoop<T> loop = unary_loop<T>(op);
    const Operand<T> operand(x, x.shape());
    Array out(x.shape(), dtype);
    T* to = out.output<T>();
    count_traffic(x, out);
    for_each_chunk(out.numel(), cost_of(op), [&](int64_t start, int64_t n) {
      T buffer[elementwise_chunk];
      loop(operand.run(start, n, buffer), to + start, static_cast<size_t>(n));
    });
    return out;
  });
}

Array binary(Binary op, const Array& a, const Array& b) {
  const DType promoted = result_dtype(a, b);
  if (promoted == boolean && op != Binary::div) return binary_boolean(op, a, b);
  const DType dtype = compute_dtype(op, promoted);
  if (promoted == bfloat16) return convert(binary(op, widened(a), widened(b)), bfloat16);
  if (a.dtype() != dtype || b.dtype() != dtype)
    return binary(op, convert(a, dtype), convert(b, dtype));
  if (op == Binary::pow && dtype == int64) check_exponents(b);
  return dispatch(dtype, [&]<class T>(TypeTag<T>) {
    Array out(broadcast_shapes(name_of(op), a.shape(), b.shape()), dtype);
    run<T>(binary_loop<T>(op), cost_of(op), a, b, out);
    return out;
  });
}

Array binary(Binary op, const Array& a, double b) {
  return binary(op, a, scalar_like(b, a.dtype()));
}
Array binary(Binary op, double a, const Array& b) {
  return binary(op, scalar_like(a, b.dtype()), b);
}

void binary_into(Binary op, Array& out, const Array& a, const Array& b) {
  if (!(broadcast_shapes(name_of(op), a.shape(), b.shape()) == out.shape()))
    fail<ShapeError>(name_of(op), "{} and {} do not broadcast to the shape {} of the result",
                     to_string(a.shape()), to_string(b.shape()), to_string(out.shape()));
  // In place is safe where each element is read before it is written and never again.
  auto overlaps = [&](const Array& x) { return out.shares_storage(x) && !same_layout(out, x); };
  const DType dtype = out.dtype();
  const bool direct = a.dtype() == dtype && b.dtype() == dtype &&
                      compute_dtype(op, dtype) == dtype && !overlaps(a) && !overlaps(b);
  if (!direct || (op == Binary::pow && dtype == int64)) return copy_into(out, binary(op, a, b));
  dispatch(dtype, [&]<class T>(TypeTag<T>) {
    run<T>(binary_loop<T>(op), cost_of(op), a, b, out);
    return out;
  });
}

void add_into(Array& into, const Array& x) { binary_into(Binary::add, into, into, x); }

}  // namespace attune::kernels
