#pragma once

#include <cstdint>
#include <vector>

#include "text.h"

namespace attune::io::tokenizers {

// The last stage of a tokenizer: puts special tokens around one text or a pair.
struct PostProcessor {
  struct Part {
    enum class Kind { first, second, tokens };
    Kind kind;
    int64_t type_id = 0;
    std::vector<int64_t> ids;  // of Kind::tokens
  };
  std::vector<Part> single{{Part::Kind::first, 0, {}}};
  std::vector<Part> pair{{Part::Kind::first, 0, {}}, {Part::Kind::second, 1, {}}};
  bool trims_offsets = false;       // leaves out the spaces at the ends of byte-level tokens
  bool keeps_prefix_space = false;  // but not the one that was put before the text

  // How many tokens are put in.
  int64_t added(bool is_pair) const;
  // `second` is nullptr for a single text.
  Encoding process(const Tokens& first, const Tokens* second, bool add_special_tokens) const;
};

}  // namespace attune::io::tokenizers
