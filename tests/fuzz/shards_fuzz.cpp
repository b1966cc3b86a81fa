#include "fuzz.h"

using namespace attune;

// A model.safetensors.index.json of a stranger beside files that are sound.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool placed = [] {
    for (const char* name :
         {"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"})
      fuzz::place(name, fuzz::copy_of("models/gpt2_sharded/" + std::string(name)));
    return true;
  }();
  fuzz::place("model.safetensors.index.json", fuzz::text_of(data, size));
  fuzz::tolerate([&] {
    fuzz::require(placed), hub::from_pretrained<nn::models::Gpt2>(fuzz::scratch_folder());
  });
  return 0;
}
