// Vocabularies and merges, which are nearly all of a tokenizer.json: read without a tree of them.

#include <fmt/format.h>

#include <utility>

#include "from_json.h"

namespace attune::io::tokenizers {
namespace {

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw FormatError(fmt::format(format, std::forward<Args>(args)...));
}

// How many tokens a vocabulary has, and an empty list with room for them.
std::pair<size_t, TokenList> room_for(JsonScanner json) {
  size_t count = 0, bytes = 0;
  json.object([&](std::string_view token) {
    if (token.empty()) refuse("the vocabulary has an empty token");
    if (++count > most_tokens) refuse("more than {} tokens are no vocabulary", most_tokens);
    bytes += token.size();
    json.skip(deepest_json);
  });
  TokenList tokens;
  tokens.reserve(count, bytes);
  return {count, std::move(tokens)};
}

// "left right", or in newer files ["left", "right"].
TokenPair merge_from(JsonScanner& json, const Vocabulary& vocabulary, size_t number) {
  if (json.peek() == '"') {
    const auto pair = merge_from_line(json.string(), vocabulary);
    if (!pair) refuse("merge {} should be two tokens with a space between them", number);
    return *pair;
  }
  if (json.peek() != '[') refuse("merge {} should be a string", number);
  int32_t ids[2];
  size_t count = 0;
  json.array([&] {
    if (count == 2) refuse("merge {} should be of two tokens", number);
    if (json.peek() != '"') refuse("a token of merge {} should be a string", number);
    ids[count++] = static_cast<int32_t>(vocabulary.require(json.string(), "a merge's"));
  });
  if (count < 2) refuse("merge {} should be of two tokens", number);
  return {ids[0], ids[1]};
}

}  // namespace

std::optional<TokenPair> merge_from_line(std::string_view line, const Vocabulary& vocabulary) {
  const size_t space = line.find(' ');
  if (space == line.npos || line.find(' ', space + 1) != line.npos) return std::nullopt;
  const auto id = [&](std::string_view token) {
    return static_cast<int32_t>(vocabulary.require(token, "a merge's"));
  };
  return TokenPair{id(line.substr(0, space)), id(line.substr(space + 1))};
}

TokenList vocabulary_from(JsonScanner json, size_t others) {
  if (json.peek() != '{') refuse("should be an object");
  auto [count, tokens] = room_for(json);
  const size_t limit = count + others;
  json.object([&, &tokens = tokens](std::string_view token) {
    const auto id = json.natural();
    if (!id || *id > largest_id)
      refuse("the id of \"{}\" should be an integer of 0 to {}", token, largest_id);
    if (*id >= limit) refuse("\"{}\" has id {}, but there are only {} tokens", token, *id, limit);
    if (*id < tokens.size() && !tokens[*id].empty())
      refuse("id {} is given to both \"{}\" and \"{}\"", *id, tokens[*id], token);
    tokens.set(*id, token);
  });
  json.end();
  return std::move(tokens);
}

Merges merges_from(JsonScanner json, const Vocabulary& vocabulary) {
  if (json.peek() != '[') refuse("should be an array");
  Merges merges;
  json.array([&] {
    if (merges.size() == most_tokens) refuse("more than {} merges are no vocabulary", most_tokens);
    merges.push_back(merge_from(json, vocabulary, merges.size()));
  });
  json.end();
  merges.shrink_to_fit();
  return merges;
}

}  // namespace attune::io::tokenizers
