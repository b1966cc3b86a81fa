#include "fuzz.h"

using namespace attune;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::tolerate([&] {
    const io::CsvTable table = io::parse_csv(fuzz::text_of(data, size));
    size_t bytes = 0;
    for (size_t row = 0; row < table.size(); ++row)
      for (size_t column = 0; column < table.columns().size(); ++column)
        bytes += table.field(row, column).size();
    fuzz::require(bytes <= size);
  });
  return 0;
}
