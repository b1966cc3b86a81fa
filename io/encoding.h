#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "../autograd/tensor.h"

namespace attune::io {

// Bytes begin … end - 1 of a text.
struct Span {
  size_t begin = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

// Which text of a pair is cut to fit: the longer one until both are equally long, or always one.
enum class Truncation { longest_first, only_first, only_second };
enum class Side { left, right };

struct EncodeOptions {
  bool add_special_tokens = true;  // those that the model expects around texts: [CLS] … [SEP]
  std::optional<int64_t> max_length = {};  // tokens that are kept, special ones included
  Truncation truncation = Truncation::longest_first;
  Side truncation_side = Side::right;  // where tokens are cut off
  bool offsets = false;                // which bytes each token stands for, too
  int64_t pad_to_multiple_of = 1;      // of a batch
};

// A text, or a pair of texts, as a model takes it.
struct Encoding {
  std::vector<int64_t> ids;
  std::vector<int64_t> type_ids;  // which text, as the model counts them: 0, or 1 for the second
  // The bytes of its text that each token stands for; empty for a token that was put in. Only if
  // asked for.
  std::vector<Span> offsets;
  std::vector<bool> special;  // tokens that were put in
};

// Texts side by side, padded behind to the longest: Mask::padding(lengths) masks what was added.
struct Batch {
  Tensor ids;       // int64 [texts, longest]
  Tensor type_ids;  // the same shape
  std::vector<int64_t> lengths;
};

}  // namespace attune::io
