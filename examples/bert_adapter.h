// LoRA adapters of a BERT, of `bert finetune` or PEFT, in the model that they belong to.

#pragma once

#include <attune/attune.h>

#include <algorithm>
#include <filesystem>

namespace bert {

// True if the checkpoint in a folder has a pooler, on which a classifier stands.
inline bool has_pooler(const std::string& folder) {
  const auto names = attune::hub::Checkpoint(folder).names();
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.find("pooler.") != std::string::npos;
  });
}

// The layers of a classifier that start random, and are trained whole beside an adapter.
inline std::vector<std::string> new_layers(const std::string& folder) {
  if (has_pooler(folder)) return {"classifier"};
  return {"classifier", "pooler.dense"};
}

// A model of a class in nn/models with the weights of an adapter, if one is named.
template <class Model>
Model load_adapted(const std::string& folder, const std::string& adapter) {
  const auto model = attune::hub::from_pretrained<Model>(folder);
  if (!adapter.empty()) attune::hub::load_adapter(model, adapter).merge();
  return model;
}

// A classifier. The head is that of the adapter where it has one.
inline attune::nn::models::BertForSequenceClassification load_classifier(
    const std::string& folder, const std::string& adapter) {
  using namespace attune;
  using nn::models::BertConfig, nn::models::BertForSequenceClassification;
  if (adapter.empty()) return hub::from_pretrained<BertForSequenceClassification>(folder);
  const StateDict tensors = hub::adapter_tensors(adapter);
  const auto head = tensors.find("classifier.weight");
  if (head == tensors.end()) return load_adapted<BertForSequenceClassification>(folder, adapter);
  if (!tensors.contains("bert.pooler.dense.weight") && !has_pooler(folder))
    throw FormatError(fmt::format("neither {} nor {} has the pooler that a classifier stands on",
                                  folder, adapter));
  // finetune writes the names of the labels beside the adapter.
  const bool named = std::filesystem::exists(adapter + "/config.json");
  auto config = hub::load_config<BertConfig>(named ? adapter : folder);
  if (head->second.dim() == 2 && config.num_labels != head->second.size(0)) {
    config.num_labels = head->second.size(0);
    config.id2label.clear();
  }
  const auto model =
      hub::from_pretrained<BertForSequenceClassification>(folder, config, {.new_head = true});
  hub::load_adapter(model, adapter).merge();
  return model;
}

// An encoder of sentences. The adapter may be one of the encoder or of a model with a head, inside
// which the encoder is called "bert".
inline attune::nn::models::SentenceTransformer load_sentence_encoder(const std::string& folder,
                                                                     const std::string& adapter) {
  using namespace attune;
  auto model = hub::load_sentence_transformer(folder);
  if (adapter.empty()) return model;
  struct Whole : nn::Module {
    explicit Whole(const nn::models::BertModel& encoder) { child("bert", encoder); }
  };
  const StateDict tensors = hub::adapter_tensors(adapter);
  const bool inside = !tensors.empty() && tensors.begin()->first.starts_with("bert.");
  const nn::Module base = inside ? nn::Module(Whole(model.bert)) : nn::Module(model.bert);
  hub::load_adapter(base, adapter).merge();
  return model;
}

}  // namespace bert
