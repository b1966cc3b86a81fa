// Tokenizer files that break the format, or ask for more than a tokenizer needs.

#include <attune/array.h>

#include "../catch.h"
#include "tokenizer_json.h"

using namespace attune;
using namespace tokenizer_json;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string message_of(const std::string& content) {
  const ScratchFolder folder;
  write_all(folder / "tokenizer.json", content);
  try {
    io::load_tokenizer(folder / "");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "it was loaded";
}

void check_refused(const std::string& content, const std::string& reason) {
  const std::string message = message_of(content);
  CHECK_THAT(message, ContainsSubstring(reason));
  CHECK_THAT(message, ContainsSubstring("tokenizer.json"));
  CHECK(message.find('\n') == std::string::npos);
}

// The valid file with one value changed.
std::string changed(const std::string& pointer, const Json& value) {
  Json json = valid();
  json[Json::json_pointer(pointer)] = value;
  return json.dump();
}

}  // namespace

TEST_CASE("files that break the format are refused with the reason") {
  REQUIRE(message_of(valid().dump()) == "it was loaded");
  const std::string text = valid().dump();
  check_refused("", "not valid JSON");
  check_refused("{\"model\": 3", "not valid JSON: it ends too early at byte 11");
  check_refused(text.substr(0, text.size() / 2), "not valid JSON");
  check_refused(text + "x", "not valid JSON");
  check_refused(std::string("{\"model\":\0}", 11), "not valid JSON");
  check_refused("{\"a\xFF\":1}", "not valid JSON");
  check_refused("{\"model\":" + std::string(1'000'000, '['), "nested too deeply");
  check_refused(R"({"model":{"vocab":{"a":0,"a":1}}})",
                "model.vocab: the token \"a\" has two ids, 0 and 1");
  check_refused(R"({"model":{"vocab":{"a":0,"\u0061":0}}})",
                "id 0 is given to both \"a\" and \"a\"");
  check_refused(R"({"model":{"vocab":{"a":0},"vocab":{"a":0}}})", "\"vocab\" occurs twice");
  check_refused(R"({"model":{"vocab":{"a":0]}})", "not valid JSON: there is no } at byte 24");
  check_refused(R"({"model":{"vocab":{"a":0 "b":1}}})", "not valid JSON: there is no } at byte 25");
  check_refused(R"({"model":{"vocab":{"a":0},"merges":["a a" 1]}})",
                "not valid JSON: there is no ]");
  check_refused("[]", "should be an object");
  check_refused("{}", "lacks \"model\"");
  check_refused(R"({"model":{}})", "lacks \"vocab\"");
  check_refused(R"({"model":{"vocab":{}}})", "the vocabulary is empty");

  struct Case {
    const char* place;
    const char* value;
    const char* reason;
  };
  const Case cases[] = {
      {"/model/type", "\"Unigram\"", "the model \"Unigram\" is not supported"},
      {"/model/vocab", "[]", "model.vocab: should be an object"},
      {"/model/vocab/b", "0", "id 0 is given to both"},
      {"/model/vocab/b", "-1", "should be an integer"},
      {"/model/vocab/b", "1.5", "should be an integer"},
      {"/model/vocab/b", "\"1\"", "should be an integer"},
      {"/model/vocab/b", "1000000", "only 5 tokens"},
      {"/model/vocab/b", "18446744073709551615", "should be an integer"},
      {"/model/vocab/b", "1e999", "should be an integer of 0 to 2147483646"},
      {"/model/unk_token", "1e999", "not valid JSON"},
      {"/model/vocab/", "5", "empty token"},
      {"/model/merges", "[\"a c\"]", "a merge's \"c\" is not in the vocabulary"},
      {"/model/merges", "[\"b a\"]", "a merge's result \"ba\""},
      {"/model/merges", "[\"ab\"]", "model.merges: merge 0 should be two tokens"},
      {"/model/merges", "[\"a b\",[\"a\"]]", "model.merges: merge 1 should be of two"},
      {"/model/merges", "[3]", "should be a string"},
      {"/model/merges", "{}", "should be an array"},
      {"/model/dropout", "0.1", "dropout"},
      {"/model/unk_token", "\"?\"", "unk_token \"?\" is not in the vocabulary"},
      {"/model/fuse_unk", "1", "should be true or false"},
      {"/added_tokens/0/id", "5", "have no token"},
      {"/added_tokens/0/id", "1", "which the model's vocabulary gives to \"b\""},
      {"/added_tokens/0/content", "\"a\"", "but the model's vocabulary gives it 0"},
      {"/added_tokens/0/content", "\"\"", "is empty"},
      {"/added_tokens/1", R"({"id":4,"content":"<y>"})", "id 4 is given to both"},
      {"/added_tokens", "{}", "added_tokens: should be an array"},
      {"/added_tokens/0", "null", "should be an object"},
      {"/added_tokens/0/id", "-1", "added_tokens[0].id: should be an integer"},
      {"/added_tokens/0/id", "2147483647", "should be an integer of 0 to"},
      {"/added_tokens/0/id", "2000000000", "have no token"},
      {"/added_tokens/0/id", "null", "should be an integer"},
      {"/added_tokens/0/content", "null", "should be a string"},
      {"/added_tokens/0/special", "\"yes\"", "should be true or false"},
      {"/added_tokens/1", R"({"id":5,"content":"<x>"})", "\"<x>\" occurs twice"},
      {"/model", "[]", "should be an object"},
      {"/model/vocab/b", "null", "should be an integer"},
      {"/model/vocab/b", "2147483648", "should be an integer"},
      {"/model/merges", "[\"a b c\"]", "merge 0 should be two tokens"},
      {"/model/merges", "[\"a\",\"b\"]", "merge 0 should be two tokens"},
      {"/model/merges", "[\" a\"]", "a merge's \"\" is not in the vocabulary"},
      {"/model/merges", "[[\"a\",\"b\",\"b\"]]", "merge 0 should be of two tokens"},
      {"/model/merges", "[[\"a\",1]]", "should be a string"},
      {"/padding", R"({"pad_id":5})", "pad_id: should be an integer of 0 to 4"},
      {"/post_processor", R"({"type":"BertProcessing","sep":["x",-1],"cls":["y",0]})",
       "should be an integer"},
      {"/post_processor", R"({"type":"BertProcessing","sep":"x","cls":["y",0]})",
       "post_processor.sep"},
      {"/normalizer", R"({"type":"Precompiled"})",
       "the normalizer \"Precompiled\" is not supported"},
      {"/pre_tokenizer", R"({"type":"UnicodeScripts"})", "the pre-tokenizer \"UnicodeScripts\""},
      {"/pre_tokenizer",
       R"x({"type":"Split","pattern":{"Regex":"a(?<=b)"},"behavior":"Isolated"})x",
       "pre_tokenizer.pattern.Regex: the regular expression"},
      {"/pre_tokenizer",
       R"x({"type":"Split","pattern":{"Regex":"(?i:\u00e9)"},"behavior":"Isolated"})x",
       "(?i:) of letters beyond ASCII"},
      {"/pre_tokenizer",
       R"x({"type":"Split","pattern":{"Regex":"(?i:[a-\u00e9])"},"behavior":"Isolated"})x",
       "(?i:) of letters beyond ASCII"},
      {"/pre_tokenizer", R"({"type":"Split","pattern":{"String":"a"},"behavior":"x"})", "behavior"},
      {"/pre_tokenizer", "{}", "lacks \"type\""},
      {"/decoder", R"({"type":"CTC"})", "the decoder \"CTC\" is not supported"},
      {"/post_processor", R"({"type":"BertProcessing","sep":["x",9],"cls":["y",0]})",
       "id 9 is outside the vocabulary of 5"},
      {"/post_processor",
       R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"q","type_id":0}}],"pair":[],"special_tokens":{}})",
       "lacks \"q\""},
  };
  for (const auto& [place, value, reason] : cases) {
    INFO(place << " = " << value);
    if (std::string(value) == "1e999") {
      std::string broken = changed(place, "PUT");
      broken.replace(broken.find("\"PUT\""), 5, value);
      check_refused(broken, reason);
    } else {
      check_refused(changed(place, Json::parse(value)), reason);
    }
  }
}

TEST_CASE("files that ask for more than a tokenizer needs are refused") {
  Json json = valid();
  json["pre_tokenizer"] = {{"type", "Split"}, {"behavior", "Isolated"}};
  json["pre_tokenizer"]["pattern"]["Regex"] = std::string(10'000, 'a');
  check_refused(json.dump(), "more parts than are supported");
  json["pre_tokenizer"]["pattern"]["Regex"] = std::string(10'000, '(');
  check_refused(json.dump(), "nested too deeply");

  json = valid();
  const Json doubling = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", std::vector<Json>(60, doubling)}};
  const ScratchFolder folder;
  write_all(folder / "tokenizer.json", json.dump());
  CHECK_THROWS_AS(io::load_tokenizer(folder / "").encode("a"), FormatError);
  json["added_tokens"][0] = {{"id", 4}, {"content", "a>"}};
  check_refused(json.dump(), "64 times longer");

  json = valid();
  json["added_tokens"][0]["content"] = "a\nb";
  json["added_tokens"][0]["id"] = 0;
  check_refused(json.dump(), "a b");

  json = valid();
  json["normalizer"] = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}};
  json["added_tokens"] = {{{"id", 4}, {"content", " "}, {"normalized", true}, {"special", false}}};
  check_refused(json.dump(), "leaves nothing of the added token");
}

// Each of these once took more time, or memory, than there is.
TEST_CASE("what grows with every stage, or tries everything twice, is refused in time") {
  const auto nested = [](const Json& part, const char* list, int depth) {
    Json whole = part;
    for (int i = 0; i < depth; ++i)
      whole = {{"type", "Sequence"}, {list, std::vector<Json>(2, whole)}};
    return whole;
  };
  const auto in = [](const char* stage, const Json& value) {
    Json json = valid();
    json[stage] = value;
    return json;
  };
  const Json doubling = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const auto encode = [](const Json& json, const std::string& text) { loaded(json).encode(text); };
  CHECK_THROWS_WITH(encode(in("normalizer", nested(doubling, "normalizers", 6)), "a"),
                    ContainsSubstring("64 times longer"));
  CHECK_THROWS_WITH(encode(in("pre_tokenizer", nested(bytes, "pretokenizers", 6)), "é"),
                    ContainsSubstring("64 times longer"));
  CHECK_THROWS_WITH(loaded(in("decoder", nested(doubling, "decoders", 6))).decode({0}),
                    ContainsSubstring("64 times longer"));
  // No word may take what all of them may.
  const Json split = {{"type", "Split"}, {"pattern", {{"Regex", "."}}}, {"behavior", "Isolated"}};
  std::vector<Json> stages(13, bytes);
  stages[0] = split;
  const Json each = {{"type", "Sequence"}, {"pretokenizers", stages}};
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "é";
  CHECK_THROWS_WITH(encode(in("pre_tokenizer", each), text), ContainsSubstring("64 times longer"));
  std::vector<Json> in_turns;
  for (int i = 0; i < 32; ++i) in_turns.insert(in_turns.end(), {split, bytes});
  const Json cut = {{"type", "Sequence"}, {"pretokenizers", in_turns}};
  CHECK_THROWS_WITH(encode(in("pre_tokenizer", cut), "é"), ContainsSubstring("64 times longer"));

  const Json much = {
      {"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(4'000, 'a')}};
  CHECK_THROWS_WITH(loaded(in("decoder", much)).decode({0}), ContainsSubstring("64 times longer"));

  std::string stars;
  for (int i = 0; i < 30; ++i) stars += "a*";
  const Json regex = {
      {"type", "Split"}, {"pattern", {{"Regex", stars + "b"}}}, {"behavior", "Isolated"}};
  CHECK_THROWS_WITH(encode(in("pre_tokenizer", regex), std::string(60, 'a')),
                    ContainsSubstring("steps a byte"));

  Json part = {{"SpecialToken", {{"id", "q"}, {"type_id", 0}}}};
  Json ends = {{"type", "TemplateProcessing"}, {"pair", Json::array()}};
  ends["single"] = std::vector<Json>(300, part);
  ends["special_tokens"]["q"] = {{"id", "q"}, {"ids", std::vector<int>(300, 0)}};
  check_refused(in("post_processor", ends).dump(), "more than 65536 tokens are put in");
  check_refused(
      in("decoder", {{"type", "Strip"}, {"content", ""}, {"start", 9}, {"stop", 9}}).dump(),
      "should be one character");
  ends["single"] = std::vector<Json>(5, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  check_refused(in("post_processor", ends).dump(), "more than 4 texts are put in");

  const Json spaces = {{"type", "WhitespaceSplit"}}, form = {{"type", "NFC"}};
  const auto many = [](const Json& stage, const char* list) {
    const Json whole = {{"type", "Sequence"}, {list, std::vector<Json>(5, stage)}};
    return Json{{"type", "Sequence"}, {list, std::vector<Json>(13, whole)}};
  };
  check_refused(in("pre_tokenizer", many(spaces, "pretokenizers")).dump(),
                "65 stages; there can be at most 64");
  check_refused(in("normalizer", many(form, "normalizers")).dump(), "65 stages");
  check_refused(in("decoder", many(doubling, "decoders")).dump(), "65 stages");
  const Json prefixed = {{"type", "Prepend"}, {"prepend", std::string(5'000, 'a')}};
  check_refused(in("normalizer", prefixed).dump(), "has more than 4096 bytes");
  const auto with = [](const char* place, const Json& value) { return changed(place, value); };
  check_refused(with("/model/continuing_subword_prefix", std::string(257, '#')),
                "has more than 256 bytes");
  check_refused(with("/model/end_of_word_suffix", std::string(257, '#')),
                "has more than 256 bytes");
  check_refused(with("/added_tokens/0/content", std::string(1'025, 'x')),
                "an added token has 1025 bytes; there can be at most 1024");
  check_refused(in("pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "zz"}}).dump(),
                "should be one character");
  check_refused(in("pre_tokenizer", {{"type", "CharDelimiterSplit"}, {"delimiter", ""}}).dump(),
                "should be one character");
  for (const auto& [pattern, repeats] : {std::pair{"[^z]++z", 20'000},
                                         {"a{10000}z", 20'000},
                                         {"a(?:a{0,60}a{0,60}a{0,60}z)?", 20'000}})
    CHECK_THROWS_WITH(
        encode(in("pre_tokenizer",
                  {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}}),
               std::string(static_cast<size_t>(repeats), 'a')),
        ContainsSubstring("steps a byte"));
  for (const char* pattern : {"a{2}?", "a+{2}", "a{2}{3}"})
    check_refused(
        in("pre_tokenizer",
           {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}})
            .dump(),
        "quantifier");
  check_refused("\xEF\xBB\xBF" + valid().dump(), "it begins with a byte order mark");
}

TEST_CASE("a broken configuration beside the tokenizer is named") {
  const ScratchFolder folder;
  write_all(folder / "tokenizer.json", valid().dump());
  write_all(folder / "tokenizer_config.json", "{");
  CHECK_THROWS_WITH(io::load_tokenizer(folder / ""), ContainsSubstring("tokenizer_config.json"));
  write_all(folder / "tokenizer_config.json", R"({"eos_token":7})");
  CHECK_THROWS_WITH(io::load_tokenizer(folder / ""), ContainsSubstring("eos_token"));
  write_all(folder / "tokenizer_config.json", R"({"eos_token":"<x>"})");
  CHECK(io::load_tokenizer(folder / "").special_id("eos_token") == 4);
}
