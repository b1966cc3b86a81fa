// What it takes to train a Transformer, before anything runs: arithmetic and memory over lengths of
// the context, for published shapes or models of your own.

#include "program.h"

using namespace attune;
using namespace attune::nn::models;

struct Options {
  std::vector<int64_t> contexts = {256, 1024, 4096, 16384};
  std::vector<std::string> models;
  int64_t batch = 1;
  int threads = num_threads();
};

// A model by name, and what a step of it takes.
struct Architecture {
  std::string name;
  std::function<Cost(int64_t batch, int64_t context, const CostOptions& options)> cost;
};

// Lets a model have contexts longer than its table of positions: the table grows with them.
template <class Config>
Architecture architecture_of(std::string name, Config config, int64_t Config::*positions) {
  const auto cost_of = [=](int64_t batch, int64_t context, const CostOptions& options) {
    Config longer = config;
    longer.*positions = std::max(config.*positions, context);
    return cost(longer, batch, context, options);
  };
  return {std::move(name), cost_of};
}

Architecture gpt(const char* name, int64_t layers, int64_t width, int64_t heads,
                 int64_t positions) {
  Gpt2Config config;
  config.n_layer = layers;
  config.n_embd = width;
  config.n_head = heads;
  config.n_positions = positions;
  return architecture_of(name, config, &Gpt2Config::n_positions);
}

Architecture bert(const char* name, int64_t layers, int64_t width, int64_t heads) {
  BertConfig config;
  config.num_hidden_layers = layers;
  config.hidden_size = width;
  config.num_attention_heads = heads;
  config.intermediate_size = 4 * width;
  return architecture_of(name, config, &BertConfig::max_position_embeddings);
}

// Radford et al. 2019; Devlin et al. 2019; Brown et al. 2020, table 2.1.
std::vector<Architecture> published() {
  return {gpt("GPT-2", 12, 768, 12, 1024),       gpt("GPT-2 medium", 24, 1024, 16, 1024),
          gpt("GPT-2 XL", 48, 1600, 25, 1024),   bert("BERT base", 12, 768, 12),
          bert("BERT large", 24, 1024, 16),      gpt("GPT-3 2.7B", 32, 2560, 32, 2048),
          gpt("GPT-3 6.7B", 32, 4096, 32, 2048), gpt("GPT-3 175B", 96, 12288, 96, 2048)};
}

Architecture from_folder(const std::string& folder) {
  const std::string type = hub::model_type(folder);
  if (type == "gpt2")
    return architecture_of(folder, hub::load_config<Gpt2Config>(folder), &Gpt2Config::n_positions);
  if (type == "bert")
    return architecture_of(folder, hub::load_config<BertConfig>(folder),
                           &BertConfig::max_position_embeddings);
  if (type == "llama")
    return architecture_of(folder, hub::load_config<LlamaConfig>(folder),
                           &LlamaConfig::max_position_embeddings);
  throw FormatError(folder + "/config.json: model_type " + type + " is none of gpt2, bert, llama");
}

// "124.4 M" for 124,439,808, and "512" for 512.
std::string scaled(double value) {
  constexpr std::string_view prefixes = "kMGTPEZY";
  if (value < 999.95) return fmt::format("{:.4g}", value);
  size_t at = 0;
  for (value /= 1000; value >= 999.95 && at + 1 < prefixes.size(); ++at) value /= 1000;
  return fmt::format("{:.4g} {}", value, prefixes[at]);
}

void print_table(const Options& o) {
  std::vector<Architecture> all;
  for (const std::string& folder : o.models) all.push_back(from_folder(folder));
  if (all.empty()) all = published();
  fmt::print(
      "A training step of {} sequence{} in float32 with AdamW: floating-point operations, and\n"
      "bytes of memory (k: 10^3, M: 10^6, G: 10^9, T: 10^12). attention: its share of the\n"
      "operations.\n"
      "state: parameters, gradients and moments. acts: activations at their most; ckpt: with\n"
      "gradient checkpointing. scores: what attention would keep if it held them; it does not.\n\n",
      o.batch, o.batch == 1 ? "" : "s");
  size_t width = 0;
  for (const Architecture& one : all) width = std::max(width, one.name.size());
  constexpr const char* columns = "{:<{}} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8}\n";
  fmt::print(columns, "model", width, "params", "context", "FLOP", "attention", "state", "acts",
             "ckpt", "peak", "scores");
  for (const Architecture& one : all)
    for (const int64_t context : o.contexts) {
      const Cost plain = one.cost(o.batch, context, {});
      const Cost again = one.cost(o.batch, context, {.gradient_checkpointing = true});
      const double flops = plain.forward.total() + plain.backward.total();
      const double quadratic = plain.forward.attention + plain.backward.attention;
      const auto state = plain.parameter_bytes + plain.gradient_bytes + plain.optimizer_bytes;
      fmt::print(columns, one.name, width, scaled(double(plain.parameters)), context, scaled(flops),
                 fmt::format("{:.1f} %", 100 * quadratic / flops), scaled(double(state)),
                 scaled(double(plain.activation_bytes)), scaled(double(again.activation_bytes)),
                 scaled(double(plain.peak_bytes)), scaled(plain.score_bytes));
    }
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Prints what a training step of a Transformer takes, before anything runs: arithmetic, the "
      "share of it that grows with the square of the context, and memory.",
      "cost");
  app.add_option("--model", options.models,
                 "folder with the config.json of a gpt2, bert or llama model; published shapes if "
                 "none is given");
  add_option(app, "--batch", options.batch, "sequences in a step", between(1, 1e6));
  add_option(app, "--context", options.contexts,
             "tokens of a sequence; several give a line each, and a table of positions that is "
             "shorter grows with them",
             between(1, 1e6));
  add_option(app, "--threads", options.threads, "attention works in memory for each",
             between(1, 1024));
  return run_program(app, argc, argv, [&] {
    set_num_threads(options.threads);
    print_table(options);
  });
}
