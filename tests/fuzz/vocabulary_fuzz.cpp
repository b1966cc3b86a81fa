#include "fuzz.h"

using namespace attune;

// The older files: a vocab.txt; and a merges.txt beside a vocab.json, both halves of the input.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::text_of(data, size);
  const std::string words = fuzz::place("vocab.txt", text);
  fuzz::tolerate([&] { io::load_tokenizer(words).encode("The first token"); });
  const size_t end = text.find('\n');
  const std::string vocabulary = fuzz::place("vocab.json", text.substr(0, end));
  fuzz::place("merges.txt", end == text.npos ? "" : text.substr(end + 1));
  fuzz::tolerate([&] { io::load_tokenizer(vocabulary).encode("The first token"); });
  return 0;
}
