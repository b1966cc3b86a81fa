// What a file costs in memory while it is read, whether it is refused or not: at most so many times
// its own size, and a megabyte.

#include <attune/attune.h>

#include <functional>

#include "../catch.h"
#include "../heap.h"
#include "../scratch.h"

using namespace attune;

namespace {

constexpr size_t size = 1'000'000;

// Pieces with something between them, as many as fill a file.
std::string repeated(const std::function<std::string(size_t)>& piece, const char* between = ",") {
  std::string text = piece(0);
  for (size_t i = 1; text.size() < size; ++i) text.append(between).append(piece(i));
  return text;
}

// The shortest names that are all different.
std::string short_name(size_t i) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
  std::string name;
  do name += letters[i % letters.size()];
  while ((i /= letters.size()) > 0);
  return name;
}

struct Case {
  const char* what;
  std::string content;
  double most;  // bytes for each byte of the file
};

void check(const char* file, const std::vector<Case>& cases,
           const std::function<void(const std::string& path)>& read) {
  const ScratchFolder folder;
  for (const auto& [what, content, most] : cases) {
    write_all(folder / file, content);
    std::string outcome = "it was read";
    const int64_t bytes = heap::peak_of([&] {
      try {
        read(folder / file);
      } catch (const Error& error) {
        outcome = error.what();
      }
    });
    INFO(what << ": " << outcome);
    const auto beside = static_cast<double>(std::max<int64_t>(bytes - 1'000'000, 0));
    CHECK(beside / static_cast<double>(content.size()) < most);
  }
}

std::string with_header(const std::string& header) {
  const uint64_t bytes = header.size();
  return std::string(reinterpret_cast<const char*>(&bytes), 8) + header;
}

// A header of many empty arrays.
std::string empty_arrays(const char* shape) {
  return with_header(fmt::format(
      "{{{}}}", repeated([&](size_t i) {
        return fmt::format(R"("{}":{{"dtype":"F32","shape":[{}],"data_offsets":[0,0]}})",
                           short_name(i), shape);
      })));
}

}  // namespace

TEST_CASE("an open safetensors file takes less than three times its header") {
  const std::string text(size, 'x'), entry = R"({"dtype":"I8","shape":[0],"data_offsets":[0,0]})";
  const auto member = [](size_t i) { return fmt::format(R"("{}":"")", short_name(i)); };
  const std::vector<Case> cases = {
      {"empty arrays", empty_arrays("0"), 2.5},
      {"many dimensions", empty_arrays("0,0,0,0,0,0,0,0,0,0,0,0"), 3},
      {"one text", with_header(fmt::format(R"({{"__metadata__":{{"a":"{}"}}}})", text)), 2.5},
      {"one name", with_header(fmt::format(R"({{"{}":{}}})", text, entry)), 2.5},
      {"texts of metadata",
       with_header(fmt::format(R"({{"__metadata__":{{{}}}}})", repeated(member))), 12},
      {"a refused name", with_header(fmt::format(R"({{"{}":1}})", text)), 2.5},
      {"a list", with_header(fmt::format(R"({{"a":[{}]}})", text)), 2.5},
      {"brackets", with_header(fmt::format(R"({{"a":{}}})", std::string(size, '['))), 2.5}};
  check("x.safetensors", cases, [](const std::string& path) { io::SafetensorsFile file(path); });
  // Each array has a place of its own in the map that is asked for.
  check("x.safetensors", {{"empty arrays", empty_arrays("0"), 10}},
        [](const std::string& path) { io::load_safetensors(path); });
}

TEST_CASE("a .npy file takes its own size") {
  const auto npy = [](const std::string& header, const std::string& data) {
    std::string text("\x93NUMPY\2\0", 8);
    const auto bytes = static_cast<uint32_t>(header.size());
    return text.append(reinterpret_cast<const char*>(&bytes), 4).append(header).append(data);
  };
  const std::string zeros(size, '\0');
  check(
      "x.npy",
      {{"data",
        npy(fmt::format("{{'descr': '|b1', 'fortran_order': True, 'shape': ({},)}}", size), zeros),
        1.1},
       {"a header", npy(zeros, ""), 1.1},
       {"a name", npy(fmt::format("{{'{}", zeros), ""), 1.1}},
      [](const std::string& path) { io::load_npy(path); });
}
