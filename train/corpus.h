#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../io/char_tokenizer.h"

namespace attune::train {

// A text as the tokens of its characters: nine tenths to learn from, the last tenth held out.
struct CharCorpus {
  // ValueError if the text has fewer than 11 characters, too few to hold two out.
  explicit CharCorpus(std::string_view text);
  // The texts of several files, one after the other. IoError if one cannot be read.
  static CharCorpus from_files(const std::vector<std::string>& paths);

  io::CharTokenizer tokenizer;
  std::vector<int64_t> training, held_out;
};

// At most `length` tokens from the start of the first whole paragraph of the held-out part, for
// looking at; from its very start if it has no empty line.
std::vector<int64_t> opening(const CharCorpus& corpus, int64_t length);

}  // namespace attune::train
