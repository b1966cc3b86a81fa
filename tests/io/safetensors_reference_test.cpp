// Made-up files, most of them broken, that the reference implementation has judged.

#include <attune/attune.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "../catch.h"
#include "../scratch.h"

using namespace attune;

namespace {

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string to_hex(const std::string& bytes) {
  std::string digits;
  for (const char byte : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return digits;
}

// A line of scripts/golden_safetensors.py.
struct Judged {
  explicit Judged(const std::string& line) {
    std::istringstream words(line);
    std::string verdict, digits;
    words >> verdict >> digits;
    accepted = verdict == "accepted";
    content = from_hex(digits);
    for (std::string array; words >> array;) arrays.push_back(array);
  }

  bool accepted = false;
  std::string content;
  std::vector<std::string> arrays;  // "6162:2,3" is "ab" of shape [2, 3]
};

std::vector<std::string> arrays_in(const std::string& path) {
  std::vector<std::string> arrays;
  for (const auto& [name, array] : io::load_safetensors(path).arrays)
    arrays.push_back(fmt::format("{}:{}", to_hex(name),
                                 fmt::join(array.shape().begin(), array.shape().end(), ",")));
  std::sort(arrays.begin(), arrays.end());
  return arrays;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != text.npos; ++at) ++found;
  return found;
}

// What attune does not read though the reference does; see docs/reliability.md.
bool is_stricter(const std::string& reason, const Judged& file) {
  // Of two arrays of one name the reference takes the last, whatever the first is.
  if (count(file.content, "data_offsets") > file.arrays.size()) return true;
  for (const char* known : {"has dtype", "does not have exactly dtype", "bytes other than 0 and 1",
                            "occurs twice", "more than 12 dimensions", "overflow",
                            "does not start with '{'", "__metadata__ is not an object"})
    if (reason.find(known) != reason.npos) return true;
  return false;
}

std::string judged_files() {
  const char* other = std::getenv("ATTUNE_JUDGED_FILES");
  return other ? other : ATTUNE_TEST_DATA "/safetensors.txt";
}

}  // namespace

TEST_CASE("nothing is read that the reference refuses, and what it reads is read as it does") {
  const ScratchFolder folder;
  const std::string path = folder / "file.safetensors";
  std::ifstream lines(judged_files());
  int both = 0, neither = 0, stricter = 0;
  for (std::string line; std::getline(lines, line);) {
    const Judged file(line);
    write_all(path, file.content);
    INFO(line);
    try {
      const std::vector<std::string> arrays = arrays_in(path);
      CHECK(file.accepted);
      CHECK(arrays == file.arrays);
      ++both;
    } catch (const FormatError& error) {
      const std::string reason = error.what();
      CHECK(count(reason, "\n") == 0);
      if (file.accepted) {
        INFO(reason);
        CHECK(is_stricter(reason, file));
      }
      ++(file.accepted ? stricter : neither);
    }
  }
  CHECK(both > 0);
  CHECK(neither > 0);
  fmt::print("{} files: {} read alike, {} refused by both, {} refused that the reference reads\n",
             both + neither + stricter, both, neither, stricter);
}
