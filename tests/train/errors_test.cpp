// Data, checkpoints, logs and reports refuse what does not fit by an error in their name, and
// change nothing: positions, models, files.
#include <attune/attune.h>

#include <cmath>
#include <limits>
#include <map>

#include "../refusals.h"
#include "../sanitized.h"
#include "../scratch.h"

using namespace attune;
using namespace attune::test;
using namespace attune::train;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t vast = std::numeric_limits<int64_t>::max(), huge = int64_t{1} << 50;

std::vector<int64_t> numbers(int64_t n) { return arange(n).to_vector<int64_t>(); }
TokenBatch batch_of(int64_t sequences) { return {whole(sequences, 4), whole(sequences, 4)}; }
Tensor no_model(const Tensor& tokens) { return zeros({tokens.size(0), tokens.size(1), 3}); }

std::map<std::string, double> content_of(const StateDict& state) {
  std::map<std::string, double> content;
  for (const auto& [name, array] : state)
    content[name] = Tensor(array).to(float64).sum().item<double>();
  return content;
}

struct Scene {
  ScratchFolder folder;
  nn::Linear model{2, 3}, wider{2, 4}, without_bias{2, 3, {.bias = false}};
  ShuffledIndices indices{10, 1};
  TokenStream stream{numbers(50), 2, 4, 1};
  LengthBatches lengths{{3, 1, 4, 1, 5}, 2, 1};
  Report report{"title"};
  Checkpoint checkpoint{folder / "c", {.warn = [](const std::string&) {}}};

  Scene() {
    indices.next(3);
    stream.next();
    lengths.next();
    checkpoint.add("model", model);
    checkpoint.add("data", indices);
    checkpoint.expect("seed", "1");
    checkpoint.save(5);
    write_all(folder / "file", "text");
  }

  auto content() const {
    return std::tuple(content_of(model.state_dict()), content_of(wider.state_dict()),
                      content_of(indices.state_dict()), content_of(stream.state_dict()),
                      content_of(lengths.state_dict()), report.html(), folder.content());
  }
};

Refusals of_batches(Scene& s) {
  const auto function = std::function<Tensor(const Tensor&)>(no_model);
  const auto loss = [](const TokenBatch& batch) { return no_model(batch.inputs).sum(); };
  return {
      value_error("ShuffledIndices", "0 items", [] { ShuffledIndices(0, 1); }),
      value_error("ShuffledIndices", "-5 items", [] { ShuffledIndices(-5, 1); }),
      memory_error("array", [] { ShuffledIndices(huge, 1); }),
      value_error("ShuffledIndices", "-1 items", [&] { s.indices.next(-1); }),
      memory_error("ShuffledIndices", [&] { s.indices.next(vast); }),
      value_error("ShuffledIndices", "epoch -1",
                  [&] {
                    s.indices.seek({-1, 0});
                  }),
      value_error("ShuffledIndices", "epoch 9223372036854775807",
                  [&] {
                    s.indices.seek({vast, 0});
                  }),
      value_error("ShuffledIndices", "item -1",
                  [&] {
                    s.indices.seek({0, -1});
                  }),
      value_error("ShuffledIndices", "item 11",
                  [&] {
                    s.indices.seek({0, 11});
                  }),
      value_error("ShuffledIndices", "item 12",
                  [&] {
                    s.stream.seek({0, 12});
                  }),
      value_error("TokenStream", "context is 0", [] { TokenStream(numbers(9), 2, 0, 1); }),
      value_error("TokenStream", "context is -3", [] { TokenStream(numbers(9), 2, -3, 1); }),
      value_error("TokenStream", "9 tokens", [] { TokenStream(numbers(9), 2, 9, 1); }),
      value_error("TokenStream", "0 tokens", [] { TokenStream({}, 2, 1, 1); }),
      value_error("TokenStream", "9 tokens", [] { TokenStream(numbers(9), 2, vast, 1); }),
      value_error("TokenStream", "batch is 0", [] { TokenStream(numbers(9), 0, 4, 1); }),
      value_error("TokenStream", "batch is -1", [] { TokenStream(numbers(9), -1, 4, 1); }),
      value_error("sequential_batches", "batch 0", [] { sequential_batches(numbers(9), 0, 4); }),
      value_error("sequential_batches", "context 0", [] { sequential_batches(numbers(9), 2, 0); }),
      value_error("batches", "batch is 0",
                  [] {
                    batches_by_length({1, 2}, 0);
                  }),
      value_error("batches", "batch is -2",
                  [] {
                    LengthBatches({1, 2}, -2, 1);
                  }),
      value_error("ShuffledIndices", "0 items", [] { LengthBatches({}, 2, 1); }),
      value_error("micro_batches", "0 parts", [] { micro_batches(batch_of(3), 0); }),
      value_error("micro_batches", "-1 parts", [] { micro_batches(batch_of(3), -1); }),
      value_error("micro_batches", "4 parts of 3", [] { micro_batches(batch_of(3), 4); }),
      value_error("micro_batches", "1 parts of 0", [] { micro_batches(batch_of(0), 1); }),
      shape_error("micro_batches", "[3, 4] with targets [2, 4]",
                  [] {
                    micro_batches({whole(3, 4), whole(2, 4)}, 2);
                  }),
      value_error("tensor", "undefined", [] { micro_batches({}, 1); }),
      value_error("accumulate_gradients", "no target in 0",
                  [=] { accumulate_gradients({}, loss); }),
      value_error("accumulate_gradients", "no target in 2",
                  [=] {
                    accumulate_gradients({batch_of(0), batch_of(0)}, loss);
                  }),
      value_error("accumulate_gradients", "empty", [] { accumulate_gradients({batch_of(2)}, {}); }),
      value_error("mean_loss", "no target in 0", [=] { mean_loss(function, {}); }),
      value_error("mean_loss", "empty", [] { mean_loss({}, {batch_of(2)}); }),
      index_error("cross_entropy",
                  [=] {
                    mean_loss(function, {{whole(2, 4), watched(full({2, 4}, 3, int64))}});
                  }),
      shape_error("cross_entropy",
                  [=] {
                    mean_loss(function, {{whole(2, 4), whole(2, 3)}});
                  }),
  };
}

// More than memory has; sanitizers end the program that asks for it.
Refusals of_memory(Scene& s) {
  if (sanitized) return {};
  return {
      memory_error("ShuffledIndices", "1125899906842624 items", [&] { s.indices.next(huge); }),
      memory_error("ShuffledIndices", [] { TokenStream(numbers(9), huge, 4, 1).next(); }),
  };
}

Refusals of_states(Scene& s) {
  const auto refused = [](auto& object, const char* says, std::function<void(StateDict&)> spoil) {
    return format_error("load_state_dict", says, [&object, spoil] {
      StateDict state = object.state_dict();
      spoil(state);
      object.load_state_dict(state);
    });
  };
  const auto put = [](const char* name, int64_t value) {
    return [=](StateDict& state) { state[name] = scalar_array(value); };
  };
  return {
      refused(s.indices, "items is missing", [](auto& state) { state.clear(); }),
      refused(s.indices, "epoch is missing", [](auto& state) { state.erase("epoch"); }),
      refused(s.indices, "items of the data is 10", put("items", 11)),
      refused(s.indices, "seed of the data is 1", put("seed", 2)),
      refused(s.indices, "item -1", put("item", -1)),
      refused(s.indices, "item 11", put("item", 11)),
      refused(s.indices, "epoch -1", put("epoch", -1)),
      refused(s.indices, "epoch 9223372036854775807", put("epoch", vast)),
      refused(s.indices, "other belongs to nothing", put("other", 1)),
      refused(s.indices, "epoch in the state of the data is undefined",
              [](auto& state) { state["epoch"] = Array(); }),
      refused(s.stream, "tokens of the data is", put("tokens", 1)),
      refused(s.stream, "batch of the data is 2", put("batch", 3)),
      refused(s.stream, "context of the data is 4", put("context", 5)),
      refused(s.stream, "context is missing", [](auto& state) { state.erase("context"); }),
      refused(s.lengths, "lengths of the data is", put("lengths", 1)),
      refused(s.lengths, "pool -1", put("pools", -1)),
      refused(s.lengths, "with -1 batches", put("ready", -1)),
      refused(s.lengths, "with 4 batches", put("ready", 4)),
      refused(s.lengths, "pools is missing", [](auto& state) { state.erase("pools"); }),
  };
}

Refusals of_texts() {
  const auto masked = [](MaskingOptions options) {
    return [=] { mask_tokens(whole(2, 4), options, {1, 0}); };
  };
  const MaskingOptions good{.mask_token = 1, .vocab_size = 3};
  const auto table = [](const char* text) { return io::parse_csv(text, "t.csv"); };
  const auto texts = LabelledTexts::from_csv(table("text,label\na,x\nb,y\n"));
  return {
      shape_error("mask_tokens", "[4]",
                  [=] {
                    mask_tokens(whole(4), good, {1, 0});
                  }),
      dtype_error("mask_tokens", "float64",
                  [=] {
                    mask_tokens(some(2, 4), good, {1, 0});
                  }),
      value_error("mask_tokens", "share is 0", masked({.vocab_size = 3, .share = 0})),
      value_error("mask_tokens", "share is 1.5", masked({.vocab_size = 3, .share = 1.5})),
      value_error("mask_tokens", "share is nan", masked({.vocab_size = 3, .share = nan})),
      value_error("mask_tokens", "mask_token 0 is outside a vocabulary of 0", masked({})),
      value_error("mask_tokens", "mask_token 3", masked({.mask_token = 3, .vocab_size = 3})),
      value_error("mask_tokens", "mask_token -1", masked({.mask_token = -1, .vocab_size = 3})),
      value_error("TokenCorpus", "10 tokens", [] { TokenCorpus(numbers(10)); }),
      value_error("TokenCorpus", "3 tokens", [] { CharCorpus("abc"); }),
      value_error("CharTokenizer", "empty", [] { CharCorpus(""); }),
      io_error("read", "/none", [] { CharCorpus::from_files({"/none"}); }),
      io_error("read", "not a regular file", [] { CharCorpus::from_files({"/"}); }),
      value_error("opening", "-1", [] { opening(CharCorpus("a text of some letters"), -1); }),
      format_error("csv", "no column is named \"text\"",
                   [=] { LabelledTexts::from_csv(table("words,label\na,x\n")); }),
      format_error("csv", "line 3: the label is empty",
                   [=] { LabelledTexts::from_csv(table("text,label\na,x\nb,\n")); }),
      format_error("csv", "line 3: the text is not UTF-8",
                   [=] { LabelledTexts::from_csv(table("text,label\na,x\nb\xE9,y\n")); }),
      format_error("csv", "line 2: the label is not UTF-8",
                   [=] { LabelledTexts::from_csv(table("text,label\na,\xE9\nb,y\n")); }),
      value_error("LabelledTexts", "t.csv has 2 rows with 1 different",
                  [=] { LabelledTexts::from_csv(table("text,label\na,x\nb,x\n")); }),
      value_error("LabelledTexts", "2 texts", [=] { texts.split(0, 1); }),
      value_error("LabelledTexts", "2 texts", [=] { texts.split(1, 1); }),
      value_error("LabelledTexts", "nan", [=] { texts.split(nan, 1); }),
  };
}

Refusals of_reports(Scene& s) {
  const auto heads = [](std::vector<AttentionMap> maps) { return maps; };
  return {
      value_error("training", "the training loss is NaN at step 3",
                  [] { require_finite({.step = 3, .train_loss = nan}); }),
      value_error("training", "validation loss is infinite",
                  [] { require_finite({.val_loss = HUGE_VAL}); }),
      shape_error("Report::attention", "3 weights",
                  [&] {
                    s.report.attention({"a", "b"}, heads({{.weights = {1, 2, 3}}}));
                  }),
      shape_error("Report::attention",
                  [&] {
                    s.report.cross_attention({"a"}, {"b", "c"}, heads({{.weights = {1}}}));
                  }),
      shape_error("Report::chart", "2 x and 1 y",
                  [&] {
                    s.report.chart({.title = "t", .series = {{"s", {1, 2}, {1}}}});
                  }),
      io_error("write", "/none/", [&] { s.report.write(s.folder / "none/report.html"); }),
      io_error("write", [&] { s.report.write(s.folder / "file/report.html"); }),
      io_error("write", [&] { s.report.write(s.folder / "c"); }),
      value_error("Progress", "total is 0", [] { Progress(0); }),
      value_error("Progress", "total is -1", [] { Progress(-1); }),
      value_error("Progress", "first is 4", [] { Progress(3, {.first = 4}); }),
      value_error("Progress", "first is -1", [] { Progress(3, {.first = -1}); }),
      io_error("run log", "none", [&] { RunLog log(s.folder / "none/log.jsonl"); }),
      io_error("run log", [&] { RunLog log(s.folder / "c"); }),
      io_error("run log", [&] { RunLog log(std::string(300, 'x'), 3); }),
      io_error("make_folder", [&] { Run(s.folder / "file", 5, s.report); }),
      io_error("make_folder", [&] { Run(s.folder / "file/run", 5, s.report); }),
      io_error("make_folder", [&] { Run("", 5, s.report); }),
      value_error("StopSignal", "one already",
                  [] {
                    const StopSignal first;
                    const StopSignal second;
                  }),
  };
}

Refusals of_checkpoints(Scene& s) {
  // Another program's checkpoint in the scene's folder.
  const auto other = [&](auto use) {
    return [&s, use] {
      Checkpoint checkpoint(s.folder / "c");
      use(checkpoint);
    };
  };
  const auto load = [&](const char* says, auto prepare) {
    return format_error("Checkpoint", says, other([prepare](Checkpoint& c) {
                          prepare(c);
                          c.load_newest();
                        }));
  };
  return {
      value_error("Checkpoint", "keep_last is 0",
                  [&] { Checkpoint(s.folder / "c", {.keep_last = 0}); }),
      value_error("Checkpoint", "keep_last is -1",
                  [&] { Checkpoint(s.folder / "c", {.keep_last = -1}); }),
      value_error("Checkpoint", "\"\" cannot name", [&] { s.checkpoint.add("", s.model); }),
      value_error("Checkpoint", "\"a.b\" cannot name", [&] { s.checkpoint.add("a.b", s.model); }),
      value_error("Checkpoint", "\"model\" already", [&] { s.checkpoint.add("model", s.model); }),
      value_error("Checkpoint", "\"seed\" already", [&] { s.checkpoint.expect("seed", "2"); }),
      value_error("Checkpoint", "step -1", [&] { s.checkpoint.save(-1); }),
      value_error("Checkpoint", "has step 5, later than 4",
                  other([](Checkpoint& c) { c.save(4); })),
      load("\"data\" that was not added",
           [&s](Checkpoint& c) {
             c.add("model", s.model);
             c.expect("seed", "1");
           }),
      load("unknown bias",
           [&s](Checkpoint& c) {
             c.add("model", s.without_bias);
             c.add("data", s.indices);
             c.expect("seed", "1");
           }),
      load("weight is [3, 2], the module takes [4, 2]",
           [&s](Checkpoint& c) {
             c.add("model", s.wider);
             c.add("data", s.indices);
             c.expect("seed", "1");
           }),
      load("seed is 2 now and was 1", [](Checkpoint& c) { c.expect("seed", "2"); }),
      load("seed is not set now and was 1", [](Checkpoint&) {}),
      io_error("Checkpoint", [&] { Checkpoint(s.folder / "file").save(1); }),
      io_error("Checkpoint", [&] { Checkpoint(s.folder / "file").load_newest(); }),
      io_error("Checkpoint", [&] { Checkpoint(s.folder / "file/c").list(); }),
      io_error("Checkpoint", "could not be saved", [] { Checkpoint("").save(1); }),
      io_error("Checkpoint", [] { Checkpoint("/proc/none").save(1); }),
      io_error("Checkpoint", [] { Checkpoint(std::string(300, 'x')).load_newest(); }),
  };
}

}  // namespace

TEST_CASE("what surrounds training refuses bad input in its name, and stays what it is") {
  Scene scene;
  check_refusals("training",
                 {of_batches(scene), of_memory(scene), of_states(scene), of_texts(),
                  of_reports(scene), of_checkpoints(scene)},
                 [&] { return scene.content(); });
}
