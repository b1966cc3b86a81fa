#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pattern.h"
#include "text.h"

// The first stage of a tokenizer: rewrites the text. Each function makes the normalizer of that
// name of the `tokenizers` library.
namespace attune::io::tokenizers {

using Normalizer = std::function<Text(const Piece&)>;

struct BertNormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};
Normalizer bert_normalizer(BertNormalizerOptions options);

enum class NormalForm { nfc, nfd, nfkc, nfkd };
Normalizer normal_form(NormalForm form);
Normalizer lowercase();
Normalizer strip_accents();
Normalizer strip_white_space(bool left, bool right);
Normalizer prepend(std::string text);
// Every match of the pattern, by other text.
Normalizer replace(Pattern pattern, std::string replacement);
Normalizer normalize_in_sequence(std::vector<Normalizer> parts);

}  // namespace attune::io::tokenizers
