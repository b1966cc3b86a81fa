// Modules and models of random sizes on random input: made or refused, and then computed or
// refused, forward and backward.
#include "../random_calls.h"

#include <attune/nn.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

using namespace attune;
using namespace attune::test;
using namespace attune::nn;
using namespace attune::nn::models;

namespace {

// A size that may be meant, or one that cannot be.
int64_t size(Draw& d) { return d.once_in(10) ? d.whole() : d.below(4); }
double probability(Draw& d) { return d.once_in(10) ? d.number() : d.once_in(2) ? 0 : 0.5; }
double epsilon(Draw& d) { return d.once_in(10) ? d.number() : 1e-5; }
bool flag(Draw& d) { return d.once_in(2); }
// Heads, and a width that is mostly a multiple of them.
std::pair<int64_t, int64_t> heads_and_width(Draw& d) {
  const int64_t heads = d.once_in(10) ? d.whole() : 1 + d.below(3);
  return {heads, d.once_in(8) ? size(d) : std::clamp<int64_t>(heads, -3, 3) * d.below(4)};
}

// The module as somebody may have left it.
template <class M>
M used(Draw& d, M module) {
  if (d.once_in(5)) module.to(d.dtype());
  if (flag(d)) module.eval();
  if (d.once_in(6)) module.requires_grad_(false);
  return module;
}

// What the module may be meant to read, so wide, or anything else.
Tensor input(Draw& d, const Module& module, int64_t width) {
  if (d.once_in(8)) return d.tensor();
  const auto parameters = module.parameters();
  const DType dtype = parameters.empty() ? d.dtype() : parameters[0].dtype();
  Shape shape;
  for (int64_t n = d.once_in(4) ? d.below(3) : 2; n > 0; --n) shape.push_back(d.below(4));
  shape.push_back(width);
  const Tensor x = full(shape, d.number(), dtype);
  return is_floating(dtype) && flag(d) ? x.requires_grad_() : x;
}
// One of another length, of the same number of sequences.
Tensor other_input(Draw& d, const Module& module, const Tensor& beside, int64_t width) {
  if (beside.dim() != 3 || d.once_in(6)) return input(d, module, width);
  return full({beside.size(0), d.below(4), width}, d.number(), beside.dtype());
}

// A module of one input, so wide.
template <class Make>
RandomCall layer(const char* name, Make make) {
  return custom(name, [make](Draw& d) {
    const int64_t width = size(d);
    const auto module = used(d, make(d, width));
    return module(input(d, module, width));
  });
}

std::vector<RandomCall> layers() {
  return {
      layer("Linear", [](Draw& d, int64_t n) { return Linear(n, size(d), {.bias = flag(d)}); }),
      layer("Conv1D", [](Draw& d, int64_t n) { return Conv1D(n, size(d)); }),
      layer("LayerNorm",
            [](Draw& d, int64_t n) {
              const Shape shape = d.once_in(4) ? d.list() : Shape{n};
              return LayerNorm(shape, {epsilon(d), flag(d), flag(d)});
            }),
      layer("RMSNorm",
            [](Draw& d, int64_t n) {
              const Shape shape = d.once_in(4) ? d.list() : Shape{n};
              return RMSNorm(shape, {d.argument<std::optional<double>>(), flag(d)});
            }),
      layer("Dropout", [](Draw& d, int64_t) { return Dropout(probability(d)); }),
      layer("Flatten", [](Draw& d, int64_t) { return Flatten(d.whole(), d.whole()); }),
      layer("Softmax", [](Draw& d, int64_t) { return Softmax(d.whole()); }),
      layer("LogSoftmax", [](Draw& d, int64_t) { return LogSoftmax(d.whole()); }),
      layer("LeakyReLU", [](Draw& d, int64_t) { return LeakyReLU(d.number()); }),
      layer("ELU", [](Draw& d, int64_t) { return ELU(d.number()); }),
      layer("GELU",
            [](Draw& d, int64_t) {
              return GELU(d.one_of({"none", "tanh", "", "other"}));
            }),
      layer("ReLU", [](Draw&, int64_t) { return ReLU(); }),
      layer("Hardtanh", [](Draw& d, int64_t) { return Hardtanh(-1, d.number()); }),
      layer("LogSigmoid", [](Draw&, int64_t) { return LogSigmoid(); }),
      layer("Mish", [](Draw&, int64_t) { return Mish(); }),
      layer("ReLU6", [](Draw&, int64_t) { return ReLU6(); }),
      layer("Softmin", [](Draw& d, int64_t) { return Softmin(d.whole()); }),
      layer("SiLU", [](Draw&, int64_t) { return SiLU(); }),
      layer("Sigmoid", [](Draw&, int64_t) { return Sigmoid(); }),
      layer("Tanh", [](Draw&, int64_t) { return Tanh(); }),
      layer("Identity", [](Draw&, int64_t) { return Identity(); }),
      layer("Softplus", [](Draw& d, int64_t) { return Softplus(d.number(), d.number()); }),
      layer("Sequential",
            [](Draw& d, int64_t n) {
              const int64_t inner = size(d);
              return Sequential(Linear(n, inner), ReLU(), Dropout(probability(d)),
                                LayerNorm(inner));
            }),
      custom("Embedding",
             [](Draw& d) {
               const int64_t rows = size(d), width = size(d);
               const EmbeddingOptions options{.padding_idx = d.argument<std::optional<int64_t>>()};
               return used(d, Embedding(rows, width, d.once_in(2) ? EmbeddingOptions{} : options))(
                   d.indices());
             }),
      custom("SinusoidalPositionalEncoding",
             [](Draw& d) {
               const int64_t width = size(d);
               const auto module = used(d, SinusoidalPositionalEncoding(width, size(d)));
               return module(input(d, module, width), d.once_in(2) ? 0 : d.whole());
             }),
  };
}

TransformerOptions transformer_options(Draw& d) {
  const auto [heads, width] = heads_and_width(d);
  return {.d_model = width,
          .nhead = heads,
          .num_encoder_layers = size(d),
          .num_decoder_layers = size(d),
          .dim_feedforward = size(d),
          .dropout = probability(d),
          .layer_norm_eps = epsilon(d),
          .norm_first = flag(d),
          .bias = flag(d)};
}
Mask mask(Draw& d) { return d.once_in(3) ? d.mask() : d.once_in(2) ? Mask::causal() : Mask(); }

std::vector<RandomCall> attention() {
  return {
      layer("SelfAttention", [](Draw&, int64_t n) { return SelfAttention(n); }),
      custom("MultiHeadAttention",
             [](Draw& d) {
               const auto [heads, width] = heads_and_width(d);
               const int64_t keys = flag(d) ? 0 : size(d), values = flag(d) ? 0 : size(d);
               const auto module =
                   used(d, MultiHeadAttention({width, heads, probability(d), flag(d), d.once_in(4),
                                               d.once_in(4), keys, values}));
               const Tensor q = input(d, module, width);
               const Tensor k = other_input(d, module, q, keys ? keys : width);
               const Tensor v = full({q.dim() == 3 ? q.size(0) : 1, k.dim() == 3 ? k.size(1) : 1,
                                      values ? values : width},
                                     d.number(), q.dtype());
               if (flag(d)) return results(module(q, k, v, mask(d)));
               const auto [y, weights] = module.with_weights(q, k, v, mask(d), {flag(d)});
               return std::vector<Tensor>{y, weights};
             }),
      custom("TransformerBlock",
             [](Draw& d) {
               const auto [heads, width] = heads_and_width(d);
               const auto module = used(d, TransformerBlock(width, heads, probability(d)));
               return module(input(d, module, width), mask(d));
             }),
      custom("TransformerEncoderLayer",
             [](Draw& d) {
               const TransformerOptions options = transformer_options(d);
               const auto module = used(d, TransformerEncoderLayer(options));
               return module(input(d, module, options.d_model), mask(d));
             }),
      custom("TransformerDecoderLayer",
             [](Draw& d) {
               const TransformerOptions options = transformer_options(d);
               const auto module = used(d, TransformerDecoderLayer(options));
               const Tensor x = input(d, module, options.d_model);
               return module(x, other_input(d, module, x, options.d_model), mask(d), mask(d));
             }),
      custom("TransformerEncoder",
             [](Draw& d) {
               const TransformerOptions options = transformer_options(d);
               const auto module = used(d, TransformerEncoder(options, size(d)));
               return module(input(d, module, options.d_model), mask(d));
             }),
      custom("TransformerDecoder",
             [](Draw& d) {
               const TransformerOptions options = transformer_options(d);
               const auto module = used(d, TransformerDecoder(options, size(d)));
               const Tensor x = input(d, module, options.d_model);
               return module(x, other_input(d, module, x, options.d_model), mask(d), mask(d));
             }),
      custom("Transformer",
             [](Draw& d) {
               const TransformerOptions options = transformer_options(d);
               const auto module = used(d, Transformer(options));
               const Tensor x = input(d, module, options.d_model);
               return module(x, other_input(d, module, x, options.d_model), mask(d), mask(d),
                             mask(d));
             }),
      custom(
          "KvCache",
          [](Draw& d) {
            KvCache cache(size(d), flag(d));
            const NoGrad no_grad;
            const int64_t sequences = size(d), heads = size(d), width = size(d);
            std::vector<Tensor> seen;
            for (int64_t step = d.below(4); step >= 0; --step) {
              const int64_t tokens = size(d);
              cache.begin(sequences, tokens, d.once_in(3) ? d.numbers() : std::vector<int64_t>());
              const auto made = [&] {
                return d.once_in(8) ? d.tensor() : zeros({sequences, heads, tokens, width});
              };
              const auto [k, v, mask] = cache.append(d.once_in(8) ? d.whole() : 0, made(), made());
              seen = {cache.positions(), k, v};
              cache.commit();
              if (d.once_in(4)) cache.reorder(d.numbers());
            }
            return seen;
          }),
  };
}

std::vector<RandomCall> modules() {
  std::vector<RandomCall> all = layers();
  for (const RandomCall& call : attention()) all.push_back(call);
  return all;
}

// The classes that the headers of nn/ derive from Module.
std::set<std::string> public_modules() {
  std::set<std::string> names;
  const std::regex declaration(
      "^(?:class|struct) (\\w+) : (?:public )?(?:Module|Activation|Trans.*) \\{");
  for (const auto& entry : std::filesystem::directory_iterator(ATTUNE_TEST_DATA "/../../nn")) {
    std::ifstream file(entry.path());
    std::smatch match;
    for (std::string line; entry.path().extension() == ".h" && std::getline(file, line);)
      if (std::regex_match(line, match, declaration)) names.insert(match[1]);
  }
  return names;
}

}  // namespace

TEST_CASE("modules of random sizes are made and computed, or refused") {
  check_random_calls("modules", modules(), sanitized ? 60 : 300);
}

TEST_CASE("every module that a header declares is made of random sizes") {
  // Lora is tried with the models; an Activation is what those named are.
  std::set<std::string> made = {"Activation", "Lora"};
  for (const RandomCall& call : modules()) made.insert(call.name);
  made.erase("KvCache");
  CHECK(made == public_modules());
}
