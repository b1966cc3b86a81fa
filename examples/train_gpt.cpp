// Trains a character-level GPT on text files. What it learned is in report.html: curves, text it
// wrote as training went on, and what every attention head looks at.

#include "model_files.h"
#include "saving.h"

using namespace attune;

struct Options {
  std::vector<std::string> text;
  std::string out = "out/gpt";
  nn::models::Gpt2Config model{.n_positions = 64,
                               .n_embd = 128,
                               .n_layer = 4,
                               .n_head = 4,
                               .bos_token_id = {},
                               .eos_token_id = {}};
  double dropout = 0;
  int64_t batch = 12, steps = 2000, eval_every = 250;
  double lr = 3e-3;
  uint64_t seed = 0;
  int threads = num_threads();
  SavingOptions saving;
  bool profile = false, checkpointing = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--text", o.text, "text files to learn from, UTF-8")->required();
  add_option(app, "--out", o.out, "folder for the model and the report");
  add_option(app, "--layers", o.model.n_layer, "Transformer blocks", at_least(1));
  add_option(app, "--heads", o.model.n_head, "attention heads; divides --dim", at_least(1));
  add_option(app, "--dim", o.model.n_embd, "width of the model", at_least(1));
  add_option(app, "--context", o.model.n_positions, "characters the model sees", at_least(1));
  add_option(app, "--batch", o.batch, "sequences in a step", at_least(1));
  add_option(app, "--steps", o.steps, "training steps", at_least(1));
  add_option(app, "--lr", o.lr, "highest learning rate", at_least(0));
  add_option(app, "--dropout", o.dropout, "share of values dropped", between(0, 1));
  add_option(app, "--seed", o.seed, "of weights, order of the text and dropout", at_least(0));
  add_option(app, "--threads", o.threads, "results do not depend on them", between(1, 1024));
  add_option(app, "--eval-every", o.eval_every, "steps; 0: only at the end", at_least(0));
  app.add_flag("--gradient-checkpointing", o.checkpointing,
               "computes each block again in backward: less memory, more time");
  add_bf16_flag(app);
  add_saving_options(app, o.saving);
  add_profile_flag(app, o.profile);
}

struct CharGpt {
  nn::models::Gpt2 model;
  io::CharTokenizer tokenizer;
};

std::string write_sample(const CharGpt& saved, int64_t characters) {
  // Token 0 is the lowest character: in most texts, the line break. The same luck every time, so
  // that samples can be compared.
  auto tokens = nn::models::generate(
      saved.model, {{0}},
      {.max_new_tokens = characters, .sampling = {.temperature = 0.8}, .seed = 0})[0];
  tokens.erase(tokens.begin());
  return saved.tokenizer.decode(tokens);
}

// Writes the model after `step` steps to the out folder, and all that can be seen of it.
void publish(const std::string& out, const CharGpt& saved, const std::vector<int64_t>& sentence,
             int64_t step, train::Report& report) {
  save_characters(saved.tokenizer, out);
  hub::save_pretrained(saved.model, out);
  write_generation_file(out, std::nullopt);
  NoGrad no_grad;
  saved.model.eval();
  report.sample(step, write_sample(saved, 200));
  const AttentionRecorder recorder;
  saved.model(tensor(sentence, {1, static_cast<int64_t>(sentence.size())}));
  const auto heads = train::attention_maps(recorder.records(), sentence);
  saved.model.train();
  std::vector<std::string> characters;
  for (int64_t token : sentence) characters.push_back(saved.tokenizer.decode({token}));

  train::Report page = report;
  page.attention(characters, heads, "What its heads look at",
                 "The text is the opening of a paragraph that the model never trained on.");
  page.write(out + "/report.html");
  io::write_atomically(out + "/heads.txt", train::describe_heads(heads));
}

void train_model(Options o, const CLI::App& app) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  const auto corpus = train::CharCorpus::from_files(o.text);
  o.model.vocab_size = corpus.tokenizer.size();
  o.model.resid_pdrop = o.model.embd_pdrop = o.model.attn_pdrop = o.dropout;
  const CharGpt saved{nn::models::Gpt2(o.model), corpus.tokenizer};
  const nn::models::Gpt2& model = saved.model;
  model.gradient_checkpointing_enable(o.checkpointing);

  train::TokenStream stream(corpus.training, o.batch, o.model.n_positions, o.seed);
  const auto held_out = train::sequential_batches(corpus.held_out, 64, o.model.n_positions);
  optim::AdamW optimizer(model.parameters(),
                         {.lr = o.lr, .betas = {0.9, 0.99}, .weight_decay = 0.1});
  const int64_t rise = std::min<int64_t>(100, o.steps / 10);
  optim::LrScheduler scheduler(
      optimizer, optim::warm_up(rise, optim::cosine_lr(o.lr, o.lr / 10, o.steps - rise)));

  refuse_other_tokenizer(o.out);
  refuse_adapter_in(o.out);
  train::TokenStream(stream).next();  // a batch that does not fit into memory is noticed here
  Saving saving(o.out, o.saving, app);
  saving.add("model", model);
  saving.add("optimizer", optimizer);
  saving.add("scheduler", scheduler);
  saving.add("data", stream);
  saving.expect("checksum of the held-out text", checksum(std::vector{std::span(corpus.held_out)}));

  train::Report report("What a small GPT learned",
                       "A Transformer that reads and writes one character at a time.");
  add_settings(report, app);
  report.config("characters", corpus.training.size() + corpus.held_out.size());
  report.config("distinct characters", o.model.vocab_size);
  report.config("parameters", model.num_parameters());
  fmt::print("{} characters, {} distinct; a model of {} parameters\n",
             corpus.training.size() + corpus.held_out.size(), o.model.vocab_size,
             model.num_parameters());
  std::fflush(stdout);

  const auto resumed = saving.begin();
  const int64_t done = resumed ? resumed->step : 0;
  double val_loss = resumed ? resumed->metric.value_or(0) : 0;

  // Once before training: what cannot be written shows now, not after hours.
  train::Run run(o.out, o.steps, report, resumed ? std::optional(done) : std::nullopt);
  const auto sentence = train::opening(corpus, std::min<int64_t>(o.model.n_positions, 64));
  if (!resumed) publish(o.out, saved, sentence, 0, report);

  if (o.profile) run.profile();
  for (int64_t step = done + 1; step <= o.steps; ++step) {
    run.begin_step();
    const auto [inputs, targets] = stream.next();
    optimizer.zero_grad();
    const Tensor loss =
        model.forward(inputs, {.shift_labels = targets, .output_logits = false}).loss;
    loss.backward();
    optim::clip_grad_norm_(model.parameters(), 1.0);
    optimizer.step();

    train::Metrics metrics{.step = step,
                           .train_loss = loss.item<double>(),
                           .lr = optimizer.lr(),
                           .tokens_per_second = run.rate(inputs.numel())};
    scheduler.step();
    const bool evaluate = run.evaluates(step, o.eval_every);
    if (evaluate) {
      model.eval();
      metrics.val_loss = val_loss = train::mean_loss(model, held_out);
      model.train();
    }
    run.record(metrics);
    if (evaluate) {
      publish(o.out, saved, sentence, step, report);
      run.print(fmt::format("step {:5}: training loss {:.4f}, validation loss {:.4f}", step,
                            *metrics.train_loss, val_loss));
    }
    saving.end_step(run, metrics);
  }
  run.finish();
  fmt::print("the model, log.jsonl, heads.txt, report.html and checkpoints are in {}\n", o.out);
  fmt::print("val_loss {:.4f}\n", val_loss);
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Trains a character-level GPT on text files and shows what it learned.",
               "train_gpt");
  add_options(app, options);
  return run_program(app, argc, argv, [&] { train_model(options, app); });
}
