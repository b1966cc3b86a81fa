// How attention learns to copy. A Transformer of two attention layers and nothing else reads random
// letters that at some point begin to repeat; from there on, each next letter can be known.
// Training finds the circuit of Olsson et al. 2022 (In-context Learning and Induction Heads): a
// head of layer 0 looks at the letter before, which tells every position what precedes it; then
// heads of layer 1 look for the position that is preceded by the letter being read, and copy what
// stands there.

#include "program.h"

using namespace attune;

constexpr int64_t letters = 26, length = 28, width = 128, heads = 4, layers = 2, batch = 32;

struct AttentionOnly : nn::Module {
  nn::Embedding letter = child("letter", nn::Embedding(letters, width));
  nn::Embedding position = child("position", nn::Embedding(length, width));
  std::vector<nn::LayerNorm> norm =
      children("norm", layers, [](int64_t) { return nn::LayerNorm(width); });
  std::vector<nn::MultiHeadAttention> attention = children("attention", layers, [](int64_t) {
    return nn::MultiHeadAttention({.embed_dim = width, .num_heads = heads});
  });
  nn::LayerNorm norm_out = child("norm_out", nn::LayerNorm(width));
  nn::Linear unembed = child("unembed", nn::Linear(width, letters));

  // tokens: int64 [B, T] -> logits [B, T, letters].
  Tensor operator()(const Tensor& tokens) const {
    Tensor x = letter(tokens) + position(arange(tokens.size(1)));
    for (size_t layer = 0; layer < layers; ++layer)
      x = x + attention[layer](norm[layer](x), Mask::causal());
    return unembed(norm_out(x));
  }
};

int64_t draw(int64_t low, int64_t high) { return randint(low, high + 1, {}).item<int64_t>(); }

// length + 1 letters: `fresh` random ones, none twice; from there on the last `period` repeat.
std::vector<int64_t> sequence(int64_t fresh, int64_t period) {
  auto tokens = randperm(letters).to_vector<int64_t>();
  tokens.resize(static_cast<size_t>(fresh));
  while (tokens.size() <= length)
    tokens.push_back(tokens[tokens.size() - static_cast<size_t>(period)]);
  return tokens;
}

train::TokenBatch as_batch(const std::vector<std::vector<int64_t>>& sequences) {
  std::vector<int64_t> all;
  for (const auto& tokens : sequences) all.insert(all.end(), tokens.begin(), tokens.end());
  const Tensor rows = tensor(all, {static_cast<int64_t>(sequences.size()), length + 1});
  return {rows.narrow(1, 0, length), rows.narrow(1, 1, length)};
}

// Where the repetition begins and how far it reaches back differ from one sequence to the next. If
// they did not, a head could copy by counting positions and would not have to read.
train::TokenBatch training_batch() {
  std::vector<std::vector<int64_t>> sequences;
  for (int64_t i = 0; i < batch; ++i) {
    const int64_t fresh = draw(4, length - 4);
    sequences.push_back(sequence(fresh, std::min(fresh, draw(4, length))));
  }
  return as_batch(sequences);
}

// What is measured, always on the same unseen sequences: a random half, and the same half again.
struct Measurement {
  double first_half = 0, second_half = 0;      // loss in nats; even guessing gives log 26 = 3.26
  double previous_token = 0, induction = 0;    // of the strongest head in layer 0, in layer 1
  std::vector<train::AttentionMap> maps = {};  // over the first sequence
};

Measurement measure(const AttentionOnly& model, const train::TokenBatch& test) {
  NoGrad no_grad;
  constexpr int64_t half = length / 2;
  const Tensor logits = model(test.inputs);
  const auto loss = [&](int64_t start, int64_t count) {
    const Tensor part = flatten(logits.narrow(1, start, count), 0, 1);
    return cross_entropy(part, flatten(test.targets.narrow(1, start, count))).item<double>();
  };
  // The last letter of the first half is followed by the repetition, which nobody can foresee.
  Measurement now{.first_half = loss(0, half - 1), .second_half = loss(half, half)};

  const Tensor first = test.inputs.narrow(0, 0, 1);
  const std::vector<int64_t> tokens = first.contiguous().to_vector<int64_t>();
  const AttentionRecorder recorder;
  model(first);
  now.maps = train::attention_maps(recorder.records(), tokens);
  for (const auto& head : train::head_profiles(recorder.records()[0], tokens))
    now.previous_token = std::max(now.previous_token, head.previous_token);
  for (const auto& head : train::head_profiles(recorder.records()[1], tokens))
    now.induction = std::max(now.induction, head.induction);
  return now;
}

void add_point(train::Series& series, int64_t step, double value) {
  series.x.push_back(static_cast<double>(step));
  series.y.push_back(value);
}

std::string letter_of(int64_t token) { return std::string(1, static_cast<char>('A' + token)); }

void write_report(const std::string& path, const CLI::App& app, const Measurement& now,
                  const train::TokenBatch& test, const std::vector<train::Chart>& charts) {
  train::Report report(
      "How attention learns to copy",
      "Two layers of attention and nothing else read random letters that begin to repeat. To know "
      "what comes next, they have to find where the same letter stood before.");
  add_settings(report, app);
  report.tile("Loss, repeated half", fmt::format("{:.3f}", now.second_half),
              "nats a letter; each can be known");
  report.tile("Loss, random half", fmt::format("{:.3f}", now.first_half),
              "nats a letter; even guessing gives 3.26");
  report.tile("Previous token", fmt::format("{:.0f} %", 100 * now.previous_token),
              "of the attention of the strongest such head of layer 0");
  report.tile("Induction", fmt::format("{:.0f} %", 100 * now.induction),
              "of the attention of the strongest such head of layer 1");
  for (const train::Chart& chart : charts) report.chart(chart);
  std::vector<std::string> tokens;
  for (int64_t t = 0; t < length; ++t)
    tokens.push_back(letter_of(test.inputs.select(0, 0).select(0, t).item<int64_t>()));
  report.attention(tokens, now.maps, "What the heads look at",
                   "The sequence is unseen: 14 random letters, and the same 14 again.");
  report.write(path);
}

void learn(int64_t steps, uint64_t seed, const std::string& out, const CLI::App& app) {
  manual_seed(seed);
  const std::string page = out + "/report.html";
  io::make_folder(out);
  io::check_writable(page);  // what cannot be written to is noticed before the training
  std::vector<std::vector<int64_t>> halves;
  for (int i = 0; i < 64; ++i) halves.push_back(sequence(length / 2, length / 2));
  const train::TokenBatch test = as_batch(halves);
  train::Chart losses{.title = "Loss on the two halves of a sequence",
                      .note =
                          "The first half is random; the second repeats it. Only what was read "
                          "before tells the two apart.",
                      .y_label = "nats a letter",
                      .series = {{"random half", {}, {}}, {"repeated half", {}, {}}}};
  train::Chart scores{
      .title = "The heads behind it",
      .note =
          "How much of its attention the strongest head of a layer gives to the "
          "letter before, and to what followed the same letter before. The first "
          "has to be there for the second to work.",
      .y_label = "share of the attention",
      .series = {{"previous-token head, layer 0", {}, {}}, {"induction head, layer 1", {}, {}}}};

  const AttentionOnly model;
  optim::AdamW optimizer(model.parameters(),
                         {.lr = 3e-3, .betas = {0.9, 0.99}, .weight_decay = 0.1});
  const auto schedule = optim::warm_up(50, optim::constant_lr(3e-3));
  fmt::print(
      "        loss of the half that is    strongest head for\n"
      " step   random   repeated           previous token   induction\n");
  Measurement now;
  for (int64_t step = 0;; ++step) {
    if (step % 20 == 0 || step == steps) {
      now = measure(model, test);
      add_point(losses.series[0], step, now.first_half);
      add_point(losses.series[1], step, now.second_half);
      add_point(scores.series[0], step, now.previous_token);
      add_point(scores.series[1], step, now.induction);
      fmt::print("{:5} {:8.3f} {:10.3f} {:16.0f} %{:>11.0f} %\n", step, now.first_half,
                 now.second_half, 100 * now.previous_token, 100 * now.induction);
      std::fflush(stdout);
    }
    if (step == steps) break;
    optim::apply(schedule, step, optimizer);
    const auto [inputs, targets] = training_batch();
    const Tensor loss = cross_entropy(flatten(model(inputs), 0, 1), flatten(targets));
    optimizer.zero_grad();
    loss.backward();
    optim::clip_grad_norm_(model.parameters(), 1.0);
    optimizer.step();
  }
  write_report(page, app, now, test, {losses, scores});
  fmt::print("\n{}\nthe heat maps and curves are in {}\n", train::describe_heads(now.maps), page);
}

int main(int argc, char** argv) {
  std::string out = "out/heads";
  int64_t steps = 600;
  uint64_t seed = 0;
  int threads = num_threads();
  CLI::App app("Shows how previous-token and induction heads appear while a model learns to copy.",
               "heads");
  add_option(app, "--out", out, "folder for report.html");
  add_option(app, "--steps", steps, "training steps", at_least(1));
  add_option(app, "--seed", seed, "of the weights and the letters", at_least(0));
  add_option(app, "--threads", threads, "results do not depend on them", between(1, 1024));
  return run_program(app, argc, argv, [&] {
    set_num_threads(threads);
    learn(steps, seed, out, app);
  });
}
