#include "safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "../array/error.h"

namespace attune::io {
namespace {

using Json = nlohmann::json;

constexpr const char* metadata_name = "__metadata__";

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw FormatError(fmt::format(format, std::forward<Args>(args)...));
}

// Takes the header token by token: no tree of it exists, so a hostile one costs no memory.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  bool start_object(size_t) override {
    if (at_ == At::start) return move_to(At::names);
    if (at_ != At::names) wrong_value();
    if (name_ == metadata_name) return move_to(At::metadata);
    entry_ = {};
    fields_ = {};
    return move_to(At::entry);
  }

  bool key(std::string& key) override {
    if (at_ == At::names) {
      const bool twice = key == metadata_name ? std::exchange(has_metadata_, true)
                                              : header_.entries.count(key) > 0;
      if (twice) refuse("the name \"{}\" occurs twice", key);
      name_ = key;
    } else if (at_ == At::metadata) {
      if (header_.metadata.count(key)) refuse("the name \"{}\" occurs twice", key);
      key_ = key;
    } else {
      const auto field = std::find(field_names.begin(), field_names.end(), key);
      if (field == field_names.end()) not_an_entry();
      field_ = static_cast<size_t>(field - field_names.begin());
      if (std::exchange(fields_[field_], true)) refuse("the name \"{}\" occurs twice", key);
    }
    return true;
  }

  bool end_object() override {
    if (at_ == At::entry) {
      if (!(fields_[dtype] && fields_[shape] && fields_[offsets])) not_an_entry();
      check_entry();
      header_.entries.emplace(name_, std::move(entry_));
    }
    return move_to(at_ == At::names ? At::end : At::names);
  }

  bool start_array(size_t) override {
    if (at_ != At::entry || field_ == dtype) wrong_value();
    offsets_read_ = 0;
    return move_to(At::sizes);
  }

  bool end_array() override {
    if (field_ == offsets && offsets_read_ != 2) wrong_type();
    return move_to(At::entry);
  }

  bool string(std::string& text) override {
    if (at_ == At::metadata) {
      header_.metadata.emplace(key_, text);
    } else {
      if (at_ != At::entry || field_ != dtype) wrong_value();
      entry_.stored = stored_type(text);
      if (!entry_.stored)
        refuse(
            "\"{}\" has dtype {}; F64, F32, F16, BF16, I64 to I8, U32 to U8 and BOOL can be read",
            name_, text);
    }
    return true;
  }

  bool number_unsigned(uint64_t n) override {
    if (at_ != At::sizes || n > uint64_t{1} << 62) wrong_value();
    if (field_ == offsets) {
      if (offsets_read_ == 2) wrong_type();
      (offsets_read_++ == 0 ? entry_.begin : entry_.end) = n;
    } else {
      if (entry_.shape.size() == static_cast<size_t>(max_dims))
        refuse("\"{}\" has more than {} dimensions", name_, max_dims);
      entry_.shape.push_back(static_cast<int64_t>(n));
    }
    return true;
  }

  bool null() override { wrong_value(); }
  bool boolean(bool) override { wrong_value(); }
  bool number_integer(int64_t) override { wrong_value(); }
  bool number_float(double, const std::string&) override { wrong_value(); }
  bool binary(Json::binary_t&) override { wrong_value(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    refuse("not valid JSON: {}", error.what());
  }

  SafetensorsHeader& header() { return header_; }

 private:
  enum class At { start, names, metadata, entry, sizes, end };
  enum Field : size_t { dtype, shape, offsets };
  static constexpr std::array field_names = {"dtype", "shape", "data_offsets"};

  bool move_to(At at) {
    at_ = at;
    return true;
  }

  [[noreturn]] void not_an_entry() const {
    refuse("\"{}\" does not have exactly dtype, shape and data_offsets", name_);
  }
  [[noreturn]] void wrong_type() const {
    refuse("\"{}\" has a dtype, shape or data_offsets of the wrong type", name_);
  }

  // A value that may not stand where it does.
  [[noreturn]] void wrong_value() const {
    if (at_ == At::sizes) refuse("{} of \"{}\" is not a list of sizes", field_names[field_], name_);
    if (at_ == At::entry) wrong_type();
    if (at_ == At::metadata) refuse("{} \"{}\" is not a string", metadata_name, key_);
    if (name_ == metadata_name) refuse("{} is not an object", metadata_name);
    not_an_entry();
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
    if (overflow || stride > uint64_t{1} << 62)
      refuse("the sizes of \"{}\", {}, overflow", name_, to_string(entry_.shape));
    if (entry_.end < entry_.begin || entry_.end - entry_.begin != bytes)
      refuse("\"{}\" of shape {} does not fill bytes {} to {}", name_, to_string(entry_.shape),
             entry_.begin, entry_.end);
  }

  SafetensorsHeader header_;
  At at_ = At::start;
  bool has_metadata_ = false;
  std::string name_;  // of the array, or __metadata__
  std::string key_;   // in __metadata__
  SafetensorsEntry entry_;
  std::array<bool, 3> fields_ = {};
  size_t field_ = dtype;
  int offsets_read_ = 0;
};

void check_cover(const SafetensorsHeader& header, uint64_t data_bytes) {
  using Named = std::pair<const std::string, SafetensorsEntry>;
  std::vector<const Named*> order;
  order.reserve(header.entries.size());
  for (const Named& entry : header.entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const Named* a, const Named* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t at = 0;
  for (const Named* entry : order) {
    if (entry->second.begin != at)
      refuse("\"{}\" starts at byte {} where byte {} is next", entry->first, entry->second.begin,
             at);
    at = entry->second.end;
  }
  if (at != data_bytes)
    refuse("the header describes {} bytes of data, the file has {}", at, data_bytes);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, uint64_t data_bytes) {
  if (text.empty() || text[0] != '{') refuse("the header does not start with '{{'");
  // The JSON library takes a zero byte for the end of the text.
  if (text.find('\0') != text.npos) refuse("the header: not valid JSON: it holds a zero byte");
  HeaderReader reader;
  Json::sax_parse(text, &reader);
  check_cover(reader.header(), data_bytes);
  return std::move(reader.header());
}

}  // namespace attune::io
