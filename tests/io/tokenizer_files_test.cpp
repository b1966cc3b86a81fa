// Tokenizers from other files than tokenizer.json, and saving.

#include <attune/array.h>

#include "../catch.h"
#include "tokenizer_json.h"

using namespace attune;
using namespace tokenizer_json;
using Catch::Matchers::ContainsSubstring;

namespace {

using Ids = std::vector<int64_t>;

const std::string golden = ATTUNE_TEST_DATA "/tokenizers/";

const std::vector<std::string> samples = {"The committee's report wasn't finished.",
                                          "Größe  und\nMaß 👩‍🚀 日本語",
                                          "<s>[MASK]<mask></s> <|endoftext|>", "\xFF\xE2\x82", ""};

void check_same(const io::Tokenizer& a, const io::Tokenizer& b) {
  CHECK(a.size() == b.size());
  for (const std::string& text : samples) {
    CHECK(a.encode(text) == b.encode(text));
    CHECK(a.decode(a.encode(text)) == b.decode(b.encode(text)));
  }
}

}  // namespace

// A prefix is no part of the word: its bytes once counted as such, and offsets were read from
// behind the text.
TEST_CASE("tokens for the bytes of an unknown character stand for the character") {
  const io::Tokenizer tokenizer =
      loaded({{"model",
               {{"type", "BPE"},
                {"byte_fallback", true},
                {"continuing_subword_prefix", "##"},
                {"vocab", {{"a", 0}, {"##a", 1}, {"<0x23>", 2}, {"<0xC3>", 3}, {"<0xA9>", 4}}},
                {"merges", Json::array()}}}});
  const io::Encoding encoding = tokenizer("aéa", {.offsets = true});
  CHECK(encoding.ids == Ids{0, 2, 2, 3, 4, 1});
  const io::Span letter{1, 3};  // "é"
  CHECK(encoding.offsets == std::vector<io::Span>{{0, 1}, letter, letter, letter, letter, {3, 4}});
}

// Ids of the library. Such files once hung the reader.
TEST_CASE("a merge may result in one of its parts") {
  const auto ids = [](const Json& vocabulary, const Json& merges, const char* text) {
    return loaded({{"model",
                    {{"type", "BPE"},
                     {"continuing_subword_prefix", "##"},
                     {"vocab", vocabulary},
                     {"merges", merges}}}})
        .encode(text);
  };
  const Json left = {{"aa", 0}, {"##", 1}, {"b", 2}, {"##b", 3}};
  CHECK(ids(left, {"aa ##", "b aa"}, "abbb") == Ids{3, 3, 3});
  const Json right = {{"a", 0}, {"##", 1}, {"b", 2}, {"##b", 3}, {"##bb", 4}};
  CHECK(ids(right, {"## ##b", "##b ##b"}, "abbb") == Ids{0, 4, 3});
}

TEST_CASE("StreamDecoder waits for characters that no id completes by itself") {
  // The last byte of a character and the first three of the next.
  const io::Tokenizer tokenizer =
      loaded({{"model", {{"type", "BPE"}, {"vocab", {{"įðŁĳ", 0}}}, {"merges", Json::array()}}},
              {"decoder", {{"type", "ByteLevel"}}}});
  const Ids ids(200, 0);
  const std::string whole = tokenizer.decode(ids);
  CHECK_THAT(whole, ContainsSubstring("\U0001F44D\U0001F44D"));
  io::StreamDecoder decoder(tokenizer);
  std::string text;
  for (const int64_t id : ids) text += decoder.next(id);
  CHECK(text.size() > whole.size() / 2);
  CHECK(text + decoder.finish() == whole);
}

// As for the library, whose expressions fold it as Unicode does.
TEST_CASE("where case does not count, the sign of Kelvin is a k") {
  Json json = valid();
  json["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "(?i:k)"}}}, {"behavior", "Removed"}};
  for (const char* text : {"akb", "aKb", "a\u212Ab"}) CHECK(loaded(json).encode(text) == Ids{0, 1});
}

// Where the normalizer has taken the beginning away, the library no longer counts what follows as
// the first of a text.
TEST_CASE("the first word begins where the text does") {
  const io::Tokenizer tokenizer = loaded(
      {{"normalizer", {{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}}},
       {"pre_tokenizer",
        {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}}},
       {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}, {"_", 1}}}, {"merges", Json::array()}}}});
  CHECK(tokenizer.encode("a a") == Ids{1, 0, 1, 0});
  CHECK(tokenizer.encode(" a a") == Ids{0, 1, 0});
}

// Ids and offsets of the library.
TEST_CASE("of several post-processors, any trims offsets") {
  const auto offsets = [](const Json& first, const Json& second, const char* text) {
    return loaded({{"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
                   {"post_processor",
                    {{"type", "Sequence"}, {"processors", Json::array({first, second})}}},
                   {"model",
                    {{"type", "BPE"},
                     {"vocab", {{"a", 0}, {"Ġ", 1}, {"Ġa", 2}}},
                     {"merges", {"Ġ a"}}}}})(text, {.add_special_tokens = false, .offsets = true})
        .offsets;
  };
  const auto bytes = [](bool trims, bool prefix) {
    return Json{{"type", "ByteLevel"}, {"trim_offsets", trims}, {"add_prefix_space", prefix}};
  };
  const auto roberta = [](bool trims, bool prefix) {
    return Json{{"type", "RobertaProcessing"},
                {"cls", {"a", 0}},
                {"sep", {"a", 0}},
                {"trim_offsets", trims},
                {"add_prefix_space", prefix}};
  };
  using Spans = std::vector<io::Span>;
  CHECK(offsets(roberta(true, true), bytes(false, false), " a a") == Spans{{0, 2}, {3, 4}});
  CHECK(offsets(roberta(true, false), bytes(false, true), " a a") == Spans{{1, 2}, {3, 4}});
  CHECK(offsets(bytes(true, true), roberta(false, false), " a a") == Spans{{0, 2}, {3, 4}});
  CHECK(offsets(bytes(false, true), roberta(false, false), " a a") == Spans{{0, 2}, {2, 4}});
  CHECK_THROWS_WITH(offsets(bytes(true, true), roberta(true, true), "a"),
                    ContainsSubstring("a second post-processor that trims offsets"));
}

TEST_CASE("a dropout of nothing is none") {
  Json json = valid();
  for (const Json& none : {Json(), Json(0), Json(0.0)}) {
    json["model"]["dropout"] = none;
    CHECK(loaded(json).encode("abb") == Ids{3});
  }
  json["model"]["dropout"] = 0.1;
  CHECK_THROWS_WITH(loaded(json), ContainsSubstring("dropout of merges is not supported"));
}

TEST_CASE("roles that a file of their own gave are saved too") {
  const ScratchFolder from, to;
  write_all(from / "tokenizer.json", valid().dump());
  write_all(from / "special_tokens_map.json", R"({"mask_token": "<x>", "pad_token": "b"})");
  io::load_tokenizer(from / "").save(to / "");
  const io::Tokenizer again = io::load_tokenizer(to / "");
  CHECK(again.special_id("mask_token") == 4);
  CHECK(again.pad_id() == 1);
}

TEST_CASE("what is saved is loaded, also from vocabulary files alone") {
  for (const char* name : {"gpt2", "llama2", "llama3", "bert_uncased", "unknown"}) {
    INFO(name);
    const io::Tokenizer tokenizer = io::load_tokenizer(golden + name + ".json");
    const ScratchFolder folder;
    tokenizer.save(folder / "model");
    check_same(tokenizer, io::load_tokenizer(folder / "model"));
    check_same(tokenizer, io::load_tokenizer(folder / "model/tokenizer.json"));
  }
}

TEST_CASE("vocab.json and merges.txt are GPT-2's byte-level BPE") {
  const ScratchFolder folder;
  io::load_tokenizer(golden + "roberta.json").save(folder / "");
  std::filesystem::remove(folder / "tokenizer.json");
  const auto encode = [&](const char* text) {
    return io::load_tokenizer(folder / "").encode(text);
  };
  const io::Tokenizer plain = io::load_tokenizer(folder / "");
  CHECK(plain.decode(plain.encode("Größe \xFF")) == "Größe \uFFFD");
  CHECK(plain.encode("<s>").size() > 1);

  write_all(folder / "tokenizer_config.json", R"({"eos_token":{"content":"</s>"}})");
  CHECK(encode("</s>") == Ids{2});
  CHECK(io::load_tokenizer(folder / "").special_id("eos_token") == 2);

  for (const std::string name : {"Roberta", "Bart", "Longformer", "LED", "Mvp"}) {
    write_all(folder / "tokenizer_config.json",
              R"({"tokenizer_class":")" + name + R"(TokenizerFast","add_prefix_space":true})");
    INFO(name);
    for (const std::string& text : samples)
      CHECK(encode(text.c_str()) == io::load_tokenizer(golden + "roberta.json").encode(text));
  }

  write_all(folder / "tokenizer_config.json", R"({"add_bos_token":true})");
  CHECK_THROWS_WITH(io::load_tokenizer(folder / ""),
                    ContainsSubstring("add_bos_token: is not supported here"));
  std::filesystem::remove(folder / "tokenizer_config.json");

  const auto check = [&](const std::string& merges, const std::string& reason) {
    write_all(folder / "merges.txt", merges);
    CHECK_THROWS_WITH(io::load_tokenizer(folder / ""), ContainsSubstring(reason));
  };
  check("#version: 0.2\nt h e\n", "line 2 is not two tokens with a space between them");
  check("the\n", "line 1 is not two tokens");
  check("t \xFF\n", "not UTF-8");
  check("t nothing\n", "a merge's \"nothing\" is not in the vocabulary");
  std::filesystem::remove(folder / "merges.txt");
  CHECK_THROWS_AS(io::load_tokenizer(folder / ""), IoError);
}

TEST_CASE("vocab.txt is BERT's WordPiece, as its configuration says") {
  const ScratchFolder folder;
  write_all(folder / "vocab.txt",
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngrö\n##ße\ngro\n##ssen\n##e\n日\n本\n");
  const auto encode = [&](const char* text) {
    return io::load_tokenizer(folder / "").encode(text);
  };
  CHECK(encode("GRÖẞe 日本[MASK]") == Ids{2, 7, 6, 10, 11, 4, 3});
  write_all(folder / "tokenizer_config.json", R"({"do_lower_case":false})");
  CHECK(encode("größe GRÖẞe") == Ids{2, 5, 6, 1, 3});
  write_all(folder / "tokenizer_config.json", R"({"tokenize_chinese_chars":false})");
  CHECK(encode("日本 日") == Ids{2, 1, 10, 3});
  write_all(folder / "tokenizer_config.json", R"({"strip_accents":false})");
  CHECK(encode("Größe") == Ids{2, 5, 6, 3});
  CHECK(io::load_tokenizer(folder / "vocab.txt").pad_id() == 0);

  const auto refused = [&](const char* file, const char* text, const std::string& reason) {
    write_all(folder / file, text);
    CHECK_THROWS_WITH(io::load_tokenizer(folder / ""), ContainsSubstring(reason));
    std::filesystem::remove(folder / file);
  };
  refused("added_tokens.json", R"({"<new>":12})", "\"<new>\" is not the vocabulary's token 12");
  refused("tokenizer_config.json", R"({"added_tokens_decoder":{"9":{"content":"gro"}}})",
          "\"gro\" is not the vocabulary's token 9");
  write_all(folder / "tokenizer_config.json",
            R"({"added_tokens_decoder":{"4":{"content":"[MASK]"}}})");
  CHECK(encode("[MASK]") == Ids{2, 4, 3});
  std::filesystem::remove(folder / "tokenizer_config.json");

  const auto check = [&](const std::string& vocabulary, const std::string& reason) {
    write_all(folder / "vocab.txt", vocabulary);
    CHECK_THROWS_WITH(io::load_tokenizer(folder / ""), ContainsSubstring(reason));
  };
  check("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n", "two ids");
  check("[UNK]\n[CLS]\n", "\"[SEP]\" is not in the vocabulary");
  check("[CLS]\n[SEP]\n", "[UNK]");
  check("[UNK]\n\xFF\n", "not UTF-8");
  check("", "vocabulary");
}

TEST_CASE("a folder without a tokenizer, and files that are not there") {
  const ScratchFolder folder;
  CHECK_THROWS_AS(io::load_tokenizer(folder / ""), IoError);
  CHECK_THROWS_AS(io::load_tokenizer(folder / "absent.json"), IoError);
}

TEST_CASE("a tokenizer's files are in its folder, or in Hugging Face's cache links to blobs") {
  namespace fs = std::filesystem;
  const ScratchFolder folder;
  const std::string blobs = folder / "models--x/blobs", other = folder / "other";
  const std::string snapshot = folder / "models--x/snapshots/1";
  for (const std::string& path : {blobs, other, snapshot + "/tokenizer"})
    fs::create_directories(path);
  write_all(blobs + "/json", valid().dump());
  write_all(blobs + "/config", R"({"unk_token":"a"})");
  const auto link = [](const std::string& to, const std::string& path) {
    fs::remove(path);
    fs::create_symlink(to, path);
  };
  const auto check_outside = [](const std::string& path) {
    CHECK_THROWS_AS(io::load_tokenizer(path), FormatError);
    CHECK_THROWS_WITH(io::load_tokenizer(path), ContainsSubstring("outside this folder"));
  };
  link("../../blobs/json", snapshot + "/tokenizer.json");
  link("../../blobs/config", snapshot + "/tokenizer_config.json");
  link("../../../blobs/json", snapshot + "/tokenizer/tokenizer.json");
  CHECK(io::load_tokenizer(snapshot).special_id("unk_token") == 0);
  CHECK(io::load_tokenizer(snapshot + "/tokenizer").size() == 5);

  link(blobs + "/json", other + "/tokenizer.json");
  check_outside(other);
  CHECK(io::load_tokenizer(other + "/tokenizer.json").size() == 5);
  link(blobs + "/config", other + "/tokenizer_config.json");
  check_outside(other + "/tokenizer.json");
  write_all(other + "/config", "{}");
  link("config", other + "/tokenizer_config.json");
  CHECK(io::load_tokenizer(other + "/tokenizer.json").size() == 5);
}

// Ids of the library.
TEST_CASE("white space that a token takes is not looked at again") {
  Json json = valid();
  json["added_tokens"][0] = {
      {"id", 4},        {"content", " "},   {"normalized", false}, {"lstrip", true},
      {"rstrip", true}, {"special", false}, {"single_word", false}};
  CHECK(loaded(json).encode("a   b") == Ids{0, 4, 1});
}
