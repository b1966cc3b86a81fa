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
  size_t end = std::string::npos, held_back = 0;
  for (const std::string& stop : stops_) {
    end = std::min(end, held_.find(stop));
    held_back = std::max(held_back, begun(held_, stop));
  }
  stopped_ = end != std::string::npos;
  std::string passed = held_.substr(0, stopped_ ? end : held_.size() - held_back);
  held_.erase(0, stopped_ ? std::string::npos : passed.size());
  return passed;
}

std::string StopText::finish() { return std::exchange(held_, {}); }

}  // namespace attune::io
