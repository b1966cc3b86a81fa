#include "fuzz.h"

using namespace attune;

// An adapter_config.json of a stranger beside weights that are sound.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto model = hub::from_pretrained<nn::models::Gpt2>(ATTUNE_TEST_DATA "/models/gpt2");
  static const std::string weights = fuzz::place(
      "adapter_model.safetensors", fuzz::copy_of("models/lora_gpt2/adapter_model.safetensors"));
  fuzz::place("adapter_config.json", fuzz::text_of(data, size));
  fuzz::tolerate([&] {
    const nn::Lora lora = hub::load_adapter(model, fuzz::scratch_folder());
    lora.merge();
    lora.unmerge();
    lora.unload();
  });
  return 0;
}
