#include "json_scanner.h"

#include <algorithm>
#include <charconv>

#include "../array/fail.h"
#include "tokenizer/unicode.h"

namespace attune::io {
namespace {

// "b" is how \b is written; 0 if there is no such escape.
char escaped(char letter) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  const size_t at = letters.find(letter);
  return at == letters.npos ? '\0' : meanings[at];
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

JsonScanner::JsonScanner(std::string_view text) : text_(text) {
  if (!tokenizers::unicode::is_valid(text)) throw FormatError("not valid JSON: it is not UTF-8");
}

void JsonScanner::refuse(std::string_view what) const {
  throw FormatError(fmt::format("not valid JSON: {} at byte {}", what, at_));
}

void JsonScanner::skip_space() {
  at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
}

char JsonScanner::peek() {
  skip_space();
  if (at_ == text_.size()) refuse("it ends too early");
  return text_[at_];
}

bool JsonScanner::take_if(char c) {
  if (peek() != c) return false;
  ++at_;
  return true;
}

void JsonScanner::take(char c) {
  if (!take_if(c)) refuse(fmt::format("there is no {}", c));
}

void JsonScanner::end() {
  skip_space();
  if (at_ < text_.size()) refuse("something follows");
}

std::pair<std::string_view, bool> JsonScanner::raw_string() {
  take('"');
  const size_t begin = at_;
  bool escapes = false;
  for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    if (static_cast<unsigned char>(text_[at_]) < ' ') refuse("there is a control character");
    if (text_[at_] == '\\') {
      escapes = true;
      ++at_;
    }
  }
  if (at_ >= text_.size()) refuse("a string does not end");
  const std::string_view raw = text_.substr(begin, at_ - begin);
  ++at_;
  return {raw, escapes};
}

std::string_view JsonScanner::string() {
  const auto [raw, escapes] = raw_string();
  return escapes ? unescape(raw) : raw;
}

std::string_view JsonScanner::skip(int deepest) {
  peek();
  const size_t begin = at_;
  int depth = 0;
  do {
    const char c = peek();
    if (c == '"') {
      raw_string();
    } else if (c == '{' || c == '[') {
      if (++depth > deepest) throw FormatError("the JSON is nested too deeply");
      ++at_;
    } else if (depth > 0) {
      if (c == '}' || c == ']') --depth;
      ++at_;
    } else {
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
  } while (depth > 0);
  return text_.substr(begin, at_ - begin);
}

JsonScanner JsonScanner::within(std::string_view value) const {
  JsonScanner inner = *this;
  inner.at_ = static_cast<size_t>(value.data() - text_.data());
  inner.text_ = text_.substr(0, inner.at_ + value.size());
  return inner;
}

// The four digits of \uXXXX.
char32_t JsonScanner::code_unit(std::string_view raw, size_t& at) const {
  const std::string_view digits = raw.substr(std::min(at, raw.size()), 4);
  uint32_t unit = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  if (digits.size() < 4 || error != std::errc() || end != digits.data() + 4)
    refuse("a string has a broken \\u");
  at += 4;
  return unit;
}

std::string_view JsonScanner::unescape(std::string_view raw) {
  unescaped_.clear();
  unescaped_.reserve(raw.size());
  for (size_t at = 0; at < raw.size();) {
    const size_t next = std::min(raw.find('\\', at), raw.size());
    unescaped_ += raw.substr(at, next - at);
    at = next + 2;
    if (next == raw.size()) break;
    if (const char meaning = escaped(raw[next + 1])) {
      unescaped_ += meaning;
      continue;
    }
    if (raw[next + 1] != 'u') refuse("a string has an unknown escape");
    char32_t character = code_unit(raw, at);
    if (character >= 0xD800 && character < 0xE000) {
      const bool first = character < 0xDC00 && raw.substr(at, 2) == "\\u";
      at += 2;
      const char32_t second = first ? code_unit(raw, at) : 0;
      if (second < 0xDC00 || second >= 0xE000) refuse("a string has half a surrogate pair");
      character = 0x10000 + ((character - 0xD800) << 10) + (second - 0xDC00);
    }
    tokenizers::unicode::append(unescaped_, character);
  }
  return unescaped_;
}

std::optional<uint64_t> JsonScanner::natural() {
  if (!is_digit(peek())) return {};
  uint64_t number = 0;
  const char* const begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), number);
  const auto digits = static_cast<size_t>(end - begin);
  if (digits > 1 && *begin == '0') refuse("a number begins with 0");
  const char next = at_ + digits < text_.size() ? text_[at_ + digits] : ' ';
  if (error != std::errc() || next == '.' || (next | 0x20) == 'e') return {};
  at_ += digits;
  return number;
}

}  // namespace attune::io
