#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tokenizer.h"

namespace attune::io {

struct BpeTrainerOptions {
  int64_t vocab_size = 30'000;  // tokens in all; fewer if the texts do not give more
  int64_t min_frequency = 0;    // how often two neighbours must occur to be merged
  std::vector<std::string> special_tokens = {};  // get the first ids
  bool all_bytes = true;                         // tokens for bytes that the texts do not have, too
  bool add_prefix_space = false;                 // a text starts as if a space stood before it
};

// Learns a byte-level BPE like GPT-2's (Sennrich et al. 2016; Radford et al. 2019): again and again
// the two neighbours that occur most often become a token; of equally frequent ones, those with the
// smallest ids. The result, which depends on the texts alone, is that of the library's BpeTrainer
// with the pre-tokenizer ByteLevel. ValueError if an option is out of its domain.
Tokenizer train_bpe(const std::vector<std::string>& texts, const BpeTrainerOptions& options = {});

}  // namespace attune::io
