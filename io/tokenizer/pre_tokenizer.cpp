#include "pre_tokenizer.h"

#include <utility>

#include "byte_level.h"
#include "normalizer.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

// The pattern of GPT-2: contractions, words, numbers and others, each with the space before it.
constexpr std::string_view gpt2_words =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Matches every single character of a class.
Pattern characters(bool (*is_member)(char32_t)) {
  return [is_member](std::string_view text, size_t from, size_t&) -> std::optional<Span> {
    for (size_t at = from; at < text.size();) {
      const size_t begin = at;
      if (is_member(unicode::next(text, at))) return Span{begin, at};
    }
    return std::nullopt;
  };
}

bool is_number(char32_t c) { return (unicode::category(c) & unicode::number) != 0; }

// Calls f(span, whether it matches) for the matches of a text and for what lies between them.
template <class F>
void each_part(const Pattern& pattern, std::string_view text, F&& f) {
  size_t at = 0;
  each_match(pattern, text, [&](Span match) {
    if (at < match.begin) f(Span{at, match.begin}, false);
    f(match, true);
    at = match.end;
  });
  if (at < text.size()) f(Span{at, text.size()}, false);
}

// Joins parts as a behaviour asks for, and hands them on once it is clear where they end.
class Joiner {
 public:
  Joiner(const Piece& piece, SplitBehavior behavior, const Sink& sink)
      : piece_(piece), behavior_(behavior), sink_(sink) {}

  void add(Span part, bool match) {
    if (behavior_ == SplitBehavior::removed && match) return;
    if (joins(match)) {
      pending_.end = part.end;
    } else {
      flush();
      pending_ = part;
    }
    last_matched_ = match;
  }

  void flush() {
    if (pending_.begin < pending_.end) sink_(piece_.part(pending_));
    pending_ = {};
  }

 private:
  bool joins(bool match) const {
    if (pending_.begin == pending_.end) return false;
    switch (behavior_) {
      case SplitBehavior::contiguous:
        return match == last_matched_;
      case SplitBehavior::merged_with_previous:
        return match && !last_matched_;
      case SplitBehavior::merged_with_next:
        return !match && last_matched_;
      default:
        return false;
    }
  }

  const Piece& piece_;
  SplitBehavior behavior_;
  const Sink& sink_;
  Span pending_;
  bool last_matched_ = false;
};

// What a character means to words_and_punctuation.
enum class Kind { space, word, other };

Kind kind_of(char32_t c) {
  if (unicode::is_word(c)) return Kind::word;
  return unicode::is_white_space(c) ? Kind::space : Kind::other;
}

}  // namespace

PreTokenizer split(Pattern pattern, SplitBehavior behavior, bool invert) {
  return [pattern = std::move(pattern), behavior, invert](const Piece& piece, const Sink& sink) {
    Joiner joiner(piece, behavior, sink);
    each_part(pattern, piece.text,
              [&](Span part, bool match) { joiner.add(part, match != invert); });
    joiner.flush();
  };
}

PreTokenizer byte_level_pre_tokenizer(bool add_prefix_space, bool use_regex) {
  const PreTokenizer words = use_regex ? split(regex(gpt2_words), SplitBehavior::isolated, false)
                                       : [](const Piece& piece, const Sink& sink) { sink(piece); };
  return [words, add_prefix_space](const Piece& piece, const Sink& sink) {
    const Sink spell = [&](const Piece& word) { sink(byte_level::spell(word).piece()); };
    if (add_prefix_space && !piece.text.starts_with(' '))
      words(prepend(" ")(piece).piece(), spell);
    else
      words(piece, spell);
  };
}

PreTokenizer bert_pre_tokenizer() {
  return pre_tokenize_in_sequence({white_space_split(), punctuation(SplitBehavior::isolated)});
}

PreTokenizer white_space_split() {
  return split(characters(unicode::is_white_space), SplitBehavior::removed, false);
}

PreTokenizer words_and_punctuation() {
  return [](const Piece& piece, const Sink& sink) {
    for (size_t begin = 0, at = 0; at < piece.text.size(); begin = at) {
      const Kind kind = kind_of(unicode::next(piece.text, at));
      while (at < piece.text.size() && kind_of(unicode::character_at(piece.text, at)) == kind)
        unicode::next(piece.text, at);
      if (kind != Kind::space) sink(piece.part({begin, at}));
    }
  };
}

PreTokenizer punctuation(SplitBehavior behavior) {
  return split(characters(unicode::is_bert_punctuation), behavior, false);
}

PreTokenizer digits(bool individual) {
  return split(characters(is_number),
               individual ? SplitBehavior::isolated : SplitBehavior::contiguous, false);
}

PreTokenizer metaspace(std::string replacement, Prepend scheme, bool splits) {
  const Normalizer replace_spaces = replace(literal(" "), replacement);
  const Normalizer prepend_one = prepend(replacement);
  const PreTokenizer words = split(literal(replacement), SplitBehavior::merged_with_next, false);
  return [=](const Piece& piece, const Sink& sink) {
    Text text = replace_spaces(piece);
    const bool starts = text.piece().text.starts_with(replacement);
    if (!starts && (scheme == Prepend::always || (scheme == Prepend::first && piece.first)))
      text = prepend_one(text.piece());
    if (splits)
      words(text.piece(), sink);
    else
      sink(text.piece());
  };
}

PreTokenizer pre_tokenize_in_sequence(std::vector<PreTokenizer> parts) {
  PreTokenizer whole = [](const Piece& piece, const Sink& sink) { sink(piece); };
  for (PreTokenizer& part : parts)
    whole = [before = std::move(whole), part = std::move(part)](const Piece& piece,
                                                                const Sink& sink) {
      before(piece, [&](const Piece& word) { part(word, sink); });
    };
  return whole;
}

}  // namespace attune::io::tokenizers
