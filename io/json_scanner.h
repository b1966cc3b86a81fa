#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  // Refuses whatever follows but white space.
  void end();

 private:
  void skip_space();
  bool take_if(char c);
  void take(char c);
  std::string_view unescape(std::string_view raw);
  char32_t code_unit(std::string_view raw, size_t& at) const;
  [[noreturn]] void refuse(std::string_view what) const;

  std::string_view text_;
  size_t at_ = 0;
  std::string unescaped_;
};

}  // namespace attune::io
