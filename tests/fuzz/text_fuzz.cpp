#include "fuzz.h"

using namespace attune;

// Any text, valid UTF-8 or not, goes through every tokenizer of the tests.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<io::Tokenizer> tokenizers = [] {
    std::vector<io::Tokenizer> all;
    for (const char* name : {"gpt2", "bert_uncased", "llama2", "gpt4o", "clip"})
      all.push_back(
          io::load_tokenizer(ATTUNE_TEST_DATA "/tokenizers/" + std::string(name) + ".json"));
    return all;
  }();
  const std::string text = fuzz::text_of(data, size);
  for (const io::Tokenizer& tokenizer : tokenizers) {
    const std::vector<int64_t> ids = tokenizer.encode(text);
    const std::string whole = tokenizer.decode(ids);
    io::StreamDecoder stream(tokenizer);
    std::string pieces;
    for (const int64_t id : ids) pieces += stream.next(id);
    fuzz::require(pieces + stream.finish() == whole);
  }
  return 0;
}
