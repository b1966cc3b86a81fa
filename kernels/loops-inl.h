// Applies a functor of vectors to dense runs. Included once per target.

#if defined(ATTUNE_KERNELS_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTUNE_KERNELS_LOOPS_INL_H_
#undef ATTUNE_KERNELS_LOOPS_INL_H_
#else
#define ATTUNE_KERNELS_LOOPS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace attune::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The first n < Lanes(d) elements; the other lanes are zero.
template <class D>
HWY_INLINE hn::Vec<D> load_head(D d, const hn::TFromD<D>* from, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN hn::TFromD<D> lanes[HWY_MAX_BYTES / sizeof(hn::TFromD<D>)] = {};
  std::memcpy(lanes, from, n * sizeof(*from));
  return hn::Load(d, lanes);
#else
  return hn::MaskedLoad(hn::FirstN(d, n), d, from);
#endif
}

template <class D>
HWY_INLINE void store_head(D d, hn::Vec<D> value, hn::TFromD<D>* to, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN hn::TFromD<D> lanes[HWY_MAX_BYTES / sizeof(hn::TFromD<D>)];
  hn::Store(value, d, lanes);
  std::memcpy(to, lanes, n * sizeof(*to));
#else
  hn::BlendedStore(value, hn::FirstN(d, n), d, to);
#endif
}

template <class Op, class T>
void map(const T* x, T* y, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const Op op;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(op(d, hn::LoadU(d, x + i)), d, y + i);
  if (i < n) store_head(d, op(d, load_head(d, x + i, n - i)), y + i, n - i);
}

template <class Op, class T>
void map(const T* a, const T* b, T* y, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const Op op;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(op(d, hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  if (i < n)
    store_head(d, op(d, load_head(d, a + i, n - i), load_head(d, b + i, n - i)), y + i, n - i);
}

}  // namespace attune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
