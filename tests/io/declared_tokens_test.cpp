// What the files beside a tokenizer say of its tokens: as transformers takes it, or refused.

#include <attune/array.h>

#include "../catch.h"
#include "tokenizer_json.h"

using namespace attune;
using namespace tokenizer_json;
using Catch::Matchers::ContainsSubstring;

namespace {

using Ids = std::vector<int64_t>;
using Files = std::vector<std::pair<std::string, std::string>>;

const std::string config_file = "tokenizer_config.json", map_file = "special_tokens_map.json",
                  added_file = "added_tokens.json";

const Files words = {
    {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n[\n]\ne\n##1\n[E1]\n<s>\nb\n"}};
const Files bytes = {{"vocab.json", R"({"a":0,"b":1,"<":2,">":3,"<|endoftext|>":4,"<b>":5,"Ġ":6})"},
                     {"merges.txt", ""}};
const Files whole = {{"tokenizer.json", valid().dump()}};
const Files spaced = {{"tokenizer.json", R"({"added_tokens":[{"id":4,"content":"<y>"}],
    "normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
    "model":{"type":"BPE","vocab":{"a":0,"<":1,">":2," ":3},"merges":[]}})"}};

io::Tokenizer with(const Files& tokenizer, const Files& beside) {
  const ScratchFolder folder;
  for (const Files& files : {tokenizer, beside})
    for (const auto& [name, content] : files) write_all(folder / name, content);
  return io::load_tokenizer(folder / "");
}

}  // namespace

TEST_CASE("tokens that are declared and in the vocabulary are not split") {
  const std::string decoder =
      R"({"added_tokens_decoder":{"10":{"content":"[E1]","normalized":false,"special":true}}})";
  struct Case {
    Files tokenizer, beside;
    const char* text;
    Ids ids;
    bool special;
  };
  const Case cases[] = {
      {words, {}, "a[E1]", {2, 5, 6, 8, 9, 7, 3}, false},
      {words, {{config_file, decoder}}, "a[E1]", {2, 5, 10, 3}, true},
      {words,
       {{config_file, R"({"additional_special_tokens":["[E1]"]})"}},
       "a[E1]",
       {2, 5, 10, 3},
       true},
      {words,
       {{config_file, R"({"extra_special_tokens":{"e":"[E1]"}})"}},
       "a[E1]",
       {2, 5, 10, 3},
       true},
      {words,
       {{map_file, R"({"additional_special_tokens":[{"content":"[E1]"}]})"}},
       "a[E1]",
       {2, 5, 10, 3},
       true},
      // Of two lists the configuration's counts, and additional tokens only without extra ones.
      {words,
       {{config_file, R"({"additional_special_tokens":["[E1]"]})"},
        {map_file, R"({"additional_special_tokens":["a"]})"}},
       "a[E1]",
       {2, 5, 10, 3},
       true},
      {words,
       {{config_file, R"({"extra_special_tokens":["a"],"additional_special_tokens":["[E1]"]})"}},
       "a[E1]",
       {2, 5, 6, 8, 9, 7, 3},
       false},
      {words, {{added_file, R"({"[E1]":10})"}}, "a[e1]", {2, 5, 10, 3}, false},
      {words,
       {{added_file, R"({"[E1]":10})"}, {map_file, R"({"pad_token":"[E1]"})"}},
       "a[e1]",
       {2, 5, 6, 8, 9, 7, 3},
       false},
      // Where there is a decoder, the other files do not count.
      {words,
       {{config_file, R"({"added_tokens_decoder":{}})"}, {added_file, R"({"[E1]":10})"}},
       "a[E1]",
       {2, 5, 6, 8, 9, 7, 3},
       false},
      {bytes, {}, "a<b>", {0, 2, 1, 3}, false},
      {bytes, {{config_file, R"({"additional_special_tokens":["<b>"]})"}}, "a<b>", {0, 5}, true},
      {bytes, {{map_file, R"({"pad_token":"<b>"})"}}, "a <b>", {0, 6, 5}, true},
      {bytes,
       {{map_file, R"({"pad_token":{"content":"<b>","lstrip":true}})"}},
       "a <b>",
       {0, 5},
       true},
      {whole, {}, "abb", {3}, false},
      {whole, {{config_file, R"({"unk_token":"b"})"}}, "abb", {0, 1, 1}, true},
      // Of a token that is there already, its role says that it is special, a decoder the rest too.
      {spaced, {}, "a <y>", {0, 3, 4}, false},
      {spaced, {{config_file, R"({"eos_token":"<y>"})"}}, "a <y>", {0, 3, 4}, true},
      {spaced,
       {{map_file, R"({"eos_token":{"content":"<y>","lstrip":true}})"}},
       "a <y>",
       {0, 3, 4},
       true},
      {spaced,
       {{config_file, R"({"added_tokens_decoder":{"4":{"content":"<y>","lstrip":true}}})"}},
       "a <y>",
       {0, 4},
       false},
      {spaced,
       {{config_file, R"({"added_tokens_decoder":{"4":{"content":"<y>","special":true}}})"}},
       "a <y>",
       {0, 3, 4},
       true},
  };
  for (const auto& [tokenizer, beside, text, ids, special] : cases) {
    INFO(text << " " << (beside.empty() ? "" : beside[0].second));
    const io::Tokenizer loaded = with(tokenizer, beside);
    CHECK(loaded.encode(text) == ids);
    const io::Encoding last = loaded(text, {.add_special_tokens = false});
    CHECK((loaded.decode({last.ids.back()}) == "") == special);
    const ScratchFolder folder;
    loaded.save(folder / "");
    CHECK(io::load_tokenizer(folder / "").encode(text) == ids);
  }
}

TEST_CASE("roles are those of the map, else of the configuration, and build the tokenizer") {
  const std::string swapped = R"({"cls_token":"<s>","sep_token":"[CLS]"})";
  CHECK(with(words, {{map_file, swapped}}).encode("a") == Ids{11, 5, 2});
  CHECK(with(words, {{config_file, swapped}}).encode("a") == Ids{11, 5, 2});
  const Files both = {{map_file, swapped}, {config_file, R"({"cls_token":"b","pad_token":"b"})"}};
  CHECK(with(words, both).encode("a") == Ids{11, 5, 2});
  CHECK(with(words, both).special_id("cls_token") == 11);
  CHECK(with(words, both).pad_id() == 12);
  const ScratchFolder folder;
  with(words, both).save(folder / "");
  CHECK(io::load_tokenizer(folder / "").special_id("cls_token") == 11);
  const Files decoder = {{map_file, swapped}, {config_file, R"({"added_tokens_decoder":{}})"}};
  CHECK(with(words, decoder).encode("a") == Ids{2, 5, 3});
}

TEST_CASE("tokens that transformers would add to the vocabulary are refused") {
  const std::string remedy = "; transformers can save the whole as a tokenizer.json";
  const std::tuple<Files, std::string, std::string, std::string> cases[] = {
      {words, config_file, R"({"pad_token":"<pad>"})", "pad_token: \"<pad>\" is not in the vocab"},
      {words, map_file, R"({"pad_token":"<pad>"})", "pad_token: \"<pad>\" is not in the vocab"},
      {bytes, config_file, R"({"pad_token":{"content":"<pad>"}})", "\"<pad>\" is not in the"},
      {bytes, map_file, R"({"additional_special_tokens":["a","<x>"]})",
       "additional_special_tokens[1]: \"<x>\" is not in the vocabulary"},
      {bytes, added_file, R"({"<x>":7})", "\"<x>\" is not the vocabulary's token 7"},
      {bytes, config_file, R"({"added_tokens_decoder":{"3":{"content":"<b>"}}})",
       "\"<b>\" is not the vocabulary's token 3"},
      {whole, config_file, R"({"pad_token":"<pad>"})", "pad_token: \"<pad>\" is not in the vocab"},
      {whole, added_file, R"({"<pad>":5})", "\"<pad>\" is not the vocabulary's token 5"},
  };
  for (const auto& [tokenizer, file, content, reason] : cases) {
    INFO(content);
    CHECK_THROWS_WITH(with(tokenizer, {{file, content}}), ContainsSubstring(file) &&
                                                              ContainsSubstring(reason) &&
                                                              ContainsSubstring(remedy));
  }
  CHECK_THROWS_WITH(
      with(bytes, {{config_file, R"({"added_tokens_decoder":{"x":{"content":"a"}}})"}}),
      ContainsSubstring("\"x\" is no id of a token"));
}

TEST_CASE(
    "files of another class than they are read as, and options that change ids, are refused") {
  const std::tuple<Files, std::string, std::string> cases[] = {
      {words, R"({"tokenizer_class":"BertJapaneseTokenizer"})",
       "tokenizer_class: \"BertJapaneseTokenizer\" is not read from such files, but "
       "BertTokenizer, "},
      {words, R"({"tokenizer_class":"MPNetTokenizer"})",
       "\"MPNetTokenizer\" is not read from such files, but BertTokenizer, "},
      {bytes, R"({"tokenizer_class":"CLIPTokenizerFast"})", "but GPT2Tokenizer, RobertaTokenizer"},
      {bytes, R"({"add_eos_token":true})", "add_eos_token: is not supported here"},
      {whole, R"({"split_special_tokens":true})", "split_special_tokens: is not supported"},
  };
  for (const auto& [tokenizer, config, reason] : cases) {
    INFO(config);
    CHECK_THROWS_WITH(with(tokenizer, {{config_file, config}}), ContainsSubstring(reason));
  }
  for (const std::string name : {"BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer",
                                 "ConvBertTokenizer", "LxmertTokenizerFast"})
    CHECK(with(words, {{config_file, "{\"tokenizer_class\":\"" + name + "\"}"}}).encode("a") ==
          Ids{2, 5, 3});
}

TEST_CASE("a configuration that contradicts the normalizer of BERT's tokenizer.json is refused") {
  Json json = valid();
  json["normalizer"] = {
      {"type", "BertNormalizer"}, {"lowercase", true}, {"strip_accents", nullptr}};
  const Files tokenizer = {{"tokenizer.json", json.dump()}};
  const std::pair<const char*, const char*> refused[] = {
      {R"({"do_lower_case":false})", "do_lower_case: contradicts the normalizer's lowercase"},
      {R"({"tokenizer_class":"BertTokenizerFast","strip_accents":false})",
       "strip_accents: contradicts the normalizer's strip_accents of tokenizer.json, which is "
       "true"},
      {R"({"tokenize_chinese_chars":false})", "contradicts the normalizer's handle_chinese_chars"}};
  for (const auto& [config, reason] : refused) {
    INFO(config);
    CHECK_THROWS_WITH(with(tokenizer, {{config_file, config}}), ContainsSubstring(reason));
  }
  for (const std::string name : {"DistilBert", "Electra", "MobileBert", "SqueezeBert", "LayoutLM",
                                 "Lxmert", "Funnel", "MPNet", "Splinter"})
    CHECK_THROWS_WITH(with(tokenizer, {{config_file, "{\"tokenizer_class\":\"" + name +
                                                         "Tokenizer\",\"do_lower_case\":false}"}}),
                      ContainsSubstring("do_lower_case: contradicts the normalizer's lowercase"));
  for (const char* config :
       {R"({"tokenizer_class":"PreTrainedTokenizerFast","do_lower_case":false})",
        R"({"tokenizer_class":"ConvBertTokenizer","do_lower_case":false})",
        R"({"do_lower_case":true,"strip_accents":null})", R"({"strip_accents":true})"})
    CHECK(with(tokenizer, {{config_file, config}}).encode("AB") == Ids{2});

  json["normalizer"]["lowercase"] = false;
  const Files cased = {{"tokenizer.json", json.dump()}};
  CHECK_THROWS_WITH(
      with(cased, {{config_file, R"({"tokenizer_class":"BertTokenizer"})"}}),
      ContainsSubstring("do_lower_case is missing, which means true and contradicts"));
  for (const char* config : {"{}", R"({"tokenizer_class":"BertTokenizer","do_lower_case":false})",
                             R"({"tokenizer_class":"PreTrainedTokenizerFast"})"})
    CHECK_NOTHROW(with(cased, {{config_file, config}}));
}

TEST_CASE("a configuration that contradicts the byte-level pre-tokenizer of a file is refused") {
  Json json = valid();
  for (const bool prefix : {false, true})
    for (const bool nested : {false, true}) {
      json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", prefix}};
      if (nested)
        json["pre_tokenizer"] = {{"type", "Sequence"},
                                 {"pretokenizers", Json::array({json["pre_tokenizer"]})}};
      const Files tokenizer = {{"tokenizer.json", json.dump()}};
      const auto load = [&](const std::string& name, const std::string& option) {
        with(tokenizer, {{config_file, "{\"tokenizer_class\":\"" + name + "\"" + option + "}"}});
      };
      const std::string said = prefix ? "true" : "false", other = prefix ? "false" : "true";
      INFO("add_prefix_space " << said << ", nested " << nested);
      for (const std::string name :
           {"GPT2TokenizerFast", "RobertaTokenizer", "BartTokenizer", "LongformerTokenizer",
            "LEDTokenizer", "MvpTokenizer", "CodeGenTokenizer", "Qwen2Tokenizer"}) {
        CHECK_NOTHROW(load(name, ",\"add_prefix_space\":" + said));
        CHECK_THROWS_WITH(load(name, ",\"add_prefix_space\":" + other),
                          ContainsSubstring("add_prefix_space: contradicts the pre-tokenizer's"));
        if (prefix)
          CHECK_THROWS_WITH(load(name, ""), ContainsSubstring("is missing, which means false"));
        else
          CHECK_NOTHROW(load(name, ""));
      }
      CHECK_NOTHROW(load("PreTrainedTokenizerFast", ",\"add_prefix_space\":" + other));
    }
}
