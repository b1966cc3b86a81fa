#include "fuzz.h"

using namespace attune;

// A tokenizer.json that is accepted encodes and decodes what it is given.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::tolerate([&] {
    const io::Tokenizer read =
        io::load_tokenizer(fuzz::place("tokenizer.json", fuzz::text_of(data, size)));
    for (const char* text : {"", "The first token, 42 \xF0\x9F\x98\x80\xFF  <unk>\n", "a a a"})
      for (const int64_t id : read.encode(text)) fuzz::require(id >= 0 && id < read.size());
    read.decode(read.encode("decoded", {}));
  });
  return 0;
}
