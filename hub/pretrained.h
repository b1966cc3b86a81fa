#pragma once

#include <optional>

#include "../nn/init.h"
#include "../nn/models/checkpoint_names.h"
#include "../nn/module.h"
#include "checkpoint.h"

namespace attune::hub {

struct LoadOptions {
  // Of the parameters: float32 or float64 (DTypeError). Absent: float64 if the checkpoint has any,
  // else float32.
  std::optional<DType> dtype = {};
  // Lets a head that the checkpoint lacks, or has in another shape, start with random values: to
  // train it.
  bool new_head = false;
};

namespace detail {

struct WeightRequest {
  const Checkpoint& checkpoint;
  const nn::models::CheckpointNames& names;
  const LoadOptions& options;
};

// True for arrays of one shape and dtype with the same bits.
bool is_same(const Array& a, const Array& b);
// True if the checkpoint has head and embedding as different tensors, though they might be tied.
bool is_untied(const WeightRequest& request);
// True if the checkpoint has a tensor whose name starts so, after the base model's prefix.
bool has(const WeightRequest& request, const std::string& beginning);
// Compares the checkpoint with the shapes of a module. FormatError lists every missing, unknown and
// unfit tensor. True if parameters remain that only a new head's initial values can fill.
bool check_weights(const WeightRequest& request, const nn::Module& module);
// Gives the module's parameters memory of their own with the checkpoint's values.
void fill_weights(const WeightRequest& request, const nn::Module& module);

void save(const nn::Module& module, const std::string& folder, const std::string& config,
          const std::string& architecture);

}  // namespace detail

// The config of a model in a folder: load_config<nn::models::Gpt2Config>(folder).
template <class Config>
Config load_config(const std::string& folder) {
  return Config::from_json(Checkpoint::read_config(folder), folder + "/config.json");
}

// Reads a model of a class in nn/models, such as nn::models::Gpt2, from a folder in the layout of
// Hugging Face. It is in evaluation mode, as transformers returns it. Errors as of Checkpoint;
// FormatError where config.json does not fit the class, or lists every tensor that is missing,
// unknown or mis-shaped. Memory is taken only when all fits.
template <class Model>
Model from_pretrained(const std::string& folder, typename Model::Config config,
                      const LoadOptions& options = {}) {
  const Checkpoint checkpoint(folder);
  const detail::WeightRequest request{checkpoint, Model::checkpoint_names, options};
  if (config.tie_word_embeddings && detail::is_untied(request)) config.tie_word_embeddings = false;
  if constexpr (requires { config.add_pooling_layer; })
    config.add_pooling_layer &= detail::has(request, "pooler.");
  const auto made_empty = [&] {
    nn::init::EmptyWeights empty;
    return Model(config);
  };
  Model model = made_empty();
  if (detail::check_weights(request, model)) model = Model(config);
  detail::fill_weights(request, model);
  model.eval();
  return model;
}
// As its config.json describes it; the call above takes one that the caller changed, for more
// labels or another dropout.
template <class Model>
Model from_pretrained(const std::string& folder, const LoadOptions& options = {}) {
  return from_pretrained<Model>(folder, load_config<typename Model::Config>(folder), options);
}

// Writes model.safetensors and config.json, each atomically, so that from_pretrained, above or of
// transformers, gives the same model. Makes the folder if there is none. IoError. Without an
// adapter that is attached: merge() it before, or save_adapter().
template <class Model>
void save_pretrained(const Model& model, const std::string& folder) {
  detail::save(model, folder, model.config().to_json(), Model::architecture);
}

}  // namespace attune::hub
