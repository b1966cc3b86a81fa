#include "fuzz.h"

using namespace attune;

// A config.json whose sizes do not fit the weights must be refused before it takes memory. The
// first byte picks the class.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nn::models;
  static const std::string weights =
      fuzz::place("model.safetensors", fuzz::copy_of("models/gpt2/model.safetensors"));
  if (size == 0) return 0;
  fuzz::place("config.json", fuzz::text_of(data + 1, size - 1));
  const std::string& folder = fuzz::scratch_folder();
  fuzz::tolerate([&] {
    switch (data[0] % 3) {
      case 0:
        return void(hub::from_pretrained<Gpt2>(folder));
      case 1:
        return void(hub::from_pretrained<BertModel>(folder));
      default:
        return void(hub::from_pretrained<Llama>(folder));
    }
  });
  return 0;
}
