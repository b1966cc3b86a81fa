#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace attune::hub::detail {

// What is wrong with a checkpoint, to be told in one error. The first thousand are kept and the
// rest counted, so that a hostile file is not answered by a longer text.
class Problems {
 public:
  void add(const std::string& problem);
  bool empty() const { return kept_.empty(); }
  // "this; that; and 3 more"
  std::string text() const;

 private:
  std::vector<std::string> kept_;
  size_t more_ = 0;
};

}  // namespace attune::hub::detail
