#include "fuzz.h"

using namespace attune;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::tolerate([&] {
    const Array read = io::load_npy(fuzz::place("read.npy", fuzz::text_of(data, size)));
    const std::string saved = fuzz::scratch_folder() + "/saved.npy";
    io::save_npy(saved, read);
    const Array again = io::load_npy(saved);
    fuzz::require(again.shape() == read.shape() && again.dtype() == read.dtype());
  });
  return 0;
}
