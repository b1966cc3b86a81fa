#include <limits>

#include "golden_model.h"

using namespace nn::models;

TEST_CASE("a LLaMA generates through its cache what it does without") {
  for (const char* name : {"llama", "llama_stretched"}) {
    INFO(name);
    const auto model = hub::from_pretrained<Llama>(model_folder(name), {.dtype = float64});
    const std::vector<std::vector<int64_t>> prompts = {{1, 2, 3, 4, 5}, {6}, {7, 8, 9}};
    const auto written = generate(model, prompts, {.max_new_tokens = 8});
    const NoGrad no_grad;
    for (size_t i = 0; i < prompts.size(); ++i) {
      std::vector<int64_t> expected = prompts[i];
      for (int step = 0; step < 8; ++step) {
        const Tensor logits = model(tensor(expected, {1, static_cast<int64_t>(expected.size())}));
        expected.push_back(argmax(select(select(logits, 0, 0), 0, -1)).item<int64_t>());
      }
      CHECK(written[i] == expected);
    }
  }
}

TEST_CASE("rotary frequencies are stretched as their type says") {
  const auto plain = rope_frequencies(4, {.rope_theta = 100});
  CHECK(plain == rotary_frequencies(4, 100));
  CHECK(rope_frequencies(4, {.rope_theta = 100, .rope_type = "linear", .factor = 4}) ==
        std::vector<double>{plain[0] / 4, plain[1] / 4});
  // Of 16 positions, frequency 1 makes 2.5 turns and 0.1 a quarter of one.
  const auto stretched = rope_frequencies(4, {.rope_theta = 100,
                                              .rope_type = "llama3",
                                              .factor = 8,
                                              .high_freq_factor = 2,
                                              .original_max_position_embeddings = 16});
  CHECK(stretched == std::vector<double>{plain[0], plain[1] / 8});
  CHECK_THROWS_AS(rope_frequencies(4, {.rope_type = "yarn"}), ValueError);
}

TEST_CASE("a LLaMA's config is read in the forms before and since transformers 5") {
  const auto read = [](const std::string& fields) {
    return LlamaConfig::from_json(R"({"model_type":"llama")" + fields + "}").rope_parameters;
  };
  CHECK(read("").rope_theta == 10000);
  CHECK(read(R"(,"rope_theta":5e5,"rope_scaling":null)").rope_theta == 5e5);
  const auto linear = read(R"(,"rope_theta":20,"rope_scaling":{"type":"linear","factor":2})");
  CHECK(linear.rope_type == "linear");
  CHECK(linear.factor == 2);
  CHECK(linear.rope_theta == 20);
  const auto present =
      read(R"(,"rope_parameters":{"rope_type":"linear","factor":3,"rope_theta":30})");
  CHECK(present.rope_type == "linear");
  CHECK(present.factor == 3);
  CHECK(present.rope_theta == 30);

  // Of both names the older one counts, and the original length is the model's own if not told.
  const auto both = read(R"(,"max_position_embeddings":64,"rope_parameters":{"rope_theta":7},)"
                         R"("rope_scaling":{"rope_type":"llama3","factor":4,"low_freq_factor":1,)"
                         R"("high_freq_factor":4})");
  CHECK(both.rope_type == "llama3");
  CHECK(both.rope_theta == 10000);
  CHECK(both.original_max_position_embeddings == 64);
  CHECK(read(R"(,"original_max_position_embeddings":32)").original_max_position_embeddings == 32);

  const auto empty = read(
      R"(,"rope_parameters":{"rope_type":"linear","factor":3,"rope_theta":30},"rope_scaling":{})");
  CHECK(empty.rope_type == "linear");
  CHECK(empty.rope_theta == 30);

  const auto stretched = hub::load_config<LlamaConfig>(model_folder("llama_stretched"));
  for (const char* field : {"\"rope_parameters\": {", "\"rope_scaling\": {", "\"rope_theta\": 50.0",
                            "\"eos_token_id\": ["})
    CHECK_THAT(stretched.to_json(), ContainsSubstring(field));
  const auto again = LlamaConfig::from_json(stretched.to_json());
  CHECK(again.to_json() == stretched.to_json());

  const std::pair<const char*, const char*> bad[] = {
      {R"("rope_scaling":{"rope_type":"yarn"})", "rope_type \"yarn\" is none of"},
      {R"("rope_scaling":{"type":"linear","factor":-1})", "rope_scaling: factor is -1"},
      {R"("rope_parameters":{"rope_type":"linear"},"rope_scaling":{"rope_type":"yarn"})", "yarn"},
      {R"("rope_scaling":{"rope_type":"linear"})",
       "factor is 0; rope_type \"linear\" needs a positive number"},
      {R"("rope_scaling":{"rope_type":"llama3","factor":2})", "needs a low_freq_factor and"},
      {R"("rope_scaling":{"type":"linear","rope_type":"yarn"})",
       "type is \"linear\", but rope_type"},
      {R"("rope_parameters":[])", "rope_parameters is []"},
      {R"("rope_parameters":{"rope_type":"llama3","factor":2,"low_freq_factor":4,)"
       R"("high_freq_factor":4})",
       "low_freq_factor 4 is not below"},
      {R"("num_key_value_heads":3)", "not a multiple of num_key_value_heads 3"},
      {R"("head_dim":3)", "the width of a head is 3; rotary positions turn pairs"},
      {R"("head_dim":1048578)", "the width of a head is 1048578; "},
      {R"("eos_token_id":[1,"a"])", "eos_token_id is"},
      {R"("hidden_size":100)", "hidden_size 100 is not a multiple"}};
  for (const auto& [field, reason] : bad) {
    INFO(field);
    CHECK_THROWS_WITH(read(std::string(",") + field), ContainsSubstring(reason));
  }
  LlamaConfig endless;
  endless.rope_parameters = {.rope_type = "linear",
                             .factor = std::numeric_limits<double>::infinity()};
  CHECK_THROWS_WITH(
      Llama(endless),
      ContainsSubstring("factor is inf; rope_type \"linear\" needs a positive number"));
  LlamaConfig uneven;
  uneven.hidden_size = 100;
  CHECK_THROWS_AS(Llama(uneven), ValueError);
  const auto model = hub::from_pretrained<Llama>(model_folder("llama"));
  CHECK_THROWS_AS(model(tensor({{1}}), {.token_type_ids = tensor({{0}})}), ValueError);
}

TEST_CASE("a padding token below zero is counted from the last, as rows of an embedding are") {
  auto config = hub::load_config<LlamaConfig>(model_folder("llama"));
  config.pad_token_id = -1;
  config = LlamaConfig::from_json(config.to_json());
  CHECK(config.pad_token_id == -1);
  const Llama model(config);
  const Tensor tokens = tensor({{1, 2, static_cast<int>(config.vocab_size) - 1, 3}});
  model.forward(tokens, {.labels = tokens}).loss.backward();
  const Tensor gradient = abs(model.embed_tokens.weight.grad());
  CHECK(amax(select(gradient, 0, -1)).item<float>() == 0);
  CHECK(amax(select(gradient, 0, 1)).item<float>() > 0);
  config.pad_token_id = -config.vocab_size - 1;
  CHECK_THROWS_WITH(Llama(config), ContainsSubstring("is none of vocab_size"));
}

TEST_CASE("positions of one row are those of every row") {
  const auto model = hub::from_pretrained<Llama>(model_folder("llama"));
  const Tensor tokens = tensor({{1, 2, 3}, {4, 5, 6}});
  const auto logits = [&](const Tensor& positions) {
    return model(tokens, {.position_ids = positions}).to_vector<float>();
  };
  CHECK(logits(tensor({{4, 5, 7}})) == logits(tensor({{4, 5, 7}, {4, 5, 7}})));
}
