#include "fuzz.h"

using namespace attune;

// What is accepted can be read whole, saved, and read again with the same content.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::tolerate([&] {
    const io::Safetensors read =
        io::load_safetensors(fuzz::place("read.safetensors", fuzz::text_of(data, size)));
    const std::string saved = fuzz::scratch_folder() + "/saved.safetensors";
    io::save_safetensors(saved, read.arrays, read.metadata);
    const io::Safetensors again = io::load_safetensors(saved);
    fuzz::require(again.metadata == read.metadata && again.arrays.size() == read.arrays.size());
    for (const auto& [name, array] : read.arrays) {
      const Array& other = again.arrays.at(name);
      fuzz::require(other.shape() == array.shape() && other.dtype() == array.dtype());
    }
  });
  return 0;
}
