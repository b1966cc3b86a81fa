#include "added_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "../../array/error.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

bool stands_alone(std::string_view text, Span match) {
  const bool word_before = match.begin > 0 && unicode::is_word(unicode::character_at(
                                                  text, unicode::previous(text, match.begin)));
  const bool word_behind =
      match.end < text.size() && unicode::is_word(unicode::character_at(text, match.end));
  return !word_before && !word_behind;
}

size_t white_space_begin(std::string_view text, size_t end) {
  while (end > 0) {
    const size_t last = unicode::previous(text, end);
    if (!unicode::is_white_space(unicode::character_at(text, last))) break;
    end = last;
  }
  return end;
}

size_t white_space_end(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    size_t next = begin;
    if (!unicode::is_white_space(unicode::next(text, next))) break;
    begin = next;
  }
  return begin;
}

}  // namespace

void TokenFinder::add(std::string_view text, const AddedToken& token) {
  if (text.empty()) return;
  first_.set(static_cast<unsigned char>(text[0]));
  uint32_t node = 0;
  for (const char c : text) {
    uint32_t next = child(node, c);
    if (next == 0) {
      next = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
      auto& children = nodes_[node].children;
      const std::pair entry(static_cast<unsigned char>(c), next);
      children.insert(std::lower_bound(children.begin(), children.end(), entry), entry);
    }
    node = next;
  }
  if (nodes_[node].token >= 0) return;
  nodes_[node].token = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(token);
}

uint32_t TokenFinder::child(uint32_t node, char byte) const {
  const auto& children = nodes_[node].children;
  const std::pair searched(static_cast<unsigned char>(byte), uint32_t{0});
  const auto found = std::lower_bound(children.begin(), children.end(), searched);
  return found != children.end() && found->first == searched.first ? found->second : 0;
}

std::optional<TokenFinder::Match> TokenFinder::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!first_[static_cast<unsigned char>(text[begin])]) continue;
    const AddedToken* longest = nullptr;
    size_t end = begin;
    uint32_t node = 0;
    for (size_t at = begin; at < text.size(); ++at) {
      node = child(node, text[at]);
      if (node == 0) break;
      if (nodes_[node].token < 0) continue;
      longest = &tokens_[static_cast<size_t>(nodes_[node].token)];
      end = at + 1;
    }
    if (longest) return Match{{begin, end}, longest};
  }
  return std::nullopt;
}

void TokenFinder::split(const Piece& piece, const std::function<void(const Piece&)>& on_text,
                        const std::function<void(const AddedToken&, Span)>& on_token) const {
  size_t done = 0;
  const bool any = nodes_.size() > 1;
  for (auto match = any ? find(piece.text, 0) : std::nullopt; match;
       match = find(piece.text, match->bytes.end)) {
    Span bytes = match->bytes;
    const AddedToken& token = *match->token;
    if (token.single_word && !stands_alone(piece.text, bytes)) continue;
    // White space that the last one took may match again, but need not be looked through again.
    if (token.lstrip)
      bytes.begin = bytes.begin <= done
                        ? done
                        : done + white_space_begin(piece.text.substr(done, bytes.begin - done),
                                                   bytes.begin - done);
    if (token.rstrip) bytes.end = white_space_end(piece.text, std::max(bytes.end, done));
    if (done < bytes.begin) on_text(piece.part({done, bytes.begin}));
    if (bytes.begin < bytes.end) on_token(token, bytes);
    done = bytes.end;
  }
  if (done < piece.text.size()) on_text(piece.part({done, piece.text.size()}));
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer)
    : tokens_(std::move(tokens)) {
  // At each place of a text as much as one is looked at, and each byte costs some 60 of memory.
  constexpr size_t longest_token = 1024, most_bytes = size_t{1} << 20;
  size_t bytes = 0;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    AddedToken& token = tokens_[i];
    by_content_.emplace(token.content, i);
    by_id_.emplace(token.id, i);
    token.spelling = token.content;
    if (token.content.size() > longest_token)
      throw FormatError(fmt::format("an added token has {} bytes; there can be at most {}",
                                    token.content.size(), longest_token));
    if (token.normalized && normalizer) {
      const Text content = Text::read(token.content, false);
      token.spelling = normalizer(content.piece()).piece().text;
    }
    if (token.spelling.empty())
      throw FormatError("the normalizer leaves nothing of the added token \"" + token.content +
                        "\"");
    if ((bytes += token.spelling.size()) > most_bytes)
      throw FormatError(fmt::format("the added tokens have more than {} bytes", most_bytes));
  }
  for (const bool special : {true, false})
    for (const AddedToken& token : tokens_)
      if (token.special == special)
        (token.normalized ? normalized_ : verbatim_).add(token.spelling, token);
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto found = by_content_.find(content);
  return found == by_content_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedTokens::find(int64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

}  // namespace attune::io::tokenizers
