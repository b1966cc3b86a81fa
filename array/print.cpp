#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "array.h"
#include "fail.h"

namespace attune {
namespace {

constexpr int64_t summarise_above = 1000;
constexpr int64_t edge = 3;  // elements shown at either end of a summarised dimension
constexpr size_t line_width = 80;

// Which indices of a dimension are shown; -1 stands for "...".
std::vector<int64_t> shown(int64_t size, bool summarise) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < size; ++i) {
    if (summarise && size > 2 * edge && i == edge) {
      indices.push_back(-1);
      i = size - edge;
    }
    indices.push_back(i);
  }
  return indices;
}

double as_double(const Array& scalar) {
  return visit_dtype(scalar.dtype(), [&](auto tag) -> double {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, BFloat16>) {
      return static_cast<float>(*scalar.data<T>());
    } else {
      return static_cast<double>(*scalar.data<T>());
    }
  });
}

// How all elements of one array are written: chosen from those that are shown.
class Formatter {
 public:
  Formatter(const Array& array, bool summarise) : dtype_(array.dtype()) {
    scan(array, summarise);
    if (!is_floating(dtype_)) return;
    whole_ = whole_ && largest_ < 1e8;
    scientific_ = !whole_ && (largest_ > 1e8 || (smallest_ > 0 && smallest_ < 1e-4) ||
                              (smallest_ > 0 && largest_ / smallest_ > 1000 && largest_ >= 1e5));
  }

  void measure(const Array& array, bool summarise) {
    visit(array, summarise, [&](const Array& x) { width_ = std::max(width_, raw(x).size()); });
  }

  std::string operator()(const Array& scalar) const {
    return fmt::format("{:>{}}", raw(scalar), width_);
  }

 private:
  std::string raw(const Array& scalar) const {
    if (dtype_ == boolean) return *scalar.data<bool>() ? "true" : "false";
    if (dtype_ == int64) return std::to_string(*scalar.data<int64_t>());
    const double value = as_double(scalar);
    if (!std::isfinite(value)) return fmt::format("{}", value);
    if (scientific_) return fmt::format("{:.4e}", value);
    return whole_ ? fmt::format("{:.0f}.", value) : fmt::format("{:.4f}", value);
  }

  template <class F>
  static void visit(const Array& array, bool summarise, F&& f) {
    if (array.dim() == 0) return f(array);
    for (int64_t i : shown(array.size(0), summarise))
      if (i >= 0) visit(array.select(0, i), summarise, f);
  }

  void scan(const Array& array, bool summarise) {
    if (!is_floating(dtype_)) return;
    visit(array, summarise, [&](const Array& x) {
      const double value = std::abs(as_double(x));
      if (!std::isfinite(value)) return;
      whole_ = whole_ && value == std::floor(value);
      largest_ = std::max(largest_, value);
      if (value > 0) smallest_ = smallest_ == 0 ? value : std::min(smallest_, value);
    });
  }

  DType dtype_;
  bool whole_ = true, scientific_ = false;
  double largest_ = 0, smallest_ = 0;
  size_t width_ = 0;
};

std::string row(const Array& array, const Formatter& format, bool summarise, size_t indent) {
  std::string text = "[";
  size_t line_start = 0;
  bool first = true;
  for (int64_t i : shown(array.size(0), summarise)) {
    const std::string item = i < 0 ? "..." : format(array.select(0, i));
    if (!first) text += ", ";
    if (!first && text.size() - line_start + item.size() + indent > line_width) {
      text.pop_back();
      line_start = text.size();
      text.append("\n").append(indent + 1, ' ');
    }
    text += item;
    first = false;
  }
  return text + "]";
}

std::string block(const Array& array, const Formatter& format, bool summarise, size_t indent) {
  if (array.dim() == 0) return format(array);
  if (array.dim() == 1) return row(array, format, summarise, indent);
  const std::string gap(static_cast<size_t>(array.dim() - 1), '\n');
  std::string text = "[";
  bool first = true;
  for (int64_t i : shown(array.size(0), summarise)) {
    if (!first) text.append(",").append(gap).append(indent + 1, ' ');
    text += i < 0 ? "..." : block(array.select(0, i), format, summarise, indent + 1);
    first = false;
  }
  return text + "]";
}

}  // namespace

std::string to_string(const Array& array) {
  if (!array.defined()) return "undefined";
  if (array.numel() == 0) return fmt::format("[] of shape {}", to_string(array.shape()));
  const bool summarise = array.numel() > summarise_above;
  Formatter format(array, summarise);
  format.measure(array, summarise);
  return block(array, format, summarise, 0);
}

}  // namespace attune
