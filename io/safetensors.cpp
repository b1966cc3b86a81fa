#include "safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "../array/fail.h"
#include "../array/strict_json-inl.h"
#include "../kernels/copy.h"
#include "file.h"
#include "safetensors_header.h"

namespace attune::io {
namespace {

using Json = nlohmann::json;

constexpr size_t prefix_bytes = 8;
constexpr uint64_t largest_header = 100'000'000;  // the limit of the reference implementation

static_assert(std::endian::native == std::endian::little, "the format stores little-endian values");

template <class... Args>
[[noreturn]] void refuse(const std::string& path, fmt::format_string<Args...> format,
                         Args&&... args) {
  fail<FormatError>("load_safetensors", "{}: {}", path,
                    fmt::format(format, std::forward<Args>(args)...));
}

float from_half(uint16_t half) {
  uint32_t bits = static_cast<uint32_t>(half & 0x7fff) << 13;
  if ((half & 0x7c00) == 0x7c00) {
    bits |= 0x7f800000;  // Inf and NaN
  } else {
    // The exponent's bias differs by 112; multiplying also makes subnormal halves normal.
    bits = std::bit_cast<uint32_t>(std::bit_cast<float>(bits) * 0x1p112f);
  }
  return std::bit_cast<float>(bits | static_cast<uint32_t>(half & 0x8000) << 16);
}

// Elements may lie at any address.
template <class T, class To, class Convert>
void widen_each(const void* from, int64_t count, Array& to, const Convert& convert) {
  To* out = to.output<To>();
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, static_cast<const char*>(from) + i * static_cast<int64_t>(sizeof(T)),
                sizeof(T));
    out[i] = convert(value);
  }
}

void widen_half(const void* from, int64_t count, Array& to) {
  widen_each<uint16_t, float>(from, count, to, from_half);
}

template <class T>
void widen_integer(const void* from, int64_t count, Array& to) {
  widen_each<T, int64_t>(from, count, to, [](T value) { return static_cast<int64_t>(value); });
}

constexpr StoredType dtypes[] = {
    {"F32", 4, float32, nullptr},
    {"F64", 8, float64, nullptr},
    {"BF16", 2, bfloat16, nullptr},
    {"I64", 8, int64, nullptr},
    {"BOOL", 1, boolean, nullptr},
    {"F16", 2, float32, widen_half},
    {"I32", 4, int64, widen_integer<int32_t>},
    {"I16", 2, int64, widen_integer<int16_t>},
    {"I8", 1, int64, widen_integer<int8_t>},
    {"U32", 4, int64, widen_integer<uint32_t>},
    {"U16", 2, int64, widen_integer<uint16_t>},
    {"U8", 1, int64, widen_integer<uint8_t>},
};

Array array_at(const Intrusive<Storage>& file, size_t data_start, const SafetensorsEntry& entry) {
  const size_t at = data_start + entry.begin;
  const DType dtype = entry.stored->dtype;
  if (!entry.stored->widen && at % size_of(dtype) == 0)
    return Array(file, entry.shape, row_major_strides(entry.shape),
                 static_cast<int64_t>(at / size_of(dtype)), dtype);
  Array copy(entry.shape, dtype);
  const auto* from = static_cast<const std::byte*>(file->data()) + at;
  if (entry.stored->widen) {
    entry.stored->widen(from, copy.numel(), copy);
  } else {
    std::memcpy(copy.output_data(), from, entry.end - entry.begin);
  }
  return copy;
}

void check_booleans(const std::string& path, const std::string& name, const Array& array) {
  const auto* bytes = static_cast<const uint8_t*>(array.raw_data());
  if (std::any_of(bytes, bytes + array.numel(), [](uint8_t b) { return b > 1; }))
    refuse(path, "\"{}\" is BOOL but holds bytes other than 0 and 1", one_line(name));
}

}  // namespace

const StoredType* stored_type(std::string_view name) {
  const auto known = std::find_if(std::begin(dtypes), std::end(dtypes),
                                  [&](const StoredType& type) { return type.name == name; });
  return known == std::end(dtypes) ? nullptr : known;
}

struct SafetensorsFile::Content {
  std::string path;
  Intrusive<Storage> file;
  size_t data_start = 0;
  SafetensorsHeader header;

  Content(const std::string& name, Access access)
      : path(name), file(access == Access::map ? map_file(name) : read_storage(name)) {}

  SafetensorsEntry at(const std::string& name) const {
    const auto found = header.find(name);
    if (!found) fail<IndexError>("safetensors", "{} has no array \"{}\"", path, name);
    return header[*found];
  }
};

SafetensorsFile::SafetensorsFile(const std::string& path, Access access)
    : content_(std::make_unique<Content>(path, access)) {
  const Intrusive<Storage>& file = content_->file;
  if (file->bytes() < prefix_bytes)
    refuse(path, "{} bytes are too few for a header", file->bytes());
  uint64_t header_bytes;
  std::memcpy(&header_bytes, file->data(), prefix_bytes);
  if (header_bytes > largest_header)
    refuse(path, "the header claims {} bytes; it may have {}", header_bytes, largest_header);
  if (header_bytes > file->bytes() - prefix_bytes)
    refuse(path, "the header claims {} bytes, the file has {}", header_bytes, file->bytes());
  content_->data_start = prefix_bytes + header_bytes;
  try {
    content_->header = SafetensorsHeader(
        {static_cast<const char*>(file->data()) + prefix_bytes, static_cast<size_t>(header_bytes)},
        file->bytes() - content_->data_start);
  } catch (const FormatError& error) {
    refuse(path, "{}", error.what());
  }
}

SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return content_->header.metadata();
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  names.reserve(content_->header.size());
  for (size_t i = 0; i < content_->header.size(); ++i) names.emplace_back(content_->header[i].name);
  return names;
}

bool SafetensorsFile::contains(const std::string& name) const {
  return content_->header.find(name).has_value();
}

Shape SafetensorsFile::shape(const std::string& name) const { return content_->at(name).shape; }

DType SafetensorsFile::dtype(const std::string& name) const {
  return content_->at(name).stored->dtype;
}

Array SafetensorsFile::get(const std::string& name) const {
  const SafetensorsEntry entry = content_->at(name);
  Array array = array_at(content_->file, content_->data_start, entry);
  if (array.dtype() == boolean) check_booleans(content_->path, name, array);
  return array;
}

Safetensors load_safetensors(const std::string& path, SafetensorsFile::Access access) {
  const SafetensorsFile file(path, access);
  Safetensors content{{}, file.metadata()};
  for (const std::string& name : file.names())
    content.arrays.emplace_hint(content.arrays.end(), name, file.get(name));
  return content;
}

void save_safetensors(const std::string& path, const StateDict& arrays,
                      const std::map<std::string, std::string>& metadata) {
  // Wider elements first, as the reference implementation does, so that all stay aligned.
  std::vector<std::pair<std::string, Array>> order(arrays.begin(), arrays.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return size_of(a.second.dtype()) > size_of(b.second.dtype());
  });
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t at = 0;
  for (auto& [name, array] : order) {
    if (name == "__metadata__")
      fail<ValueError>("save_safetensors", "an array cannot be named {}", name);
    if (!array.defined())
      fail<ValueError>("save_safetensors", "{}: \"{}\" is undefined", path, one_line(name));
    const auto known =
        std::find_if(std::begin(dtypes), std::end(dtypes),
                     [dtype = array.dtype()](const StoredType& d) { return d.dtype == dtype; });
    const uint64_t bytes = static_cast<uint64_t>(array.numel()) * size_of(array.dtype());
    header[name] = {{"dtype", known->name},
                    {"shape", std::vector<int64_t>(array.shape().begin(), array.shape().end())},
                    {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text;
  try {
    text = json_text(header);
  } catch (const ValueError&) {
    fail<ValueError>("save_safetensors", "{}: a name or metadata is not valid UTF-8", path);
  }
  text.append((prefix_bytes - text.size() % prefix_bytes) % prefix_bytes, ' ');
  const uint64_t header_bytes = text.size();
  if (header_bytes > largest_header)
    fail<ValueError>("save_safetensors",
                     "{}: names, shapes and metadata take {} bytes; no reader accepts more than {}",
                     path, header_bytes, largest_header);
  write_atomically(path, [&](const auto& append) {
    append({reinterpret_cast<const char*>(&header_bytes), prefix_bytes});
    append(text);
    for (const auto& [name, array] : order) {
      const Array dense = kernels::contiguous(array);
      append({static_cast<const char*>(dense.raw_data()),
              static_cast<size_t>(dense.numel()) * size_of(dense.dtype())});
    }
  });
}

}  // namespace attune::io
