#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "../array/array.h"
#include "../array/error.h"

namespace attune {

class Node;
struct GradHook;

// Takes a hook off its tensor again; letting the handle go leaves it there.
class HookHandle {
 public:
  explicit HookHandle(std::shared_ptr<GradHook> hook) : hook_(std::move(hook)) {}
  // Nothing where the handle was moved from.
  void remove() const;

 private:
  std::shared_ptr<GradHook> hook_;
};

struct BackwardOptions {
  bool retain_graph = false;  // keep the tape, to differentiate it again
  // Record the gradients themselves; implies retain_graph. Leaves and their gradients then hold
  // each other until the gradients are cleared; grad() avoids that.
  bool create_graph = false;
};

// What users hold: an Array and its place on the tape. A cheap handle; a copy is an alias.
class Tensor {
 public:
  // No tensor at all: an absent bias, a gradient that nothing reached.
  Tensor();
  // A leaf that shares the array's memory. Without gradient until requires_grad_(). Of an undefined
  // array, an undefined Tensor.
  explicit Tensor(Array array);
  // The tensor of a node; for record().
  Tensor(Array array, Intrusive<Node> node);
  Tensor(const Tensor&);
  Tensor(Tensor&&) noexcept;
  // A handle's: x[0] = y would change the handle that x[0] made and x not at all; x[0].copy_(y)
  // does.
  Tensor& operator=(Tensor) & noexcept;
  ~Tensor();

  bool defined() const { return static_cast<bool>(impl_); }
  // The data, for kernels, optimizers and savers; off the tape. Writing is Array::write.
  const Array& array() const;
  const Shape& shape() const { return array().shape(); }
  int64_t dim() const { return array().dim(); }
  int64_t size(int64_t dim) const { return array().size(dim); }
  int64_t numel() const { return array().numel(); }
  DType dtype() const { return array().dtype(); }
  // The single element converted to T; an integer T cuts off fractions. ShapeError unless numel()
  // is 1, ValueError for what no T of integers holds.
  template <class T>
  T item() const {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      constexpr auto most = std::min<uint64_t>(std::numeric_limits<T>::max(), INT64_MAX);
      constexpr auto least = static_cast<int64_t>(std::numeric_limits<T>::min());
      return static_cast<T>(item_as_integer(least, static_cast<int64_t>(most)));
    } else {
      return static_cast<T>(item_as_double());
    }
  }
  // All elements in row-major order. DTypeError unless T is the dtype.
  template <class T>
  std::vector<T> to_vector() const;

  // --- the tape ---
  // True if gradients flow to or through this tensor.
  bool requires_grad() const;
  // Makes this leaf collect gradients, or stop to. GradError on the result of a recorded operation,
  // DTypeError unless floating. Returns this handle.
  const Tensor& requires_grad_(bool requires_grad = true) const;
  bool is_leaf() const;
  // The gradient collected by backward(); undefined if none.
  Tensor grad() const;
  // Replaces it; an undefined Tensor clears it. ShapeError or DTypeError unless alike.
  void set_grad(Tensor grad) const;
  // Makes backward() keep the gradient of this non-leaf too.
  void retain_grad() const;
  // Calls hook with the complete gradient of this tensor during backward, until it is removed; what
  // it returns, if defined, replaces the gradient.
  HookHandle register_hook(std::function<Tensor(const Tensor&)> hook) const;
  // The same data off the tape.
  Tensor detach() const;
  // Adds the gradient of this tensor to every leaf it was computed from. The cotangent (shape and
  // dtype of this tensor) defaults to 1 for a single element. GradError if nothing was recorded,
  // the tape was freed or a saved value overwritten; leaves are untouched then, also if a hook
  // throws, but the part of the tape passed so far is gone unless it was to be retained.
  void backward(const Tensor& cotangent = {}, BackwardOptions options = {}) const;
  // The node behind this tensor; null without gradient.
  Node* node() const;
  // The same for all handles of one tensor, and for no other living one.
  const void* identity() const { return impl_.get(); }
  // True if this is the only handle and the only owner of its memory.
  bool sole_owner() const;

  // --- in place ---
  // Each returns this handle. Recorded like any operation when gradients are involved; then the
  // tensor must be a non-leaf and the only owner of its memory (no views, no aliases), else
  // GradError. Values that a tape saved before the write are refused by its backward. What copy_,
  // fill_ and zero_ write over stays on the tape and receives zeros, unless a backward has freed
  // it.
  const Tensor& add_(const Tensor& other) const;
  const Tensor& add_(double other) const;
  const Tensor& sub_(const Tensor& other) const;
  const Tensor& sub_(double other) const;
  const Tensor& mul_(const Tensor& other) const;
  const Tensor& mul_(double other) const;
  const Tensor& div_(const Tensor& other) const;
  const Tensor& div_(double other) const;
  const Tensor& copy_(const Tensor& source) const;
  const Tensor& fill_(double value) const;
  const Tensor& zero_() const;

  // Gives every handle of this leaf other data, in that array's memory, and drops its gradient;
  // hooks stay. GradError on the result of a recorded operation, ShapeError for another shape,
  // DTypeError for a dtype that is not floating where a gradient is required, ValueError for an
  // undefined array.
  const Tensor& assign_(Array data) const;

  // Gives every handle of this leaf the data in another floating dtype, in new memory, and drops
  // its gradient. GradError on the result of a recorded operation.
  const Tensor& convert_(DType dtype) const;

  // --- functions that people chain; see autograd/ops for what they do ---
  Tensor sum() const;
  Tensor sum(const Shape& dims, bool keepdim = false) const;
  Tensor mean() const;
  Tensor mean(const Shape& dims, bool keepdim = false) const;
  Tensor prod() const;
  Tensor prod(const Shape& dims, bool keepdim = false) const;
  Tensor var(const Shape& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor std(const Shape& dims = {}, double correction = 1, bool keepdim = false) const;
  Tensor norm(double p = 2, const Shape& dims = {}, bool keepdim = false) const;
  Tensor logsumexp(const Shape& dims, bool keepdim = false) const;
  Tensor amax(const Shape& dims = {}, bool keepdim = false) const;
  Tensor amin(const Shape& dims = {}, bool keepdim = false) const;
  Tensor max() const;
  Tensor min() const;
  Tensor argmax() const;
  Tensor argmax(int64_t dim, bool keepdim = false) const;
  Tensor argmin() const;
  Tensor argmin(int64_t dim, bool keepdim = false) const;
  Tensor any(const Shape& dims = {}, bool keepdim = false) const;
  Tensor all(const Shape& dims = {}, bool keepdim = false) const;
  Tensor cumsum(int64_t dim) const;
  Tensor reshape(const Shape& shape) const;
  Tensor view(const Shape& shape) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  Tensor permute(const Shape& dims) const;
  Tensor expand(const Shape& shape) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor squeeze() const;
  Tensor squeeze(int64_t dim) const;
  Tensor flatten(int64_t start = 0, int64_t end = -1) const;
  Tensor select(int64_t dim, int64_t index) const;
  Tensor operator[](int64_t index) const;  // select(0, index)
  Tensor slice(int64_t dim, std::optional<int64_t> start, std::optional<int64_t> stop,
               int64_t step = 1) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
  Tensor flip(const Shape& dims) const;
  Tensor repeat(const Shape& repeats) const;
  std::vector<Tensor> split(int64_t size, int64_t dim = 0) const;
  std::vector<Tensor> chunk(int64_t chunks, int64_t dim = 0) const;
  Tensor index_select(int64_t dim, const Tensor& indices) const;
  Tensor gather(int64_t dim, const Tensor& index) const;
  Tensor masked_fill(const Tensor& mask, double value) const;
  Tensor tril(int64_t diagonal = 0) const;
  Tensor triu(int64_t diagonal = 0) const;
  Tensor matmul(const Tensor& other) const;
  Tensor softmax(int64_t dim) const;
  Tensor log_softmax(int64_t dim) const;
  Tensor to(DType dtype) const;
  Tensor contiguous() const;
  Tensor clone() const;
  Tensor clamp(std::optional<double> low, std::optional<double> high = {}) const;
  Tensor pow(double exponent) const;
  Tensor pow(const Tensor& exponent) const;
  Tensor exp() const;
  Tensor log() const;
  Tensor sqrt() const;
  Tensor rsqrt() const;
  Tensor square() const;
  Tensor sin() const;
  Tensor cos() const;
  Tensor abs() const;
  Tensor tanh() const;
  Tensor sigmoid() const;
  Tensor relu() const;

 private:
  friend class PartialSums;

  struct Impl : RefCounted<Impl>, Pooled {
    Impl(Array array, Intrusive<Node> node);
    ~Impl();

    Array array;
    Intrusive<Node> node;
  };
  void publish() const;
  void unpublish() const;
  void replace_leaf() const;
  double item_as_double() const;
  int64_t item_as_integer(int64_t least, int64_t most) const;
  bool records_write(const char* name, const Tensor& other) const;
  void overwrite(const Array& value) const;
  // Takes the place on the tape of the result of a write.
  void continue_tape(const Tensor& result) const;
  template <class F>
  const Tensor& update(const char* name, const Tensor& other, F&& compute) const;

  Intrusive<Impl> impl_;
};

// As torch prints: the values, then what they do not show: the dtype, and the operation behind
// them.
std::string to_string(const Tensor& tensor);

// Literals: tensor(3.0), tensor({1.f, 2.f}), tensor({{1, 2}, {3, 4}}). float gives float32, double
// float64, integers int64, bool bool. ShapeError if the rows differ in length.

// The C++ type an element literal is stored as.
template <class T>
using Stored = std::conditional_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int64_t, T>;

// A copy of values, in row-major order, or in one dimension. ShapeError unless they fill the shape.
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape) {
  using S = Stored<T>;
  Array array(shape, dtype_of<S>);
  if (static_cast<size_t>(array.numel()) != values.size())
    throw ShapeError(describe_error(
        "tensor", std::to_string(values.size()) + " values do not fill shape " + to_string(shape)));
  std::copy(values.begin(), values.end(), array.output<S>());
  return Tensor(std::move(array));
}
template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(T value) {
  return tensor(std::vector<T>{value}, {});
}
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return tensor(values, {static_cast<int64_t>(values.size())});
}
template <class T>
Tensor tensor(std::initializer_list<T> values) {
  return tensor(std::vector<T>(values));
}
template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows) {
  const auto width = rows.size() ? rows.begin()->size() : 0;
  std::vector<T> values;
  for (const auto& row : rows) {
    if (row.size() != width)
      throw ShapeError(describe_error("tensor", "rows of a literal differ in length"));
    values.insert(values.end(), row.begin(), row.end());
  }
  return tensor(values, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(width)});
}

}  // namespace attune
