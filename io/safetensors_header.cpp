#include "safetensors_header.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "../array/fail.h"
#include "json_scanner.h"

namespace attune::io {
namespace {

constexpr std::string_view metadata_name = "__metadata__";
constexpr size_t most_metadata = 100'000;
constexpr uint64_t largest = uint64_t{1} << 62;  // size or offset

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw FormatError(fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void refuse_second(std::string_view name) {
  refuse("the name \"{}\" occurs twice", one_line(name));
}

}  // namespace

// Reads the text of a header.
class SafetensorsHeaderReader {
 public:
  SafetensorsHeaderReader(std::string_view text, SafetensorsHeader& header)
      : json_(text), header_(header) {
    header_.names_.reserve(text.size());  // so that views of it stay
  }

  void read() {
    json_.object([&](std::string_view name) {
      if (name == metadata_name) {
        read_metadata();
      } else {
        read_entry(name);
      }
    });
    json_.end();
  }

 private:
  enum Field : size_t { dtype, shape, offsets };
  static constexpr std::array field_names = {"dtype", "shape", "data_offsets"};

  void read_metadata() {
    if (std::exchange(has_metadata_, true)) refuse_second(metadata_name);
    if (json_.peek() != '{') refuse("{} is not an object", metadata_name);
    json_.object([&](std::string_view name) {
      const std::string key(name);
      if (json_.peek() != '"') refuse("{} \"{}\" is not a string", metadata_name, one_line(key));
      if (!header_.metadata_.emplace(key, json_.string()).second) refuse_second(key);
      if (header_.metadata_.size() > most_metadata)
        refuse("{} has more than {} entries", metadata_name, most_metadata);
    });
  }

  void read_entry(std::string_view name) {
    const size_t at = header_.names_.size();
    name_ = std::string_view(header_.names_.append(name)).substr(at);
    entry_ = {name_, nullptr, {}, 0, 0};
    std::array<bool, 3> given = {};
    if (json_.peek() != '{') not_an_entry();
    json_.object([&](std::string_view key) {
      const auto known = std::find(field_names.begin(), field_names.end(), key);
      if (known == field_names.end()) not_an_entry();
      const auto field = static_cast<size_t>(known - field_names.begin());
      if (std::exchange(given[field], true)) refuse_second(key);
      field == dtype ? read_dtype() : field == shape ? read_shape() : read_offsets();
    });
    if (!(given[dtype] && given[shape] && given[offsets])) not_an_entry();
    check_entry();
    header_.records_.push_back({entry_.stored, entry_.begin, entry_.end, static_cast<uint32_t>(at),
                                static_cast<uint32_t>(name_.size()),
                                static_cast<uint32_t>(header_.sizes_.size()),
                                static_cast<uint32_t>(entry_.shape.size())});
    header_.sizes_.insert(header_.sizes_.end(), entry_.shape.begin(), entry_.shape.end());
  }

  void read_dtype() {
    if (json_.peek() != '"') wrong_type();
    const std::string_view type = json_.string();
    entry_.stored = stored_type(type);
    if (!entry_.stored)
      refuse("\"{}\" has dtype {}; F64, F32, F16, BF16, I64 to I8, U32 to U8 and BOOL can be read",
             one_line(name_), one_line(type));
  }

  void read_shape() {
    if (json_.peek() != '[') wrong_type();
    json_.array([&] {
      if (entry_.shape.size() == max_dims)
        refuse("\"{}\" has more than {} dimensions", one_line(name_), max_dims);
      entry_.shape.push_back(static_cast<int64_t>(read_size(shape)));
    });
  }

  void read_offsets() {
    if (json_.peek() != '[') wrong_type();
    int read = 0;
    json_.array([&] {
      if (read == 2) wrong_type();
      (read++ == 0 ? entry_.begin : entry_.end) = read_size(offsets);
    });
    if (read != 2) wrong_type();
  }

  uint64_t read_size(Field field) {
    const auto size = json_.natural();
    if (!size) refuse("{} of \"{}\" is not a list of sizes", field_names[field], one_line(name_));
    if (*size > largest)
      refuse("{} of \"{}\" overflow: {} is one of them", field_names[field], one_line(name_),
             *size);
    return *size;
  }

  [[noreturn]] void not_an_entry() const {
    refuse("\"{}\" does not have exactly dtype, shape and data_offsets", one_line(name_));
  }
  [[noreturn]] void wrong_type() const {
    refuse("\"{}\" has a dtype, shape or data_offsets of the wrong type", one_line(name_));
  }

  void check_entry() const {
    uint64_t bytes = entry_.stored->bytes;
    // Strides must fit as well, also where another size is zero.
    uint64_t stride = size_of(entry_.stored->dtype);
    bool overflow = false;
    for (const int64_t size : entry_.shape) {
      const auto n = static_cast<uint64_t>(size);
      bytes *= n;
      overflow |= __builtin_mul_overflow(stride, std::max<uint64_t>(n, 1), &stride);
    }
    if (overflow || stride > largest)
      refuse("the sizes of \"{}\", {}, overflow", one_line(name_), to_string(entry_.shape));
    if (entry_.end < entry_.begin || entry_.end - entry_.begin != bytes)
      refuse("\"{}\" of shape {} does not fill bytes {} to {}", one_line(name_),
             to_string(entry_.shape), entry_.begin, entry_.end);
  }

  JsonScanner json_;
  SafetensorsHeader& header_;
  bool has_metadata_ = false;
  std::string_view name_;
  SafetensorsEntry entry_;
};

SafetensorsHeader::SafetensorsHeader(std::string_view text, uint64_t data_bytes) {
  if (text.empty() || text[0] != '{') refuse("the header does not start with '{{'");
  SafetensorsHeaderReader(text, *this).read();
  sort_names();
  check_cover(data_bytes);
}

std::string_view SafetensorsHeader::name_of(const Record& record) const {
  return std::string_view(names_).substr(record.name, record.name_size);
}

SafetensorsEntry SafetensorsHeader::operator[](size_t i) const {
  const Record& record = records_[i];
  SafetensorsEntry entry{name_of(record), record.stored, {}, record.begin, record.end};
  const auto first = sizes_.begin() + record.sizes;
  for (auto size = first; size != first + record.dims; ++size) entry.shape.push_back(*size);
  return entry;
}

std::optional<size_t> SafetensorsHeader::find(std::string_view name) const {
  const auto at = std::lower_bound(
      records_.begin(), records_.end(), name,
      [&](const Record& record, std::string_view n) { return name_of(record) < n; });
  if (at == records_.end() || name_of(*at) != name) return {};
  return static_cast<size_t>(at - records_.begin());
}

void SafetensorsHeader::sort_names() {
  std::sort(records_.begin(), records_.end(),
            [&](const Record& a, const Record& b) { return name_of(a) < name_of(b); });
  const auto twice = std::adjacent_find(
      records_.begin(), records_.end(),
      [&](const Record& a, const Record& b) { return name_of(a) == name_of(b); });
  if (twice != records_.end()) refuse_second(name_of(*twice));
}

void SafetensorsHeader::check_cover(uint64_t data_bytes) const {
  std::vector<uint32_t> order(records_.size());
  std::iota(order.begin(), order.end(), 0u);
  // Empty arrays come before what begins where they lie.
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(records_[a].begin, records_[a].end) <
           std::pair(records_[b].begin, records_[b].end);
  });
  uint64_t at = 0;
  for (const uint32_t i : order) {
    const Record& record = records_[i];
    if (record.begin != at)
      refuse("\"{}\" starts at byte {} where byte {} is next", one_line(name_of(record)),
             record.begin, at);
    at = record.end;
  }
  if (at != data_bytes)
    refuse("the header describes {} bytes of data, the file has {}", at, data_bytes);
}

}  // namespace attune::io
