#include <filesystem>
#include <nlohmann/json.hpp>

#include "../scratch.h"
#include "golden_model.h"

using nn::models::BertForSequenceClassification;
using nn::models::Gpt2;

namespace {

const nn::LoraConfig small{.r = 2, .lora_alpha = 6, .target_modules = {"c_attn", "mlp.c_proj"}};

Gpt2 gpt2() { return hub::from_pretrained<Gpt2>(model_folder("gpt2"), {.dtype = float64}); }

Tensor some_tokens() { return tensor({{1, 2, 3, 4}, {5, 6, 7, 8}}); }

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return amax(abs(a - b)).item<double>();
}

// Gives the second factors, zero at first, other values.
void disturb(const nn::Lora& lora) {
  for (const auto& [name, tensor] : lora.named_parameters()) nn::init::normal_(tensor, 0, 0.1);
}

void rename_in_config(const std::string& folder, const std::string& from, const std::string& to) {
  const std::string path = folder + "/adapter_config.json";
  std::string config = read_all(path);
  REQUIRE(config.find(from) != std::string::npos);
  write_all(path, config.replace(config.find(from), from.size(), to));
}

void change_weights(const std::string& folder, const std::function<void(StateDict&)>& edit) {
  const std::string path = folder + "/adapter_model.safetensors";
  StateDict weights;
  for (const auto& [name, array] : io::load_safetensors(path).arrays)
    weights.emplace(name, Tensor(array).clone().array());
  edit(weights);
  io::save_safetensors(path, weights);
}

}  // namespace

TEST_CASE("an adapter of PEFT gives what it gives there, gradients included, merged or not") {
  for (const char* name : {"lora_gpt2", "lora_bert"}) {
    INFO(name);
    const StateDict golden = io::load_safetensors(model_folder(name) + ".safetensors").arrays;
    const Tensor tokens(golden.at("in/input_ids")), labels(golden.at("in/labels"));
    const auto check = [&](const auto& model) {
      const nn::Lora lora = hub::load_adapter(model, model_folder(name));
      const auto output = model.forward(tokens, {.labels = labels});
      CHECK(largest_difference(output.logits, Tensor(golden.at("out/logits"))) < 1e-12);
      output.loss.backward();
      size_t gradients = 0;
      for (const auto& [parameter, tensor] : lora.named_parameters()) {
        INFO(parameter);
        REQUIRE(tensor.grad().defined());
        CHECK(largest_difference(tensor.grad(), Tensor(golden.at("grad/" + parameter))) < 1e-12);
        ++gradients;
      }
      CHECK(gradients == golden.size() - 3);
      lora.merge();
      CHECK(largest_difference(model(tokens), Tensor(golden.at("out/logits"))) < 1e-12);
    };
    if (std::string(name) == "lora_gpt2") {
      check(gpt2());
    } else {
      check(hub::from_pretrained<BertForSequenceClassification>(model_folder("bert_classifier"),
                                                                {.dtype = float64}));
    }
  }
}

TEST_CASE("a new adapter changes nothing, and only it is trained") {
  const Gpt2 model = gpt2();
  const Tensor before = model(some_tokens());
  const nn::Lora lora(model, small);
  CHECK(largest_difference(model(some_tokens()), before) == 0);
  CHECK(lora.named_parameters().size() == 8);
  CHECK(lora.named_parameters()[0].first == "transformer.h.0.attn.c_attn.lora_A.weight");
  CHECK(lora.fan_in_fan_out());
  CHECK(model.state_dict().count("transformer.h.0.attn.c_attn.lora_A.weight") == 0);
  model.forward(some_tokens(), {.labels = some_tokens()}).loss.backward();
  for (const Tensor& parameter : model.parameters()) CHECK_FALSE(parameter.grad().defined());
  for (const Tensor& parameter : lora.parameters()) CHECK(parameter.grad().defined());
}

TEST_CASE("merging moves an adapter into the weights, and unmerging gives them back bit for bit") {
  const Gpt2 model = gpt2();
  const nn::Lora lora(model, small);
  disturb(lora);
  StateDict before;
  for (const auto& [name, array] : model.state_dict())
    before.emplace(name, Tensor(array).clone().array());
  const Tensor with = model(some_tokens());
  lora.merge();
  lora.merge();
  CHECK(lora.merged());
  CHECK_FALSE(same_bits(model.state_dict(), before));
  CHECK(largest_difference(model(some_tokens()), with) < 1e-13);
  lora.unmerge();
  lora.unmerge();
  CHECK_FALSE(lora.merged());
  CHECK(same_bits(model.state_dict(), before));
  CHECK(largest_difference(model(some_tokens()), with) == 0);
  lora.unload();
  CHECK(largest_difference(model(some_tokens()), with) > 1e-3);
  for (const Tensor& parameter : model.parameters()) CHECK(parameter.requires_grad());
  const nn::Lora again(model, small);
  again.merge();
  again.unload();
  CHECK_FALSE(model.h[0].attn.c_attn.has_adapter());
}

TEST_CASE("a merged adapter leaves alone what came after it") {
  const Gpt2 model = gpt2();
  const nn::Conv1D& layer = model.h[0].attn.c_attn;
  const auto unmerged = [](const nn::Lora& lora) {
    CHECK_THROWS_WITH(lora.unmerge(), ContainsSubstring("since merge()"));
    CHECK(lora.merged());
  };
  const nn::Lora first(model, small);
  first.merge();
  const nn::Lora second(model, small);
  unmerged(first);
  second.merge();
  unmerged(first);
  second.unmerge();
  first.unload();
  CHECK(layer.has_adapter());
  second.unload();
  const nn::Lora third(model, small);
  third.merge();
  layer.weight.detach().mul_(2);
  unmerged(third);
}

TEST_CASE("dropout of an adapter follows the model's mode") {
  const Gpt2 model = gpt2();
  nn::LoraConfig config = small;
  config.lora_dropout = 0.5;
  const nn::Lora lora(model, config);
  disturb(lora);
  const nn::Conv1D& layer = model.h[0].attn.c_attn;
  const Tensor x = randn({2, 8}, float64);
  CHECK(largest_difference(layer(x), layer(x)) == 0);
  model.train();
  CHECK(largest_difference(layer(x), layer(x)) > 0);
}

TEST_CASE("an adapter that is saved and loaded again is the same, heads included") {
  const ScratchFolder folder;
  const auto load = [] {
    return hub::from_pretrained<BertForSequenceClassification>(model_folder("bert_classifier"));
  };
  const auto model = load(), other = load();
  const nn::Lora lora(model, {.r = 3,
                              .lora_alpha = 4.5,
                              .lora_dropout = 0.25,
                              .use_rslora = true,
                              .target_modules = {"all-linear"},
                              .modules_to_save = {"classifier"}});
  disturb(lora);
  hub::save_adapter(lora, folder / "a/b", "bert", "SEQ_CLS");
  const nn::Lora copy = hub::load_adapter(other, folder / "a/b");
  CHECK(same_bits(copy.state_dict(), lora.state_dict()));
  CHECK(copy.config().lora_alpha == 4.5);
  CHECK(copy.config().lora_dropout == 0.25);
  CHECK(copy.config().use_rslora);
  CHECK(copy.state_dict().count("classifier.bias") == 1);
  CHECK(largest_difference(model(some_tokens()), other(some_tokens())) == 0);
}

TEST_CASE("modules to save are those that the name means to PEFT") {
  // In the config in place of what Lora was told: a module that is no class here, and one whose
  // name only ends so.
  const std::pair<const char*, const char*> names[] = {
      {"pooler.dense", "pooler"}, {"pooler.dense", "ooler"}, {"LayerNorm", "Norm"}};
  for (const auto& [own, other] : names) {
    INFO(other);
    const ScratchFolder folder;
    const auto load = [] {
      return hub::from_pretrained<BertForSequenceClassification>(model_folder("bert_classifier"));
    };
    const auto model = load(), copy = load();
    const nn::Lora lora(
        model, {.r = 2, .target_modules = {"query"}, .modules_to_save = {own, "classifier"}});
    disturb(lora);
    hub::save_adapter(lora, folder / "a", "bert", "SEQ_CLS");
    rename_in_config(folder / "a", "\"" + std::string(own), "\"" + std::string(other));
    const nn::Lora again = hub::load_adapter(copy, folder / "a");
    CHECK(again.state_dict().size() == lora.state_dict().size());
    CHECK(largest_difference(model(some_tokens()), copy(some_tokens())) == 0);
  }
}

TEST_CASE("a tied weight is saved whole under all its names, or not at all") {
  const Gpt2 model = gpt2();
  for (const char* end : {"wte", "lm_head", "transformer"}) {
    INFO(end);
    CHECK_THROWS_WITH(
        nn::Lora(model, {.r = 2, .target_modules = {"c_attn"}, .modules_to_save = {end}}),
        ContainsSubstring("is the same tensor; name both, or load the model with tie"));
    CHECK_FALSE(model.h[0].attn.c_attn.has_adapter());
  }
  const ScratchFolder folder;
  {
    const nn::Lora lora(
        model, {.r = 2, .target_modules = {"c_attn"}, .modules_to_save = {"wte", "lm_head"}});
    CHECK(lora.named_parameters().size() == 5);
    disturb(lora);
    hub::save_adapter(lora, folder / "a");
  }
  const auto matches = [&] {
    const Gpt2 copy = gpt2();
    const nn::Lora lora = hub::load_adapter(copy, folder / "a");
    return largest_difference(model(some_tokens()), copy(some_tokens())) == 0;
  };
  CHECK(matches());
  // As PEFT writes it with ensure_weight_tying.
  rename_in_config(folder / "a", ",\n    \"lm_head\"", "");
  CHECK(matches());
  change_weights(folder / "a", [](StateDict& weights) {
    Array& head = weights.at("base_model.model.lm_head.weight");
    head = (Tensor(head) + 1).array();
  });
  CHECK_THROWS_WITH(hub::load_adapter(gpt2(), folder / "a"),
                    ContainsSubstring("differ, but are one tensor of the model"));
  change_weights(folder / "a",
                 [](StateDict& weights) { weights.erase("base_model.model.lm_head.weight"); });
  CHECK_THROWS_WITH(hub::load_adapter(gpt2(), folder / "a"),
                    ContainsSubstring("adapter_config.json: Lora: modules_to_save names "
                                      "transformer.wte.weight, but not lm_head.weight"));
}

TEST_CASE("weights of the model that PEFT writes beside an adapter must be the model's") {
  const auto load = [] { return hub::from_pretrained<Gpt2>(model_folder("gpt2_sharded")); };
  const Gpt2 model = load();
  const nn::Lora lora(model, {.r = 2, .target_modules = {"c_attn", "lm_head"}});
  disturb(lora);
  const ScratchFolder folder;
  hub::save_adapter(lora, folder / "a");
  const std::string head = "base_model.model.lm_head.base_layer.weight";
  change_weights(folder / "a", [&](StateDict& weights) {
    weights.emplace(head, model.lm_head.weight.array());
    weights.emplace("base_model.model.transformer.wte.weight", model.wte.weight.array());
  });
  const Gpt2 copy = load();
  hub::load_adapter(copy, folder / "a");
  CHECK(largest_difference(model(some_tokens()), copy(some_tokens())) == 0);
  change_weights(folder / "a", [&](StateDict& weights) {
    weights.at(head) = (Tensor(weights.at(head)) + 1).array();
  });
  CHECK_THROWS_WITH(hub::load_adapter(load(), folder / "a"),
                    ContainsSubstring("lm_head.weight is not the model's"));
}

TEST_CASE("layers that PEFT describes rather than lists are those that the file has") {
  const Gpt2 model = gpt2();
  for (const char* targets : {"\"all-linear\"", "\".*(c_attn|mlp.c_proj)\""}) {
    const ScratchFolder folder;
    std::filesystem::copy(model_folder("lora_gpt2"), folder / "copy");
    auto config = nlohmann::json::parse(read_all(folder / "copy/adapter_config.json"));
    config["target_modules"] = nlohmann::json::parse(targets);
    write_all(folder / "copy/adapter_config.json", config.dump());
    const nn::Lora lora = hub::load_adapter(model, folder / "copy");
    CHECK(lora.named_parameters().size() == 8);
    lora.unload();
  }
  // Names that other models have do no harm.
  const ScratchFolder many;
  std::filesystem::copy(model_folder("lora_gpt2"), many / "copy");
  auto wide = nlohmann::json::parse(read_all(many / "copy/adapter_config.json"));
  wide["modules_to_save"] = {"classifier", "score"};
  wide["target_modules"].push_back("q_proj");
  write_all(many / "copy/adapter_config.json", wide.dump());
  hub::load_adapter(model, many / "copy").unload();

  // PEFT's all-linear lacks the head, ours has it where it is not tied: saved, it is a list.
  const ScratchFolder folder;
  const Gpt2 untied = hub::from_pretrained<Gpt2>(model_folder("gpt2_sharded"));
  const nn::Lora lora(untied, {.target_modules = {"all-linear"}});
  hub::save_adapter(lora, folder / "a");
  const auto config = nlohmann::json::parse(read_all(folder / "a/adapter_config.json"));
  CHECK(config["target_modules"].size() == 9);
  CHECK(config["target_modules"][8] == "lm_head");
}

TEST_CASE("a module that is trained whole needs no adapter, and a classifier's head is one") {
  const auto model =
      hub::from_pretrained<BertForSequenceClassification>(model_folder("bert_classifier"));
  const nn::Lora lora(model, {.target_modules = {"all-linear"}, .modules_to_save = {"classifier"}});
  CHECK_FALSE(model.classifier.has_adapter());
  CHECK(model.bert.pooler->has_adapter());
  lora.unload();
  const nn::Lora some(
      model, {.target_modules = {"query", "dense"}, .modules_to_save = {"classifier", "pooler"}});
  CHECK_FALSE(model.bert.pooler->has_adapter());
  CHECK(model.bert.layer[0].output.has_adapter());
  some.unload();
  CHECK_THROWS_WITH(
      nn::Lora(model, {.target_modules = {"classifier"}, .modules_to_save = {"classifier"}}),
      ContainsSubstring("target_modules means no layer outside of modules_to_save"));
  const ScratchFolder folder;
  CHECK_THROWS_WITH(hub::save_adapter(nn::Lora(model, {.target_modules = {"query"}}), folder / "a",
                                      "", "SEQ_CLS"),
                    ContainsSubstring("name it in modules_to_save"));
}

TEST_CASE("what an adapter cannot be is refused, and the model left as it was") {
  const Gpt2 model = gpt2();
  const auto refused = [&](nn::LoraConfig config, const std::string& reason) {
    CHECK_THROWS_WITH(nn::Lora(model, config), ContainsSubstring(reason));
    CHECK_FALSE(model.h[0].attn.c_attn.has_adapter());
    CHECK(model.wte.weight.requires_grad());
  };
  refused({.r = 0, .target_modules = {"c_attn"}}, "r 0");
  refused({.lora_alpha = NAN, .target_modules = {"c_attn"}}, "lora_alpha");
  refused({.lora_dropout = 2, .target_modules = {"c_attn"}}, "lora_dropout 2");
  refused({.target_modules = {}}, "target_modules is empty");
  refused({.target_modules = {"c_attn", "query"}},
          "\"query\" means none of its layers: c_attn, c_fc, c_proj, lm_head");
  refused({.target_modules = {"attn"}}, "\"attn\" means none");
  refused({.target_modules = {"lm_head"}}, "lm_head shares its weight");
  refused({.target_modules = {"c_attn"}, .modules_to_save = {"score"}}, "\"score\"");
  const nn::Lora lora(model, small);
  CHECK_THROWS_WITH(nn::Lora(model, small), ContainsSubstring("has an adapter already"));
}

TEST_CASE("adapter files that are wrong are refused, and the model left as it was") {
  const auto refused = [](const std::string& from, const std::string& to,
                          const std::string& reason) {
    INFO(to);
    const ScratchFolder folder;
    std::filesystem::copy(model_folder("lora_gpt2"), folder / "copy");
    const std::string path = folder / "copy/adapter_config.json";
    std::string text = read_all(path);
    REQUIRE(text.find(from) != std::string::npos);
    write_all(path, text.replace(text.find(from), from.size(), to));
    const Gpt2 model = gpt2();
    CHECK_THROWS_WITH(hub::load_adapter(model, folder / "copy"),
                      ContainsSubstring("copy/adapter_") && ContainsSubstring(reason));
    CHECK_FALSE(model.h[0].attn.c_attn.has_adapter());
    CHECK(model.wte.weight.requires_grad());
  };
  refused("\"r\": 2", "\"r\": 2000000000", "no lora_A of rank 2000000000");
  refused("\"r\": 2", "\"r\": 18446744073709551615", "json: r is 18446744073709551615");
  refused("\"r\": 2", "\"r\": \"2\"", "r is no whole number");
  refused("\"lora_alpha\": 6", "\"lora_alpha\": \"x\"", "lora_alpha is \"x\"");
  refused("\"use_dora\": false", "\"use_dora\": true", "use_dora is true");
  refused("\"rank_pattern\": {}", "\"rank_pattern\": {\"c_attn\": 4}", "which is not supported");
  refused("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa_niter_4\"",
          "init_lora_weights is \"pissa_niter_4\"");
  refused("\"bias\": \"none\"", "\"bias\": \"all\"", "bias all");
  refused("\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", "peft_type IA3");
  refused("\"target_modules\": [", "\"target_modules\": [\"c_fc\",",
          "missing transformer.h.0.mlp.c_fc.lora_A.weight [2, 8]");
  refused("\"c_attn\"", "\"wte\"", "\"wte\" means none of its layers");
  refused("\"c_attn\"", "\"attn.c_proj\"", "unknown transformer.h.0.attn.c_attn.lora_A.weight");
  const ScratchFolder folder;
  CHECK_THROWS_AS(hub::load_adapter(gpt2(), folder / "absent"), IoError);
  std::filesystem::copy(model_folder("lora_gpt2"), folder / "copy");
  change_weights(folder / "copy", [](StateDict& weights) {
    weights.emplace("base_model.model.transformer.wte.lora_embedding_A", zeros({2, 8}).array());
  });
  CHECK_THROWS_WITH(hub::load_adapter(gpt2(), folder / "copy"),
                    ContainsSubstring("wte.lora_embedding_A\" adapts an embedding"));
  std::filesystem::create_directory(folder / "old");
  write_all(folder / "old/adapter_model.bin", "");
  CHECK_THROWS_WITH(hub::load_adapter(gpt2(), folder / "old"),
                    ContainsSubstring("has adapter_model.bin but no adapter_model.safetensors"));
}
