#include "../array/fail.h"
#include "copy.h"
#include "elementwise.h"
#include "operand.h"

namespace attune::kernels {
namespace {

constexpr const char* names[] = {"eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"};

// Calls f with the test behind op, so that each gets its own loop.
template <class T, class F>
void visit_test(Compare op, F&& f) {
  switch (op) {
    case Compare::eq:
      return f([](T a, T b) { return a == b; });
    case Compare::ne:
      return f([](T a, T b) { return a != b; });
    case Compare::lt:
      return f([](T a, T b) { return a < b; });
    case Compare::le:
      return f([](T a, T b) { return a <= b; });
    case Compare::gt:
      return f([](T a, T b) { return a > b; });
    case Compare::ge:
      return f([](T a, T b) { return a >= b; });
    case Compare::logical_and:
      return f([](T a, T b) { return a != 0 && b != 0; });
    case Compare::logical_or:
      return f([](T a, T b) { return a != 0 || b != 0; });
  }
}

template <class T>
void compare_into(Compare op, const Array& a, const Array& b, Array& out) {
  const Operand<T> left(a, out.shape()), right(b, out.shape());
  bool* to = out.output<bool>();
  visit_test<T>(op, [&](auto test) {
    for_each_chunk(out.numel(), 1, [&](int64_t start, int64_t n) {
      T left_buffer[elementwise_chunk], right_buffer[elementwise_chunk];
      const T* x = left.run(start, n, left_buffer);
      const T* y = right.run(start, n, right_buffer);
      for (int64_t i = 0; i < n; ++i) to[start + i] = test(x[i], y[i]);
    });
  });
}

// Elements move as words: their meaning does not matter here.
template <class Word>
void where_into(const Array& condition, const Array& a, const Array& b, Array& out) {
  const Operand<bool> choose(condition, out.shape());
  const Operand<Word> left(a, out.shape()), right(b, out.shape());
  Word* to = static_cast<Word*>(out.output_data());
  for_each_chunk(out.numel(), 1, [&](int64_t start, int64_t n) {
    bool choose_buffer[elementwise_chunk];
    Word left_buffer[elementwise_chunk], right_buffer[elementwise_chunk];
    const bool* first = choose.run(start, n, choose_buffer);
    const Word* x = left.run(start, n, left_buffer);
    const Word* y = right.run(start, n, right_buffer);
    for (int64_t i = 0; i < n; ++i) to[start + i] = first[i] ? x[i] : y[i];
  });
}

}  // namespace

Array compare(Compare op, const Array& a, const Array& b) {
  const bool logical = op >= Compare::logical_and;
  const DType promoted = logical ? boolean : result_dtype(a, b);
  if (promoted == bfloat16) return compare(op, widened(a), widened(b));
  const Array left = convert(a, promoted), right = convert(b, promoted);
  Array out(broadcast_shapes(names[static_cast<size_t>(op)], a.shape(), b.shape()), boolean);
  visit_dtype(promoted, [&]<class T>(TypeTag<T>) {
    if constexpr (!std::is_same_v<T, BFloat16>) compare_into<T>(op, left, right, out);
  });
  return out;
}

Array compare(Compare op, const Array& a, double b) {
  // A fraction against integers compares in double, where both are what they seem.
  const DType dtype = is_floating(a.dtype()) ? a.dtype() : float64;
  return compare(op, convert(a, dtype), full({}, dtype, b));
}

Array logical_not(const Array& x) {
  const Array flags = convert(x, boolean);
  return compare(Compare::eq, flags, zeros({}, boolean));
}

Array where(const Array& condition, const Array& a, const Array& b) {
  if (condition.dtype() != boolean)
    fail<DTypeError>("where", "the condition is {}; compare or convert it to bool",
                     name_of(condition.dtype()));
  const DType dtype = result_dtype(a, b);
  const Array left = convert(a, dtype), right = convert(b, dtype);
  const Shape shape = broadcast_shapes("where", a.shape(), b.shape());
  Array out(broadcast_shapes("where", condition.shape(), shape), dtype);
  switch (size_of(dtype)) {
    case 1:
      where_into<uint8_t>(condition, left, right, out);
      break;
    case 2:
      where_into<uint16_t>(condition, left, right, out);
      break;
    case 4:
      where_into<uint32_t>(condition, left, right, out);
      break;
    default:
      where_into<uint64_t>(condition, left, right, out);
  }
  return out;
}

}  // namespace attune::kernels
