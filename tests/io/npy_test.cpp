#include <attune/array.h>
#include <attune/io.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../catch.h"

using namespace attune;
namespace fs = std::filesystem;

namespace {

// A folder that goes when the test ends.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("attune_npy." + std::to_string(::getpid()))) {
    fs::create_directory(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ / name; }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path_), {}));
  }

 private:
  fs::path path_;
};

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// A file with this header and these bytes of data.
std::string npy(const std::string& header, const std::string& data, char version = 1) {
  std::string text("\x93NUMPY");
  text.append({version, '\0', static_cast<char>(header.size() & 0xff),
               static_cast<char>(header.size() >> 8)});
  if (version > 1) text.append(2, '\0');
  return text + header + data;
}

std::string header(const std::string& descr, const std::string& order, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

template <class T>
std::string bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <class T>
Array array(const Shape& shape, const std::vector<T>& values) {
  Array result(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), result.template output<T>());
  return result;
}

}  // namespace

TEST_CASE("what is saved is loaded") {
  const Folder folder;
  const std::vector<Array> arrays = {array<float>({2, 3}, {1, 2, 3, 4, 5, 6}),
                                     array<double>({}, {0.1}),
                                     array<int64_t>({3}, {-1, INT64_MAX, INT64_MIN}),
                                     array<bool>({1, 2}, {true, false}), Array({0, 4}, float32)};
  for (const Array& x : arrays) {
    io::save_npy(folder / "x.npy", x);
    const Array y = io::load_npy(folder / "x.npy");
    CHECK(y.dtype() == x.dtype());
    CHECK(y.shape() == x.shape());
    CHECK(to_string(y) == to_string(x));
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("a file is laid out as NumPy's") {
  const Folder folder;
  io::save_npy(folder / "x.npy", array<float>({2}, {1, 2}));
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, ), }";
  text.append(117 - text.size(), ' ').append("\n");
  CHECK(read(folder / "x.npy") == npy(text, bytes<float>({1, 2})));
}

TEST_CASE("views are saved by their elements") {
  const Folder folder;
  const Array x = array<int64_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  io::save_npy(folder / "x.npy", x.transpose(0, 1).flip(0));
  CHECK(to_string(io::load_npy(folder / "x.npy")) == "[[3, 6],\n [2, 5],\n [1, 4]]");
}

TEST_CASE("Fortran order, all versions, and bools of any byte") {
  const Folder folder;
  const auto data = bytes<int64_t>({1, 2, 3, 4, 5, 6});
  for (char version : {'\1', '\2', '\3'}) {
    write(folder / "f.npy", npy(header("<i8", "True", "(2, 3)"), data, version));
    CHECK(to_string(io::load_npy(folder / "f.npy")) == "[[1, 3, 5],\n [2, 4, 6]]");
  }
  write(folder / "b.npy", npy(header("|b1", "False", "(3,)"), std::string("\0\1\7", 3)));
  CHECK(to_string(io::load_npy(folder / "b.npy")) == "[False,  True,  True]");
}

TEST_CASE("broken files are refused") {
  const Folder folder;
  const std::string eight(8, '\0'), good = npy(header("<f4", "False", "(2,)"), eight);
  REQUIRE_NOTHROW(io::load_npy(write(folder / "x.npy", good)));
  std::vector<std::string> broken = {
      "\x93NUMPX" + good.substr(6), npy(header("<f4", "False", "(2,)"), eight, '\4'), good + "x",
      npy(header("<f4", "False", "(3,)"), eight), npy(header(">f4", "False", "(2,)"), eight),
      npy(header("|O", "False", "(1,)"), eight), npy(header("<f4", "false", "(2,)"), eight),
      npy(header("<f4", "False", "(2)"), eight), npy(header("<f4", "False", "(-2,)"), eight),
      npy(header("<f4", "False", "(,)"), eight), npy(header("<f4", "False", "(2, 1"), eight),
      npy(header("<f4", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)"), eight),
      npy(header("<f4", "False", "(99999999999999999999,)"), eight),
      // The product of the sizes wraps around to 2.
      npy(header("<f4", "False", "(9223372036854775807, 4, 2)"), eight),
      npy(header("<f4", "False", "(4611686018427387904, 4611686018427387904, 0)"), ""),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} {}", eight),
      npy("{'descr': '<f4', 'fortran_order': False}", eight),
      npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", eight),
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", eight),
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", eight),
      npy("", eight), npy("{", eight)};
  std::string minor = good;
  minor[7] = '\1';
  broken.push_back(minor);
  for (const char version : {'\0', '\4', '\xff'})
    broken.push_back(npy(header("<f4", "False", "(2,)"), eight, version));
  for (const char* descr : {"f4", "=f4", "|f4", "<f2", "<i4", "<u8", "<c8", "|S8", "<U2", "|V8",
                            "<M8[ns]", "<f4 ", " <f4", "<F4", "", "<i8,<i8", "?"})
    broken.push_back(npy(header(descr, "False", "(2,)"), eight));
  for (const char* order : {"true", "1", "0", "None", "'False'", "[]", ""})
    broken.push_back(npy(header("<f4", order, "(2,)"), eight));
  for (const char* shape : {"2",     "[2]",     "[2,]",   "(2.0,)",  "(2L,)",  "(0x2,)",  "(+2,)",
                            "(02,)", "(True,)", "('2',)", "((2,),)", "(2,,)",  "(2 1)",   "(2,1",
                            "None",  "{2,}",    "",       "(1_0,)",  "(2,).x", "(-1, -2)"})
    broken.push_back(npy(header("<f4", "False", shape), eight));
  for (const char* text : {"{descr: '<f4', 'fortran_order': False, 'shape': (2,)}",
                           "{'descr' '<f4', 'fortran_order': False, 'shape': (2,)}",
                           "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}",
                           "{,'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,),,}",
                           "['descr', '<f4', 'fortran_order', False, 'shape', (2,)]",
                           "{'descr': '<f4\", 'fortran_order': False, 'shape': (2,)}",
                           "\xef\xbb\xbf{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\f"})
    broken.push_back(npy(text, eight));
  broken.push_back(
      npy(std::string("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\0", 56), eight));
  broken.push_back(
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::string(60'000, '('), eight));
  for (size_t length = 0; length < good.size(); ++length) broken.push_back(good.substr(0, length));
  for (const std::string& text : broken) {
    INFO(text);
    CHECK_THROWS_AS(io::load_npy(write(folder / "x.npy", text)), FormatError);
  }
}

TEST_CASE("a length or shape that lies allocates nothing") {
  const Folder folder;
  reset_peak_memory();
  const int64_t before = memory_stats().peak_bytes;
  write(folder / "x.npy", npy(header("<f4", "False", "(1000000000,)"), "1234"));
  CHECK_THROWS_AS(io::load_npy(folder / "x.npy"), FormatError);
  CHECK(memory_stats().peak_bytes - before < 4096);
}

TEST_CASE("files that cannot be read or written") {
  const Folder folder;
  const Array x = array<float>({1}, {1});
  CHECK_THROWS_AS(io::load_npy(folder / "none.npy"), IoError);
  CHECK_THROWS_AS(io::load_npy(folder / "."), IoError);
  CHECK_THROWS_AS(io::save_npy(folder / "none/x.npy", x), IoError);
  CHECK_THROWS_AS(io::save_npy(folder / "x.npy", Array({1}, DType::bfloat16)), DTypeError);
  fs::create_directory(folder / "folder.npy");
  CHECK_THROWS_AS(io::save_npy(folder / "folder.npy", x), IoError);
  CHECK(folder.files() == 1);
}
