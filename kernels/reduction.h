#pragma once

// The walk that every reduction shares. For kernels' own .cpp files.

#include <algorithm>
#include <array>

#include "../array/array.h"
#include "parallel.h"

namespace attune::kernels {

// One dimension of a reduction: strides in the input and, for a kept one, in the output.
struct Axis {
  int64_t size, stride, out_stride;
};

class Axes {
 public:
  int64_t count() const { return count_; }
  const Axis& operator[](int64_t i) const { return axes_[static_cast<size_t>(i)]; }
  Axis& operator[](int64_t i) { return axes_[static_cast<size_t>(i)]; }
  void push_back(Axis axis) { axes_[static_cast<size_t>(count_++)] = axis; }
  // Removes and returns the last axis; one element where there is none.
  Axis take_last() { return count_ ? axes_[static_cast<size_t>(--count_)] : Axis{1, 1, 1}; }
  int64_t numel() const;
  // Orders by falling stride and merges neighbours that are one run in input and output.
  void coalesce();

 private:
  std::array<Axis, max_dims> axes_;
  int64_t count_ = 0;
};

// Steps through the positions of some axes in row-major order.
class Walk {
 public:
  Walk(const Axes& axes, int64_t start);
  void next();

  int64_t in = 0, out = 0;  // offsets of the current position

 private:
  const Axes& axes_;
  std::array<int64_t, max_dims> at_;
};

// How to walk an input: for each position of `outer`, `lane.size` neighbouring outputs at once,
// each over `rows` (further outer positions of the reduced dimensions) of `inner` elements.
struct ReductionPlan {
  Axes outer, rows;
  Axis lane, inner;
  int64_t length;  // elements that one output is made of
  Shape shape;     // of the output
};

// dims: the dimensions to reduce, negative ones counted from the end; an empty list reduces none.
// IndexError if one does not exist, ValueError if one repeats; both name the operation.
ReductionPlan plan_reduction(const char* operation, const Array& x, const Shape& dims,
                             bool keepdim);

// The shape of x with dims gone, or 1 if keepdim.
Shape reduced_shape(const char* operation, const Shape& shape, const Shape& dims, bool keepdim);

// Reduces by a Fold:
//   Acc, Acc identity() const
//   void accumulate(const T* x, int64_t n, int64_t stride, int64_t width, Acc* into) const
//     takes n rows, `stride` apart, of `width` neighbouring elements into as many accumulators
//   void combine(Acc& into, const Acc& from) const
//   Out finish(const Acc&) const
// Long columns are cut into chunks by shape alone, so the order of every sum is fixed.
template <class T, class Out, class Fold>
class Reduction {
  using Acc = typename Fold::Acc;
  static constexpr int64_t max_width = 512, chunk_elements = 65536, min_chunk_rows = 64;

 public:
  Reduction(const ReductionPlan& plan, const Fold& fold) : plan_(plan), fold_(fold) {
    width_ = std::clamp<int64_t>(plan.lane.size, 1, max_width);
    columns_ = divide_up(plan.lane.size, width_);
    chunk_ = std::max(min_chunk_rows, chunk_elements / width_);
    chunks_ = std::max<int64_t>(1, divide_up(plan.length, chunk_));
  }

  void run(const T* x, Out* out) const {
    const int64_t outputs = plan_.outer.numel();
    if (outputs * plan_.lane.size == 0) return;
    if (chunks_ == 1) {
      each_unit(outputs, [&](const Walk& at, int64_t column, int64_t) {
        std::array<Acc, max_width> sums;
        reduce_unit(x + at.in, column, 0, sums.data());
        finish(at, column, sums.data(), out);
      });
      return;
    }
    Array partial_memory({outputs * chunks_ * columns_ * width_ * int64_t{sizeof(Acc)}}, boolean);
    Acc* partials = reinterpret_cast<Acc*>(partial_memory.output<bool>());
    each_unit(outputs, [&](const Walk&, int64_t column, int64_t unit) {
      const Walk at(plan_.outer, unit / (columns_ * chunks_));
      reduce_unit(x + at.in, column, unit % chunks_, partials + unit * width_);
    });
    const int64_t groups = outputs * columns_;
    parallel_tiles(groups, groups * chunks_ * width_, [&](int64_t group) {
      const Walk at(plan_.outer, group / columns_);
      Acc* sums = partials + group * chunks_ * width_;
      // A tree, so that the error grows with the logarithm of the number of chunks.
      for (int64_t step = 1; step < chunks_; step *= 2)
        for (int64_t chunk = 0; chunk + step < chunks_; chunk += 2 * step)
          for (int64_t i = 0; i < width_at(group % columns_); ++i)
            fold_.combine(sums[chunk * width_ + i], sums[(chunk + step) * width_ + i]);
      finish(at, group % columns_, sums, out);
    });
  }

 private:
  int64_t width_at(int64_t column) const {
    return std::min(width_, plan_.lane.size - column * width_);
  }

  // Calls unit(outer position, column, unit number), small units grouped into one tile.
  template <class F>
  void each_unit(int64_t outputs, const F& unit) const {
    const int64_t per_output = columns_ * chunks_;
    const int64_t units = outputs * per_output;
    const int64_t work = std::max<int64_t>(1, std::min(plan_.length, chunk_) * width_);
    const int64_t group = std::max<int64_t>(1, parallel_grain / work);
    parallel_tiles(divide_up(units, group), units * work, [&](int64_t tile) {
      const int64_t begin = tile * group, end = std::min(units, begin + group);
      Walk at(plan_.outer, begin / per_output);
      for (int64_t i = begin; i < end; ++i) {
        unit(at, i % per_output / chunks_, i);
        if ((i + 1) % per_output == 0) at.next();
      }
    });
  }

  void reduce_unit(const T* x, int64_t column, int64_t chunk, Acc* sums) const {
    const int64_t width = width_at(column);
    std::fill(sums, sums + width, fold_.identity());
    int64_t at = chunk * chunk_;
    const int64_t end = std::min(plan_.length, at + chunk_);
    if (at >= end) return;
    x += column * width_;
    Walk row(plan_.rows, at / plan_.inner.size);
    int64_t within = at % plan_.inner.size;
    while (at < end) {
      const int64_t n = std::min(plan_.inner.size - within, end - at);
      fold_.accumulate(x + row.in + within * plan_.inner.stride, n, plan_.inner.stride, width,
                       sums);
      at += n;
      within = 0;
      if (at < end) row.next();
    }
  }

  void finish(const Walk& at, int64_t column, const Acc* sums, Out* out) const {
    for (int64_t i = 0; i < width_at(column); ++i)
      out[at.out + (column * width_ + i) * plan_.lane.out_stride] = fold_.finish(sums[i]);
  }

  const ReductionPlan& plan_;
  const Fold& fold_;
  int64_t width_, columns_, chunk_, chunks_;
};

}  // namespace attune::kernels
