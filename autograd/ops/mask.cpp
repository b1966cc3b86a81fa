#include "mask.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/elementwise.h"
#include "../grad_mode.h"
#include "arithmetic.h"

namespace attune {
namespace {

void check_broadcast(const char* what, const Shape& part, const Shape& scores) {
  if (!broadcasts_to(part, scores))
    fail<ShapeError>("mask", "{} of shape {} does not broadcast to the scores {}", what,
                     to_string(part), to_string(scores));
}

// Two lists of which one may be missing; both must be the same.
template <class T>
std::vector<T> same(const char* what, const std::vector<T>& a, const std::vector<T>& b) {
  if (!a.empty() && !b.empty() && a != b)
    fail<ValueError>("mask", "two different {} do not combine", what);
  return a.empty() ? b : a;
}

// What mask gives each sequence must be one value, or one for each.
void check_count(const char* what, size_t count, size_t sequences) {
  if (count > 1 && count != sequences)
    fail<ShapeError>("mask", "{} has {} values, the batch {} sequences", what, count, sequences);
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

Mask Mask::causal() {
  Mask mask;
  mask.limits_.highest = 0;
  return mask;
}

Mask Mask::window(int64_t n) {
  if (n < 1) fail<ValueError>("mask", "a window of {} keys; it takes at least 1", n);
  n = std::min(n, kernels::AttentionMask::unlimited);
  Mask mask;
  mask.limits_.lowest = 1 - n;
  mask.limits_.highest = n - 1;
  return mask;
}

Mask Mask::offset(int64_t first) { return offset(std::vector<int64_t>{first}); }

Mask Mask::offset(std::vector<int64_t> first) {
  constexpr int64_t farthest = int64_t{1} << 60;
  for (const int64_t position : first)
    if (position < -farthest || position > farthest)
      fail<ValueError>("mask", "an offset of {}; it lies within ±{}", position, farthest);
  Mask mask;
  mask.lacks_values_ = first.empty();
  mask.limits_.first = std::move(first);
  return mask;
}

Mask Mask::alibi(std::vector<double> slopes) {
  Mask mask;
  mask.lacks_values_ = slopes.empty();
  mask.limits_.slopes = std::move(slopes);
  return mask;
}

Mask Mask::alibi(int64_t heads) {
  constexpr int64_t most = 1 << 20;
  if (heads < 1 || heads > most)
    fail<ValueError>("mask", "alibi for {} heads; it takes 1 to {}", heads, most);
  const auto powers = [](int64_t n, int64_t start, int64_t step, int64_t count, auto& to) {
    for (int64_t i = 0; i < count; ++i)
      to.push_back(
          std::exp2(-8.0 * static_cast<double>(start + i * step) / static_cast<double>(n)));
  };
  const auto whole = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  std::vector<double> slopes;
  powers(whole, 1, 1, whole, slopes);
  powers(2 * whole, 1, 2, heads - whole, slopes);
  return alibi(std::move(slopes));
}

Mask Mask::padding(std::vector<int64_t> lengths) {
  for (const int64_t length : lengths)
    if (length < 0) fail<ValueError>("mask", "a padding of {} keys; use 0 or more", length);
  Mask mask;
  mask.lacks_values_ = lengths.empty();
  mask.limits_.lengths = std::move(lengths);
  return mask;
}

Mask Mask::padding(const Tensor& lengths) {
  const OperationScope scope("mask");
  if (lengths.dim() != 1)
    fail<ShapeError>("mask", "lengths {} must have one dimension", to_string(lengths.shape()));
  return padding(lengths.to_vector<int64_t>());
}

Mask Mask::keep(const Tensor& keep) {
  const OperationScope scope("mask");
  if (keep.dtype() != boolean)
    fail<DTypeError>("mask", "keep takes bool, true where attention is allowed; got {}",
                     name_of(keep.dtype()));
  Mask mask;
  mask.limits_.keep = keep.array();
  return mask;
}

Mask Mask::bias(const Tensor& bias) {
  const OperationScope scope("mask");
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
  limits.first = same("offsets", a.limits_.first, b.limits_.first);
  limits.slopes = same("sets of slopes", a.limits_.slopes, b.limits_.slopes);
  if (!limits.keep.defined()) {
    limits.keep = b.limits_.keep;
  } else if (b.limits_.keep.defined()) {
    limits.keep = kernels::compare(kernels::Compare::logical_and, limits.keep, b.limits_.keep);
  }
  if (!both.bias_.defined()) {
    both.bias_ = b.bias_;
  } else if (b.bias_.defined()) {
    const AnomalyMode unchecked(false);  // -inf is meant
    both.bias_ = both.bias_ + b.bias_;
  }
  both.lacks_values_ = a.lacks_values_ || b.lacks_values_;
  return both;
}

bool Mask::empty() const {
  return limits_.hides_nothing() && limits_.slopes.empty() && !bias_.defined() && !lacks_values_;
}

kernels::AttentionMask Mask::for_scores(const Shape& shape, DType dtype) const {
  const auto sequences = static_cast<size_t>(shape.size() > 2 ? shape[0] : 1);
  if (!limits_.lengths.empty() && limits_.lengths.size() != sequences)
    fail<ShapeError>("mask", "padding has {} lengths, the batch {} sequences",
                     limits_.lengths.size(), sequences);
  check_count("offset", limits_.first.size(), sequences);
  const int64_t heads = shape.size() > 2 ? shape[shape.size() - 3] : 1;
  if (lacks_values_ && sequences > 0 && heads > 0)
    fail<ShapeError>("mask",
                     "padding, offset or alibi was given no values; the scores {} take one for "
                     "each of {} sequences, or {} heads",
                     to_string(shape), sequences, heads);
  if (!limits_.slopes.empty() && static_cast<int64_t>(limits_.slopes.size()) != heads)
    fail<ShapeError>("mask", "alibi has {} slopes, the scores {} have {} heads",
                     limits_.slopes.size(), to_string(shape), heads);
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
