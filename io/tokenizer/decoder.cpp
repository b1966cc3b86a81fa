#include "decoder.h"

#include <charconv>
#include <optional>
#include <utility>

#include "../../array/fail.h"
#include "byte_level.h"
#include "normalizer.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

// What Python reads with errors="replace".
std::string replace_invalid(std::string_view bytes) {
  return std::string(Text::read(bytes, false).piece().text);
}

std::string joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

// Applies f(position, token) to every token.
template <class F>
Decoder for_each_token(F f) {
  return [f = std::move(f)](std::vector<std::string> tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = f(i, std::move(tokens[i]));
    return tokens;
  };
}

size_t size_of(const std::vector<std::string>& tokens) {
  size_t bytes = 0;
  for (const std::string& token : tokens) bytes += token.size();
  return bytes;
}

size_t limit_of(size_t bytes, size_t tokens) { return (bytes + tokens) * most_growth; }

void check_growth(size_t bytes, size_t limit) {
  if (bytes > limit)
    fail<FormatError>("Tokenizer", "decoding makes a text more than {} times longer", most_growth);
}

std::string replace_all(const std::string& text, const Pattern& pattern,
                        const std::string& replacement) {
  std::string replaced;
  size_t at = 0;
  const size_t limit = limit_of(text.size(), 1);
  each_match(pattern, text, [&](Span match) {
    replaced.append(text, at, match.begin - at);
    check_growth(replaced.size() + replacement.size(), limit);
    replaced += replacement;
    at = match.end;
  });
  return replaced.append(text, at);
}

std::string clean_up(std::string text) {
  constexpr std::pair<const char*, const char*> artifacts[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : artifacts) text = replace_all(text, literal(from), to);
  return text;
}

// The byte of a token "<0x41>".
std::optional<char> fallback_byte(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  unsigned value = 0;
  const char *begin = token.data() + 3, *end = begin + 2;
  const auto parsed = std::from_chars(begin, end, value, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return static_cast<char>(value);
}

// Bytes in a row are a text if they are UTF-8, else as many replacement characters.
void flush_bytes(std::string& bytes, std::vector<std::string>& tokens) {
  if (unicode::is_valid(bytes)) {
    if (!bytes.empty()) tokens.push_back(bytes);
  } else {
    tokens.insert(tokens.end(), bytes.size(), std::string(unicode::replacement_character));
  }
  bytes.clear();
}

std::vector<std::string> join_fallback_bytes(const std::vector<std::string>& tokens) {
  std::vector<std::string> result;
  std::string bytes;
  for (const std::string& token : tokens) {
    if (const auto byte = fallback_byte(token)) {
      bytes += *byte;
    } else {
      flush_bytes(bytes, result);
      result.push_back(token);
    }
  }
  flush_bytes(bytes, result);
  return result;
}

}  // namespace

Decoder byte_level_decoder() {
  return [](const std::vector<std::string>& tokens) {
    std::string bytes;
    for (const std::string& token : tokens) bytes += byte_level::bytes_of(token);
    return std::vector{replace_invalid(bytes)};
  };
}

Decoder word_piece_decoder(std::string prefix, bool cleanup) {
  return for_each_token([prefix = std::move(prefix), cleanup](size_t i, std::string token) {
    if (i > 0) token = token.starts_with(prefix) ? token.substr(prefix.size()) : " " + token;
    return cleanup ? clean_up(std::move(token)) : token;
  });
}

Decoder bpe_decoder(std::string suffix) {
  return [suffix = literal(std::move(suffix))](std::vector<std::string> tokens) {
    for (std::string& token : tokens)
      token = replace_all(token, suffix, &token == &tokens.back() ? "" : " ");
    return tokens;
  };
}

Decoder metaspace_decoder(std::string replacement, Prepend prepend) {
  return for_each_token(
      [space = literal(std::move(replacement)), prepend](size_t i, const std::string& token) {
        return replace_all(token, space, i == 0 && prepend != Prepend::never ? "" : " ");
      });
}

Decoder byte_fallback_decoder() { return join_fallback_bytes; }

Decoder fuse_decoder() {
  return [](const std::vector<std::string>& tokens) { return std::vector{joined(tokens)}; };
}

Decoder strip_decoder(std::string character, size_t start, size_t stop) {
  return for_each_token([=](size_t, const std::string& token) {
    std::string_view rest = token;
    for (size_t i = 0; i < start && rest.starts_with(character); ++i)
      rest.remove_prefix(character.size());
    for (size_t i = 0; i < stop && rest.ends_with(character); ++i)
      rest.remove_suffix(character.size());
    return std::string(rest);
  });
}

Decoder replace_decoder(Pattern pattern, std::string replacement) {
  return for_each_token(
      [pattern = std::move(pattern), replacement = std::move(replacement)](
          size_t, const std::string& token) { return replace_all(token, pattern, replacement); });
}

Decoder join_decoder(std::string separator) {
  return for_each_token([separator = std::move(separator)](size_t i, std::string token) {
    return i > 0 ? separator + token : token;
  });
}

Decoder decode_in_sequence(std::vector<Decoder> parts) {
  return [parts = std::move(parts)](std::vector<std::string> tokens) {
    const size_t limit = limit_of(size_of(tokens), tokens.size());
    for (const Decoder& part : parts) {
      tokens = part(std::move(tokens));
      check_growth(size_of(tokens), limit);
    }
    return tokens;
  };
}

}  // namespace attune::io::tokenizers
