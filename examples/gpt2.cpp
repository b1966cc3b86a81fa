// A language model from a folder in the layout of Hugging Face, a GPT-2 or a LLaMA: lets it write,
// and trains it further on texts of your own, whole or by an adapter of low rank. What `gpt2
// finetune` writes loads here and in Python alike.

#include "finetune.h"
#include "model_files.h"
#include "text_heads.h"

using namespace attune;

// --- 1. Writing. ---

struct GenerateOptions {
  std::string model, adapter, prompt;
  std::vector<std::string> stop;
  int64_t max_tokens = 100, beams = 1, count = 1;
  nn::models::SamplingOptions sampling{.temperature = 0.8, .top_k = 40};
  uint64_t seed = 0;
  int threads = num_threads();
};

void add_options(CLI::App& app, GenerateOptions& o) {
  app.add_option("--model", o.model, "folder with config.json, model.safetensors and a tokenizer")
      ->required();
  app.add_option("--adapter", o.adapter, "folder of a LoRA adapter of it, of finetune or PEFT");
  app.add_option("--prompt", o.prompt, "text to continue; without it, the model begins one");
  add_option(app, "--max-tokens", o.max_tokens, "tokens to write", at_least(0));
  add_option(app, "--temperature", o.sampling.temperature,
             "below 1 more likely text, above 1 more varied; 0 always takes the likeliest",
             at_least(0));
  add_option(app, "--top-k", o.sampling.top_k, "draw among the k likeliest; 0: among all",
             at_least(0));
  add_option(app, "--top-p", o.sampling.top_p,
             "draw among the likeliest that together reach this probability", between(0, 1));
  add_option(app, "--min-p", o.sampling.min_p,
             "draw among those with this share of the highest probability", between(0, 1));
  add_option(app, "--repetition-penalty", o.sampling.repetition_penalty,
             "above 1, what has been written becomes less likely", at_least(0));
  add_option(app, "--beams", o.beams,
             "search for the likeliest text with this many beams, without chance",
             between(1, 1024));
  app.add_option("--stop", o.stop, "ends where one of these texts would begin");
  add_option(app, "--seed", o.seed, "of the random draws", at_least(0));
  add_option(app, "--count", o.count, "texts to write, side by side", between(1, 1024));
  add_bf16_writing_flag(app);
  add_option(app, "--threads", o.threads, "results do not depend on them", between(1, 1024));
}

// The text of one sequence as its tokens come.
class Writer {
 public:
  Writer(const io::Tokenizer& tokenizer, const std::vector<int64_t>& prompt,
         const std::vector<std::string>& stop)
      : size_(tokenizer.size()), decoder_(tokenizer), stop_(stop) {
    for (const int64_t token : prompt) text_ += decoder_.next(token);
  }

  // The text that this token settles. A model may know more tokens than its tokenizer.
  std::string write(int64_t token) {
    return token < size_ ? keep(stop_.next(decoder_.next(token))) : "";
  }
  std::string finish() {
    const std::string last = stop_.next(decoder_.finish());
    return keep(last + stop_.finish());
  }
  bool stopped() const { return stop_.stopped(); }
  const std::string& text() const { return text_; }

 private:
  std::string keep(std::string text) {
    text_ += text;
    return text;
  }

  int64_t size_;
  io::StreamDecoder decoder_;
  io::StopText stop_;
  std::string text_;
};

void print_now(const std::string& text) {
  fmt::print("{}", text);
  std::fflush(stdout);
}

void generate(GenerateOptions o, bool temperature_given) {
  set_num_threads(o.threads);
  const TextModel model = load_writer(o.model);
  if (!o.adapter.empty()) hub::load_adapter(model.module, o.adapter).merge();
  std::vector<int64_t> prompt = model.tokenizer.encode(o.prompt);
  if (prompt.empty()) prompt = {model.beginning.value_or(0)};
  std::vector<Writer> writers(static_cast<size_t>(o.count),
                              Writer(model.tokenizer, prompt, o.stop));
  // One text is shown as it comes; several would mix.
  const bool streaming = o.count == 1;
  if (o.beams > 1 && !temperature_given) o.sampling.temperature = 0;
  nn::models::GenerationOptions options{.max_new_tokens = o.max_tokens,
                                        .sampling = o.sampling,
                                        .eos_token_id = model.ends,
                                        .seed = o.seed,
                                        .num_beams = o.beams};
  // The prompt is shown once the model has taken it.
  std::string shown = writers[0].text();
  if (o.beams == 1)
    options.on_token = [&](size_t sequence, int64_t token) {
      const std::string text = writers[sequence].write(token);
      if (streaming) print_now(std::exchange(shown, "") + text);
      return !writers[sequence].stopped();
    };

  const std::vector<std::vector<int64_t>> prompts(writers.size(), prompt);
  const auto sequences = nn::models::generate(*model.writing, prompts, options);
  for (size_t i = 0; i < writers.size(); ++i) {
    std::string rest;
    if (o.beams > 1)
      for (size_t at = prompt.size(); at < sequences[i].size(); ++at)
        rest += writers[i].write(sequences[i][at]);
    rest += writers[i].finish();
    if (streaming) {
      fmt::print("{}{}\n", shown, rest);
    } else {
      fmt::print("--- {} ---\n{}\n", i + 1, writers[i].text());
    }
  }
}

// --- 2. Learning from texts of your own. ---

struct FinetuneOptions : LearningOptions {
  std::vector<std::string> text;
  int64_t steps = 200, batch = 4, context = 256, eval_every = 50;
};

void add_options(CLI::App& app, FinetuneOptions& o) {
  add_learning_options(app, o, "c_attn of a GPT-2, q_proj and v_proj of a LLaMA");
  app.add_option("--text", o.text, "text files to learn from, UTF-8")->required();
  add_option(app, "--steps", o.steps, "training steps", at_least(1));
  add_option(app, "--batch", o.batch, "sequences in a step", at_least(1));
  add_option(app, "--context", o.context, "tokens of a sequence, at most what the model takes",
             at_least(1));
  add_option(app, "--eval-every", o.eval_every, "steps; 0: only at the end", at_least(0));
}

// How the model goes on from the opening of the held-out text, always with the same luck.
std::string write_sample(const TextModel& model, const std::vector<int64_t>& opening) {
  const auto tokens =
      nn::models::generate(*model.writing, {opening},
                           {.max_new_tokens = 60, .sampling = {.temperature = 0.8}, .seed = 0});
  return decode(model, tokens[0]);
}

// The report with what the heads look at.
void write_page(const FinetuneOptions& o, const TextModel& model,
                const std::vector<int64_t>& tokens, train::Report page) {
  const std::vector<int64_t> types(tokens.size(), 0);
  const auto heads =
      heads_of(model.tokenizer, {tokens, types, {}, std::vector<bool>(tokens.size())}, model.read);
  page.attention(heads.tokens, heads.maps, "What its heads look at",
                 "The text is one that the model never trained on.");
  page.write(o.out + "/report.html");
}

void finetune(FinetuneOptions o, const CLI::App& app) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  const TextModel model = load_writer(o.model);
  using Names = std::vector<std::string>;
  const Trainee trainee(
      model.module, o,
      {.target_modules = model.kind == "gpt2" ? Names{"c_attn"} : Names{"q_proj", "v_proj"}});
  o.context = std::min(o.context, model.longest);
  const auto corpus = train::TokenCorpus::from_files(o.text, model.tokenizer, model.beginning);
  train::TokenStream stream(corpus.training, o.batch, o.context, o.seed);
  train::TokenStream(stream).next();  // a batch that does not fit into memory is noticed here
  const auto held_out = train::sequential_batches(corpus.held_out, o.batch, o.context);
  const auto read = [&](const Tensor& ids) { return model.read(ids, {}); };
  const auto opening = [&](int64_t length) {
    const auto most = std::min({length, o.context, std::ssize(corpus.held_out)});
    return std::vector<int64_t>(corpus.held_out.begin(), corpus.held_out.begin() + most);
  };

  const double lr = o.highest_lr();
  const int64_t rise = o.steps / 10;
  train::Report report("What a language model learned",
                       "A pretrained model, trained further on a text.");
  add_settings(report, app);
  report.config("tokens", corpus.training.size() + corpus.held_out.size());
  const auto publish = [&](const train::Metrics& now) {
    trainee.save(o, "CAUSAL_LM", model.save);
    report.sample(now.step, write_sample(model, opening(12)));
    write_page(o, model, opening(48), report);
    return fmt::format("step {:5}: {}validation loss {:.4f}", now.step,
                       now.train_loss ? fmt::format("training loss {:.4f}, ", *now.train_loss) : "",
                       *now.val_loss);
  };
  learn(trainee,
        {.steps = o.steps,
         .eval_every = o.eval_every,
         .schedule = optim::warm_up(rise, optim::cosine_lr(lr, lr / 10, o.steps - rise)),
         .loss =
             [&] {
               const auto [inputs, targets] = stream.next();
               return BatchLoss{cross_entropy(flatten(read(inputs), 0, 1), flatten(targets)),
                                inputs.numel()};
             },
         .add_data =
             [&](Saving& saving) {
               saving.add("data", stream);
               saving.expect("checksum of the held-out text",
                             checksum(std::vector{std::span(corpus.held_out)}));
             },
         .validation_loss = [&] { return train::mean_loss(read, held_out); },
         .publish = publish},
        o, app, report);
  fmt::print("the {}, log.jsonl and report.html are in {}\n",
             o.saves_adapter() ? "adapter" : "model", o.out);
}

// --- 3. An adapter becomes a part of the weights. ---

struct MergeOptions {
  std::string model, adapter, out;
};

void add_options(CLI::App& app, MergeOptions& o) {
  app.add_option("--model", o.model, "folder of the model that the adapter belongs to")->required();
  app.add_option("--adapter", o.adapter, "folder of a LoRA adapter, of finetune or PEFT")
      ->required();
  app.add_option("--out", o.out, "folder for the whole model")->required();
}

void merge(const MergeOptions& o) {
  refuse_adapter_in(o.out);
  const TextModel model = load_writer(o.model);
  hub::load_adapter(model.module, o.adapter).merge();
  model.save(o.out);
  fmt::print("the model is in {}\n", o.out);
}

int main(int argc, char** argv) {
  CLI::App app("Lets a GPT-2 or a LLaMA write, or trains it further.", "gpt2");
  app.require_subcommand(1);
  CLI::App* write = app.add_subcommand(
      "generate",
      "continues a text as the options say; of a generation_config.json only the tokens "
      "that end a text are followed");
  CLI::App* learning = app.add_subcommand("finetune", "trains a model further on text files");
  CLI::App* whole = app.add_subcommand("merge", "writes a model with an adapter in its weights");
  GenerateOptions generation;
  FinetuneOptions training;
  MergeOptions merging;
  add_options(*write, generation);
  add_options(*learning, training);
  add_options(*whole, merging);
  return run_program(app, argc, argv, [&] {
    if (*write) generate(generation, write->count("--temperature") > 0);
    if (*learning) finetune(training, *learning);
    if (*whole) merge(merging);
  });
}
