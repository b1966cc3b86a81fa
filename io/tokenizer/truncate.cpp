#include "truncate.h"

#include <algorithm>

#include "../../array/fail.h"

namespace attune::io::tokenizers {
namespace {

int64_t length(const Tokens& tokens) { return static_cast<int64_t>(tokens.ids.size()); }

template <class T>
void cut(std::vector<T>& values, int64_t keep, Side side) {
  const auto surplus = static_cast<std::ptrdiff_t>(values.size()) - keep;
  if (surplus <= 0) return;
  const auto begin = side == Side::left ? values.begin() : values.end() - surplus;
  values.erase(begin, begin + surplus);
}

void cut(Tokens& tokens, int64_t keep, Side side) {
  cut(tokens.ids, keep, side);
  cut(tokens.offsets, keep, side);
}

// How much of the shorter and of the longer text is kept: the longer gives way first, then both.
std::pair<int64_t, int64_t> share(int64_t shorter, int64_t longer, int64_t room) {
  longer = std::min(longer, std::max(shorter, room - shorter));
  if (shorter + longer <= room) return {shorter, longer};
  return {room / 2, room - room / 2};
}

}  // namespace

void truncate(Tokens& first, Tokens* second, int64_t added, const EncodeOptions& options) {
  if (!options.max_length) return;
  const int64_t room = *options.max_length - added;
  if (room < 0)
    fail<ValueError>("Tokenizer", "max_length {} is less than the {} special tokens alone",
                     *options.max_length, added);
  const int64_t surplus = length(first) + (second ? length(*second) : 0) - room;
  if (surplus <= 0) return;
  const Side side = options.truncation_side;
  if (room == 0) {
    cut(first, 0, side);
    if (second) cut(*second, 0, side);
    return;
  }
  if (options.truncation == Truncation::longest_first && second) {
    const bool swap = length(first) > length(*second);
    const auto [shorter, longer] = share(std::min(length(first), length(*second)),
                                         std::max(length(first), length(*second)), room);
    cut(first, swap ? longer : shorter, side);
    cut(*second, swap ? shorter : longer, side);
    return;
  }
  if (options.truncation == Truncation::only_second && !second)
    fail<ValueError>("Tokenizer", "truncation is only_second, but there is no second text");
  Tokens& shortened = options.truncation == Truncation::only_second ? *second : first;
  const bool to_nothing = options.truncation == Truncation::longest_first;
  if (surplus > length(shortened) - (to_nothing ? 0 : 1))
    fail<ValueError>(
        "Tokenizer",
        "the text to truncate has {} tokens, too few to leave out {} for max_length {}",
        length(shortened), surplus, *options.max_length);
  cut(shortened, length(shortened) - surplus, side);
}

}  // namespace attune::io::tokenizers
