// Models and texts for the examples, small enough to train in a moment.
#pragma once

#include <attune/attune.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../scratch.h"

// Letters, the space and the line break, in GPT-2's spelling of bytes.
inline void write_letters(const std::string& folder) {
  nlohmann::json vocabulary = {{"<|endoftext|>", 0}, {"\u0120", 1}, {"\u010a", 2}, {".", 3}};
  for (char c = 'a'; c <= 'z'; ++c) vocabulary[std::string(1, c)] = vocabulary.size();
  write_all(folder + "/vocab.json", vocabulary.dump());
  write_all(folder + "/merges.txt", "#version: 0.2\n");
}

inline std::string make_gpt2(const ScratchFolder& scratch) {
  attune::manual_seed(1);
  const std::string folder = scratch / "gpt2";
  attune::hub::save_pretrained(attune::nn::models::Gpt2({.vocab_size = 30,
                                                         .n_positions = 16,
                                                         .n_embd = 8,
                                                         .n_layer = 2,
                                                         .n_head = 2,
                                                         .bos_token_id = 0,
                                                         .eos_token_id = {0}}),
                               folder);
  write_letters(folder);
  return folder;
}

inline std::string make_llama(const ScratchFolder& scratch) {
  attune::manual_seed(1);
  const std::string folder = scratch / "llama";
  attune::nn::models::LlamaConfig config;
  config.vocab_size = 32;  // more than the tokenizer knows
  config.hidden_size = 8;
  config.intermediate_size = 12;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.num_key_value_heads = 1;
  config.max_position_embeddings = 16;
  config.bos_token_id = 0;
  config.eos_token_id = {};
  attune::hub::save_pretrained(attune::nn::models::Llama(config), folder);
  write_letters(folder);
  return folder;
}

inline const std::vector<std::string> words{"the", "cat",  "dog",  "tree", "river", "runs",
                                            "old", "blue", "very", "near", "##s",   "."};

template <class Model>
std::string make_bert(const ScratchFolder& scratch, const std::string& name) {
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const std::string& word : words) vocabulary += word + "\n";
  attune::manual_seed(1);
  const std::string folder = scratch / name;
  attune::nn::models::BertConfig config;
  config.vocab_size = static_cast<int64_t>(5 + words.size());
  config.hidden_size = 16;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.intermediate_size = 32;
  config.max_position_embeddings = 32;
  attune::hub::save_pretrained(Model(config), folder);
  write_all(folder + "/vocab.txt", vocabulary);
  return folder;
}

// Texts of words, half of which have a river among them.
inline std::string river_csv() {
  std::string csv = "text,label\r\n";
  for (size_t i = 0; i < 160; ++i) {
    std::string text = i % 2 ? "the river" : "the tree";
    for (size_t j = 0; j < 2 + i % 5; ++j) text += " " + words[5 + (i * 7 + j * 3) % 5];
    csv += "\"" + text + ",\n" + words[1 + i % 3] + "\"," + (i % 2 ? "wet" : "dry") + "\r\n";
  }
  return csv;
}
