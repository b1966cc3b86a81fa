#include "npy.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "../array/fail.h"
#include "../kernels/copy.h"
#include "file.h"

namespace attune::io {
namespace {

// What is wrong with the file, whose path load_npy adds.
template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw FormatError(fmt::format(format, std::forward<Args>(args)...));
}

static_assert(std::endian::native == std::endian::little, "elements are copied as they lie");

constexpr std::string_view magic = "\x93NUMPY";

std::string_view descr_of(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return "|b1";
    case DType::int64:
      return "<i8";
    case DType::float32:
      return "<f4";
    case DType::float64:
      return "<f8";
    case DType::bfloat16:
      break;
  }
  fail<DTypeError>("save_npy", ".npy has no bfloat16; convert the array to float32");
}

struct Header {
  std::optional<DType> dtype;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

// Reads the Python literal {'descr': …, 'fortran_order': …, 'shape': …} that heads a file.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      parse_entry(header);
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_space();
    if (!text_.empty()) fail_here("the end of the header");
    if (!header.dtype || !header.fortran_order || !header.shape)
      refuse("the header lacks descr, fortran_order or shape");
    return header;
  }

 private:
  void parse_entry(Header& header) {
    const std::string_view key = parse_string();
    expect(':');
    if (key == "descr" && !header.dtype)
      header.dtype = parse_dtype();
    else if (key == "fortran_order" && !header.fortran_order)
      header.fortran_order = parse_bool();
    else if (key == "shape" && !header.shape)
      header.shape = parse_shape();
    else
      refuse("the header has an unknown or repeated key");
  }

  DType parse_dtype() {
    const std::string_view name = parse_string();
    for (DType dtype : {boolean, int64, float32, float64})
      if (name == descr_of(dtype)) return dtype;
    refuse("dtype \"{}\" is not one of <f4, <f8, <i8, |b1", std::string(name.substr(0, 32)));
  }

  bool parse_bool() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail_here("True or False");
  }

  Shape parse_shape() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == max_dims) refuse("the array has more than {} dimensions", max_dims);
      shape.push_back(parse_size());
      if (accept(',')) continue;
      // (3) is a number in Python, not a tuple.
      if (shape.size() == 1) fail_here("a comma");
      expect(')');
      break;
    }
    return shape;
  }

  int64_t parse_size() {
    skip_space();
    int64_t size = 0;
    size_t digits = 0;
    for (; digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9'; ++digits)
      if (__builtin_mul_overflow(size, 10, &size) ||
          __builtin_add_overflow(size, text_[digits] - '0', &size))
        refuse("a size of the shape is beyond 63 bits");
    // To Python, 02 is no number.
    if (digits == 0 || (digits > 1 && text_[0] == '0')) fail_here("a size");
    text_.remove_prefix(digits);
    return size;
  }

  std::string_view parse_string() {
    skip_space();
    const char quote = text_.empty() ? '\0' : text_[0];
    if (quote != '\'' && quote != '"') fail_here("a string");
    const size_t end = text_.find(quote, 1);
    if (end == std::string_view::npos) fail_here("a string that ends");
    const std::string_view value = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return value;
  }

  void skip_space() {
    const size_t start = text_.find_first_not_of(" \t\r\n");
    text_.remove_prefix(std::min(start, text_.size()));
  }
  bool accept(char c) {
    skip_space();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail_here(std::string(1, c).c_str());
  }
  [[noreturn]] void fail_here(const char* wanted) const {
    refuse("the header lacks {} with {} bytes to go", wanted, text_.size());
  }

  std::string_view text_;
};

// Takes bytes from the front of the file.
std::string_view take(std::string_view& file, uint64_t bytes) {
  if (bytes > file.size()) refuse("the file ends {} bytes early", bytes - file.size());
  const std::string_view front = file.substr(0, bytes);
  file.remove_prefix(bytes);
  return front;
}

// The header; what is left of file are the elements.
Header take_header(std::string_view& file) {
  if (!file.starts_with(magic)) refuse("the file does not start as a .npy file does");
  file.remove_prefix(magic.size());
  const std::string_view version = take(file, 2);
  const int major = version[0], minor = version[1];
  if (major < 1 || major > 3 || minor != 0)
    refuse("format version {}.{} is not known", major, minor);
  const std::string_view digits = take(file, major == 1 ? 2 : 4);
  uint32_t length = 0;
  std::memcpy(&length, digits.data(), digits.size());
  return HeaderParser(take(file, length)).parse();
}

// FormatError unless the shape takes exactly the bytes that the file has left.
void check_size(const Header& header, uint64_t left) {
  uint64_t bytes = size_of(*header.dtype), bound = bytes;
  bool fits = true;
  for (int64_t size : *header.shape) {
    // Strides are products too, and must not wrap where another size is zero.
    if (size > 0)
      fits = fits && !__builtin_mul_overflow(bound, static_cast<uint64_t>(size), &bound);
    bytes = fits ? bytes * static_cast<uint64_t>(size) : 0;
  }
  if (!fits || bound > INT64_MAX || bytes != left)
    refuse("shape {} of {} does not fill the {} bytes that follow it", to_string(*header.shape),
           name_of(*header.dtype), left);
}

Shape reversed(const Shape& shape) {
  Shape result = shape;
  std::reverse(result.begin(), result.end());
  return result;
}

// The header, taken off the file, whose rest fits it.
Header checked_header(const std::string& path, std::string_view& file) {
  try {
    const Header header = take_header(file);
    check_size(header, file.size());
    return header;
  } catch (const FormatError& error) {
    fail<FormatError>("load_npy", "{}: {}", path, error.what());
  }
}

}  // namespace

Array load_npy(const std::string& path) {
  const Intrusive<Storage> mapped = map_file(path);
  std::string_view file(static_cast<const char*>(mapped->data()), mapped->bytes());
  const Header header = checked_header(path, file);
  Array array(*header.fortran_order ? reversed(*header.shape) : *header.shape, *header.dtype);
  // NumPy writes 0 and 1 for bool; any other byte would not be a bool to C++.
  if (array.dtype() == boolean)
    std::transform(file.begin(), file.end(), array.output<bool>(), [](char c) { return c != 0; });
  else
    std::copy(file.begin(), file.end(), static_cast<char*>(array.output_data()));
  if (!*header.fortran_order) return array;
  Shape dims;
  for (int64_t d = array.dim() - 1; d >= 0; --d) dims.push_back(d);
  return array.permute(dims);
}

void save_npy(const std::string& path, const Array& array) {
  if (!array.defined()) fail<ValueError>("save_npy", "{}: the array is undefined", path);
  std::string shape;
  for (int64_t size : array.shape()) shape += fmt::format("{}, ", size);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   descr_of(array.dtype()), shape);
  // The data start at a multiple of 64 bytes, as NumPy aligns them.
  const size_t prefix = magic.size() + 4;
  header.append(63 - (prefix + header.size()) % 64, ' ').append("\n");
  std::string start(magic);
  start.append(
      {'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)});
  start += header;
  const Array dense = kernels::contiguous(array);
  const auto bytes = static_cast<size_t>(dense.numel()) * size_of(dense.dtype());
  write_atomically(path, [&](const auto& append) {
    append(start);
    append({static_cast<const char*>(dense.raw_data()), bytes});
  });
}

}  // namespace attune::io
