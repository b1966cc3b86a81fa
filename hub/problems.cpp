#include "problems.h"

#include "../array/fail.h"

namespace attune::hub::detail {

void Problems::add(const std::string& problem) {
  constexpr size_t most = 1000;
  if (kept_.size() < most)
    kept_.push_back(one_line(problem));
  else
    ++more_;
}

std::string Problems::text() const {
  std::string text = fmt::format("{}", fmt::join(kept_, "; "));
  if (more_ > 0) text += fmt::format("; and {} more", more_);
  return text;
}

}  // namespace attune::hub::detail
