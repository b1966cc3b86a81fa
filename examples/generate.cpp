// Continues a text with a model that train_gpt made.

#include "model_files.h"
#include "program.h"

using namespace attune;

int main(int argc, char** argv) {
  std::string folder, prompt;
  int64_t max_tokens = 500;
  uint64_t seed = 0;
  nn::models::SamplingOptions sampling{.temperature = 0.8};
  CLI::App app("Continues a text with a model that train_gpt made.", "generate");
  app.add_option("--model", folder, "folder that train_gpt wrote")->required();
  app.add_option("--prompt", prompt, "text to continue; without it, the model starts a line");
  add_option(app, "--max-tokens", max_tokens, "characters to write", at_least(0));
  add_option(app, "--temperature", sampling.temperature,
             "below 1 likelier text, above 1 more varied; 0: the likeliest only", at_least(0));
  add_option(app, "--top-k", sampling.top_k, "draw among the k likeliest; 0: all", at_least(0));
  add_option(app, "--top-p", sampling.top_p, "draw among the likeliest of this total probability",
             between(0, 1));
  add_option(app, "--seed", seed, "of the random draws", at_least(0));
  add_bf16_writing_flag(app);

  return run_program(app, argc, argv, [&] {
    const TextModel model = load_writer(folder);
    std::vector<int64_t> start = model.tokenizer.encode(prompt);
    if (start.empty()) start = {0};  // the lowest character: in most texts, the line break
    const auto written =
        nn::models::generate(*model.writing, {start},
                             {.max_new_tokens = max_tokens, .sampling = sampling, .seed = seed});
    fmt::print("{}\n", decode(model, written[0]));
  });
}
