// What a file costs in memory while it is read, whether it is refused or not: at most so many times
// its own size, and a megabyte.

#include <attune/attune.h>

#include <functional>

#include "../catch.h"
#include "../heap.h"
#include "../sanitized.h"
#include "../scratch.h"

using namespace attune;

namespace {

constexpr size_t size = sanitized ? 50'000 : 1'000'000;

// So many pieces with something between them, or as many as fill a file.
std::string joined(const std::function<std::string(size_t)>& piece, const char* between,
                   size_t count, size_t bytes) {
  std::string text = piece(0);
  for (size_t i = 1; i < count && text.size() < bytes; ++i) text.append(between).append(piece(i));
  return text;
}
std::string repeated(const std::function<std::string(size_t)>& piece, const char* between = ",") {
  return joined(piece, between, size, size);
}

// The shortest names that are all different.
std::string short_name(size_t i) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
  std::string name;
  do name += letters[i % letters.size()];
  while ((i /= letters.size()) > 0);
  return name;
}

struct Case {
  const char* what;
  std::string content;
  double most;  // bytes for each byte of the file
};

void check(const char* file, const std::vector<Case>& cases,
           const std::function<void(const std::string& path)>& read) {
  const ScratchFolder folder;
  for (const auto& [what, content, most] : cases) {
    write_all(folder / file, content);
    std::string outcome = "it was read";
    const int64_t bytes = heap::peak_of([&] {
      try {
        read(folder / file);
      } catch (const Error& error) {
        outcome = error.what();
      }
    });
    if (sanitized) continue;  // where a block is larger, and outlasts its end
    INFO(what << ": " << outcome);
    const auto beside = static_cast<double>(std::max<int64_t>(bytes - 1'000'000, 0));
    CHECK(beside / static_cast<double>(content.size()) < most);
  }
}

std::string with_header(const std::string& header) {
  const uint64_t bytes = header.size();
  return std::string(reinterpret_cast<const char*>(&bytes), 8) + header;
}

// A header of many empty arrays.
std::string empty_arrays(const char* shape) {
  return with_header(fmt::format(
      "{{{}}}", repeated([&](size_t i) {
        return fmt::format(R"("{}":{{"dtype":"F32","shape":[{}],"data_offsets":[0,0]}})",
                           short_name(i), shape);
      })));
}

// A tokenizer.json.
std::string bpe(const std::string& vocabulary, const std::string& merges) {
  return fmt::format(R"({{"model":{{"type":"BPE","vocab":{{{}}},"merges":[{}]}}}})", vocabulary,
                     merges);
}
std::string token(size_t i) { return fmt::format(R"("{}":{})", short_name(i), i); }

}  // namespace

TEST_CASE("an open safetensors file takes less than three times its header") {
  const std::string text(size, 'x'), entry = R"({"dtype":"I8","shape":[0],"data_offsets":[0,0]})";
  const auto member = [](size_t i) { return fmt::format(R"("{}":"")", short_name(i)); };
  const std::vector<Case> cases = {
      {"empty arrays", empty_arrays("0"), 2.5},
      {"many dimensions", empty_arrays("0,0,0,0,0,0,0,0,0,0,0,0"), 3},
      {"one text", with_header(fmt::format(R"({{"__metadata__":{{"a":"{}"}}}})", text)), 2.5},
      {"one name", with_header(fmt::format(R"({{"{}":{}}})", text, entry)), 2.5},
      {"texts of metadata",
       with_header(fmt::format(R"({{"__metadata__":{{{}}}}})", repeated(member))), 12},
      {"a refused name", with_header(fmt::format(R"({{"{}":1}})", text)), 2.5},
      {"a list", with_header(fmt::format(R"({{"a":[{}]}})", text)), 2.5},
      {"brackets", with_header(fmt::format(R"({{"a":{}}})", std::string(size, '['))), 2.5}};
  check("x.safetensors", cases, [](const std::string& path) { io::SafetensorsFile file(path); });
  // Each array has a place of its own in the map that is asked for.
  check("x.safetensors", {{"empty arrays", empty_arrays("0"), 10}},
        [](const std::string& path) { io::load_safetensors(path); });
}

TEST_CASE("a .npy file takes its own size") {
  const auto npy = [](const std::string& header, const std::string& data) {
    std::string text("\x93NUMPY\2\0", 8);
    const auto bytes = static_cast<uint32_t>(header.size());
    return text.append(reinterpret_cast<const char*>(&bytes), 4).append(header).append(data);
  };
  const std::string zeros(size, '\0');
  check(
      "x.npy",
      {{"data",
        npy(fmt::format("{{'descr': '|b1', 'fortran_order': True, 'shape': ({},)}}", size), zeros),
        1.1},
       {"a header", npy(zeros, ""), 1.1},
       {"a name", npy(fmt::format("{{'{}", zeros), ""), 1.1}},
      [](const std::string& path) { io::load_npy(path); });
}

TEST_CASE("more lines than a vocabulary can have are refused before they are kept") {
  const ScratchFolder folder;
  const size_t many = (size_t{1} << 21) + 1;
  write_all(folder / "vocab.txt", std::string(many, '\n'));
  const int64_t bytes = heap::peak_of([&] {
    CHECK_THROWS_WITH(io::load_tokenizer(folder / "vocab.txt"),
                      Catch::Matchers::ContainsSubstring("more than 2097152 lines"));
  });
  CHECK(bytes < static_cast<int64_t>(2 * many));
}

TEST_CASE("a table takes a few times its file") {
  const auto text = [](const std::string& piece) {
    return "a,b\n" + repeated([&](size_t) { return piece; }, "\n");
  };
  check("x.csv",
        {{"empty fields", text(","), 8},
         {"rows of one letter", "a\n" + repeated([](size_t) { return "x"; }, "\n"), 8},
         {"one field", text(std::string(size, 'x')), 3},
         {"quotes", text(std::string(size, '"')), 3},
         {"columns", std::string(size, ','), 10},
         {"a long row", "a,b\n" + std::string(size, ','), 8}},
        [](const std::string& path) { io::read_csv(path); });
}

TEST_CASE("a tokenizer takes a bounded multiple of its file") {
  const auto same = [](const char* piece) { return repeated([=](size_t) { return piece; }); };
  const auto added = [](size_t i) {
    return fmt::format(R"({{"id":{},"content":"{}"}})", i + 1, short_name(i + 1));
  };
  check(
      "tokenizer.json",
      {{"a vocabulary", bpe(repeated(token), ""), 4},
       {"merges", bpe(R"("a":0,"aa":1)", same(R"("a a")")), 12},
       {"merges as pairs", bpe(R"("a":0,"aa":1)", same(R"(["a","a"])")), 6},
       {"added tokens",
        fmt::format(R"({{"added_tokens":[{}],{})", repeated(added), bpe(R"("A":0)", "").substr(1)),
        31},
       {"brackets", std::string(size, '['), 2},
       {"one text", fmt::format("[\"{}\"]", std::string(size, 'x')), 6}},
      [](const std::string& path) { io::load_tokenizer(path); });
  check("vocab.txt",
        {{"words", "[UNK]\n[CLS]\n[SEP]\n" + repeated(short_name, "\n"), 8},
         {"empty lines", std::string(size, '\n'), 10}},
        [](const std::string& path) { io::load_tokenizer(path); });
  check("merges.txt",
        {{"merges", repeated([](size_t) { return "a a"; }, "\n"), 12},
         {"empty lines", std::string(size, '\n'), 1}},
        [](const std::string& path) {
          const std::string vocabulary = std::filesystem::path(path).replace_filename("vocab.json");
          write_all(vocabulary, R"({"a":0,"aa":1})");
          io::load_tokenizer(vocabulary);
        });
}

TEST_CASE("a tokenizer of as many parts as there may be takes twice its file and 220 MB") {
  constexpr size_t parts = size_t{1} << (sanitized ? 12 : 21);
  const auto filled = [](const std::function<std::string(size_t)>& piece, const char* between) {
    return joined(piece, between, parts, parts * 100);
  };
  const auto pair = [](size_t) { return R"("a a")"; };
  const auto long_token = [](size_t i) { return fmt::format(R"("{:.<40}":{})", short_name(i), i); };
  const std::pair<const char*, std::string> files[] = {
      {"tokenizer.json", bpe(filled(token, ","), "")},
      {"tokenizer.json", bpe(filled(long_token, ","), "")},
      {"tokenizer.json", bpe(R"("a":0,"aa":1)", filled(pair, ","))},
      {"tokenizer.json", bpe(filled(token, ","), filled(pair, ","))},
      {"vocab.txt", "[UNK]\n[CLS]\n[SEP]\n" + joined(short_name, "\n", parts - 3, parts * 100)}};
  const ScratchFolder folder;
  for (const auto& [file, content] : files) {
    const std::string path = folder / file;
    write_all(path, content);
    INFO(file << ": " << content.substr(0, 60));
    const int64_t bytes = heap::peak_of([&] { CHECK_NOTHROW(io::load_tokenizer(path)); });
    CHECK((sanitized || bytes < static_cast<int64_t>(2 * content.size()) + 220'000'000));
  }
}

TEST_CASE("a tree of JSON takes at most 200 MB, whatever its text is") {
  constexpr size_t most = size_t{1} << (sanitized ? 15 : 19);
  const auto list = [&](const std::string& piece) {
    return "[" + joined([&](size_t) { return piece; }, ",", most - 1, most * 10) + "]";
  };
  const auto member = [](size_t i) { return fmt::format(R"("{}":"")", short_name(i)); };
  const ScratchFolder folder;
  for (const std::string& text : {list("0"), list("[]"), list("{}"), list("\"\""),
                                  "{" + joined(member, ",", most - 1, most * 20) + "}"}) {
    write_all(folder / "tokenizer.json", text);
    std::string outcome;
    const int64_t bytes = heap::peak_of([&] {
      try {
        io::load_tokenizer(folder / "tokenizer.json");
      } catch (const FormatError& error) {
        outcome = error.what();
      }
    });
    INFO(text.substr(0, 20) << ": " << outcome);
    CHECK(outcome.find("values") == outcome.npos);
    CHECK((sanitized || bytes < 200'000'000));
  }
  const auto refused = [&](const char* reason) {
    CHECK_THROWS_WITH(io::load_tokenizer(folder / "tokenizer.json"),
                      Catch::Matchers::ContainsSubstring(reason));
  };
  write_all(folder / "tokenizer.json",
            "[" + joined([](size_t) { return "0"; }, ",", 524'288, 1'048'576) + "]");
  refused("the JSON has more than 524288 values");
  write_all(folder / "tokenizer.json", "[]" + std::string(1 << 25, ' '));
  refused("the JSON has more than 33554432 bytes");
  std::filesystem::resize_file(folder / "tokenizer.json", (size_t{1} << 28) + 1);
  refused("has 268435457 bytes; such a file has at most 268435456");
}
