#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "added_tokens.h"
#include "decoder.h"
#include "implementation.h"
#include "model.h"
#include "normalizer.h"
#include "pre_tokenizer.h"

namespace attune::io::tokenizers {

// The stages of a tokenizer.json. A text goes through them in this order: added tokens are cut out,
// what lies between is normalized, cut into words, and each word into tokens.
struct Stages {
  AddedTokens added;
  Normalizer normalizer;       // may be empty
  PreTokenizer pre_tokenizer;  // may be empty
  std::shared_ptr<const Vocabulary> vocabulary;
  Model model;
  Decoder decoder;
};

// What a tokenizer was made from, to save it again.
struct Source {
  std::string settings;  // the tokenizer.json without its model
  std::string model;     // the model without vocabulary and merges
  Merges merges;
  std::string config;  // the tokenizer_config.json beside it, if there was one
};

class Pipeline : public Tokenizer::Implementation {
 public:
  // FormatError if an id has no token.
  Pipeline(Stages stages, Source source);

  int64_t size() const override { return size_; }
  std::string_view token(int64_t id) const override;
  std::optional<int64_t> id(std::string_view token) const override;
  bool is_special(int64_t id) const override;
  void tokenize(std::string_view text, Tokens& tokens) const override;
  std::string decode(std::vector<std::string> tokens) const override;
  void save(const std::string& folder) const override;

  void set_config(std::string config) { source_.config = std::move(config); }

 private:
  void tokenize_words(const Piece& piece, Tokens& tokens) const;
  void trim_offsets(std::string_view raw, Tokens& tokens) const;
  // The tokenizer_config.json to write, with the role of every special token; may be empty.
  std::string config_with_roles() const;

  Stages stages_;
  Source source_;
  int64_t size_ = 0;
};

}  // namespace attune::io::tokenizers
