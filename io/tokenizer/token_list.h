#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "../../array/error.h"

namespace attune::io::tokenizers {

// Tokens by id, their texts one behind the other: a file has hundreds of thousands, and a string
// for each would take several times the file. Ids may be left out.
class TokenList {
 public:
  TokenList() = default;
  explicit TokenList(const std::vector<std::string>& tokens) {
    for (const std::string& token : tokens) push_back(token);
  }

  void reserve(size_t count, size_t bytes) {
    spans_.reserve(count);
    texts_.reserve(bytes);
  }
  void push_back(std::string_view token) { set(size(), token); }
  // The id must be free.
  void set(size_t id, std::string_view token) {
    if (texts_.size() + token.size() > std::numeric_limits<uint32_t>::max())
      throw FormatError("the tokens of a vocabulary have more than 4 GB");
    spans_.resize(std::max(id + 1, size()));
    spans_[id] = {static_cast<uint32_t>(texts_.size()), static_cast<uint32_t>(token.size())};
    texts_ += token;
  }

  // One more than the largest id.
  size_t size() const { return spans_.size(); }
  // "" where the id is left out.
  std::string_view operator[](size_t id) const {
    return std::string_view(texts_).substr(spans_[id].begin, spans_[id].size);
  }

 private:
  struct Span {
    uint32_t begin = 0, size = 0;
  };
  std::vector<Span> spans_;
  std::string texts_;
};

}  // namespace attune::io::tokenizers
