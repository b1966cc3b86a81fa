#include <algorithm>

#include "elementwise_loops.h"

namespace attune::kernels {
namespace {

// Integers wrap around, as in PyTorch; the unsigned detour keeps that defined.
int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }
uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

int64_t power(int64_t base, int64_t exponent) {
  uint64_t result = 1, factor = bits(base);
  for (; exponent > 0; exponent >>= 1, factor *= factor)
    if (exponent & 1) result *= factor;
  return wrap(result);
}

template <auto f>
void map(const int64_t* x, int64_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = f(x[i]);
}
template <auto f>
void map(const int64_t* a, const int64_t* b, int64_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
}

int64_t negate(int64_t x) { return wrap(-bits(x)); }
int64_t magnitude(int64_t x) { return x < 0 ? negate(x) : x; }
int64_t sign(int64_t x) { return (x > 0) - (x < 0); }
int64_t square(int64_t x) { return wrap(bits(x) * bits(x)); }
int64_t positive(int64_t x) { return std::max<int64_t>(x, 0); }
int64_t identity(int64_t x) { return x; }

int64_t add(int64_t a, int64_t b) { return wrap(bits(a) + bits(b)); }
int64_t subtract(int64_t a, int64_t b) { return wrap(bits(a) - bits(b)); }
int64_t multiply(int64_t a, int64_t b) { return wrap(bits(a) * bits(b)); }
int64_t lower(int64_t a, int64_t b) { return std::min(a, b); }
int64_t upper(int64_t a, int64_t b) { return std::max(a, b); }

}  // namespace

template <>
UnaryLoop<int64_t> unary_loop<int64_t>(Unary op) {
  switch (op) {
    case Unary::neg:
      return map<negate>;
    case Unary::abs:
      return map<magnitude>;
    case Unary::sign:
      return map<sign>;
    case Unary::square:
      return map<square>;
    case Unary::relu:
      return map<positive>;
    case Unary::floor:
    case Unary::ceil:
    case Unary::round:
    case Unary::trunc:
      return map<identity>;
    default:
      return nullptr;
  }
}

template <>
BinaryLoop<int64_t> binary_loop<int64_t>(Binary op) {
  switch (op) {
    case Binary::add:
      return map<add>;
    case Binary::sub:
      return map<subtract>;
    case Binary::mul:
      return map<multiply>;
    case Binary::minimum:
      return map<lower>;
    case Binary::maximum:
      return map<upper>;
    case Binary::pow:
      return map<power>;
    default:
      return nullptr;
  }
}

}  // namespace attune::kernels
