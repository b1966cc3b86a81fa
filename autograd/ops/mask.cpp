#include "mask.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../kernels/elementwise.h"
#include "arithmetic.h"

namespace attune {
namespace {

void check_broadcast(const char* what, const Shape& part, const Shape& scores) {
  bool fits = part.size() <= scores.size();
  for (int64_t i = 1; fits && i <= part.size(); ++i) {
    const int64_t size = part[part.size() - i];
    fits = size == 1 || size == scores[scores.size() - i];
  }
  if (!fits)
    fail<ShapeError>("mask", "{} of shape {} does not broadcast to the scores {}", what,
                     to_string(part), to_string(scores));
}

std::vector<int64_t> shorter(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  if (a.empty() || b.empty()) return a.empty() ? b : a;
  if (a.size() != b.size())
    fail<ShapeError>("mask", "paddings of {} and {} sequences do not combine", a.size(), b.size());
  std::vector<int64_t> lengths;
  for (size_t i = 0; i < a.size(); ++i) lengths.push_back(std::min(a[i], b[i]));
  return lengths;
}

}  // namespace

Mask Mask::causal(int64_t first) {
  Mask mask;
  mask.limits_.highest = first;
  return mask;
}

Mask Mask::window(int64_t n, int64_t first) {
  if (n < 1) fail<ValueError>("mask", "a window of {} keys; it takes at least 1", n);
  Mask mask;
  mask.limits_.lowest = first - n + 1;
  mask.limits_.highest = first + n - 1;
  return mask;
}

Mask Mask::padding(std::vector<int64_t> lengths) {
  Mask mask;
  mask.limits_.lengths = std::move(lengths);
  return mask;
}

Mask Mask::padding(const Tensor& lengths) {
  if (lengths.dim() != 1)
    fail<ShapeError>("mask", "lengths {} must have one dimension", to_string(lengths.shape()));
  return padding(lengths.to_vector<int64_t>());
}

Mask Mask::keep(const Tensor& keep) {
  if (keep.dtype() != boolean)
    fail<DTypeError>("mask", "keep takes bool, true where attention is allowed; got {}",
                     name_of(keep.dtype()));
  Mask mask;
  mask.limits_.keep = keep.array();
  return mask;
}

Mask Mask::bias(const Tensor& bias) {
  if (bias.dtype() != float32 && bias.dtype() != float64)
    fail<DTypeError>("mask", "bias takes float32 or float64; got {}", name_of(bias.dtype()));
  Mask mask;
  mask.bias_ = bias;
  return mask;
}

Mask operator&(const Mask& a, const Mask& b) {
  Mask both = a;
  auto& limits = both.limits_;
  limits.lowest = std::max(a.limits_.lowest, b.limits_.lowest);
  limits.highest = std::min(a.limits_.highest, b.limits_.highest);
  limits.lengths = shorter(a.limits_.lengths, b.limits_.lengths);
  if (!limits.keep.defined()) {
    limits.keep = b.limits_.keep;
  } else if (b.limits_.keep.defined()) {
    limits.keep = kernels::compare(kernels::Compare::logical_and, limits.keep, b.limits_.keep);
  }
  if (!both.bias_.defined()) {
    both.bias_ = b.bias_;
  } else if (b.bias_.defined()) {
    both.bias_ = both.bias_ + b.bias_;
  }
  return both;
}

bool Mask::empty() const {
  return limits_.lowest == -kernels::AttentionMask::unlimited &&
         limits_.highest == kernels::AttentionMask::unlimited && limits_.lengths.empty() &&
         !limits_.keep.defined() && !bias_.defined();
}

kernels::AttentionMask Mask::for_scores(const Shape& shape, DType dtype) const {
  const auto sequences = static_cast<size_t>(shape.size() > 2 ? shape[0] : 1);
  if (!limits_.lengths.empty() && limits_.lengths.size() != sequences)
    fail<ShapeError>("mask", "padding has {} lengths, the batch {} sequences",
                     limits_.lengths.size(), sequences);
  if (limits_.keep.defined()) check_broadcast("keep", limits_.keep.shape(), shape);
  kernels::AttentionMask mask = limits_;
  if (bias_.defined()) {
    check_broadcast("bias", bias_.shape(), shape);
    if (bias_.dtype() != dtype)
      fail<DTypeError>("mask", "bias is {}, the scores {}; convert one with to()",
                       name_of(bias_.dtype()), name_of(dtype));
    mask.bias = bias_.array();
  }
  return mask;
}

}  // namespace attune
