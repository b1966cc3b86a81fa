// What train_gpt writes and generate reads: a GPT-2 as transformers has it, config.json and
// model.safetensors, and beside it vocabulary.json, a list of the character that each token is.

#pragma once

#include <attune/attune.h>

#include <nlohmann/json.hpp>
#include <string>

struct SavedGpt {
  attune::nn::models::Gpt2 model;
  attune::io::CharTokenizer tokenizer;
};

// FormatError if a character of the vocabulary is no UTF-8, which JSON cannot hold.
inline void save_gpt(const std::string& folder, const SavedGpt& saved) {
  std::string vocabulary;
  try {
    vocabulary = nlohmann::json(saved.tokenizer.vocabulary()).dump(0) + "\n";
  } catch (const nlohmann::json::exception&) {
    throw attune::FormatError("the text is not UTF-8; convert it (iconv -f latin1 -t utf-8)");
  }
  attune::hub::save_pretrained(saved.model, folder);
  attune::io::write_atomically(folder + "/vocabulary.json", vocabulary);
}

inline SavedGpt load_gpt(const std::string& folder) {
  const auto model = attune::hub::from_pretrained<attune::nn::models::Gpt2>(folder);
  const std::string path = folder + "/vocabulary.json";
  try {
    const auto vocabulary = nlohmann::json::parse(attune::io::read_file(path));
    SavedGpt saved{model, attune::io::CharTokenizer(vocabulary.get<std::vector<std::string>>())};
    if (saved.tokenizer.size() != model.config().vocab_size)
      throw attune::FormatError(fmt::format("{}: {} characters for a model of {} tokens", path,
                                            saved.tokenizer.size(), model.config().vocab_size));
    return saved;
  } catch (const nlohmann::json::exception& error) {
    throw attune::FormatError(path + ": " + error.what());
  }
}
