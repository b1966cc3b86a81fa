#include "dropout.h"

#include "../array/trace.h"
#include "copy.h"
#include "parallel.h"

namespace attune::kernels {

DropoutMask::DropoutMask(double p, RandomState draw)
    : dropped_below_(static_cast<uint64_t>(p * 4294967296.0)),
      scale_(p < 1 ? 1 / (1 - p) : 0),
      draw_(draw) {}

template <class T>
void DropoutMask::apply(int64_t start, int64_t n, const T* x, T* y) const {
  const T scale = static_cast<T>(scale_);
  for (int64_t i = 0; i < n;) {
    const uint64_t element = static_cast<uint64_t>(start + i);
    const auto words = philox(draw_.seed, draw_.draw, element / 4);
    for (uint64_t word = element % 4; word < 4 && i < n; ++word, ++i)
      y[i] = words[word] < dropped_below_ ? T{0} : x[i] * scale;
  }
}

template void DropoutMask::apply(int64_t, int64_t, const float*, float*) const;
template void DropoutMask::apply(int64_t, int64_t, const double*, double*) const;

Array dropout(const Array& x, double p, RandomState draw) {
  Array out(x.shape(), x.dtype());
  count_traffic(x, out);
  visit_floating("dropout", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array dense = contiguous(x);
    const T* from = dense.data<T>();
    T* to = out.output<T>();
    const DropoutMask mask(p, draw);
    parallel_ranges(x.numel(), [&](int64_t start, int64_t count) {
      mask.apply(start, count, from + start, to + start);
    });
  });
  return out;
}

}  // namespace attune::kernels
