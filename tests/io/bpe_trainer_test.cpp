#include <attune/array.h>
#include <attune/io.h>

#include <nlohmann/json.hpp>

#include "../catch.h"
#include "../scratch.h"

using namespace attune;

namespace {

const std::string folder = ATTUNE_TEST_DATA "/tokenizers/";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

nlohmann::json model_of(const std::string& path) {
  return nlohmann::json::parse(io::read_file(path))["model"];
}

}  // namespace

// golden_tokenizers.py trains gpt2 and roberta on the same lines.
TEST_CASE("training gives the vocabulary and the merges of the library") {
  const std::vector<std::string> lines = lines_of(io::read_file(folder + "text.txt"));
  struct Case {
    const char* name;
    io::BpeTrainerOptions options;
  };
  const Case cases[] = {
      {"gpt2", {.vocab_size = 420, .special_tokens = {"<|endoftext|>"}}},
      {"roberta",
       {.vocab_size = 420,
        .special_tokens = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"},
        .add_prefix_space = true}},
  };
  for (const auto& [name, options] : cases) {
    INFO(name);
    const ScratchFolder scratch;
    io::train_bpe(lines, options).save(scratch / "");
    const auto ours = model_of(scratch / "tokenizer.json");
    const auto theirs = model_of(folder + name + ".json");
    CHECK(ours["vocab"] == theirs["vocab"]);
    CHECK(ours["merges"] == theirs["merges"]);
  }
}

TEST_CASE("a trained tokenizer encodes any text and knows its special tokens") {
  const io::Tokenizer tokenizer =
      io::train_bpe({"low lower lowest", "new newer"}, {.special_tokens = {"<end>"}});
  CHECK(tokenizer.encode("<end>") == std::vector<int64_t>{0});
  const std::string text = "lower and newest \U0001F44D\n";
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  CHECK(tokenizer.encode(" lowest").size() == 1);

  const ScratchFolder scratch;
  tokenizer.save(scratch / "");
  CHECK(io::load_tokenizer(scratch / "").encode(text) == tokenizer.encode(text));
}

TEST_CASE("limits of training") {
  const auto size = [](const std::vector<std::string>& texts, io::BpeTrainerOptions options) {
    return io::train_bpe(texts, options).size();
  };
  CHECK(size({}, {}) == 256);
  CHECK(size({"abab abab"}, {.all_bytes = false}) == 3 + 3);  // Ġ a b; ab abab Ġabab
  CHECK(size({"abab abab"}, {.min_frequency = 3, .all_bytes = false}) == 3 + 1);
  CHECK(size({"abab abab"}, {.vocab_size = 4, .all_bytes = false}) == 4);
  CHECK(size({std::string(100'000, 'a')}, {.vocab_size = 260}) == 260);
  CHECK_THROWS_AS(size({"a"}, {.vocab_size = 0}), ValueError);
  CHECK_THROWS_AS(size({"a"}, {.min_frequency = -1}), ValueError);
  CHECK_THROWS_AS(size({"a"}, {.special_tokens = {""}}), ValueError);
}
