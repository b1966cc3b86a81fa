#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "../../array/error.h"
#include "../../array/keyed_hash.h"
#include "byte_level.h"
#include "model.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

constexpr int32_t none = -1;
constexpr int32_t absorbed = -1;  // in place of a symbol's bytes

struct Merge {
  int32_t rank = none;
  int32_t id = none;  // of what the two become
};

// Pairs of neighbours, each in a slot: a hash table with open addressing, since the look-up of
// neighbours is what encoding spends its time on.
class PairSet {
 public:
  explicit PairSet(size_t count) {
    while (slots() < 2 * count) ++bits_;
    keys_.resize(slots(), empty);
  }

  size_t slots() const { return size_t{1} << bits_; }

  size_t add(TokenPair pair) {
    const size_t at = slot(key(pair));
    keys_[at] = key(pair);
    return at;
  }

  std::optional<size_t> find(TokenPair pair) const {
    const size_t at = slot(key(pair));
    if (keys_[at] == empty) return std::nullopt;
    return at;
  }

 private:
  static constexpr uint64_t empty = ~uint64_t{0};

  static uint64_t key(TokenPair pair) {
    return static_cast<uint64_t>(pair.left) << 32 | static_cast<uint32_t>(pair.right);
  }
  // Where a key stands, or could.
  size_t slot(uint64_t key) const {
    size_t at = key * multiplier_ >> (64 - bits_);
    while (keys_[at] != key && keys_[at] != empty) at = (at + 1) & (slots() - 1);
    return at;
  }

  int bits_ = 4;
  uint64_t multiplier_ = process_hash_key();  // a file's pairs cannot be made to collide
  std::vector<uint64_t> keys_;
};

class MergeTable {
 public:
  explicit MergeTable(size_t count) : pairs_(count), merges_(pairs_.slots()) {}

  void set(TokenPair pair, Merge merge) { merges_[pairs_.add(pair)] = merge; }

  const Merge* find(TokenPair pair) const {
    const auto slot = pairs_.find(pair);
    return slot ? &merges_[*slot] : nullptr;
  }

 private:
  PairSet pairs_;
  std::vector<Merge> merges_;
};

// A token of a word, in a list that merges shorten.
struct Symbol {
  int32_t id;
  int32_t previous, next;  // none at the ends
  int32_t bytes;           // of the word; absorbed once it is a part of the one before
};

struct Candidate {
  Merge merge;
  int32_t left;  // the position of the left neighbour
  // Of a heap, whose top is the greatest.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.merge.rank != b.merge.rank ? a.merge.rank > b.merge.rank : a.left > b.left;
  }
};

class Bpe {
 public:
  Bpe(std::shared_ptr<const Vocabulary> vocabulary, const Merges& merges, BpeOptions options)
      : vocabulary_(std::move(vocabulary)), options_(std::move(options)), merges_(merges.size()) {
    if (options_.unk_token) unknown_ = id(vocabulary_->require(*options_.unk_token, "unk_token"));
    for (size_t rank = 0; rank < merges.size(); ++rank)
      add(merges[rank], static_cast<int32_t>(rank));
    find_common_characters();
    find_bytes();
    if (options_.continuing_subword_prefix.empty()) find_bridges(merges);
    find_stable_tokens();
  }

  void operator()(const Piece& word, Tokens& tokens) const {
    const auto whole = vocabulary_->id(word.text);
    if (whole && stable_[static_cast<size_t>(*whole)]) {
      tokens.add(*whole, word, {0, word.text.size()});
      return;
    }
    size_t at = 0;
    for (const Symbol& symbol : merge(word.text)) {
      if (symbol.bytes == absorbed) continue;
      const auto length = static_cast<size_t>(symbol.bytes);
      tokens.add(symbol.id, word, {at, at + length});
      at += length;
    }
  }

 private:
  static int32_t id(int64_t id) { return static_cast<int32_t>(id); }

  void add(TokenPair pair, int32_t rank) {
    const size_t prefix = options_.continuing_subword_prefix.size();
    const std::string_view left = vocabulary_->token(pair.left),
                           right = vocabulary_->token(pair.right);
    if (right.size() < prefix)
      throw FormatError(
          fmt::format("the merge \"{} {}\" lacks the continuing_subword_prefix", left, right));
    const int64_t merged =
        vocabulary_->require(std::string(left).append(right.substr(prefix)), "a merge's result");
    merges_.set(pair, {rank, id(merged)});
  }

  void find_common_characters() {
    common_.fill(none);
    for (char32_t c = 0; c < common_.size(); ++c) {
      std::string character;
      unicode::append(character, c);
      common_[c] = find(character);
    }
  }

  void find_bytes() {
    bytes_.fill(none);
    if (!options_.byte_fallback) return;
    for (size_t b = 0; b < bytes_.size(); ++b) bytes_[b] = find(fmt::format("<0x{:02X}>", b));
  }

  // Where two symbols stand side by side in no token, no merge ever joins what is left of them with
  // what is right. Long texts without words, as LLaMA's tokenizers have them, fall apart there into
  // short pieces, whose merging stays in the processor's cache. Not with a prefix, which a merge
  // drops from its right part: what it results in may then be shorter than its parts, or one of
  // them.
  void find_bridges(const Merges& merges) {
    std::vector<TokenPair> parts(vocabulary_->tokens().size(), {none, none});
    for (const TokenPair pair : merges) parts[static_cast<size_t>(merges_.find(pair)->id)] = pair;
    const auto first = [&](int32_t token) {
      while (parts[static_cast<size_t>(token)].left != none)
        token = parts[static_cast<size_t>(token)].left;
      return token;
    };
    const auto last = [&](int32_t token) {
      while (parts[static_cast<size_t>(token)].right != none)
        token = parts[static_cast<size_t>(token)].right;
      return token;
    };
    std::vector<TokenPair> pairs;
    pairs.reserve(merges.size());
    for (const auto& [left, right] : merges) pairs.push_back({last(left), first(right)});
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    bridges_.emplace(pairs.size());
    for (const TokenPair pair : pairs) bridges_->add(pair);
  }

  // A word that is a token need not be merged where merging leads to that token. For most
  // vocabularies this holds for nearly all tokens, and for most words of a text.
  void find_stable_tokens() {
    const auto& tokens = vocabulary_->tokens();
    stable_.resize(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      const bool is_long = tokens[i].size() > 256;  // a hostile file's; merging all would be slow
      stable_[i] = options_.ignore_merges;
      if (stable_[i] || tokens[i].empty() || is_long) continue;
      const auto& symbols = merge(tokens[i]);
      stable_[i] = !symbols.empty() && symbols.front().id == static_cast<int32_t>(i) &&
                   std::all_of(symbols.begin() + 1, symbols.end(),
                               [](const Symbol& symbol) { return symbol.bytes == absorbed; });
    }
  }

  int32_t find(std::string_view token) const {
    const auto found = vocabulary_->id(token);
    return found ? id(*found) : none;
  }

  // The symbols of a word after all merges, absorbed ones included. Valid until the next call in
  // this thread.
  const std::vector<Symbol>& merge(std::string_view word) const {
    thread_local std::vector<Symbol> symbols;
    thread_local std::vector<Candidate> heap;
    symbols.clear();
    heap.clear();
    spell(word, symbols);
    const auto size = static_cast<int32_t>(symbols.size());
    for (int32_t i = 0; i < size; ++i) {
      const bool goes_on = i + 1 < size && (consider(symbols, heap, i, i + 1) || !bridges_ ||
                                            bridges_->find(pair(symbols, i, i + 1)));
      if (!goes_on) apply_all(symbols, heap);
    }
    return symbols;
  }

  static TokenPair pair(const std::vector<Symbol>& symbols, int32_t left, int32_t right) {
    return {symbols[static_cast<size_t>(left)].id, symbols[static_cast<size_t>(right)].id};
  }

  // Makes a candidate of two neighbours. False if they cannot be merged.
  bool consider(const std::vector<Symbol>& symbols, std::vector<Candidate>& heap, int32_t left,
                int32_t right) const {
    const Merge* found = merges_.find(pair(symbols, left, right));
    if (found) heap.push_back({*found, left});
    return found != nullptr;
  }

  void apply_all(std::vector<Symbol>& symbols, std::vector<Candidate>& heap) const {
    std::make_heap(heap.begin(), heap.end());
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const Candidate top = heap.back();
      heap.pop_back();
      apply(top, symbols, heap);
    }
  }

  // Merges the candidate's neighbours, if they are still what they were.
  void apply(const Candidate& candidate, std::vector<Symbol>& symbols,
             std::vector<Candidate>& heap) const {
    Symbol& left = symbols[static_cast<size_t>(candidate.left)];
    if (left.bytes == absorbed || left.next == none) return;
    Symbol& right = symbols[static_cast<size_t>(left.next)];
    const Merge* merge = merges_.find({left.id, right.id});
    if (!merge || merge->id != candidate.merge.id) return;
    left.id = merge->id;
    left.bytes += right.bytes;
    left.next = right.next;
    right.bytes = absorbed;
    if (left.next != none) symbols[static_cast<size_t>(left.next)].previous = candidate.left;
    const auto push = [&](int32_t a, int32_t b) {
      if (consider(symbols, heap, a, b)) std::push_heap(heap.begin(), heap.end());
    };
    if (left.previous != none) push(left.previous, candidate.left);
    if (left.next != none) push(candidate.left, left.next);
  }

  // The characters of a word as symbols.
  void spell(std::string_view word, std::vector<Symbol>& symbols) const {
    int32_t unknown_bytes = 0;  // of characters that an unk_token still has to stand for
    const auto flush_unknown = [&] {
      if (unknown_bytes > 0) append(symbols, unknown_, unknown_bytes);
      unknown_bytes = 0;
    };
    for (size_t at = 0; at < word.size();) {
      const size_t begin = at;
      const char32_t c = unicode::next(word, at);
      const std::string_view character = word.substr(begin, at - begin);
      const auto length = static_cast<int32_t>(character.size());
      const int32_t token = find_character(c, character, begin == 0, at == word.size());
      if (token != none) {
        flush_unknown();
        append(symbols, token, length);
      } else if (fall_back(character, begin == 0, at == word.size(), symbols)) {
        continue;
      } else if (unknown_ != none) {
        if (!options_.fuse_unk) flush_unknown();
        unknown_bytes += length;
      }
    }
    flush_unknown();
  }

  int32_t find_character(char32_t c, std::string_view character, bool first, bool last) const {
    const bool prefixed = !first && !options_.continuing_subword_prefix.empty();
    const bool suffixed = last && !options_.end_of_word_suffix.empty();
    if (prefixed || suffixed) return find(decorated(character, prefixed, suffixed));
    return c < common_.size() ? common_[c] : find(character);
  }

  std::string decorated(std::string_view character, bool prefixed, bool suffixed) const {
    std::string token = prefixed ? options_.continuing_subword_prefix : std::string();
    token += character;
    if (suffixed) token += options_.end_of_word_suffix;
    return token;
  }

  bool fall_back(std::string_view character, bool first, bool last,
                 std::vector<Symbol>& symbols) const {
    if (!options_.byte_fallback) return false;
    const std::string token = decorated(character, !first, last);
    const auto byte_token = [&](char b) { return bytes_[static_cast<unsigned char>(b)]; };
    if (std::any_of(token.begin(), token.end(), [&](char b) { return byte_token(b) == none; }))
      return false;
    // The first stands for the whole character, the others for its end: a prefix or suffix has
    // bytes that the word does not have.
    auto bytes = static_cast<int32_t>(character.size());
    for (const char b : token) append(symbols, byte_token(b), std::exchange(bytes, 0));
    return true;
  }

  static void append(std::vector<Symbol>& symbols, int32_t id, int32_t bytes) {
    const auto at = static_cast<int32_t>(symbols.size());
    if (at > 0) symbols.back().next = at;
    symbols.push_back({id, at - 1, none, bytes});
  }

  std::shared_ptr<const Vocabulary> vocabulary_;
  BpeOptions options_;
  MergeTable merges_;
  int32_t unknown_ = none;
  std::array<int32_t, byte_level::last_character + 1> common_;  // by code point
  std::array<int32_t, 256> bytes_;                              // the byte_fallback tokens
  std::optional<PairSet> bridges_;
  std::vector<bool> stable_;
};

}  // namespace

Model byte_pair_encoding(std::shared_ptr<const Vocabulary> vocabulary, const Merges& merges,
                         BpeOptions options) {
  return [bpe = std::make_shared<const Bpe>(std::move(vocabulary), merges, std::move(options))](
             const Piece& word, Tokens& tokens) { (*bpe)(word, tokens); };
}

}  // namespace attune::io::tokenizers
