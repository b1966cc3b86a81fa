#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../tokenizer.h"
#include "post_processor.h"
#include "text.h"

namespace attune::io {

// What a kind of tokenizer does its own way.
struct Tokenizer::Implementation {
  virtual ~Implementation() = default;

  virtual int64_t size() const = 0;
  virtual std::string_view token(int64_t id) const = 0;  // id is in range
  virtual std::optional<int64_t> id(std::string_view token) const = 0;
  virtual bool is_special(int64_t id) const = 0;
  // Appends the tokens of a text, without those that are put around it.
  virtual void tokenize(std::string_view text, tokenizers::Tokens& tokens) const = 0;
  virtual std::string decode(std::vector<std::string> tokens) const = 0;
  virtual void save(const std::string& folder) const = 0;

  tokenizers::PostProcessor post_processor;
  std::map<std::string, int64_t> special_ids;  // by role
};

}  // namespace attune::io
