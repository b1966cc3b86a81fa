// Random arguments for calls that may be refused but must neither crash nor hang: shapes with
// zeros, ones, negative and huge sizes, dimensions in and out of range, every dtype and layout.
#pragma once

#include <array/random.h>
#include <attune/autograd.h>
#include <kernels/copy.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace attune::test {

class Draw {
 public:
  explicit Draw(uint64_t seed) : seed_(seed) {}

  // In [0, n).
  int64_t below(int64_t n) {
    return static_cast<int64_t>(philox(seed_, 0, count_++)[0] % static_cast<uint64_t>(n));
  }
  bool once_in(int64_t n) { return below(n) == 0; }
  // As once_in, but in half of the calls never: of many arguments one would nearly always be odd.
  bool oddly_once_in(int64_t n) { return odd_ && once_in(n); }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<int64_t>(values.size()))];
  }

  // A size, index, dimension or count: mostly small, else beyond what any memory has.
  int64_t whole() {
    constexpr int64_t largest = std::numeric_limits<int64_t>::max();
    if (once_in(12))
      return one_of<int64_t>({int64_t{1} << 40, -(int64_t{1} << 40), int64_t{1} << 62, largest,
                              -largest, -largest - 1, (int64_t{1} << 40) + 1});
    return below(8) - 3;
  }
  double number() {
    if (once_in(4))
      return one_of<double>({0.0, -0.0, 1e300, -1e-310, HUGE_VAL, -HUGE_VAL, std::nan("")});
    return static_cast<double>(below(9) - 3) / 2;
  }
  DType dtype() {
    if (once_in(4)) return one_of({boolean, int64, bfloat16, float32, float64});
    return usual_dtype_;
  }
  // For an option that is a shape, or a list of dimensions.
  Shape list() {
    Shape shape;
    for (int64_t n = below(4); n > 0; --n) shape.push_back(whole());
    return once_in(3) ? tensor_shape() : shape;
  }
  std::vector<int64_t> numbers() {
    std::vector<int64_t> values;
    for (int64_t n = below(5); n > 0; --n) values.push_back(whole());
    return values;
  }

  // Memory of any layout, of the sizes and dtype of the tensors before it or of others.
  Tensor tensor() {
    const Shape shape = tensor_shape();
    Tensor x(laid_out(shape, dtype()));
    if (is_floating(x.dtype()) && once_in(2)) x.requires_grad_();
    return x;
  }
  // int64, mostly of a shape and range that could be meant.
  Tensor indices() {
    if (once_in(8)) return tensor();
    const Shape shape = tensor_shape();
    if (shape.numel() == 0) return zeros(shape, int64);
    Array values(shape, int64);
    for (int64_t i = 0; i < values.numel(); ++i)
      values.output<int64_t>()[i] = once_in(16) ? whole() : below(3);
    return Tensor(values);
  }
  Mask mask() {
    switch (below(8)) {
      case 0:
        return Mask::causal();
      case 1:
        return Mask::window(whole());
      case 2:
        return Mask::padding(numbers());
      case 3:
        return Mask::keep(tensor());
      case 4:
        return Mask::bias(tensor());
      case 5:
        return Mask::offset(numbers());
      case 6:
        return Mask::alibi(once_in(9) ? whole() : below(4)) & Mask::offset(whole());
      default:
        return {};
    }
  }

  // An argument of a parameter of type T.
  template <class T>
  T argument() {
    if constexpr (std::is_same_v<T, Tensor>) return once_in(64) ? Tensor() : tensor();
    if constexpr (std::is_same_v<T, Shape>) return list();
    if constexpr (std::is_same_v<T, int64_t>) return whole();
    if constexpr (std::is_same_v<T, double>) return number();
    if constexpr (std::is_same_v<T, bool>) return once_in(2);
    if constexpr (std::is_same_v<T, DType>) return dtype();
    if constexpr (std::is_same_v<T, std::vector<int64_t>>) return numbers();
    if constexpr (std::is_same_v<T, Mask>) return mask();
    if constexpr (std::is_same_v<T, Reduction>)
      return one_of({Reduction::none, Reduction::mean, Reduction::sum, Reduction::batchmean});
    if constexpr (std::is_same_v<T, std::optional<int64_t>>)
      return once_in(2) ? std::optional(whole()) : std::nullopt;
    if constexpr (std::is_same_v<T, std::optional<double>>)
      return once_in(2) ? std::optional(number()) : std::nullopt;
    if constexpr (std::is_same_v<T, std::optional<DType>>)
      return once_in(2) ? std::optional(dtype()) : std::nullopt;
    if constexpr (std::is_same_v<T, std::vector<Tensor>>) {
      std::vector<Tensor> tensors;
      for (int64_t n = below(4); n > 0; --n) tensors.push_back(tensor());
      return tensors;
    }
  }

 private:
  // The usual shape of this call, one that broadcasts with it, or another.
  Shape tensor_shape() {
    if (!usual_shape_) usual_shape_ = other_shape();
    if (once_in(4)) return other_shape();
    Shape shape = *usual_shape_;
    for (int64_t& size : shape)
      if (size > 0 && size < 8 && once_in(6)) size = 1;
    return shape;
  }
  Shape other_shape() {
    Shape shape;
    for (int64_t n = below(5); n > 0; --n) shape.push_back(below(5));
    // Without elements, memory is no limit.
    if (!shape.empty() && once_in(16)) {
      shape[below(shape.size())] = int64_t{1} << 40;
      shape.push_back(0);
    }
    return shape;
  }
  Array laid_out(const Shape& shape, DType dtype) {
    if (shape.empty() || shape.numel() == 0) return kernels::full(shape, dtype, number());
    switch (below(5)) {
      case 0: {
        Shape reversed;
        for (int64_t d = shape.size() - 1; d >= 0; --d) reversed.push_back(d);
        return values(shape, dtype).permute(reversed).flip(0);
      }
      case 1:
        return kernels::full({}, dtype, number()).expand(shape);
      case 2: {
        Shape wider = shape;
        wider[shape.size() - 1] += 3;
        return values(wider, dtype).narrow(-1, 1, shape.back());
      }
      default:
        return values(shape, dtype);
    }
  }
  Array values(const Shape& shape, DType dtype) {
    Array made(shape, float64);
    for (int64_t i = 0; i < made.numel(); ++i) made.output<double>()[i] = number();
    return kernels::convert(made, dtype);
  }

  uint64_t seed_, count_ = 0;
  bool odd_ = philox(seed_, 1, 0)[0] % 2 == 1;
  std::optional<Shape> usual_shape_;
  DType usual_dtype_ = one_of({float32, float64});
};

// Operands of a product, which often fit: [..., rows, inner], [..., inner, columns], [columns].
struct Factors {
  explicit Factors(Draw& d)
      : rows(d.below(4)), inner(d.below(4)), columns(d.below(4)), dtype(d.dtype()) {
    if (d.once_in(3)) batch.push_back(d.below(3));
    if (d.once_in(6)) inner = d.whole();
  }
  Tensor made(Draw& d, Shape lead, std::initializer_list<int64_t> sizes) const {
    if (d.once_in(12)) return d.tensor();
    for (const int64_t size : sizes) lead.push_back(size);
    const Tensor x = zeros(lead, dtype) + d.number();
    return is_floating(x.dtype()) && d.once_in(2) ? x.detach().requires_grad_() : x;
  }
  Tensor left(Draw& d) const { return made(d, batch, {rows, inner}); }
  Tensor right(Draw& d) const { return made(d, batch, {inner, columns}); }
  Tensor weight(Draw& d) const { return made(d, {}, {columns, inner}); }
  Tensor bias(Draw& d) const { return d.once_in(2) ? Tensor() : made(d, {}, {columns}); }
  Tensor classes(Draw& d) const {
    if (d.once_in(8)) return d.indices();
    Shape shape = batch;
    shape.push_back(rows);
    return full(shape, static_cast<double>(d.below(columns + 1)), int64);
  }

  Shape batch;
  int64_t rows, inner, columns;
  DType dtype;
};

}  // namespace attune::test
