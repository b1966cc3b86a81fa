// Readers, writers and tokenizers refuse what does not fit by an error in their name that says
// which file, and leave all files as they are.
#include <attune/io.h>

#include <limits>

#include "../refusals.h"
#include "../sanitized.h"
#include "../scratch.h"

using namespace attune;
using namespace attune::test;
using namespace attune::io;

namespace {

namespace fs = std::filesystem;

constexpr int64_t vast = std::numeric_limits<int64_t>::max();

using Use = std::function<void(const std::string& path)>;
using Named = std::vector<std::pair<std::string, Use>>;

const StateDict arrays = {{"a", ones({2, 3}).array()}};

const char* const tokenizer_json =
    R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";

struct Scene {
  ScratchFolder folder;
  Tokenizer tokenizer = made();
  CharTokenizer characters = CharTokenizer::from_text("abc");

  Tokenizer made() const {
    write_all(folder / "file", "text");
    save_safetensors(folder / "a.safetensors", arrays);
    fs::create_directory(folder / "folder");
    write_all(folder / "tokenizer.json", tokenizer_json);
    return load_tokenizer(folder / "tokenizer.json");
  }
};

// Everything that reads a file, and the operation that its error names where it is broken.
const Named readers = {
    {"load_safetensors", [](const std::string& path) { load_safetensors(path); }},
    {"load_safetensors",
     [](const std::string& path) { load_safetensors(path, SafetensorsFile::Access::read); }},
    {"load_npy", [](const std::string& path) { load_npy(path); }},
    {"csv", [](const std::string& path) { read_csv(path); }},
    {"load_tokenizer", [](const std::string& path) { load_tokenizer(path); }},
};
const Named raw_readers = {
    {"read", [](const std::string& path) { read_file(path); }},
    {"read", [](const std::string& path) { read_storage(path); }},
    {"read", [](const std::string& path) { map_file(path); }},
};

Refusals of_reading(const Scene& s) {
  Refusals all;
  Named everything = readers;
  everything.insert(everything.end(), raw_readers.begin(), raw_readers.end());
  const std::string file = s.folder / "file";
  for (const auto& [name, read] : everything) {
    for (const std::string& path :
         {s.folder / "none", s.folder / "none/file", file + "/", file + "/below", std::string(),
          std::string(300, 'x'), std::string("/proc/self/mem/x")})
      all.push_back(io_error("read", path, [=, read = read] { read(path); }));
    all.push_back(io_error("read", "zero byte", [=, read = read] { read(file + '\0' + "x"); }));
  }
  for (const auto& [name, read] : everything)
    if (name != "load_tokenizer")
      all.push_back(
          io_error("read", "not a regular file", [&s, read = read] { read(s.folder / "folder"); }));
  all.push_back(
      io_error("load_tokenizer", "has none of", [&] { load_tokenizer(s.folder / "folder"); }));
  return all;
}

// Files of no content, of a byte, of letters, and of another format.
Refusals of_content(const Scene& s) {
  Refusals all;
  for (const auto& [name, read] : readers)
    for (const std::string& content :
         {std::string(), std::string(1, '\0'), std::string("\xff\xfe"), std::string(101, '"'),
          std::string("\x93NUMPY\x01"), std::string("{}"), std::string("[[[[")}) {
      if (name == "csv" && content.find('"') == content.npos) continue;  // rows of one column
      all.push_back(format_error(name, s.folder / "broken", [&s, content, read = read] {
        write_all(s.folder / "broken", content);
        try {
          read(s.folder / "broken");
        } catch (const Error&) {
          fs::remove(s.folder / "broken");
          throw;
        }
      }));
    }
  return all;
}

// Files larger than memory: holes that take no room on the disk. Sanitizers end the program that
// asks for so much.
Refusals of_memory(const Scene& s) {
  Refusals all;
  if (sanitized) return all;
  for (const Use& read :
       {Use([](auto& path) { read_file(path); }), Use([](auto& path) { read_storage(path); })})
    all.push_back(memory_error("read", "4398046511104 bytes", [&s, read] {
      write_all(s.folder / "hole", "");
      fs::resize_file(s.folder / "hole", uintmax_t{1} << 42);
      try {
        read(s.folder / "hole");
      } catch (const Error&) {
        fs::remove(s.folder / "hole");
        throw;
      }
    }));
  return all;
}

Refusals of_writing(const Scene& s) {
  const Named writers = {
      {"write", [](const std::string& path) { save_safetensors(path, arrays); }},
      {"write", [](const std::string& path) { save_npy(path, arrays.at("a")); }},
      {"write", [](const std::string& path) { write_atomically(path, "text"); }},
  };
  const Tokenizer tokenizer = s.tokenizer;
  const Named folder_writers = {
      {"make_folder", [](const std::string& path) { make_folder(path); }},
      {"make_folder", [=](const std::string& path) { tokenizer.save(path); }},
  };
  Refusals all;
  for (const auto& [name, write] : writers)
    for (const std::string& path :
         {s.folder / "none/file", s.folder / "folder", s.folder / "file/below", std::string(),
          std::string(300, 'x'), std::string("/proc/none"), s.folder / "file" + '\0' + "x"})
      all.push_back(io_error(name, [=, write = write] { write(path); }));
  for (const auto& [name, write] : folder_writers)
    for (const std::string& path : {s.folder / "file", s.folder / "file/below",
                                    std::string(300, 'x'), std::string("/proc/none")})
      all.push_back(io_error(name, path, [=, write = write] { write(path); }));
  const auto save = [&](StateDict state, std::map<std::string, std::string> metadata = {}) {
    return [path = s.folder / "a.safetensors", state, metadata] {
      save_safetensors(path, state, metadata);
    };
  };
  const Array x = arrays.at("a");
  const Refusals more = {
      value_error("save_safetensors", "__metadata__", save({{"__metadata__", x}})),
      value_error("save_safetensors", "UTF-8", save({{"\xff", x}})),
      value_error("save_safetensors", "UTF-8", save({{"a", x}}, {{"key", "\xc3"}})),
      value_error("save_safetensors", "UTF-8", save({{"a", x}}, {{"\xed\xa0\x80", "value"}})),
      value_error("save_safetensors", "no reader accepts more",
                  save({{"a", x}}, {{"key", std::string(100'000'000, 'x')}})),
      value_error("save_safetensors", "\"b\" is undefined", save({{"a", x}, {"b", Array()}})),
      dtype_error("save_npy", "bfloat16",
                  [&] { save_npy(s.folder / "a.npy", Array({2}, bfloat16)); }),
      value_error("save_npy", "undefined", [&] { save_npy(s.folder / "a.npy", Array()); }),
      value_error("CharTokenizer", "vocabulary()", [&] { s.characters.save(s.folder / "t"); }),
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Refusals of_open_files(const Scene& s) {
  const auto file = std::make_shared<SafetensorsFile>(s.folder / "a.safetensors");
  const CsvTable table = parse_csv("a,b,b\n1,2,3\n", "t.csv");
  return {
      index_error("safetensors", "no array \"b\"", [=] { file->get("b"); }),
      index_error("safetensors", "no array \"\"", [=] { file->shape(""); }),
      index_error("safetensors", "no array \"a \"", [=] { file->dtype("a "); }),
      format_error("csv", "no column is named \"c\"", [=] { table.column("c"); }),
      format_error("csv", "more than one column is named \"b\"", [=] { table.column("b"); }),
      index_error("csv", "no row 1, but 1", [=] { table.field(1, 0); }),
      index_error("csv", "no column 3, but 3", [=] { table.field(0, 3); }),
      index_error("csv", [=] { table.field(SIZE_MAX, SIZE_MAX); }),
      index_error("csv", [=] { table.line(SIZE_MAX); }),
      format_error("csv", "line 2", [] { parse_csv("a,b\n1\n"); }),
      format_error("csv", "line 2", [] { parse_csv("a\n\"1\n"); }),
  };
}

Refusals of_tokenizers(const Scene& s) {
  const Tokenizer t = s.tokenizer;
  const CharTokenizer c = s.characters;
  const auto encode = [=](EncodeOptions options) { return [=] { t.encode("ab ba", options); }; };
  const auto batch = [=](int64_t multiple) {
    return [=] { t.encode_batch({"ab", "a"}, {.pad_to_multiple_of = multiple}); };
  };
  const auto train = [](BpeTrainerOptions options) {
    return [=] { train_bpe({"ab ab"}, options); };
  };
  return {
      index_error("Tokenizer", "token -1", [=] { t.token(-1); }),
      index_error("Tokenizer", "token 3", [=] { t.token(3); }),
      index_error("Tokenizer", "token 9223372036854775807", [=] { t.token(vast); }),
      index_error("Tokenizer", "token 7",
                  [=] {
                    t.decode({0, 7});
                  }),
      index_error("Tokenizer", "token -1", [=] { StreamDecoder(t).next(-1); }),
      index_error("Tokenizer", "token 3", [=] { c.decode({3}); }),
      value_error("CharTokenizer", "\"d\"", [=] { c.encode("abd"); }),
      value_error("Tokenizer", "max_length -1", encode({.max_length = -1})),
      value_error("Tokenizer", "only_second",
                  encode({.max_length = 1, .truncation = Truncation::only_second})),
      value_error("Tokenizer", "pad_to_multiple_of is 0", batch(0)),
      value_error("Tokenizer", "pad_to_multiple_of is -8", batch(-8)),
      memory_error("array", batch(int64_t{1} << 50)),
      shape_error("array", batch(vast)),
      value_error("Tokenizer", "1 texts with 2",
                  [=] {
                    t.encode_pairs({"a"}, {"a", "b"});
                  }),
      value_error("Tokenizer", "undefined", [] { Tokenizer{nullptr}; }),
      value_error("CharTokenizer", "empty", [] { CharTokenizer::from_text(""); }),
      format_error("CharTokenizer", "empty token",
                   [] {
                     CharTokenizer({"a", ""});
                   }),
      format_error("CharTokenizer", "\"a\" has two ids",
                   [] {
                     CharTokenizer({"a", "a"});
                   }),
      value_error("train_bpe", "vocab_size is 0", train({.vocab_size = 0})),
      value_error("train_bpe", "vocab_size is -1", train({.vocab_size = -1})),
      value_error("train_bpe", "min_frequency is -1", train({.min_frequency = -1})),
      value_error("train_bpe", "empty or not UTF-8", train({.special_tokens = {""}})),
      value_error("train_bpe", "empty or not UTF-8", train({.special_tokens = {"\xff"}})),
      value_error("StopText", "empty",
                  [] {
                    StopText({"a", ""});
                  }),
  };
}

Refusals of_names(const Scene& s) {
  Refusals all;
  for (const std::string& name :
       {std::string(), std::string("/etc/passwd"), std::string(".."), std::string("a/../../b"),
        std::string("./a"), std::string("a/"), std::string("a\0b", 3)})
    all.push_back(format_error("mine", "is not the name of a file in this folder",
                               [&s, name] { path_in("mine", s.folder / "", name); }));
  return all;
}

}  // namespace

TEST_CASE("readers, writers and tokenizers refuse bad input in their name, and change no file") {
  const Scene scene;
  check_refusals("files",
                 {of_reading(scene), of_content(scene), of_memory(scene), of_writing(scene),
                  of_open_files(scene), of_tokenizers(scene), of_names(scene)},
                 [&] { return scene.folder.content(); });
}
