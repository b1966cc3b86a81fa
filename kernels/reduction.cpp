#include "reduction.h"

#include <cstdlib>

#include "../array/fail.h"

namespace attune::kernels {

int64_t Axes::numel() const {
  int64_t product = 1;
  for (int64_t i = 0; i < count_; ++i) product *= (*this)[i].size;
  return product;
}

void Axes::coalesce() {
  std::stable_sort(axes_.begin(), axes_.begin() + count_, [](const Axis& a, const Axis& b) {
    return std::abs(a.stride) > std::abs(b.stride);
  });
  int64_t last = 0;
  for (int64_t i = 1; i < count_; ++i) {
    Axis& run = (*this)[last];
    const Axis next = (*this)[i];
    if (run.stride == next.stride * next.size && run.out_stride == next.out_stride * next.size) {
      run = {run.size * next.size, next.stride, next.out_stride};
    } else {
      (*this)[++last] = next;
    }
  }
  count_ = std::min(count_, last + 1);
}

Walk::Walk(const Axes& axes, int64_t start) : axes_(axes) {
  for (int64_t i = axes.count() - 1; i >= 0; --i) {
    const int64_t at = start % axes[i].size;
    start /= axes[i].size;
    at_[static_cast<size_t>(i)] = at;
    in += at * axes[i].stride;
    out += at * axes[i].out_stride;
  }
}

void Walk::next() {
  for (int64_t i = axes_.count() - 1; i >= 0; --i) {
    const Axis& axis = axes_[i];
    int64_t& at = at_[static_cast<size_t>(i)];
    in += axis.stride;
    out += axis.out_stride;
    if (++at < axis.size) return;
    in -= at * axis.stride;
    out -= at * axis.out_stride;
    at = 0;
  }
}

namespace {

std::array<bool, max_dims> chosen(const char* operation, const Shape& dims, int64_t rank) {
  std::array<bool, max_dims> reduced{};
  for (const int64_t dim : dims) {
    const int64_t at = wrap_dim(operation, dim, rank);
    if (std::exchange(reduced[static_cast<size_t>(at)], true))
      fail<ValueError>(operation, "dimension {} is named twice in {}; name each once", dim,
                       to_string(dims));
  }
  return reduced;
}

}  // namespace

Shape reduced_shape(const char* operation, const Shape& shape, const Shape& dims, bool keepdim) {
  const auto reduced = chosen(operation, dims, shape.size());
  Shape left;
  for (int64_t i = 0; i < shape.size(); ++i) {
    if (!reduced[static_cast<size_t>(i)]) {
      left.push_back(shape[i]);
    } else if (keepdim) {
      left.push_back(1);
    }
  }
  return left;
}

ReductionPlan plan_reduction(const char* operation, const Array& x, const Shape& dims,
                             bool keepdim) {
  const auto reduced = chosen(operation, dims, x.dim());
  ReductionPlan plan;
  plan.shape = reduced_shape(operation, x.shape(), dims, keepdim);
  plan.length = 1;
  int64_t out_stride = 1;
  for (int64_t i = x.dim() - 1; i >= 0; --i) {
    const int64_t size = x.shape()[i], stride = x.strides()[i];
    if (reduced[static_cast<size_t>(i)]) {
      plan.length *= size;
      if (size != 1) plan.rows.push_back({size, stride, 0});
    } else {
      if (size != 1) plan.outer.push_back({size, stride, out_stride});
      out_stride *= size;
    }
  }
  plan.rows.coalesce();
  plan.outer.coalesce();
  plan.inner = plan.rows.take_last();
  plan.lane = {1, 1, 1};
  const bool dense_rows = plan.length > 1 && plan.inner.stride == 1;
  if (!dense_rows && plan.outer.count() && plan.outer[plan.outer.count() - 1].stride == 1)
    plan.lane = plan.outer.take_last();
  return plan;
}

}  // namespace attune::kernels
