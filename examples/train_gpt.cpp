// Trains a character-level GPT on text files and shows what it writes.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "model_files.h"

using namespace attune;

struct Options {
  std::vector<std::string> text;
  std::string out = "out/gpt";
  nn::models::GptConfig model;
  int64_t batch = 12, steps = 2000, eval_every = 250, warm_up = 100;
  double lr = 3e-3;
  uint64_t seed = 0;
  int threads = num_threads();
};

// The mean loss over every token of the held-out part.
double evaluate(const nn::models::Gpt& model, const std::vector<train::TokenBatch>& batches) {
  NoGrad no_grad;
  model.eval();
  double total = 0;
  int64_t targets = 0;
  for (const auto& [inputs, expected] : batches) {
    const Tensor logits = model(inputs);
    const Tensor loss =
        cross_entropy(flatten(logits, 0, 1), flatten(expected), {.reduction = Reduction::sum});
    total += loss.item<double>();
    targets += expected.numel();
  }
  model.train();
  return total / static_cast<double>(targets);
}

Options parse(int argc, char** argv, CLI::App& app) {
  Options o;
  app.add_option("--text", o.text, "text files to learn from")->required();
  app.add_option("--out", o.out, "folder for the model and its log")->capture_default_str();
  app.add_option("--layers", o.model.layers)->capture_default_str();
  app.add_option("--heads", o.model.heads)->capture_default_str();
  app.add_option("--dim", o.model.dim)->capture_default_str();
  app.add_option("--context", o.model.context, "characters the model sees")->capture_default_str();
  app.add_option("--batch", o.batch, "sequences a step")->capture_default_str();
  app.add_option("--steps", o.steps)->capture_default_str();
  app.add_option("--lr", o.lr, "highest learning rate")->capture_default_str();
  app.add_option("--dropout", o.model.dropout)->capture_default_str();
  app.add_option("--seed", o.seed)->capture_default_str();
  app.add_option("--threads", o.threads)->capture_default_str();
  app.add_option("--eval-every", o.eval_every, "steps between validations")->capture_default_str();
  app.parse(argc, argv);
  return o;
}

void train_model(Options o) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  std::string text;
  for (const std::string& path : o.text) text += io::read_file(path);
  SavedGpt saved{nn::models::Gpt({.vocab_size = 1}), io::CharTokenizer::from_text(text)};
  o.model.vocab_size = saved.tokenizer.size();
  const nn::models::Gpt model(o.model);
  saved.model = model;

  std::vector<int64_t> tokens = saved.tokenizer.encode(text);
  const auto split = tokens.begin() + static_cast<int64_t>(tokens.size()) * 9 / 10;
  const auto held_out = train::sequential_batches({split, tokens.end()}, 64, o.model.context);
  train::TokenStream stream({tokens.begin(), split}, o.batch, o.model.context, o.seed);
  std::filesystem::create_directories(o.out);
  train::RunLog log(o.out + "/log.jsonl");
  fmt::print("{} characters, {} distinct; a model of {} parameters\n", tokens.size(),
             saved.tokenizer.size(), model.num_parameters());

  optim::AdamW optimizer(model.parameters(),
                         {.lr = o.lr, .betas = {0.9, 0.99}, .weight_decay = 0.1});
  const int64_t rise = std::min(o.warm_up, o.steps / 10);
  const auto schedule =
      optim::warm_up(rise, optim::cosine_lr(o.lr, o.lr / 10, std::max<int64_t>(o.steps - rise, 1)));
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double val_loss = 0;
  for (int64_t step = 0; step < o.steps; ++step) {
    optim::apply(schedule, step, optimizer);
    const auto [inputs, targets] = stream.next();
    const Tensor loss = cross_entropy(flatten(model(inputs), 0, 1), flatten(targets));
    optimizer.zero_grad();
    loss.backward();
    optim::clip_grad_norm_(model.parameters(), 1.0);
    optimizer.step();

    const bool last = step + 1 == o.steps;
    const bool evaluated = last || (o.eval_every > 0 && (step + 1) % o.eval_every == 0);
    if (!evaluated && (step + 1) % 50 != 0) continue;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double rate = static_cast<double>((step + 1) * o.batch * o.model.context) / seconds;
    train::Metrics metrics{.step = step + 1,
                           .train_loss = loss.item<double>(),
                           .lr = optimizer.lr(),
                           .tokens_per_second = rate};
    fmt::print("step {:5}/{}  loss {:.4f}  {:.0f} tokens/s", step + 1, o.steps, loss.item<double>(),
               rate);
    if (evaluated) {
      val_loss = evaluate(model, held_out);
      metrics.val_loss = val_loss;
      fmt::print("  validation {:.4f}", val_loss);
    }
    fmt::print("\n");
    log.write(metrics);
  }
  save_gpt(o.out, saved);
  model.eval();
  const auto sample = nn::models::generate(model, {tokens[0]}, 300, {.temperature = 0.8});
  fmt::print("\nwhat it writes:\n{}\n\nthe model is in {}\n", saved.tokenizer.decode(sample),
             o.out);
  fmt::print("val_loss {:.4f}\n", val_loss);
}

int main(int argc, char** argv) {
  CLI::App app("Trains a character-level GPT on text files and shows what it writes.");
  try {
    train_model(parse(argc, argv, app));
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_gpt: {}\n", error.what());
    return 1;
  }
}
