#include <attune/attune.h>

#include "../catch.h"

using namespace attune;
using nn::models::GenerationOptions;
using nn::models::Gpt2;
using Tokens = std::vector<int64_t>;

namespace {

const StateDict& golden() {
  static const auto arrays =
      io::load_safetensors(ATTUNE_TEST_DATA "/generation.safetensors").arrays;
  return arrays;
}

Tokens tokens(const std::string& name) { return Tensor(golden().at(name)).to_vector<int64_t>(); }

const Gpt2& model() {
  static const Gpt2 gpt2 =
      hub::from_pretrained<Gpt2>(ATTUNE_TEST_DATA "/models/gpt2", {.dtype = float64});
  return gpt2;
}

// The likeliest next tokens, the whole sequence computed anew for each.
Tokens uncached(Tokens sequence, int64_t count) {
  NoGrad no_grad;
  for (int64_t i = 0; i < count; ++i) {
    const Tensor logits = model()(tensor(sequence, {1, static_cast<int64_t>(sequence.size())}));
    sequence.push_back(argmax(select(select(logits, 0, 0), 0, -1)).item<int64_t>());
  }
  return sequence;
}

// A model whose logits depend on the last token and the row of the batch.
nn::models::LanguageModel scripted(
    const std::function<std::vector<float>(int64_t token, int64_t row)>& logits) {
  return {[=](const Tensor& in, const std::vector<int64_t>& counts, nn::KvCache& cache) {
            cache.begin(in.size(0), in.size(1), counts);
            cache.commit();
            std::vector<Tensor> rows;
            for (int64_t row = 0; row < in.size(0); ++row)
              rows.push_back(tensor(logits(in[row][in.size(1) - 1].item<int64_t>(), row)));
            return stack(rows);
          },
          32};
}

}  // namespace

TEST_CASE("searches find what those of transformers find") {
  const std::pair<const char*, GenerationOptions> cases[] = {
      {"greedy", {}},
      {"penalty", {.sampling = {.repetition_penalty = 1.7, .temperature = 0}}},
      {"beams", {.num_beams = 3}},
      {"beams_long", {.num_beams = 4, .length_penalty = 2}},
      {"beams_short", {.num_beams = 4, .length_penalty = -1}},
      {"beams_penalty",
       {.sampling = {.repetition_penalty = 1.3, .temperature = 0}, .num_beams = 2}}};
  for (auto [name, options] : cases)
    for (int64_t i = 0; i < 4; ++i) {
      const std::string key = fmt::format("{}/{}", name, i);
      INFO(key);
      options.max_new_tokens = 7 - i;
      options.eos_token_id = {3, 1};
      CHECK(nn::models::generate(model(), {tokens(key + "/prompt")}, options)[0] ==
            tokens(key + "/out"));
    }
}

TEST_CASE("samplers draw from the probabilities of transformers") {
  const std::pair<const char*, nn::models::SamplingOptions> cases[] = {
      {"temperature", {.temperature = 0.7}},
      {"top_k", {.top_k = 3}},
      {"top_p", {.top_p = 0.6}},
      {"min_p", {.min_p = 0.3}},
      {"all", {.temperature = 1.5, .top_k = 8, .top_p = 0.9, .min_p = 0.2}},
      {"seen", {.repetition_penalty = 1.6}}};
  for (const auto& [name, options] : cases) {
    INFO(name);
    auto logits = Tensor(golden().at(std::string(name) + "/logits")).to_vector<float>();
    const auto expected =
        Tensor(golden().at(std::string(name) + "/probabilities")).to_vector<double>();
    nn::models::penalize_repetition(logits, Tokens{1, 4, 4}, options.repetition_penalty);
    constexpr int draws = 20000;
    std::vector<double> share(logits.size());
    for (int i = 0; i < draws; ++i)
      share[static_cast<size_t>(nn::models::pick(logits, options, (i + 0.5) / draws))] +=
          1.0 / draws;
    for (size_t t = 0; t < share.size(); ++t) CHECK(std::abs(share[t] - expected[t]) < 1.0 / draws);
  }
  CHECK(nn::models::pick(std::vector<float>{1, 3, 2}, {.top_p = 0}, 0.999) == 1);
}

TEST_CASE("generation with a cache gives the tokens that it gives without, alone and in a batch") {
  const std::vector<Tokens> prompts{{5}, {7, 2, 11, 0}, {4, 4}};
  const auto batch = nn::models::generate(model(), prompts, {.max_new_tokens = 5});
  for (size_t i = 0; i < prompts.size(); ++i) {
    CHECK(batch[i] == uncached(prompts[i], 5));
    CHECK(nn::models::generate(model(), {prompts[i]}, {.max_new_tokens = 5})[0] == batch[i]);
  }
}

TEST_CASE("a sequence goes on beyond the context with the newer half of it") {
  const Tokens prompt{7, 2, 11, 0};
  const Tokens out = nn::models::generate(model(), {prompt}, {.max_new_tokens = 20})[0];
  CHECK(out.size() == 24);
  Tokens head(out.begin(), out.begin() + 10);
  CHECK(head == uncached(prompt, 6));
  const Tokens half(out.begin() + 6, out.begin() + 10);
  const Tokens next = uncached(half, 1);
  CHECK(out[10] == next.back());
}

TEST_CASE("a sequence beyond the context leaves the others in the batch their own") {
  const std::vector<Tokens> prompts{{5}, {7, 2, 11, 0, 1, 3, 9, 4}, {4, 4, 2}};
  const auto gpt2 = hub::from_pretrained<Gpt2>(ATTUNE_TEST_DATA "/models/gpt2", {.dtype = float64});
  {
    NoGrad no_grad;
    for (const Tensor& p : gpt2.parameters()) p.mul_(5);  // so that what is far back matters
  }
  const auto batch = nn::models::generate(gpt2, prompts, {.max_new_tokens = 12});
  for (size_t i = 0; i < prompts.size(); ++i)
    CHECK(nn::models::generate(gpt2, {prompts[i]}, {.max_new_tokens = 12})[0] == batch[i]);
}

TEST_CASE("sampling repeats with a seed, whatever else is in the batch") {
  const GenerationOptions options{.max_new_tokens = 5, .sampling = {.temperature = 1.5}, .seed = 7};
  const auto both = nn::models::generate(model(), {{5}, {6, 1}}, options);
  CHECK(nn::models::generate(model(), {{5}, {9, 9, 9}}, options)[0] == both[0]);
  CHECK(nn::models::generate(model(), {{5}, {6, 1}}, options) == both);
  auto other = options;
  other.seed = 8;
  CHECK(nn::models::generate(model(), {{5}, {6, 1}}, other) != both);
  other.seed = {};
  manual_seed(3);
  const auto unseeded = nn::models::generate(model(), {{5}}, other);
  CHECK(random_state() == RandomState{3, 1});
  manual_seed(3);
  CHECK(nn::models::generate(model(), {{5}}, other) == unseeded);
}

TEST_CASE("generation ends where it is told to, each sequence by itself") {
  const std::vector<Tokens> prompts{{5}, {7, 2, 11, 0}};
  const auto whole = nn::models::generate(model(), prompts, {.max_new_tokens = 5});
  const Tokens stop{whole[1][4], whole[1][5]};
  const auto stopped =
      nn::models::generate(model(), prompts, {.max_new_tokens = 5, .stop = {stop}});
  CHECK(stopped[1] == Tokens(whole[1].begin(), whole[1].begin() + 6));
  std::vector<std::pair<size_t, int64_t>> heard;
  const auto cut = nn::models::generate(model(), prompts,
                                        {.max_new_tokens = 5, .on_token = [&](size_t s, int64_t t) {
                                           heard.emplace_back(s, t);
                                           return s == 1 || heard.size() < 3;
                                         }});
  CHECK(cut[0].size() == 3);
  CHECK(cut[1] == whole[1]);
  CHECK(heard[0] == std::pair<size_t, int64_t>{0, whole[0][1]});
  CHECK(heard.size() == 7);
}

// 6 is the likeliest, three ends come next, and 5 is sure of itself once it is taken.
TEST_CASE("a search keeps as many open beams as it was told, however many ends are likelier") {
  const auto model = scripted([](int64_t token, int64_t) {
    const Tensor p = token == 0   ? tensor({.004f, .2f, .19f, .18f, .006f, .17f, .25f})
                     : token == 5 ? tensor({.001f, .001f, .001f, .001f, .001f, .99f, .005f})
                                  : tensor({.14f, .14f, .14f, .14f, .14f, .14f, .16f});
    return log(p).to_vector<float>();
  });
  GenerationOptions options{.max_new_tokens = 5, .eos_token_id = {1, 2, 3}, .num_beams = 2};
  const Tokens best{0, 5, 5, 5, 5, 5};
  CHECK(nn::models::generate(model, {{0}}, options)[0] == best);
  options.eos_token_id = {1};
  options.stop = {{2}, {0, 3}};
  CHECK(nn::models::generate(model, {{0}}, options)[0] == best);
}

TEST_CASE("a search notices NaN in any of its beams") {
  for (const int64_t broken : {0, 1, 2}) {
    const auto model = scripted([=](int64_t token, int64_t row) {
      std::vector<float> logits{0, 1, 2, 3};
      if (token > 0 && row == broken) logits[2] = NAN;
      return logits;
    });
    CHECK_THROWS_WITH(nn::models::generate(model, {{0}}, {.max_new_tokens = 4, .num_beams = 3}),
                      Catch::Matchers::ContainsSubstring("a logit is NaN"));
  }
}

TEST_CASE("generate refuses logits of every token in place of the last") {
  const nn::models::LanguageModel every{
      [](const Tensor& in, const std::vector<int64_t>&, nn::KvCache&) {
        return zeros({in.size(0), in.size(1), 4});
      },
      8};
  for (const int64_t beams : {1, 2})
    CHECK_THROWS_WITH(nn::models::generate(every, {{1, 2, 3}}, {.num_beams = beams}),
                      Catch::Matchers::ContainsSubstring("gave [1, 3, 4] for 1 sequences"));
}

TEST_CASE("generate refuses logits of no token") {
  const nn::models::LanguageModel nothing{
      [](const Tensor& in, const std::vector<int64_t>&, nn::KvCache&) {
        return zeros({in.size(0), 0});
      },
      8};
  for (const int64_t beams : {1, 2})
    CHECK_THROWS_WITH(nn::models::generate(nothing, {{1}}, {.num_beams = beams}),
                      Catch::Matchers::ContainsSubstring("gave [1, 0] for 1 sequences"));
}

TEST_CASE("generate refuses what makes no sense") {
  const auto refused = [](const std::vector<Tokens>& prompts, const GenerationOptions& options) {
    CHECK_THROWS_AS(nn::models::generate(model(), prompts, options), ValueError);
  };
  refused({{}}, {});
  refused({Tokens(10, 1)}, {});
  refused({{1}}, {.max_new_tokens = -1});
  refused({{1}}, {.num_beams = 0});
  refused({{1}}, {.sampling = {.temperature = 1}, .num_beams = 2});
  refused({{1}}, {.sampling = {.temperature = -1}});
  refused({{1}}, {.sampling = {.top_p = -0.1}});
  refused({{1}}, {.sampling = {.min_p = 2}});
  refused({{1}}, {.sampling = {.repetition_penalty = 0}});
  CHECK_THROWS_AS(nn::models::generate(model(), std::vector<Tokens>{{99}}, {}), IndexError);
  CHECK(nn::models::generate(model(), std::vector<Tokens>{}, {}).empty());
  CHECK_THROWS_AS(nn::models::sample(tensor({NAN, 1.f}), {}), ValueError);
  CHECK_THROWS_AS(nn::models::sample(zeros({2, 2}), {}), ShapeError);
}
