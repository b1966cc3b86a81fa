#include "state_dict.h"

#include "fail.h"

namespace attune {

bool StateReader::has_any(const std::string& prefix) const {
  const auto at = state_.lower_bound(prefix);
  return at != state_.end() && at->first.starts_with(prefix);
}

const Array& StateReader::entry(const std::string& name, const Shape& shape, DType dtype) {
  const auto found = state_.find(name);
  if (found == state_.end())
    fail<FormatError>("load_state_dict", "{} is missing from the state of the {}", name, owner_);
  const Array& array = found->second;
  if (!array.defined())
    fail<FormatError>("load_state_dict", "{} in the state of the {} is undefined", name, owner_);
  if (array.shape() != shape || array.dtype() != dtype)
    fail<FormatError>("load_state_dict", "{} is {} {}, the {} takes {} {}", name,
                      name_of(array.dtype()), to_string(array.shape()), owner_, name_of(dtype),
                      to_string(shape));
  used_.insert(name);
  return array;
}

void StateReader::expect(const std::string& name, int64_t value) {
  const auto saved = number<int64_t>(name);
  if (saved != value)
    fail<FormatError>("load_state_dict", "{} of the {} is {}, that of the state {}", name, owner_,
                      value, saved);
}

void StateReader::expect_end() const {
  for (const auto& [name, array] : state_)
    if (!used_.contains(name))
      fail<FormatError>("load_state_dict", "{} belongs to nothing in this {}", name, owner_);
}

}  // namespace attune
