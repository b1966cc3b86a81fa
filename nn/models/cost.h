#pragma once

#include <cstdint>

#include "bert.h"
#include "gpt2.h"
#include "llama.h"

namespace attune::nn::models {

// Additions and multiplications of matrix products; those of attention, which grow with the square
// of the context, apart from the rest.
struct Flops {
  double attention = 0, rest = 0;

  double total() const { return attention + rest; }
};

// What a training step takes, in float32.
struct Cost {
  Flops forward, backward;  // recomputing for gradient checkpointing is part of backward
  int64_t parameters = 0;   // scalars
  // In bytes as the memory pool hands them out.
  int64_t parameter_bytes = 0, gradient_bytes = 0, optimizer_bytes = 0;
  int64_t activation_bytes = 0;  // the most at a time, their gradients included
  int64_t peak_bytes = 0;        // the most of all together
  // What the scores of all layers would take, if attention held them for backward.
  double score_bytes = 0;
};

struct CostOptions {
  bool gradient_checkpointing = false;
  // Arrays of the size of the parameters, 0 to 16 (ValueError): 2 of AdamW, 0 of plain SGD.
  int64_t optimizer_moments = 2;
};

// What a step of Gpt2, BertForMaskedLM or Llama takes on tokens [batch, context], before anything
// runs: forward to the loss without logits, backward, optimizer; gradients are cleared before
// forward, and the optimizer has its moments from steps before. The tape is played through on sizes
// alone. Flops are exact; bytes count an average for each node of the tape. ValueError where the
// config does not fit together, or batch and context are not positive.
Cost cost(const Gpt2Config& config, int64_t batch, int64_t context,
          const CostOptions& options = {});
Cost cost(const BertConfig& config, int64_t batch, int64_t context,
          const CostOptions& options = {});
Cost cost(const LlamaConfig& config, int64_t batch, int64_t context,
          const CostOptions& options = {});

}  // namespace attune::nn::models
