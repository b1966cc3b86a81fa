#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "../array/array.h"

namespace attune::io {

// A dtype of the format, and that of arrays made from it.
struct StoredType {
  const char* name;
  size_t bytes;
  DType dtype;
  void (*widen)(const void* from, int64_t count, Array& to);  // null where the dtype is the same
};

// Null for a name that cannot be read.
const StoredType* stored_type(std::string_view name);

// What a header says of one array.
struct SafetensorsEntry {
  std::string_view name;  // of the header's memory
  const StoredType* stored = nullptr;
  Shape shape;
  uint64_t begin = 0, end = 0;  // bytes, counted from the end of the header
};

// The arrays that a header describes, in the order of their names. A file may describe millions of
// them in 50 bytes each, so they take little: all together less than three times the header's text.
class SafetensorsHeader {
 public:
  SafetensorsHeader() = default;
  // Reads and checks the text of a header whose arrays must fill `data_bytes` bytes without holes
  // or overlaps. FormatError with the reason, in one line.
  SafetensorsHeader(std::string_view text, uint64_t data_bytes);

  size_t size() const { return records_.size(); }
  SafetensorsEntry operator[](size_t i) const;
  // The number of the array of this name.
  std::optional<size_t> find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  friend class SafetensorsHeaderReader;

  // Places in names_ and sizes_. A header has no more than 100 MB.
  struct Record {
    const StoredType* stored;
    uint64_t begin, end;
    uint32_t name, name_size, sizes, dims;
  };
  std::string_view name_of(const Record& record) const;
  void sort_names();
  void check_cover(uint64_t data_bytes) const;

  // Deques, which never have to copy what they hold to grow.
  std::deque<Record> records_;
  std::deque<int64_t> sizes_;
  std::string names_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace attune::io
