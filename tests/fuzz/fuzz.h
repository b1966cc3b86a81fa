// What the fuzz targets share: each gives a reader a file of libFuzzer's making, as a stranger
// would. The reader may refuse it by an Error; anything else that escapes ends the run.
#pragma once

#include <attune/attune.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace attune::fuzz {

// A folder in memory, of this process alone.
inline const std::string& scratch_folder() {
  static const std::string folder = [] {
    std::string name = "/dev/shm/attune_fuzz_" + std::to_string(::getpid());
    std::filesystem::create_directories(name);
    return name;
  }();
  return folder;
}

inline std::string text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Puts a file into the scratch folder and returns its path.
inline std::string place(const std::string& name, std::string_view content) {
  const std::string path = scratch_folder() + "/" + name;
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
  return path;
}

inline std::string copy_of(const std::string& golden) {
  std::ifstream file(ATTUNE_TEST_DATA "/" + golden, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Calls read(); being refused is as good as being read.
template <class F>
void tolerate(F&& read) {
  try {
    read();
  } catch (const Error&) {
  }
}

// Ends the run with a finding.
inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace attune::fuzz
