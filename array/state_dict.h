#pragma once

#include <map>
#include <set>
#include <string>

#include "array.h"

namespace attune {

// Arrays by name: the weights of a module, the moments of an optimizer, the content of a file.
using StateDict = std::map<std::string, Array>;

// A number as a state dict holds it: an array without dimensions. T: int64_t or double.
template <class T>
Array scalar_array(T value) {
  Array array({}, dtype_of<T>);
  *array.template output<T>() = value;
  return array;
}

// Reads a state dict entry by entry, for a load_state_dict that checks all before it changes
// anything. Whatever does not fit is a FormatError that names the entry and the owner.
class StateReader {
 public:
  // owner: who takes the state, as errors call it: "optimizer". The state must outlive the reader.
  StateReader(const StateDict& state, std::string owner)
      : state_(state), owner_(std::move(owner)) {}

  // True if a name begins so.
  bool has_any(const std::string& prefix) const;
  // The entry of this name, aliased.
  const Array& entry(const std::string& name, const Shape& shape, DType dtype);
  template <class T>
  T number(const std::string& name) {
    return *entry(name, {}, dtype_of<T>).template data<T>();
  }
  // An int64 that only tells whether the state belongs here, such as a seed or a number of items.
  void expect(const std::string& name, int64_t value);
  // Refuses entries that nobody asked for.
  void expect_end() const;

 private:
  const StateDict& state_;
  std::string owner_;
  std::set<std::string> used_;
};

}  // namespace attune
