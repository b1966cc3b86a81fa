#include "fuzz.h"

using namespace attune;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::tolerate([&] {
    const io::CsvTable table = io::parse_csv(fuzz::text_of(data, size));
    for (const io::CsvRow& row : table.rows)
      fuzz::require(row.fields.size() == table.columns.size());
  });
  return 0;
}
