// Continues a text with a model that train_gpt made.

#include <CLI/CLI.hpp>

#include "model_files.h"

using namespace attune;

int main(int argc, char** argv) {
  std::string folder, prompt = "\n";
  int64_t max_tokens = 500;
  uint64_t seed = 0;
  nn::models::SamplingOptions sampling{.temperature = 0.8};
  CLI::App app("Continues a text with a model that train_gpt made.");
  app.add_option("--model", folder, "folder with model.safetensors and config.json")->required();
  app.add_option("--prompt", prompt, "text to continue");
  app.add_option("--max-tokens", max_tokens, "characters to write")->capture_default_str();
  app.add_option("--temperature", sampling.temperature, "0 always takes the likeliest")
      ->capture_default_str();
  app.add_option("--top-k", sampling.top_k, "only the k likeliest; 0: all")->capture_default_str();
  app.add_option("--top-p", sampling.top_p, "only the likeliest that reach this probability")
      ->capture_default_str();
  app.add_option("--seed", seed, "of the random draws")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    const SavedGpt saved = load_gpt(folder);
    saved.model.eval();
    manual_seed(seed);
    const auto tokens =
        nn::models::generate(saved.model, saved.tokenizer.encode(prompt), max_tokens, sampling);
    fmt::print("{}\n", saved.tokenizer.decode(tokens));
  } catch (const std::exception& error) {
    fmt::print(stderr, "generate: {}\n", error.what());
    return 1;
  }
}
