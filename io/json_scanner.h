#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace attune::io {

// Reads JSON of a known structure piece by piece: no tree of it exists, so that a hostile text
// costs no memory. What is not valid JSON in UTF-8 is a FormatError that names the byte.
class JsonScanner {
 public:
  // The text must outlive the scanner.
  explicit JsonScanner(std::string_view text);

  // The first character of what comes next; it is not taken.
  char peek();
  // An object: member(name) reads the value of each member. The name is valid until the next string
  // is read.
  template <class F>
  void object(F&& member) {
    take('{');
    if (take_if('}')) return;
    do {
      const std::string_view name = string();
      take(':');
      member(name);
    } while (take_if(','));
    take('}');
  }
  // An array: element() reads each element.
  template <class F>
  void array(F&& element) {
    take('[');
    if (take_if(']')) return;
    do element();
    while (take_if(','));
    take(']');
  }
  // A string, valid until the next one is read.
  std::string_view string();
  // An integer of 0 to 2^64 - 1; nullopt, with nothing taken, if anything else comes next.
  std::optional<uint64_t> natural();
  // Takes any value whole, unread but for where it ends: what it holds may not be valid.
  // FormatError if it is nested deeper than `deepest`.
  std::string_view skip(int deepest);
  // A scanner of a value that this one skipped, whose errors name the same bytes.
  JsonScanner within(std::string_view value) const;
  // Refuses whatever follows but white space.
  void end();

 private:
  void skip_space();
  bool take_if(char c);
  void take(char c);
  // What stands between quotes, and whether it has escapes.
  std::pair<std::string_view, bool> raw_string();
  std::string_view unescape(std::string_view raw);
  char32_t code_unit(std::string_view raw, size_t& at) const;
  [[noreturn]] void refuse(std::string_view what) const;

  std::string_view text_;
  size_t at_ = 0;
  std::string unescaped_;
};

}  // namespace attune::io
