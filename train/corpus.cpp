#include "corpus.h"

#include <algorithm>

#include "../array/fail.h"
#include "../io/file.h"
#include "../io/tokenizer/unicode.h"

namespace attune::train {

std::string read_text(const std::string& path) {
  std::string text = io::read_file(path);
  if (!io::tokenizers::unicode::is_valid(text))
    fail<FormatError>("read_text", "{} is not UTF-8; convert it (iconv -f latin1 -t utf-8)", path);
  return text;
}

TokenCorpus::TokenCorpus(const std::vector<int64_t>& tokens) {
  constexpr size_t least = 11;
  if (tokens.size() < least)
    fail<ValueError>("TokenCorpus", "the text has {} tokens; it takes {} to hold a tenth out",
                     tokens.size(), least);
  const auto cut = tokens.begin() + static_cast<std::ptrdiff_t>(tokens.size() * 9 / 10);
  training.assign(tokens.begin(), cut);
  held_out.assign(cut, tokens.end());
}

TokenCorpus TokenCorpus::from_files(const std::vector<std::string>& paths,
                                    const io::Tokenizer& tokenizer,
                                    std::optional<int64_t> beginning) {
  std::vector<int64_t> all;
  for (const std::string& path : paths) {
    if (beginning && !all.empty()) all.push_back(*beginning);
    const auto tokens = tokenizer.encode(read_text(path), {.add_special_tokens = false});
    all.insert(all.end(), tokens.begin(), tokens.end());
  }
  return TokenCorpus(all);
}

CharCorpus::CharCorpus(std::string_view text)
    : CharCorpus(text, io::CharTokenizer::from_text(text)) {}

CharCorpus::CharCorpus(std::string_view text, io::CharTokenizer characters)
    : TokenCorpus(characters.encode(text)), tokenizer(std::move(characters)) {}

CharCorpus CharCorpus::from_files(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += read_text(path);
  return CharCorpus(text);
}

std::vector<int64_t> opening(const CharCorpus& corpus, int64_t length) {
  if (length < 0) fail<ValueError>("opening", "{} tokens cannot be shown", length);
  const std::string text = corpus.tokenizer.decode(corpus.held_out);
  const size_t empty_line = text.find("\n\n");
  const size_t start = empty_line == text.npos ? 0 : text.find_first_not_of('\n', empty_line);
  std::vector<int64_t> tokens =
      corpus.tokenizer.encode(std::string_view(text).substr(start == text.npos ? 0 : start));
  tokens.resize(std::min(tokens.size(), static_cast<size_t>(length)));
  return tokens;
}

}  // namespace attune::train
