#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pattern.h"
#include "text.h"

// The second stage of a tokenizer: cuts the text into words, which tokens never cross. Each
// function makes the pre-tokenizer of that name of the `tokenizers` library.
namespace attune::io::tokenizers {

using Sink = std::function<void(const Piece&)>;
// Hands the words of a piece, none of them empty, to a sink.
using PreTokenizer = std::function<void(const Piece&, const Sink&)>;

// What becomes of the matches of a pattern at which a text is split.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };
// With invert, what lies between the matches counts as the match.
PreTokenizer split(Pattern pattern, SplitBehavior behavior, bool invert);

PreTokenizer byte_level_pre_tokenizer(bool add_prefix_space, bool use_regex);
PreTokenizer bert_pre_tokenizer();
PreTokenizer white_space_split();
PreTokenizer words_and_punctuation();  // Whitespace, in the library
PreTokenizer punctuation(SplitBehavior behavior);
PreTokenizer digits(bool individual);

enum class Prepend { always, first, never };
PreTokenizer metaspace(std::string replacement, Prepend prepend, bool split);

PreTokenizer pre_tokenize_in_sequence(std::vector<PreTokenizer> parts);

}  // namespace attune::io::tokenizers
