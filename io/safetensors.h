#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../array/state_dict.h"

namespace attune::io {

// What a safetensors file holds: arrays by name, and free text by key.
struct Safetensors {
  StateDict arrays;
  std::map<std::string, std::string> metadata;
};

// A file in the safetensors format, opened and checked; its arrays are made when asked for.
class SafetensorsFile {
 public:
  // How the file gets into memory: page by page when touched, or whole at once, so that the damage
  // of a disk shows as an IoError and not as the signal SIGBUS.
  enum class Access { map, read };

  // FormatError says what breaks the format or is not supported, IoError what the system refused.
  explicit SafetensorsFile(const std::string& path, Access access = Access::map);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  const std::map<std::string, std::string>& metadata() const;
  // The names of all arrays, in order.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const;
  // Of the array of this name. IndexError if there is none.
  Shape shape(const std::string& name) const;
  DType dtype(const std::string& name) const;
  // F32, F64, BF16, I64 and BOOL point into the file's memory; writing to them never reaches the
  // file. F16 becomes float32, and I32, I16, I8, U32, U16 and U8 become
  // int64, in memory of their own. FormatError for a BOOL that is neither 0 nor 1.
  Array get(const std::string& name) const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

// Reads every array of a file, as SafetensorsFile does.
Safetensors load_safetensors(const std::string& path,
                             SafetensorsFile::Access access = SafetensorsFile::Access::map);

// Writes one, atomically (see write_atomically), wide elements first and then in the order of
// names. ValueError if an array is undefined, a name or metadata is no valid UTF-8, or the
// header would have more than the 100 MB that readers accept.
void save_safetensors(const std::string& path, const StateDict& arrays,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace attune::io
