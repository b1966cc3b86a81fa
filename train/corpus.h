#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../io/char_tokenizer.h"

namespace attune::train {

// The content of a text file. IoError if it cannot be read, FormatError if it is not UTF-8, of
// which models would learn replacement characters.
std::string read_text(const std::string& path);

// A long sequence of tokens: nine tenths to learn from, the last tenth held out.
struct TokenCorpus {
  // ValueError for fewer than 11 tokens, too few to hold two out.
  explicit TokenCorpus(const std::vector<int64_t>& tokens);
  // The tokens of several files, one after the other, each but the first after the token that
  // begins a new text, if there is such. Errors as of read_text.
  static TokenCorpus from_files(const std::vector<std::string>& paths,
                                const io::Tokenizer& tokenizer, std::optional<int64_t> beginning);

  std::vector<int64_t> training, held_out;
};

// A text as the tokens of its characters.
struct CharCorpus : TokenCorpus {
  explicit CharCorpus(std::string_view text);
  // The texts of several files, one after the other. Errors as of read_text.
  static CharCorpus from_files(const std::vector<std::string>& paths);

  io::CharTokenizer tokenizer;

 private:
  CharCorpus(std::string_view text, io::CharTokenizer characters);
};

// At most `length` tokens from the start of the first whole paragraph of the held-out part, for
// looking at; from its very start if it has no empty line.
std::vector<int64_t> opening(const CharCorpus& corpus, int64_t length);

}  // namespace attune::train
