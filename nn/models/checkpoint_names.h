#pragma once

#include <map>
#include <string>
#include <vector>

namespace attune::nn::models {

// How checkpoints of a model name its tensors, beyond the names of its parameters.
struct CheckpointNames {
  std::string base;                  // before names of the base model, or missing: "transformer."
  std::vector<std::string> buffers;  // names that end with these are no weights
  std::vector<std::string> heads;    // names of heads, this model's and its relatives', start so
  std::string tied_head, tied_embedding;  // one tensor where the config says tie_word_embeddings
  // A tensor that older versions leave out: another one has its values.
  std::map<std::string, std::string> substitutes = {};
};

}  // namespace attune::nn::models
