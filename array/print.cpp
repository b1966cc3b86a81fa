#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "array.h"
#include "fail.h"

namespace attune {
namespace {

constexpr int64_t summarise_above = 1000;
constexpr int64_t edge = 3;  // elements shown at either end of a summarised dimension
constexpr size_t line_width = 80;
constexpr int64_t gap = -1;  // stands for the elements left out

// Which indices of a dimension are shown.
std::vector<int64_t> shown(int64_t size, bool summarise) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < size; ++i) {
    if (summarise && size > 2 * edge && i == edge) {
      indices.push_back(gap);
      i = size - edge;
    }
    indices.push_back(i);
  }
  return indices;
}

// Calls f with every element that is shown, as an array without dimensions.
template <class F>
void each_shown(const Array& array, bool summarise, F&& f) {
  if (array.dim() == 0) return f(array);
  for (int64_t i : shown(array.size(0), summarise))
    if (i != gap) each_shown(array.select(0, i), summarise, f);
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

// How the elements of one array are written: alike, and chosen from those that are shown.
class Formatter {
 public:
  Formatter(const Array& array, bool summarise) : dtype_(array.dtype()) {
    if (is_floating(dtype_)) choose_notation(array, summarise);
    each_shown(array, summarise, [&](const Array& x) {
      if (!is_floating(dtype_) || sets_width(as_double(x)))
        width_ = std::max(width_, raw(x).size());
    });
  }

  size_t width() const { return width_; }
  std::string operator()(const Array& scalar) const {
    return fmt::format("{:>{}}", raw(scalar), width_);
  }

 private:
  enum class Notation { whole, fixed, scientific };

  static bool sets_width(double value) { return std::isfinite(value) && value != 0; }

  void choose_notation(const Array& array, bool summarise) {
    bool whole = true;
    double largest = 0, smallest = std::numeric_limits<double>::infinity();
    each_shown(array, summarise, [&](const Array& x) {
      const double value = std::abs(as_double(x));
      if (!sets_width(value)) return;
      whole = whole && value == std::floor(value);
      largest = std::max(largest, value);
      smallest = std::min(smallest, value);
    });
    notation_ = whole ? Notation::whole : Notation::fixed;
    if (largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4))
      notation_ = Notation::scientific;
    // A whole number and its point.
    width_ = 1;
  }

  std::string raw(const Array& scalar) const {
    if (dtype_ == boolean) return *scalar.data<bool>() ? "True" : "False";
    if (dtype_ == int64) return std::to_string(*scalar.data<int64_t>());
    const double value = as_double(scalar);
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    switch (notation_) {
      case Notation::whole:
        return fmt::format("{:.0f}.", value);
      case Notation::fixed:
        return fmt::format("{:.4f}", value);
      case Notation::scientific:
        break;
    }
    return fmt::format("{:.4e}", value);
  }

  DType dtype_;
  Notation notation_ = Notation::whole;
  size_t width_ = 0;
};

std::string line_break(size_t lines, size_t indent) {
  std::string text = ",";
  return text.append(lines, '\n').append(indent, ' ');
}

// The writing of one array. indent: the column that the block begins in.
class Printer {
 public:
  explicit Printer(const Array& array)
      : summarise_(array.numel() > summarise_above), format_(array, summarise_) {}

  std::string block(const Array& array, size_t indent) const {
    if (array.dim() == 0) return format_(array);
    if (array.dim() == 1) return row(array, indent);
    const std::string between = line_break(static_cast<size_t>(array.dim() - 1), indent + 1);
    std::string text;
    for (int64_t i : shown(array.size(0), summarise_)) {
      if (!text.empty()) text += between;
      text += i == gap ? "..." : block(array.select(0, i), indent + 1);
    }
    return "[" + text + "]";
  }

 private:
  std::string row(const Array& array, size_t indent) const {
    const size_t room = line_width > indent ? line_width - indent : 0;
    const size_t per_line = std::max<size_t>(1, room / (format_.width() + 2));
    std::string text = "[";
    size_t count = 0;
    for (int64_t i : shown(array.size(0), summarise_)) {
      if (count > 0) text += count % per_line ? ", " : line_break(1, indent + 1);
      text += i == gap ? " ..." : format_(array.select(0, i));
      ++count;
    }
    return text + "]";
  }

  bool summarise_;
  Formatter format_;
};

}  // namespace

std::string to_string(const Array& array, size_t indent) {
  if (!array.defined()) return "undefined";
  if (array.numel() == 0) return "[]";
  return Printer(array).block(array, indent);
}

}  // namespace attune
