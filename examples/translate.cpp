// An encoder–decoder Transformer learns to translate, from nothing: dates as people write them into
// the form of ISO 8601, letter by letter. "Thursday, 3 May 1979" becomes "1979-05-03", and where
// the decoder looks while it writes shows how.

#include <algorithm>

#include "dates.h"
#include "program.h"

using namespace attune;

struct Options {
  std::string out = "out/translate";
  int64_t steps = 1200, batch = 64, dim = 64, heads = 4, layers = 2;
  double lr = 2e-3;
  uint64_t seed = 0;
  int threads = num_threads();
  std::vector<std::string> dates{"Thursday, 3 May 1979", "the 21st of December 2012", "7/4/1976"};
};

// --- 1. The data. Sources differ in length: each is filled up, and a mask hides the filling. ---

const std::string begin = "^", end = "$";
const io::CharTokenizer characters = io::CharTokenizer::from_text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ,./-" + begin + end);

struct Sources {
  Tensor tokens;  // int64 [B, longest]
  Mask mask;      // hides the filling
};

Sources encode(const std::vector<std::string>& texts) {
  std::vector<int64_t> lengths, tokens;
  for (const std::string& text : texts) lengths.push_back(static_cast<int64_t>(text.size()));
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const auto padding = [&](const std::string& text) {
    return std::string(static_cast<size_t>(longest) - text.size(), end[0]);
  };
  for (const std::string& text : texts)
    for (int64_t token : characters.encode(text + padding(text))) tokens.push_back(token);
  return {tensor(tokens, {static_cast<int64_t>(texts.size()), longest}), Mask::padding(lengths)};
}

struct Batch {
  Sources sources;
  Tensor targets;  // int64 [B, 12]: begin, ten characters, end
};

Batch make_batch(const std::vector<DatePair>& pairs) {
  std::vector<std::string> written, iso;
  for (const DatePair& pair : pairs) {
    written.push_back(pair.written);
    iso.push_back(begin + pair.iso + end);
  }
  return {encode(written), encode(iso).tokens};
}

// --- 2. The model. The encoder reads the source; the decoder reads what is written so far, looks
// at what the encoder made of the source, and says which character comes next. ---

struct Translator : nn::Module {
  explicit Translator(const Options& o)
      : embedding(child("embedding", nn::Embedding(characters.size(), o.dim))),
        positions(child("positions", nn::SinusoidalPositionalEncoding(o.dim, 64))),
        transformer(child("transformer", nn::Transformer({.d_model = o.dim,
                                                          .nhead = o.heads,
                                                          .num_encoder_layers = o.layers,
                                                          .num_decoder_layers = o.layers,
                                                          .dim_feedforward = 4 * o.dim,
                                                          .dropout = 0,
                                                          .norm_first = true}))),
        out(child("out", nn::Linear(o.dim, characters.size()))) {}

  Tensor read(const Sources& sources) const {
    return transformer.encoder(positions(embedding(sources.tokens)), sources.mask);
  }
  // written: int64 [B, T] -> logits [B, T, characters]. A position sees what stands before it only.
  Tensor write(const Tensor& written, const Tensor& memory, const Mask& memory_mask) const {
    return out(
        transformer.decoder(positions(embedding(written)), memory, Mask::causal(), memory_mask));
  }

  nn::Embedding embedding;
  nn::SinusoidalPositionalEncoding positions;
  nn::Transformer transformer;
  nn::Linear out;
};

// --- 3. Learning: shown the right answer so far, the decoder is asked for its next character. ---

Tensor loss_of(const Translator& model, const Batch& batch) {
  const int64_t length = batch.targets.size(1) - 1;
  const Tensor before = batch.targets.narrow(1, 0, length);
  const Tensor next = batch.targets.narrow(1, 1, length);
  const Tensor logits = model.write(before, model.read(batch.sources), batch.sources.mask);
  return cross_entropy(flatten(logits, 0, 1), flatten(next));
}

void learn(const Translator& model, Dates& dates, const Options& o, train::Report& report) {
  optim::AdamW optimizer(model.parameters(), {.lr = o.lr});
  const int64_t rise = o.steps / 20;
  const auto schedule = optim::warm_up(rise, optim::cosine_lr(o.lr, o.lr / 100, o.steps - rise));
  const Batch validation = make_batch(dates.held_out(256));
  train::RunLog log(o.out + "/log.jsonl");
  train::Progress progress(o.steps, {.label = "learning"});
  for (int64_t step = 0; step < o.steps; ++step) {
    optim::apply(schedule, step, optimizer);
    const Tensor loss = loss_of(model, make_batch(dates.known(o.batch)));
    optimizer.zero_grad();
    loss.backward();
    optim::clip_grad_norm_(model.parameters(), 1.0);
    optimizer.step();

    train::Metrics metrics{
        .step = step + 1, .train_loss = loss.item<double>(), .lr = optimizer.lr()};
    if ((step + 1) % 100 == 0 || step + 1 == o.steps) {
      NoGrad no_grad;
      metrics.val_loss = loss_of(model, validation).item<double>();
    }
    log.write(metrics);
    report.point(metrics);
    train::require_finite(metrics);
    progress.update(step + 1, fmt::format("loss {:.4f}", *metrics.train_loss));
  }
  progress.finish();
}

// --- 4. Translating: from `begin` on, the likeliest character is written and read again. ---

std::vector<std::string> translate(const Translator& model, const std::vector<std::string>& texts) {
  NoGrad no_grad;
  const Sources sources = encode(texts);
  const Tensor memory = model.read(sources);
  const auto n = static_cast<int64_t>(texts.size());
  Tensor written = full({n, 1}, static_cast<double>(characters.encode(begin)[0]), int64);
  for (int i = 0; i < 11; ++i) {
    const Tensor logits = model.write(written, memory, sources.mask);
    written = cat({written, argmax(logits.select(1, -1), -1, true)}, 1);
  }
  std::vector<std::string> answers;
  for (int64_t b = 0; b < n; ++b) {
    const std::string text = characters.decode(written.select(0, b).to_vector<int64_t>());
    answers.push_back(text.substr(1, text.find(end) - 1));
  }
  return answers;
}

// The share of answers that are right in every character.
double exact_matches(const Translator& model, const std::vector<DatePair>& pairs) {
  std::vector<std::string> written;
  for (const DatePair& pair : pairs) written.push_back(pair.written);
  const std::vector<std::string> answers = translate(model, written);
  int64_t right = 0;
  for (size_t i = 0; i < pairs.size(); ++i) right += answers[i] == pairs[i].iso;
  return static_cast<double>(right) / static_cast<double>(pairs.size());
}

// --- 5. What it looks at while it writes: one picture for each head of each decoder layer. ---

void show_alignment(const Translator& model, const std::string& date, train::Report& report) {
  NoGrad no_grad;
  const std::string answer = translate(model, {date})[0];
  const Sources source = encode({date});
  const Tensor memory = model.read(source);
  const AttentionRecorder recorder;
  // The row that reads one character writes the next.
  model.write(encode({begin + answer}).tokens, memory, source.mask);
  std::vector<train::AttentionMap> maps;
  for (const AttentionRecord& record : recorder.records()) {
    if (!record.path().ends_with("multihead_attn")) continue;
    const Tensor weights = record.weights_of().select(0, 0);
    const auto layer = static_cast<int64_t>(maps.size()) / weights.size(0);
    for (int64_t head = 0; head < weights.size(0); ++head)
      maps.push_back({layer, head, weights.select(0, head).to_vector<float>()});
  }
  const auto letters = [](const std::string& text) {
    std::vector<std::string> tokens;
    for (char c : text) tokens.push_back(std::string(1, c));
    return tokens;
  };
  std::vector<std::string> rows = letters(answer);
  rows.push_back("end");
  report.cross_attention(rows, letters(date), maps, fmt::format("{} → {}", date, answer));
}

void run(const Options& o) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  io::make_folder(o.out);
  const Translator model(o);
  if (std::ranges::find(o.dates, "") != o.dates.end())
    throw ValueError("one of the dates is empty; there is nothing to translate");
  translate(model, o.dates);  // what it cannot read is refused before it learns
  Dates dates(o.seed);
  train::Report report("Translating dates",
                       "An encoder–decoder Transformer learned to write dates in the form of ISO "
                       "8601, letter by letter, from examples alone.");
  report.config("parameters", model.num_parameters());
  report.config("layers", o.layers);
  report.config("heads", o.heads);
  report.config("width", o.dim);
  report.config("steps", o.steps);
  report.config("dates a step", o.batch);
  fmt::print("a Transformer of {} parameters\n", model.num_parameters());

  learn(model, dates, o, report);
  model.eval();
  const double accuracy = exact_matches(model, dates.held_out(1000));
  const std::string percent = fmt::format("{:.1f} %", 100 * accuracy);
  report.tile("Exact matches", percent, "of 1,000 dates that it never saw");
  fmt::print("exact matches on 1,000 held-out dates: {}\n", percent);
  const std::vector<std::string> answers = translate(model, o.dates);
  for (size_t i = 0; i < o.dates.size(); ++i) {
    fmt::print("  {:32} {}\n", o.dates[i], answers[i]);
    show_alignment(model, o.dates[i], report);
  }
  report.write(o.out + "/report.html");
  fmt::print("where it looked while it wrote: {}/report.html\n", o.out);
}

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Trains a Transformer that translates dates into the form of ISO 8601.",
               "translate");
  app.add_option("dates", o.dates, "dates to translate when it has learned");
  add_option(app, "--out", o.out, "folder for report.html and log.jsonl");
  add_option(app, "--steps", o.steps, "training steps", at_least(1));
  add_option(app, "--batch", o.batch, "dates in a step", between(1, 100'000));
  add_option(app, "--dim", o.dim, "width of the model", at_least(1));
  add_option(app, "--heads", o.heads, "attention heads; divides --dim", at_least(1));
  add_option(app, "--layers", o.layers, "of the encoder, and of the decoder", at_least(1));
  add_option(app, "--lr", o.lr, "highest learning rate", at_least(0));
  add_option(app, "--seed", o.seed, "of the weights and the dates", at_least(0));
  add_option(app, "--threads", o.threads, "results do not depend on them", between(1, 1024));
  return run_program(app, argc, argv, [&] { run(o); });
}
