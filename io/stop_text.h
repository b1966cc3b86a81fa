#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attune::io {

// Ends a text that comes in pieces before the first stop text in it, wherever pieces part: what
// may be the beginning of one is held back until more is known.
class StopText {
 public:
  // ValueError if a stop text is empty.
  explicit StopText(std::vector<std::string> stops);

  // What can be passed on now that this piece has come; nothing after a stop text.
  std::string next(std::string_view piece);
  // What is left when no more comes.
  std::string finish();
  // True when a stop text has come.
  bool stopped() const { return stopped_; }

 private:
  // Where the first stop text in what is held begins.
  size_t first_stop() const;

  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace attune::io
