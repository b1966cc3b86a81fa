#include "stop_text.h"

#include <algorithm>
#include <utility>

#include "../array/fail.h"

namespace attune::io {
namespace {

// How many bytes at the end of a text may begin the stop text.
size_t begun(std::string_view text, std::string_view stop) {
  for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length)
    if (text.ends_with(stop.substr(0, length))) return length;
  return 0;
}

}  // namespace

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_)
    if (stop.empty()) fail<ValueError>("StopText", "a stop text is empty; it would end every text");
}

std::string StopText::next(std::string_view piece) {
  if (stopped_) return {};
  held_ += piece;
  size_t held_back = 0;
  for (const std::string& stop : stops_) held_back = std::max(held_back, begun(held_, stop));
  const size_t open = held_.size() - held_back;  // where a stop text may have begun
  // One that may have begun before it would be the first.
  if (first_stop() <= open) return finish();
  std::string passed = held_.substr(0, open);
  held_.erase(0, open);
  return passed;
}

std::string StopText::finish() {
  const size_t end = first_stop();
  stopped_ = stopped_ || end != std::string::npos;
  return std::exchange(held_, {}).substr(0, end);
}

size_t StopText::first_stop() const {
  size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  return first;
}

}  // namespace attune::io
