#include "normalizer.h"

#include <utility>

#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

// Calls f(character, span of its bytes) for every character of a text.
template <class F>
void each_character(std::string_view text, F&& f) {
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = unicode::next(text, at);
    f(c, Span{begin, at});
  }
}

// Base characters with all that may combine with them.
using Segment = std::vector<unicode::Decomposed>;  // origins: where their characters start

// Calls f for every segment of a text, decomposed and in canonical order.
template <class F>
void each_segment(std::string_view text, bool compatible, F&& f) {
  Segment segment;
  for (size_t at = 0; at < text.size();) {
    segment.clear();
    do {
      const size_t begin = at;
      const char32_t c = unicode::next(text, at);
      if (c < 0x80)
        segment.push_back({c, begin});
      else
        unicode::append_decomposition(segment, c, compatible, begin);
    } while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80 &&
             unicode::continues_segment(unicode::character_at(text, at)));
    if (segment.size() > 1) unicode::order_marks(segment);
    f(segment);
  }
}

Span character_span(std::string_view text, size_t begin) {
  size_t end = begin;
  unicode::next(text, end);
  return {begin, end};
}

void put(Text& text, char32_t c, const Piece& from, Span bytes) {
  std::string encoded;
  unicode::append(encoded, c);
  text.put(encoded, from, bytes);
}

// Drops control characters, turns white space into spaces, sets Chinese characters apart.
Text clean(const Piece& piece, const BertNormalizerOptions& options) {
  Text cleaned(piece);
  each_character(piece.text, [&](char32_t c, Span bytes) {
    if (options.clean_text && unicode::is_white_space(c) && !unicode::is_bert_control(c)) {
      cleaned.put(" ", piece, bytes);
    } else if (options.clean_text && (c == 0xFFFD || unicode::is_bert_control(c))) {
      return;
    } else if (options.handle_chinese_chars && unicode::is_cjk(c)) {
      cleaned.put(" ", piece, bytes);
      cleaned.copy(piece, bytes);
      cleaned.put(" ", piece, bytes);
    } else {
      cleaned.copy(piece, bytes);
    }
  });
  return cleaned;
}

// The canonical decomposition without the characters that `drop` names.
template <class Drop>
Text decompose(const Piece& piece, Drop&& drop) {
  Text decomposed(piece);
  each_segment(piece.text, false, [&](const Segment& segment) {
    for (const auto& [c, origin] : segment)
      if (!drop(c)) put(decomposed, c, piece, character_span(piece.text, origin));
  });
  return decomposed;
}

Text lower(const Piece& piece) {
  Text lowered(piece);
  std::string form;
  each_character(piece.text, [&](char32_t c, Span bytes) {
    form.clear();
    unicode::append_lower(form, c);
    lowered.put(form, piece, bytes);
  });
  return lowered;
}

Text copy(const Piece& piece) {
  Text text(piece);
  text.copy(piece, {0, piece.text.size()});
  return text;
}

}  // namespace

Normalizer bert_normalizer(BertNormalizerOptions options) {
  return [options](const Piece& piece) {
    Text text = clean(piece, options);
    if (options.strip_accents) text = decompose(text.piece(), unicode::is_bert_accent);
    if (options.lowercase) text = lower(text.piece());
    return text;
  };
}

Normalizer normal_form(NormalForm form) {
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const bool composed = form == NormalForm::nfc || form == NormalForm::nfkc;
  return [compatible, composed](const Piece& piece) {
    Text text(piece);
    each_segment(piece.text, compatible, [&](Segment& segment) {
      if (composed) unicode::compose(segment);
      for (const auto& [c, origin] : segment)
        put(text, c, piece, character_span(piece.text, origin));
    });
    return text;
  };
}

Normalizer lowercase() { return lower; }

Normalizer strip_accents() {
  return [](const Piece& piece) {
    Text text(piece);
    each_character(piece.text, [&](char32_t c, Span bytes) {
      if ((unicode::category(c) & unicode::mark) == 0) text.copy(piece, bytes);
    });
    return text;
  };
}

Normalizer strip_white_space(bool left, bool right) {
  return [left, right](const Piece& piece) {
    size_t begin = 0, end = piece.text.size();
    while (left && begin < end) {
      size_t next = begin;
      if (!unicode::is_white_space(unicode::next(piece.text, next))) break;
      begin = next;
    }
    while (right && begin < end) {
      const size_t last = unicode::previous(piece.text, end);
      if (!unicode::is_white_space(unicode::character_at(piece.text, last))) break;
      end = last;
    }
    return copy(piece.part({begin, end}));
  };
}

Normalizer prepend(std::string prefix) {
  return [prefix = std::move(prefix)](const Piece& piece) {
    Text text(piece);
    if (!piece.text.empty()) text.put(prefix, piece, character_span(piece.text, 0));
    text.copy(piece, {0, piece.text.size()});
    return text;
  };
}

Normalizer replace(Pattern pattern, std::string replacement) {
  return [pattern = std::move(pattern), replacement = std::move(replacement)](const Piece& piece) {
    Text text(piece);
    size_t at = 0;
    each_match(pattern, piece.text, [&](Span match) {
      text.copy(piece, {at, match.begin});
      text.put(replacement, piece, match);
      at = match.end;
    });
    text.copy(piece, {at, piece.text.size()});
    return text;
  };
}

Normalizer normalize_in_sequence(std::vector<Normalizer> parts) {
  return [parts = std::move(parts)](const Piece& piece) {
    Text text = copy(piece);
    for (const Normalizer& part : parts) {
      const Text changed = part(text.piece());
      text = Text(piece);
      const Piece all = changed.piece();
      text.copy(all, {0, all.text.size()});
    }
    return text;
  };
}

}  // namespace attune::io::tokenizers
