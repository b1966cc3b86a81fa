#include "safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "../array/fail.h"
#include "../kernels/copy.h"
#include "file.h"
#include "strict_json-inl.h"

namespace attune::io {
namespace {

using Json = nlohmann::json;

constexpr size_t prefix_bytes = 8;
constexpr uint64_t largest_header = 100'000'000;  // the limit of the reference implementation
constexpr int deepest_header = 4;

static_assert(std::endian::native == std::endian::little, "the format stores little-endian values");

template <class... Args>
[[noreturn]] void refuse(const std::string& path, fmt::format_string<Args...> format,
                         Args&&... args) {
  fail<FormatError>("load_safetensors", "{}: {}", path,
                    fmt::format(format, std::forward<Args>(args)...));
}

// How elements are stored, and the dtype of arrays made from them.
struct Stored {
  const char* name;
  size_t bytes;
  DType dtype;
  void (*widen)(const void* from, int64_t count, Array& to);  // null where the dtype is the same
};

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

constexpr Stored dtypes[] = {
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

Json parse_header(const std::string& path, std::string_view text) {
  if (text.empty() || text[0] != '{') refuse(path, "the header does not start with '{{'");
  try {
    return parse_strict_json(text, deepest_header);
  } catch (const FormatError& error) {
    refuse(path, "the header: {}", error.what());
  }
}

struct Entry {
  std::string name;
  const Stored* stored;
  Shape shape;
  uint64_t begin, end;
};

uint64_t natural(const std::string& path, const std::string& name, const char* what,
                 const Json& value) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t{1} << 62)
    refuse(path, "{} of \"{}\" is not a list of sizes", what, name);
  return value.get<uint64_t>();
}

Entry parse_entry(const std::string& path, const std::string& name, const Json& value) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets"))
    refuse(path, "\"{}\" does not have exactly dtype, shape and data_offsets", name);
  const Json &dtype = value["dtype"], &shape = value["shape"], &range = value["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || !range.is_array() || range.size() != 2)
    refuse(path, "\"{}\" has a dtype, shape or data_offsets of the wrong type", name);
  const auto known = std::find_if(std::begin(dtypes), std::end(dtypes), [&](const Stored& d) {
    return d.name == dtype.get<std::string>();
  });
  if (known == std::end(dtypes))
    refuse(path,
           "\"{}\" has dtype {}; F64, F32, F16, BF16, I64 to I8, U32 to U8 and BOOL can be read",
           name, dtype.get<std::string>());
  if (shape.size() > static_cast<size_t>(max_dims))
    refuse(path, "\"{}\" has {} dimensions; arrays have at most {}", name, shape.size(), max_dims);
  Entry entry{name,
              known,
              {},
              natural(path, name, "data_offsets", range[0]),
              natural(path, name, "data_offsets", range[1])};
  uint64_t bytes = entry.stored->bytes;
  // Strides must fit as well, also where another size is zero.
  uint64_t stride = size_of(entry.stored->dtype);
  bool overflow = false;
  for (const Json& size : shape) {
    const uint64_t n = natural(path, name, "shape", size);
    entry.shape.push_back(static_cast<int64_t>(n));
    bytes *= n;
    overflow |= __builtin_mul_overflow(stride, std::max<uint64_t>(n, 1), &stride);
  }
  if (overflow || stride > uint64_t{1} << 62)
    refuse(path, "the sizes of \"{}\", {}, overflow", name, to_string(entry.shape));
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    refuse(path, "\"{}\" of shape {} does not fill bytes {} to {}", name, to_string(entry.shape),
           entry.begin, entry.end);
  return entry;
}

// Ranges must cover the data from end to end, without holes or overlaps.
void check_cover(const std::string& path, std::vector<Entry> entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at)
      refuse(path, "\"{}\" starts at byte {} where byte {} is next", entry.name, entry.begin, at);
    at = entry.end;
  }
  if (at != data_bytes)
    refuse(path, "the header describes {} bytes of data, the file has {}", at, data_bytes);
}

Array array_at(const Intrusive<Storage>& file, size_t data_start, const Entry& entry) {
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
    refuse(path, "\"{}\" is BOOL but holds bytes other than 0 and 1", name);
}

}  // namespace

struct SafetensorsFile::Content {
  std::string path;
  Intrusive<Storage> file;
  size_t data_start = 0;
  std::map<std::string, std::string> metadata;
  std::map<std::string, Entry> entries;

  explicit Content(const std::string& name) : path(name), file(map_file(name)) {}

  const Entry& at(const std::string& name) const {
    const auto found = entries.find(name);
    if (found == entries.end())
      fail<IndexError>("safetensors", "{} has no array \"{}\"", path, name);
    return found->second;
  }
};

SafetensorsFile::SafetensorsFile(const std::string& path)
    : content_(std::make_unique<Content>(path)) {
  const Intrusive<Storage>& file = content_->file;
  if (file->bytes() < prefix_bytes)
    refuse(path, "{} bytes are too few for a header", file->bytes());
  uint64_t header_bytes;
  std::memcpy(&header_bytes, file->data(), prefix_bytes);
  if (header_bytes > largest_header || header_bytes > file->bytes() - prefix_bytes)
    refuse(path, "the header claims {} bytes, the file has {}", header_bytes, file->bytes());
  const Json header = parse_header(path, {static_cast<const char*>(file->data()) + prefix_bytes,
                                          static_cast<size_t>(header_bytes)});

  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") {
      entries.push_back(parse_entry(path, name, value));
      continue;
    }
    if (!value.is_object()) refuse(path, "__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) refuse(path, "__metadata__ \"{}\" is not a string", key);
      content_->metadata.emplace(key, text.get<std::string>());
    }
  }
  content_->data_start = prefix_bytes + header_bytes;
  check_cover(path, entries, file->bytes() - content_->data_start);
  for (Entry& entry : entries) content_->entries.emplace(entry.name, std::move(entry));
}

SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return content_->metadata;
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : content_->entries) names.push_back(name);
  return names;
}

const Shape& SafetensorsFile::shape(const std::string& name) const {
  return content_->at(name).shape;
}

DType SafetensorsFile::dtype(const std::string& name) const {
  return content_->at(name).stored->dtype;
}

Array SafetensorsFile::get(const std::string& name) const {
  const Entry& entry = content_->at(name);
  Array array = array_at(content_->file, content_->data_start, entry);
  if (array.dtype() == boolean) check_booleans(content_->path, name, array);
  return array;
}

Safetensors load_safetensors(const std::string& path) {
  const SafetensorsFile file(path);
  Safetensors content{{}, file.metadata()};
  for (const std::string& name : file.names()) content.arrays.emplace(name, file.get(name));
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
    const auto known =
        std::find_if(std::begin(dtypes), std::end(dtypes),
                     [dtype = array.dtype()](const Stored& d) { return d.dtype == dtype; });
    const uint64_t bytes = static_cast<uint64_t>(array.numel()) * size_of(array.dtype());
    header[name] = {{"dtype", known->name},
                    {"shape", std::vector<int64_t>(array.shape().begin(), array.shape().end())},
                    {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    fail<ValueError>("save_safetensors", "{}: a name or metadata is not valid UTF-8", path);
  }
  text.append((prefix_bytes - text.size() % prefix_bytes) % prefix_bytes, ' ');
  const uint64_t header_bytes = text.size();
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
