// Shows what every head of a model looks at while it reads a text: a page with a heat map of each
// head, and in a few lines which heads do something that has a name. The model may be any of the
// library's: attention is recorded where it is computed (AttentionRecorder), whoever asks for it.

#include <algorithm>

#include "model_files.h"
#include "program.h"
#include "text_heads.h"

using namespace attune;

struct Options {
  std::string model, text, out = "attention.html";
  std::optional<std::string> second;
  int64_t max_tokens = 128;
};

io::Encoding encode(const TextModel& model, const Options& o) {
  if (o.second && model.writing)
    throw ValueError(fmt::format("--second is for models that read pairs of texts; {} is {}",
                                 o.model, model.kind));
  const io::EncodeOptions options{.max_length = std::min(o.max_tokens, model.longest)};
  const io::Encoding whole =
      o.second ? model.tokenizer(o.text, *o.second) : model.tokenizer(o.text);
  if (whole.ids.empty()) throw ValueError("the text has no tokens");
  if (std::ssize(whole.ids) <= *options.max_length) return whole;
  fmt::print("the text has {} tokens; {} of them are read ({})\n", whole.ids.size(),
             *options.max_length,
             o.max_tokens < model.longest ? "--max-tokens" : "the model takes no more");
  return o.second ? model.tokenizer(o.text, *o.second, options) : model.tokenizer(o.text, options);
}

void show(const Options& o) {
  const TextModel model = load_text_model(o.model);
  const auto [tokens, heads] = heads_of(model.tokenizer, encode(model, o), model.read);
  for (const auto& head : heads) finite(tensor(head.weights, {std::ssize(head.weights)}), o.model);
  const std::string words = train::describe_heads(heads);
  const int64_t layers = heads.empty() ? 0 : heads.back().layer + 1;
  train::Report page("What the heads look at",
                     "One picture for each head of each layer: a row for the token being read, a "
                     "column for each token that it looks at.");
  page.config("model", o.model);
  page.config("kind", model.kind);
  page.config("layers", layers);
  page.config("heads in all", heads.size());
  page.config("tokens", tokens.size());
  page.text("In words", words);
  page.attention(tokens, heads, "Every head");
  page.write(o.out);
  fmt::print("{} layers, {} heads, {} tokens\n{}the pictures are in {}\n", layers, heads.size(),
             tokens.size(), words, o.out);
}

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Shows what every attention head of a model looks at while it reads a text.",
               "attention_map");
  app.add_option(
         "--model", o.model,
         "folder of a GPT-2, LLaMA or BERT in the layout of Hugging Face, or one of train_gpt")
      ->required();
  app.add_option("--text", o.text, "what it reads")->required();
  app.add_option("--second", o.second, "a second text, for models that read pairs");
  app.add_option("--out", o.out, "the page to write")->capture_default_str();
  add_option(app, "--max-tokens", o.max_tokens,
             "the most that are read; a page of 144 heads takes 5 MB for 128 of them",
             between(1, 1024));
  return run_program(app, argc, argv, [&] { show(o); });
}
