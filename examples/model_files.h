// What train_gpt writes and generate reads: a folder with model.safetensors and config.json.

#pragma once

#include <attune/attune.h>

#include <nlohmann/json.hpp>
#include <string>

struct SavedGpt {
  attune::nn::models::Gpt model;
  attune::io::CharTokenizer tokenizer;
};

// FormatError if a character of the vocabulary is no UTF-8, which JSON cannot hold.
inline std::string config_json(const SavedGpt& saved) {
  const auto& c = saved.model.config();
  const nlohmann::json config = {{"vocab_size", c.vocab_size},
                                 {"context", c.context},
                                 {"layers", c.layers},
                                 {"heads", c.heads},
                                 {"dim", c.dim},
                                 {"vocabulary", saved.tokenizer.vocabulary()}};
  try {
    return config.dump(2) + "\n";
  } catch (const nlohmann::json::exception&) {
    throw attune::FormatError("the text is not UTF-8; convert it (iconv -f latin1 -t utf-8)");
  }
}

inline void save_gpt(const std::string& folder, const SavedGpt& saved) {
  attune::io::write_atomically(folder + "/config.json", config_json(saved));
  attune::io::save_safetensors(folder + "/model.safetensors", saved.model.state_dict());
}

inline SavedGpt load_gpt(const std::string& folder) {
  const std::string path = folder + "/config.json";
  try {
    const auto config = nlohmann::json::parse(attune::io::read_file(path));
    SavedGpt saved{
        attune::nn::models::Gpt({.vocab_size = config.at("vocab_size"),
                                 .context = config.at("context"),
                                 .layers = config.at("layers"),
                                 .heads = config.at("heads"),
                                 .dim = config.at("dim")}),
        attune::io::CharTokenizer(config.at("vocabulary").get<std::vector<std::string>>())};
    saved.model.load_state_dict(attune::io::load_safetensors(folder + "/model.safetensors").arrays);
    return saved;
  } catch (const nlohmann::json::exception& error) {
    throw attune::FormatError(path + ": " + error.what());
  }
}
