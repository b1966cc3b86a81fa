#include <attune/io.h>

#include <string>

#include "../catch.h"

using attune::io::Crc64;

TEST_CASE("CRC-64/XZ of the text that its catalogue gives, in one piece and in any two") {
  const std::string text = "123456789";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Crc64 crc;
    crc.add(text.data(), cut);
    crc.add(text.data() + cut, text.size() - cut);
    CHECK(crc.value() == 0x995DC9BBDF1939FA);
  }
  CHECK(Crc64().value() == 0);
}
