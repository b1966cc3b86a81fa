// Against the tokenizers library: scripts/golden_tokenizers.py wrote the files and what to expect.

#include <attune/array.h>
#include <attune/io.h>

#include <nlohmann/json.hpp>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

using Json = nlohmann::json;
using Ids = std::vector<int64_t>;

const std::string folder = ATTUNE_TEST_DATA "/tokenizers";

const Json& golden() {
  static const Json read = Json::parse(io::read_file(folder + "/cases.json"));
  return read;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

const std::vector<std::string>& texts() {
  static const auto read = [] {
    std::vector<std::string> all;
    for (const std::string hex : golden()["texts"]) all.push_back(from_hex(hex));
    return all;
  }();
  return read;
}

io::Tokenizer load(const std::string& name) {
  return io::load_tokenizer(folder + "/" + name + ".json");
}

Ids ends(const std::vector<io::Span>& spans) {
  Ids numbers;
  for (const io::Span& span : spans) {
    numbers.push_back(static_cast<int64_t>(span.begin));
    numbers.push_back(static_cast<int64_t>(span.end));
  }
  return numbers;
}

Ids last(Ids ids, size_t count) {
  if (ids.size() > count) ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(count));
  return ids;
}

std::string streamed(const io::Tokenizer& tokenizer, const Ids& ids) {
  io::StreamDecoder decoder(tokenizer);
  std::string text;
  for (const int64_t id : ids) text += decoder.next(id);
  return text + decoder.finish();
}

}  // namespace

TEST_CASE("every kind of tokenizer encodes and decodes as the library does") {
  for (const auto& [name, cases] : golden()["tokenizers"].items()) {
    const io::Tokenizer tokenizer = load(name);
    REQUIRE(cases.size() == texts().size());
    for (size_t i = 0; i < cases.size(); ++i) {
      const Json& expected = cases[i];
      INFO(name << ": text " << i << ": " << texts()[i]);
      const Ids ids = tokenizer.encode(texts()[i]);
      CHECK(ids == expected["ids"].get<Ids>());
      CHECK(tokenizer.encode(texts()[i], {.add_special_tokens = false}).size() ==
            expected["bare"].get<size_t>());
      const io::Encoding pair = tokenizer(texts()[i], texts()[i > 0 ? i - 1 : texts().size() - 1]);
      CHECK(last(pair.ids, 8) == expected["pair"].get<Ids>());
      CHECK(last(pair.type_ids, 8) == expected["types"].get<Ids>());
      const io::Encoding traced = tokenizer(texts()[i], {.offsets = true});
      CHECK(traced.ids == ids);
      if (!expected["offsets"].is_null())
        CHECK(ends(traced.offsets) == expected["offsets"].get<Ids>());
      CHECK(tokenizer.decode(ids) == expected["text"].get<std::string>());
      CHECK(tokenizer.decode(ids, false) == expected["all_text"].get<std::string>());
      CHECK(streamed(tokenizer, ids) == expected["text"].get<std::string>());
    }
  }
}

TEST_CASE("tokens and ids") {
  const io::Tokenizer gpt2 = load("gpt2");
  CHECK(gpt2.token(0) == "<|endoftext|>");
  CHECK(gpt2.id("<|endoftext|>") == 0);
  CHECK_FALSE(gpt2.id("absent"));
  for (int64_t id = 0; id < gpt2.size(); ++id) CHECK(gpt2.id(gpt2.token(id)) == id);
  CHECK_THROWS_AS(gpt2.token(-1), IndexError);
  CHECK_THROWS_AS(gpt2.token(gpt2.size()), IndexError);
  CHECK_THROWS_AS(gpt2.decode({0, gpt2.size()}), IndexError);
}

TEST_CASE("tokens that are put in are marked and stand for no bytes") {
  const io::Encoding encoding = load("bert_uncased")("Ja, mean", {.offsets = true});
  CHECK(encoding.special.front());
  CHECK(encoding.special.back());
  CHECK(encoding.offsets.front() == io::Span{0, 0});
  CHECK(std::count(encoding.special.begin(), encoding.special.end(), true) == 2);
  CHECK(encoding.type_ids == Ids(encoding.ids.size(), 0));
}

TEST_CASE("truncation keeps max_length tokens, special ones included") {
  using enum io::Truncation;
  const io::Tokenizer bert = load("bert_uncased");
  const std::string three = "the next token", five = "reads the sentence , reads";
  const auto plain = [&](const std::string& text) {
    return static_cast<int64_t>(bert.encode(text, {.add_special_tokens = false}).size());
  };
  const int64_t a = plain(three), b = plain(five);
  REQUIRE(a < b);
  const auto lengths = [&](io::EncodeOptions options) {
    const io::Encoding encoding = bert(three, five, options);
    const auto second = std::count(encoding.type_ids.begin(), encoding.type_ids.end(), 1) - 1;
    return std::pair(static_cast<int64_t>(encoding.ids.size()) - second - 3,
                     static_cast<int64_t>(second));
  };
  CHECK(lengths({.max_length = a + b + 3}) == std::pair(a, b));
  CHECK(lengths({.max_length = a + b + 2}) == std::pair(a, b - 1));
  CHECK(lengths({.max_length = 3 + 5}) == std::pair(int64_t{2}, int64_t{3}));
  CHECK(lengths({.max_length = 3}) == std::pair(int64_t{0}, int64_t{0}));
  CHECK(lengths({.max_length = a + b + 2, .truncation = only_first}) == std::pair(a - 1, b));
  CHECK(lengths({.max_length = a + b + 1, .truncation = only_second}) == std::pair(a, b - 2));
  CHECK_THROWS_AS(lengths({.max_length = 2}), ValueError);
  CHECK_THROWS_AS(lengths({.max_length = b + 3, .truncation = only_first}), ValueError);
  CHECK_THROWS_AS(bert(five, {.max_length = 3, .truncation = only_second}), ValueError);

  const Ids all = bert.encode(five, {.add_special_tokens = false});
  const io::EncodeOptions left{
      .add_special_tokens = false, .max_length = 2, .truncation_side = io::Side::left};
  CHECK(bert.encode(five, left) == Ids(all.end() - 2, all.end()));
}

TEST_CASE("a batch is padded to its longest text") {
  const io::Tokenizer bert = load("bert_uncased");
  const std::vector<std::string> batch_texts = {"the next token of the sentence", "the"};
  const io::Batch batch = bert.encode_batch(batch_texts, {.pad_to_multiple_of = 8});
  const Ids first = bert.encode(batch_texts[0]), second = bert.encode(batch_texts[1]);
  CHECK(batch.lengths ==
        Ids{static_cast<int64_t>(first.size()), static_cast<int64_t>(second.size())});
  const int64_t width = batch.ids.size(1);
  CHECK(width % 8 == 0);
  const auto* row = batch.ids.array().data<int64_t>();
  CHECK(std::equal(first.begin(), first.end(), row));
  CHECK(std::equal(second.begin(), second.end(), row + width));
  CHECK(row[2 * width - 1] == bert.pad_id());
  CHECK(batch.type_ids.shape() == batch.ids.shape());

  const io::Batch pairs = bert.encode_pairs(batch_texts, {"one", "two"});
  CHECK(pairs.lengths[0] == static_cast<int64_t>(bert(batch_texts[0], "one").ids.size()));
  CHECK_THROWS_AS(bert.encode_pairs(batch_texts, {"one"}), ValueError);
  CHECK(bert.encode_batch({}).ids.shape() == Shape{0, 0});
}

TEST_CASE("a stream holds back what is not a character yet") {
  const io::Tokenizer gpt2 = load("gpt2");
  io::StreamDecoder decoder(gpt2);
  const Ids bytes = {*gpt2.id("ð"), *gpt2.id("Ł"), *gpt2.id("ĳ"), *gpt2.id("į")};  // 👍, F0 9F 91 8D
  CHECK(decoder.next(bytes[0]).empty());
  CHECK(decoder.next(bytes[1]).empty());
  CHECK(decoder.next(bytes[2]).empty());
  CHECK(decoder.next(bytes[3]) == "\U0001F44D");
  CHECK(decoder.next(bytes[0]).empty());
  CHECK(decoder.finish() == "\uFFFD");
  CHECK_THROWS_AS(decoder.next(gpt2.size()), IndexError);

  const int64_t special = *gpt2.id("<|endoftext|>");
  CHECK(streamed(gpt2, {bytes[0], bytes[1], special, bytes[2], bytes[3]}) == "\U0001F44D");
}

TEST_CASE("StreamDecoder does not wait for ever for a whole character") {
  for (const char* name : {"gpt2", "llama2"}) {
    INFO(name);
    const io::Tokenizer tokenizer = load(name);
    const int64_t middle = *tokenizer.id(name == std::string("gpt2") ? "Ł" : "<0x9F>");
    const Ids ids(300, middle);
    io::StreamDecoder decoder(tokenizer);
    std::string text;
    for (const int64_t id : ids) text += decoder.next(id);
    const std::string whole = tokenizer.decode(ids);
    CHECK(text.size() + 64 * 3 > whole.size());
    CHECK(text + decoder.finish() == whole);

    // Characters that look like what stands for half of one.
    std::string replaced = "a";
    for (int i = 0; i < 100; ++i) replaced += "\uFFFD";
    const Ids characters = tokenizer.encode(replaced + "b");
    CHECK(streamed(tokenizer, characters) == tokenizer.decode(characters));
  }
}

TEST_CASE("long words take no longer than their length allows") {
  for (const char* name : {"gpt2", "llama2", "bert_cased"}) {
    const io::Tokenizer tokenizer = load(name);
    std::string text;
    while (text.size() < 300'000) text += "sentence";
    const Ids ids = tokenizer.encode(text);
    INFO(name);
    CHECK(ids.size() < text.size() / 2);
    CHECK(tokenizer.encode(std::string(100'000, ' ') + "\xCC\x81").size() > 0);
  }
}

TEST_CASE("CharTokenizer is a tokenizer") {
  const auto characters = io::CharTokenizer::from_text("hé\xFF");
  const io::Tokenizer& tokenizer = characters;
  CHECK(tokenizer.size() == 3);
  CHECK(tokenizer.decode(tokenizer.encode("\xFFéh")) == "\xFFéh");
  CHECK(tokenizer("éh", {.offsets = true}).offsets == std::vector<io::Span>{{0, 2}, {2, 3}});
  CHECK(tokenizer.encode("hhh", {.max_length = 2}).size() == 2);
  CHECK_THROWS_AS(tokenizer.encode("x"), ValueError);
  CHECK_THROWS_AS(tokenizer.decode({3}), IndexError);
  CHECK_THROWS_AS(tokenizer.save("/tmp"), ValueError);
  CHECK_THROWS_AS(io::CharTokenizer::from_text(""), ValueError);
  CHECK_THROWS_AS(io::CharTokenizer({"a", ""}), FormatError);
  CHECK_THROWS_AS(io::CharTokenizer({"a", "a"}), FormatError);
  CHECK(io::CharTokenizer({"b", "a"}).vocabulary() == std::vector<std::string>{"b", "a"});
}
