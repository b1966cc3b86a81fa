#pragma once

#include <fmt/core.h>

#include <concepts>
#include <cstdint>
#include <ostream>
#include <string>

namespace attune {

enum class DType : uint8_t;
class Shape;
class Array;
class Tensor;
namespace nn {
class Module;
}

// What fmt::print and streams show as its to_string() does.
template <class T>
concept Printable = std::same_as<T, DType> || std::same_as<T, Shape> || std::same_as<T, Array> ||
    std::same_as<T, Tensor> || std::derived_from<T, nn::Module>;

namespace detail {

// Out of the reach of fmt::to_string, which would come back here.
template <Printable T>
std::string text_of(const T& value) {
  return to_string(value);
}

}  // namespace detail

template <Printable T>
std::ostream& operator<<(std::ostream& out, const T& value) {
  return out << detail::text_of(value);
}

}  // namespace attune

template <attune::Printable T>
struct fmt::formatter<T> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    return fmt::formatter<std::string>::format(attune::detail::text_of(value), context);
  }
};
