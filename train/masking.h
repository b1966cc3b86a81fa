#pragma once

#include <cstdint>
#include <vector>

#include "../array/random.h"
#include "../autograd/tensor.h"

namespace attune::train {

struct MaskingOptions {
  int64_t mask_token = 0;
  int64_t vocab_size = 0;                    // random tokens are drawn from 0 … vocab_size - 1
  std::vector<int64_t> special_tokens = {};  // never chosen: [CLS], [SEP], [PAD]
  double share = 0.15;                       // of the other tokens of a row, at least one of them
};

// What a masked language model learns from. Both int64 [B, T].
struct MaskedTokens {
  Tensor input_ids;
  Tensor labels;  // the tokens that were chosen; -100 elsewhere, where there is nothing to predict
};

// Chooses a share of the tokens of each row: eight in ten become the mask token, one a random token
// and one stays as it is (Devlin et al. 2019, 3.1). ids: int64 [B, T]. The same draw chooses the
// same. ShapeError or DTypeError for other ids; ValueError unless 0 < share <= 1 and the mask token
// is in the vocabulary.
MaskedTokens mask_tokens(const Tensor& ids, const MaskingOptions& options, RandomState draw);
// The same by this thread's next draw.
MaskedTokens mask_tokens(const Tensor& ids, const MaskingOptions& options);

}  // namespace attune::train
