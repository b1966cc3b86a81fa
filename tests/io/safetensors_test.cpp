#include <attune/autograd.h>
#include <attune/io.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

// A file name of its own, removed at the end.
struct TemporaryFile {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("attune_safetensors_" + std::to_string(::getpid())))
                         .string();
  ~TemporaryFile() { std::filesystem::remove(path); }
};

std::string prefix(uint64_t header_bytes) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &header_bytes, 8);
  return bytes;
}

std::string with_header(const std::string& header, size_t data_bytes) {
  return prefix(header.size()) + header + std::string(data_bytes, '\0');
}

io::Safetensors load(const std::string& content) {
  const TemporaryFile file;
  io::write_atomically(file.path, content);
  return io::load_safetensors(file.path);
}

void check_refused(const std::string& content, const std::string& reason) {
  CHECK_THROWS_AS(load(content), FormatError);
  try {
    load(content);
  } catch (const FormatError& error) {
    const std::string said = error.what();
    CHECK_THAT(said, ContainsSubstring(reason));
    CHECK(said.find('\n') == said.npos);
    CHECK(said.size() < 2000);
  }
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& range) {
  return R"({"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + range +
         "]}";
}

template <class T>
Array array(const Shape& shape, std::initializer_list<T> values) {
  Array made(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), made.output<T>());
  return made;
}

}  // namespace

TEST_CASE("what is saved is loaded: names, dtypes, shapes, views, metadata") {
  const TemporaryFile file;
  StateDict saved;
  saved["f32"] = array<float>({2, 2}, {1, 2, 3, 4});
  saved["f64"] = array<double>({1}, {-0.5});
  saved["i64"] = array<int64_t>({2}, {-7, int64_t{1} << 60});
  saved["bool"] = array<bool>({3}, {true, false, true});
  saved["bf16"] = array<BFloat16>({1}, {BFloat16(1.5f)});
  saved["scalar"] = array<float>({}, {9});
  saved["empty"] = Array({0, 3}, float32);
  saved["h.0 \"\xC3\xA9\"\n"] = saved["f32"].transpose(0, 1);
  io::save_safetensors(file.path, saved, {{"format", "pt"}});

  const io::Safetensors loaded = io::load_safetensors(file.path);
  CHECK(loaded.metadata == std::map<std::string, std::string>{{"format", "pt"}});
  REQUIRE(loaded.arrays.size() == saved.size());
  for (const auto& [name, array] : saved) {
    const Array& back = loaded.arrays.at(name);
    CHECK(back.dtype() == array.dtype());
    CHECK(back.shape() == array.shape());
    CHECK(to_string(back) == to_string(array));
  }
}

TEST_CASE("writing to a loaded array never reaches the file") {
  const TemporaryFile file;
  io::save_safetensors(file.path, {{"x", array<float>({1}, {1})}});
  Array x = io::load_safetensors(file.path).arrays.at("x");
  x.write<float>([](float* p) { *p = 2; });
  CHECK(*io::load_safetensors(file.path).arrays.at("x").data<float>() == 1);
  CHECK(*x.data<float>() == 2);
}

TEST_CASE("data that is not aligned is copied") {
  const std::string header = "{\"x\":" + entry("F32", "1", "0,4") + "}";
  for (size_t padding = 0; padding < 4; ++padding) {
    const Array x = load(with_header(header + std::string(padding, ' '), 4)).arrays.at("x");
    CHECK(reinterpret_cast<uintptr_t>(x.raw_data()) % 4 == 0);
    CHECK(*x.data<float>() == 0);
  }
}

TEST_CASE("elements without a dtype of their own are widened") {
  const auto read = [](const std::string& dtype, const std::string& bytes,
                       const std::string& size) {
    const std::string range = "0," + std::to_string(bytes.size());
    return load(with_header("{\"x\":" + entry(dtype, size, range) + "}", 0) + bytes).arrays.at("x");
  };
  // 1, -2, 65504, the smallest subnormal, the largest, -0, inf, NaN
  const std::string halves("\x00\x3c\x00\xc0\xff\x7b\x01\x00\xff\x03\x00\x80\x00\x7c\x01\x7e", 16);
  const auto x = Tensor(read("F16", halves, "8")).to_vector<float>();
  const std::vector<float> expected{1, -2, 65504, 0x1p-24f, 1023 * 0x1p-24f, 0, INFINITY};
  CHECK(std::vector<float>(x.begin(), x.end() - 1) == expected);
  CHECK(std::signbit(x[5]));
  CHECK(std::isnan(x[7]));
  const auto integers = [&](const char* dtype, const char* size) {
    return Tensor(read(dtype, std::string("\xfe\xff\xff\xff", 4), size)).to_vector<int64_t>();
  };
  CHECK(integers("I32", "1") == std::vector<int64_t>{-2});
  CHECK(integers("U32", "1") == std::vector<int64_t>{4294967294});
  CHECK(integers("I16", "2") == std::vector<int64_t>{-2, -1});
  CHECK(integers("U16", "2") == std::vector<int64_t>{65534, 65535});
  CHECK(integers("I8", "4") == std::vector<int64_t>{-2, -1, -1, -1});
  CHECK(integers("U8", "4") == std::vector<int64_t>{254, 255, 255, 255});
}

TEST_CASE("an open file says what it holds before it is read") {
  const TemporaryFile file;
  io::save_safetensors(file.path, {{"b", Array({2, 3}, bfloat16)}, {"a", Array({}, int64)}});
  const io::SafetensorsFile open(file.path);
  CHECK(open.names() == std::vector<std::string>{"a", "b"});
  CHECK(open.shape("b") == Shape{2, 3});
  CHECK(open.dtype("b") == bfloat16);
  CHECK_THROWS_AS(open.get("c"), IndexError);
}

TEST_CASE("headers that break the format are refused with the reason") {
  check_refused("", "too few");
  check_refused(prefix(100), "claims 100 bytes");
  check_refused(prefix(UINT64_MAX) + "{}", "claims");
  check_refused(with_header("", 0), "does not start with '{'");
  check_refused(with_header(" {}", 0), "does not start with '{'");
  check_refused(with_header("[]", 0), "does not start with '{'");
  check_refused(with_header("{\"a\":", 0), "not valid JSON");
  check_refused(with_header("{}x", 0), "not valid JSON");
  check_refused(with_header("{\"\xFF\":" + entry("F32", "1", "0,4") + "}", 4), "not valid JSON");
  check_refused(with_header("{\"a\":" + std::string(1'000'000, '['), 0), "exactly dtype");
  check_refused(with_header("{\"a\":" + entry("F32", std::string(1'000'000, '['), "0,4"), 0),
                "not a list of sizes");
  check_refused(with_header(std::string("{}\0", 3), 0), "something follows at byte 2");
  check_refused(with_header(std::string("{}\0x", 4), 0), "something follows at byte 2");
  const std::string a = entry("F32", "1", "0,4"), b = entry("F32", "1", "4,8");
  check_refused(with_header("{\"a\":" + a + ",\"a\":" + b + "}", 8), "\"a\" occurs twice");
  check_refused(with_header("{\"a\":" + a + R"(,"\u0061":)" + b + "}", 8), "\"a\" occurs twice");
  check_refused(with_header(R"({"__metadata__":{"k":1}})", 0), "not a string");
  check_refused(with_header(R"({"__metadata__":[]})", 0), "not an object");
  check_refused(with_header(R"({"__metadata__":{"k":["x"]}})", 0), "not a string");
  check_refused(with_header(R"({"__metadata__":{},"__metadata__":{}})", 0), "occurs twice");
  check_refused(with_header(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "\"k\" occurs twice");
  check_refused(with_header(R"({"__metadata__":{"k":"1","\u006b":"2"}})", 0), "occurs twice");
  check_refused(with_header(R"({"__metadata__":{},"\u005f_metadata__":{}})", 0), "occurs twice");
  check_refused(with_header("{\"\\n\":" + a + ",\"\\u000a\":" + b + "}", 8), "\" \" occurs twice");
  check_refused(with_header("{\"" + std::string(1'000'000, 'a') + "\":1}", 0), "aa…\" does not");
}

TEST_CASE("a header that claims more than the format allows is refused, though it be there") {
  const TemporaryFile file;
  io::write_atomically(file.path, prefix(100'000'001) + "{}");
  std::filesystem::resize_file(file.path, 100'000'009);  // a hole
  CHECK_THROWS_WITH(io::load_safetensors(file.path), ContainsSubstring("it may have 100000000"));
  for (const uint64_t claimed : {UINT64_MAX, UINT64_MAX - 7, uint64_t{1} << 63, uint64_t{1} << 32})
    check_refused(prefix(claimed) + "{}", "the header claims " + std::to_string(claimed));
  for (const uint64_t claimed : {uint64_t{3}, uint64_t{99'999'999}})
    check_refused(prefix(claimed) + "{}", "bytes, the file has 10");
}

TEST_CASE("text of a header that is not JSON in UTF-8 is refused with its place") {
  const std::string value = entry("F32", "1", "0,4");
  const auto named = [&](const std::string& name, const std::string& reason) {
    INFO(name);
    check_refused(with_header("{\"" + name + "\":" + value + "}", 4), reason);
  };
  check_refused(with_header("\xEF\xBB\xBF{}", 0), "does not start with '{'");
  for (const char* bytes : {"\xFF", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"})
    named(bytes, "not UTF-8");
  for (const char* half : {"\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\n", "\\ud83d\\u0061"})
    named(half, "half a surrogate pair");
  for (const char* broken : {"\\u", "\\u12", "\\u12g4", "\\u+123", "\\u-123", "\\u 123"})
    named(broken, "a broken \\u at byte");
  for (const char* unknown : {"\\x41", "\\a", "\\'", "\\U0041"})
    named(unknown, "an unknown escape");
  for (const char* control : {"\n", "\t", "\x01"}) named(control, "a control character at byte 2");
  named(std::string(1, '\0'), "a control character at byte 2");
  CHECK(load(with_header(R"({"\ud83d\ude00\b\/\"\\é":)" + value + "}", 4))
            .arrays.contains("😀\b/\"\\é"));
  const std::pair<std::string, std::string> texts[] = {
      {"{\"a\":" + value + ",}", "there is no \""}, {"{,}", "there is no \""},
      {"{a:" + value + "}", "there is no \""},      {"{'a':" + value + "}", "there is no \""},
      {"{\"a\" " + value + "}", "there is no :"},   {"{\"a\":" + value + "]", "there is no }"},
      {"{\"a\":" + value, "ends too early"},        {"{\"a", "a string does not end"},
      {"{\"a\\", "a string does not end"},          {"{}{}", "something follows at byte 2"},
      {"{}//", "something follows at byte 2"},      {"{/**/}", "there is no \" at byte 1"}};
  for (const auto& [text, reason] : texts) check_refused(with_header(text, 4), reason);
}

TEST_CASE("entries that break the format are refused with the reason") {
  auto refused = [](const std::string& value, size_t data_bytes, const std::string& reason) {
    check_refused(with_header("{\"a\":" + value + "}", data_bytes), reason);
  };
  refused(entry("F8_E4M3", "1", "0,1"), 1, "\"a\" has dtype F8_E4M3");
  for (const std::string value : {"null", "true", "[]", "\"\"", "1.5", "[{}]"})
    refused(value, 0, "exactly dtype, shape and data_offsets");
  for (const std::string type : {"null", "32", "[\"F32\"]", "{}", "true"})
    refused(R"({"dtype":)" + type + R"(,"shape":[1],"data_offsets":[0,4]})", 4, "wrong type");
  for (const std::string shape : {"null", "1", "\"1\"", "{}", "{\"0\":1}"})
    refused(R"({"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,4]})", 4, "wrong type");
  for (const std::string range : {"null", "4", "\"0,4\"", "{}", "[]", "[0]"})
    refused(R"({"dtype":"F32","shape":[1],"data_offsets":)" + range + "}", 4, "wrong type");
  for (const std::string size :
       {"null", "true", "\"1\"", "[1]", "{}", "1e0", "-0", "18446744073709551616"}) {
    refused(entry("F32", size, "0,4"), 4, "shape of \"a\" is not a list of sizes");
    refused(entry("F32", "1", size + ",4"), 4, "data_offsets of \"a\" is not a list of sizes");
  }
  refused(entry("F32", "01", "0,4"), 4, "a number begins with 0");
  refused(R"({"dtype":"F32","d\u0074ype":"F32","shape":[1],"data_offsets":[0,4]})", 4,
          "\"dtype\" occurs twice");
  refused(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1})", 4, "exactly dtype");
  refused(entry("f32", "1", "0,4"), 4, "has dtype f32");
  refused(entry("F32", "1", "18446744073709551612,0"), 4, "data_offsets of \"a\" overflow");
  refused(entry("F32", "0,9223372036854775808", "0,0"), 0, "shape of \"a\" overflow");
  refused(entry("F32", "1", "4611686018427387900,4611686018427387904"), 4, "starts at byte");
  refused(entry("F32", "2", "0,4"), 4, "does not fill");
  refused(entry("F32", "1", "4,0"), 4, "does not fill");
  refused(entry("F32", "4611686018427387904", "0,0"), 0, "overflow");
  refused(entry("F32", "4294967296,4294967296", "0,0"), 0, "overflow");
  refused(entry("F32", "-1", "0,4"), 4, "not a list of sizes");
  refused(entry("F32", "1.0", "0,4"), 4, "not a list of sizes");
  refused(entry("F32", "1", "0,4,4"), 4, "wrong type");
  refused(entry("F32", "1,1,1,1,1,1,1,1,1,1,1,1,1", "0,4"), 4, "more than 12 dimensions");
  refused(R"({"dtype":"F32","shape":[1]})", 4, "exactly dtype, shape and data_offsets");
  refused("3", 0, "exactly dtype, shape and data_offsets");
  refused(entry("F32", "1", "0,4"), 5, "describes 4 bytes of data, the file has 5");
  refused(entry("F32", "1", "0,4"), 3, "describes 4 bytes of data, the file has 3");
  refused(entry("F32", "1", "1,5"), 5, "starts at byte 1 where byte 0 is next");
  refused(entry("F32", "0,4611686018427387904,4611686018427387904", "0,0"), 0, "overflow");
  const std::string a = "{\"a\":" + entry("F32", "1", "0,4");
  check_refused(with_header(a + ",\"b\":" + entry("F32", "1", "2,6") + "}", 6), "starts at byte 2");
  check_refused(with_header(a + ",\"b\":" + entry("F32", "1", "6,10") + "}", 10),
                "starts at byte 6");
  check_refused(with_header(a + ",\"b\":" + entry("F32", "1", "0,4") + "}", 4), "starts at byte 0");
  check_refused(with_header(a + ",\"b\":" + entry("F32", "0", "2,2") + "}", 4), "starts at byte 2");
  check_refused(with_header("{}", 1), "describes 0 bytes of data, the file has 1");
  check_refused(with_header("{\"a\":" + entry("BOOL", "1", "0,1") + "}", 0) + "\x02",
                "bytes other than 0 and 1");
}

TEST_CASE("a failed save leaves the old file and no temporary") {
  const TemporaryFile file;
  const StateDict old = {{"x", array<float>({1}, {1})}};
  io::save_safetensors(file.path, old);
  CHECK_THROWS_AS(io::save_safetensors(file.path, {{"\xFF", old.at("x")}}), ValueError);
  CHECK_THROWS_AS(io::save_safetensors(file.path, {{"__metadata__", old.at("x")}}), ValueError);
  CHECK_THROWS_AS(io::write_atomically(file.path,
                                       [](const auto& append) {
                                         append("half");
                                         throw IoError("disk");
                                       }),
                  IoError);
  CHECK(io::load_safetensors(file.path).arrays.count("x") == 1);
  const std::filesystem::path path(file.path);
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) {
    const std::string name = entry.path().filename();
    CHECK_FALSE((name.starts_with(path.filename().string()) && name.ends_with(".tmp")));
  }
  CHECK_THROWS_AS(io::load_safetensors(file.path + ".absent"), IoError);
}
