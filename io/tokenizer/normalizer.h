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
  bool clean_text = true;            // drops control characters; all white space becomes spaces
  bool handle_chinese_chars = true;  // puts spaces around them
  bool strip_accents = true;
  bool lowercase = true;
};
Normalizer bert_normalizer(BertNormalizerOptions options);

// The normal forms of the Unicode standard, annex 15.
enum class NormalForm { nfc, nfd, nfkc, nfkd };
Normalizer normal_form(NormalForm form);
Normalizer lowercase();
// Drops all marks; of composed characters only after normal_form(nfd).
Normalizer strip_accents();
// Strip, in the library.
Normalizer strip_white_space(bool left, bool right);
// Puts a prefix before a text that is not empty.
Normalizer prepend(std::string prefix);
// Every match of the pattern becomes other text.
Normalizer replace(Pattern pattern, std::string replacement);
// Sequence, in the library.
Normalizer normalize_in_sequence(std::vector<Normalizer> parts);

}  // namespace attune::io::tokenizers
