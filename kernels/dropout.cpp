#include "dropout.h"

#include <algorithm>
#include <limits>

#include "../array/trace.h"
#include "copy.h"
#include "parallel.h"
#include "philox.h"

namespace attune::kernels {

DropoutMask::DropoutMask(double p, RandomState draw)
    : dropped_below_(static_cast<uint64_t>(p * 4294967296.0)), scale_(1 / (1 - p)), draw_(draw) {}

template <class T>
void DropoutMask::apply(int64_t start, int64_t n, const T* x, T* y) const {
  if (dropped_below_ > std::numeric_limits<uint32_t>::max()) {
    std::fill_n(y, n, T{0});
    return;
  }
  constexpr int64_t together = 1024;
  const auto dropped_below = static_cast<uint32_t>(dropped_below_);
  uint32_t words[together + 8];
  const T scale = static_cast<T>(scale_);
  for (int64_t at = 0; at < n; at += together) {
    const auto element = static_cast<uint64_t>(start + at);
    const int64_t count = std::min(together, n - at), skipped = static_cast<int64_t>(element % 4);
    philox_blocks(draw_, element / 4, (skipped + count + 3) / 4, words);
    const uint32_t* word = words + skipped;
    for (int64_t i = 0; i < count; ++i)
      y[at + i] = word[i] < dropped_below ? T{0} : x[at + i] * scale;
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
