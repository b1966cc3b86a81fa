#include "bpe_trainer.h"

#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>
#include <utility>

#include "../array/fail.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary_files.h"

namespace attune::io {
namespace {

using namespace tokenizers;

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(Pair pair) const {
    const auto left = static_cast<uint64_t>(pair.first), right = static_cast<uint64_t>(pair.second);
    return (left << 32 | right) * 0x9E3779B97F4A7C15 >> 16;
  }
};

struct Word {
  std::vector<int32_t> symbols;
  int64_t count;  // in the texts
};

// Two neighbours, and the words where they were found.
struct Candidate {
  Pair pair;
  int64_t count;
  std::vector<size_t> words;
  // Of a heap, whose top is the greatest: the most frequent, then the smallest pair.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.count != b.count ? a.count < b.count : a.pair > b.pair;
  }
};

class Trainer {
 public:
  explicit Trainer(const BpeTrainerOptions& options) : options_(options) {}

  void count_words(const std::vector<std::string>& texts) {
    const PreTokenizer words = byte_level_pre_tokenizer(options_.add_prefix_space, true);
    const Sink count = [this](const Piece& word) { ++word_counts_[std::string(word.text)]; };
    for (const std::string& text : texts) words(Text::read(text, false).piece(), count);
  }

  void train() {
    for (const std::string& token : options_.special_tokens) add_token(token);
    add_alphabet();
    spell_words();
    for (size_t i = 0; i < words_.size(); ++i)
      for (size_t at = 0; at + 1 < words_[i].symbols.size(); ++at)
        change({words_[i].symbols[at], words_[i].symbols[at + 1]}, 1, i);
    push_changed();
    while (static_cast<int64_t>(tokens_.size()) < options_.vocab_size && !queue_.empty())
      if (!merge_next()) break;
  }

  std::shared_ptr<const Vocabulary> vocabulary() const {
    return std::make_shared<const Vocabulary>(TokenList(tokens_));
  }

  // A pair that was merged twice, since a second way to spell one of its tokens came up in between,
  // has the later place.
  Merges merges() const {
    std::unordered_map<Pair, size_t, PairHash> last;
    for (size_t rank = 0; rank < merged_.size(); ++rank) last[merged_[rank]] = rank;
    Merges merges;
    for (size_t rank = 0; rank < merged_.size(); ++rank)
      if (last[merged_[rank]] == rank)
        merges.push_back({merged_[rank].first, merged_[rank].second});
    return merges;
  }

 private:
  const std::string& token(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }

  int32_t add_token(const std::string& token) {
    const auto [found, added] = ids_.emplace(token, static_cast<int32_t>(tokens_.size()));
    if (added) tokens_.push_back(token);
    return found->second;
  }

  void add_alphabet() {
    std::map<char32_t, std::string> alphabet;  // in the order of code points
    const auto add = [&](std::string_view text) {
      for (size_t at = 0; at < text.size();) {
        const size_t begin = at;
        const char32_t c = unicode::next(text, at);
        alphabet.emplace(c, text.substr(begin, at - begin));
      }
    };
    for (const auto& [word, count] : word_counts_) add(word);
    for (int byte = 0; options_.all_bytes && byte < 256; ++byte)
      add(byte_level::character(static_cast<unsigned char>(byte)));
    for (const auto& [c, character] : alphabet) add_token(character);
  }

  void spell_words() {
    for (const auto& [text, count] : word_counts_) {
      Word word{{}, count};
      for (size_t at = 0; at < text.size();) {
        const size_t begin = at;
        unicode::next(text, at);
        word.symbols.push_back(ids_.at(text.substr(begin, at - begin)));
      }
      words_.push_back(std::move(word));
    }
    word_counts_.clear();
  }

  // Counts a pair of neighbours that came into, or went out of, a word.
  void change(Pair pair, int64_t times, size_t word) {
    pair_counts_[pair] += times * words_[word].count;
    if (times < 0) return;
    std::vector<size_t>& found = changed_[pair];
    if (found.empty() || found.back() != word) found.push_back(word);
  }

  void push_changed() {
    for (auto& [pair, words] : changed_)
      if (const int64_t count = pair_counts_[pair]; count > 0)
        queue_.push({pair, count, std::move(words)});
    changed_.clear();
  }

  // False when no pair is frequent enough any more.
  bool merge_next() {
    Candidate top = queue_.top();
    queue_.pop();
    if (const int64_t count = pair_counts_[top.pair]; count != top.count) {
      top.count = count;
      queue_.push(std::move(top));
      return true;
    }
    if (top.count < std::max<int64_t>(options_.min_frequency, 1)) return false;
    const int32_t merged = add_token(token(top.pair.first) + token(top.pair.second));
    merged_.push_back(top.pair);
    for (const size_t word : top.words) merge(top.pair, merged, word);
    push_changed();
    return true;
  }

  void merge(Pair pair, int32_t merged, size_t word) {
    std::vector<int32_t>& symbols = words_[word].symbols;
    size_t kept = 0;
    for (size_t i = 0; i < symbols.size(); ++i) {
      const bool found =
          symbols[i] == pair.first && i + 1 < symbols.size() && symbols[i + 1] == pair.second;
      if (!found) {
        symbols[kept++] = symbols[i];
        continue;
      }
      if (kept > 0) {
        change({symbols[kept - 1], pair.first}, -1, word);
        change({symbols[kept - 1], merged}, 1, word);
      }
      if (i + 2 < symbols.size()) {
        change({pair.second, symbols[i + 2]}, -1, word);
        change({merged, symbols[i + 2]}, 1, word);
      }
      symbols[kept++] = merged;
      ++i;
    }
    symbols.resize(kept);
  }

  const BpeTrainerOptions& options_;
  std::map<std::string, int64_t> word_counts_;  // in one order on every machine
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<Word> words_;
  std::unordered_map<Pair, int64_t, PairHash> pair_counts_;
  std::unordered_map<Pair, std::vector<size_t>, PairHash> changed_;
  std::priority_queue<Candidate> queue_;
  std::vector<Pair> merged_;
};

void check(const BpeTrainerOptions& options) {
  if (options.vocab_size < 1) fail<ValueError>("train_bpe", "vocab_size is {}", options.vocab_size);
  if (options.min_frequency < 0)
    fail<ValueError>("train_bpe", "min_frequency is {}", options.min_frequency);
  for (const std::string& token : options.special_tokens)
    if (token.empty() || !unicode::is_valid(token))
      fail<ValueError>("train_bpe", "a special token is empty or not UTF-8");
}

}  // namespace

Tokenizer train_bpe(const std::vector<std::string>& texts, const BpeTrainerOptions& options) {
  check(options);
  Trainer trainer(options);
  trainer.count_words(texts);
  trainer.train();
  return Tokenizer(byte_level_bpe("train_bpe", "the trained tokenizer", trainer.vocabulary(),
                                  trainer.merges(), options.special_tokens,
                                  options.add_prefix_space));
}

}  // namespace attune::io
