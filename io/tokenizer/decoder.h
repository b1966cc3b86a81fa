#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pattern.h"
#include "pre_tokenizer.h"

// From tokens back to text: each function makes the decoder of that name of the `tokenizers`
// library.
namespace attune::io::tokenizers {

// Rewrites the tokens; joined, they are the text.
using Decoder = std::function<std::vector<std::string>(std::vector<std::string>)>;

Decoder byte_level_decoder();
// Cleanup drops the spaces before punctuation and around English contractions.
Decoder word_piece_decoder(std::string prefix, bool cleanup);
Decoder bpe_decoder(std::string suffix);
Decoder metaspace_decoder(std::string replacement, Prepend prepend);
Decoder byte_fallback_decoder();
Decoder fuse_decoder();
// Drops up to `start` and `stop` copies of a character from both ends of every token.
Decoder strip_decoder(std::string character, size_t start, size_t stop);
Decoder replace_decoder(Pattern pattern, std::string replacement);
Decoder join_decoder(std::string separator);
Decoder decode_in_sequence(std::vector<Decoder> parts);

}  // namespace attune::io::tokenizers
