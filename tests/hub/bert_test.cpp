#include <fstream>

#include "../scratch.h"
#include "golden_model.h"

using namespace nn::models;

namespace {

double largest_difference(const Tensor& a, const Array& b) {
  REQUIRE(a.shape() == b.shape());
  return amax(abs(a - Tensor(b))).item<double>();
}

}  // namespace

TEST_CASE("sequence classification has the loss of its problem type, told or guessed") {
  const StateDict golden = io::load_safetensors(model_folder("losses.safetensors")).arrays;
  const auto check = [&](const std::string& name, const std::string& problem_type) {
    INFO(name << " as " << problem_type);
    const Tensor loss = sequence_classification_loss(
        Tensor(golden.at(name + "/logits")), Tensor(golden.at(name + "/labels")), problem_type);
    CHECK(largest_difference(loss, golden.at(name + "/loss")) < 1e-14);
  };
  check("regression", "regression");
  check("regression", "");
  check("regression_of_many", "regression");
  check("multi_label", "multi_label_classification");
  check("multi_label", "");
  check("single_label", "single_label_classification");
  check("single_label", "");
  const Tensor logits = zeros({2, 3});
  CHECK_THROWS_AS(sequence_classification_loss(logits, zeros({2}), "ranking"), ValueError);
  CHECK_THROWS_AS(sequence_classification_loss(logits, zeros({3, 2}), "regression"), ShapeError);
  CHECK_THROWS_AS(sequence_classification_loss(zeros({2}), zeros({2})), ShapeError);
}

TEST_CASE("an encoder is read without a head, and without the pooling that a checkpoint lacks") {
  const auto whole = hub::from_pretrained<BertModel>(model_folder("bert_pretraining"));
  CHECK(whole.pooler.has_value());
  const auto without = hub::from_pretrained<BertModel>(model_folder("bert_untied"));
  CHECK_FALSE(without.pooler.has_value());
  const ModelOutput output = without.forward(tensor({{1, 2, 3}}));
  CHECK_FALSE(output.pooler_output.defined());
  CHECK(output.hidden_states.empty());
  CHECK_THROWS_AS(without.forward(tensor({{1}}), {.labels = tensor({{1}})}), ValueError);
}

TEST_CASE("a classifier starts from an encoder if a new head is asked for") {
  const std::string folder = model_folder("bert");
  auto config = hub::load_config<BertConfig>(folder);
  config.num_labels = 5;
  CHECK_THROWS_WITH(hub::from_pretrained<BertForSequenceClassification>(folder, config),
                    ContainsSubstring("missing classifier.weight [5, 6]") &&
                        ContainsSubstring("missing classifier.bias [5]"));
  const auto model =
      hub::from_pretrained<BertForSequenceClassification>(folder, config, {.new_head = true});
  CHECK(model(tensor({{1, 2}})).shape() == Shape{1, 5});
  const auto encoder = hub::from_pretrained<BertModel>(folder);
  CHECK(model.bert.layer[1].query.weight.to_vector<float>() ==
        encoder.layer[1].query.weight.to_vector<float>());
  CHECK(amax(abs(model.classifier.weight)).item<float>() > 0);
  CHECK(amax(abs(model.classifier.bias)).item<float>() == 0);
  // A head of other labels is replaced, an encoder that is incomplete is not.
  const auto other = hub::from_pretrained<BertForSequenceClassification>(
      model_folder("bert_classifier"), config, {.dtype = float64, .new_head = true});
  CHECK(other.classifier.weight.shape() == Shape{5, 6});
  CHECK(other.classifier.weight.dtype() == float64);
  config.num_hidden_layers = 3;
  CHECK_THROWS_AS(
      hub::from_pretrained<BertForSequenceClassification>(folder, config, {.new_head = true}),
      FormatError);
}

TEST_CASE("labels keep their names") {
  const auto config = hub::load_config<BertConfig>(model_folder("bert_classifier"));
  CHECK(config.id2label == std::vector<std::string>{"bad", "fair", "good"});
  CHECK(config.num_labels == 3);
  CHECK(BertConfig::from_json(config.to_json()).id2label == config.id2label);
  CHECK_THAT(config.to_json(), ContainsSubstring("\"good\": 2"));
  CHECK(BertConfig::from_json(R"({"model_type":"bert","num_labels":4})").num_labels == 4);
  BertConfig::from_json(R"({"model_type":"bert","position_embedding_type":"absolute"})");
  for (const char* labels : {R"({"0":"a","2":"b"})", R"({"0":1})", "[]", "{}", "3"}) {
    const std::string json = std::string(R"({"model_type":"bert","id2label":)") + labels + "}";
    CHECK_THROWS_WITH(BertConfig::from_json(json), ContainsSubstring("id2label is"));
  }
  CHECK_THROWS_WITH(
      BertConfig::from_json(R"({"model_type":"bert","position_embedding_type":"relative_key"})"),
      ContainsSubstring("position_embedding_type is"));
  CHECK_THROWS_WITH(BertConfig::from_json(R"({"model_type":"bert","is_causal":true})"),
                    ContainsSubstring("is_causal is true, false fits"));
  CHECK_THROWS_WITH(BertConfig::from_json(R"({"model_type":"bert","pad_token_id":30522})"),
                    ContainsSubstring("pad_token_id 30522"));
}

TEST_CASE("sentences become vectors by every pooling, padding left out") {
  const StateDict golden = io::load_safetensors(model_folder("sentence.safetensors")).arrays;
  const auto model = hub::load_sentence_transformer(model_folder("sentence"), {.dtype = float64});
  CHECK(model.pooling() == Pooling::mean);
  CHECK(model.normalized());
  const Tensor tokens(golden.at("input_ids")), mask(golden.at("attention_mask"));
  const ForwardOptions options{.attention_mask = mask,
                               .token_type_ids = Tensor(golden.at("token_type_ids"))};
  CHECK(largest_difference(model(tokens, options), golden.at("normalized")) < 1e-12);
  const Tensor states = model.bert(tokens, options);
  CHECK(largest_difference(pool(states, mask, Pooling::mean), golden.at("mean")) < 1e-12);
  CHECK(largest_difference(pool(states, mask, Pooling::max), golden.at("max")) < 1e-12);
  CHECK(largest_difference(pool(states, mask, Pooling::cls), golden.at("cls")) < 1e-12);
  CHECK(pool(zeros({1, 2, 3}), zeros({1, 2}, int64), Pooling::mean).to_vector<float>() ==
        std::vector<float>{0, 0, 0});
  CHECK_THROWS_AS(pool(states, tensor({1}), Pooling::mean), ShapeError);
}

TEST_CASE("a sentence model reads as many tokens as its files say, and its positions allow") {
  const auto longest = [](const char* limits, const char* tokenizer) {
    const ScratchFolder folder;
    std::filesystem::copy(model_folder("sentence"), folder / "copy",
                          std::filesystem::copy_options::recursive);
    if (limits) write_all(folder / "copy/sentence_bert_config.json", limits);
    if (tokenizer) write_all(folder / "copy/tokenizer_config.json", tokenizer);
    return hub::load_sentence_transformer(folder / "copy").max_seq_length();
  };
  const char* eight = R"({"model_max_length": 8})";
  CHECK(longest(nullptr, nullptr) == 10);
  CHECK(longest(nullptr, eight) == 8);
  CHECK(longest(nullptr, R"({"model_max_length": 1000000000000000019884624838656})") == 10);
  CHECK(longest(R"({"max_seq_length": 6, "do_lower_case": false})", eight) == 6);
  CHECK(longest(R"({"max_seq_length": 9})", eight) == 9);
  CHECK(longest(R"({"max_seq_length": 512})", nullptr) == 10);
  CHECK(longest(R"({"max_seq_length": null})", eight) == 8);
  CHECK_THROWS_WITH(longest(R"({"max_seq_length": 0})", nullptr),
                    ContainsSubstring("max_seq_length is 0"));
  CHECK_THROWS_WITH(longest(R"({"max_seq_length": "6"})", nullptr),
                    ContainsSubstring("max_seq_length is \"6\""));
  CHECK_THROWS_WITH(longest(R"({"config_args": {"hidden_act": "relu"}})", nullptr),
                    ContainsSubstring("config_args is {\"hidden_act\":\"relu\"}, which is not"));
  CHECK(longest(R"({"max_seq_length": 9, "tokenizer_args": {}})", eight) == 9);
  CHECK_THROWS_AS(longest("[", nullptr), FormatError);
  CHECK_THROWS_AS(SentenceTransformer(hub::from_pretrained<BertModel>(model_folder("bert")),
                                      Pooling::mean, true, 11),
                  ValueError);
}

TEST_CASE("capital letters are a matter of the tokenizer, or refused") {
  const auto load = [](const char* tokenizer) {
    const ScratchFolder folder;
    std::filesystem::copy(model_folder("sentence"), folder / "copy",
                          std::filesystem::copy_options::recursive);
    write_all(folder / "copy/sentence_bert_config.json", R"({"do_lower_case": true})");
    write_all(folder / "copy/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nabcdefg\n");
    write_all(folder / "copy/tokenizer_config.json", tokenizer);
    return hub::load_sentence_transformer(folder / "copy");
  };
  CHECK_NOTHROW(load(R"({"do_lower_case": true})"));
  CHECK_THROWS_WITH(load(R"({"do_lower_case": false})"),
                    ContainsSubstring("the tokenizer keeps capital letters"));
}

TEST_CASE("what sentence-transformers would do to vectors and texts unasked is refused") {
  const auto load = [](const char* defaults) {
    const ScratchFolder folder;
    std::filesystem::copy(model_folder("sentence"), folder / "copy",
                          std::filesystem::copy_options::recursive);
    write_all(folder / "copy/config_sentence_transformers.json", defaults);
    return hub::load_sentence_transformer(folder / "copy");
  };
  CHECK_NOTHROW(load(R"({"truncate_dim":null,"default_prompt_name":null,"prompts":{"q":"x"}})"));
  CHECK_THROWS_WITH(load(R"({"truncate_dim":4})"),
                    ContainsSubstring("transformers.json: truncate_dim is 4, which is not"));
  CHECK_THROWS_WITH(load(R"({"default_prompt_name":"q"})"),
                    ContainsSubstring("default_prompt_name is \"q\", which is not supported"));
}

TEST_CASE("of two biases of a masked language model, the decoder's counts") {
  for (const char* name : {"bert_pretraining", "bert_untied"}) {
    INFO(name);
    const ScratchFolder folder;
    std::filesystem::copy(model_folder(name), folder / "copy");
    const std::string path = folder / "copy/model.safetensors";
    StateDict weights;
    for (const auto& [tensor, array] : io::load_safetensors(path).arrays)
      weights.emplace(tensor, Tensor(array).clone().array());
    const Tensor bias = to(arange(weights.at("cls.predictions.bias").size(0)), float32);
    weights.insert_or_assign("cls.predictions.decoder.bias", bias.array());
    io::save_safetensors(path, weights);
    const auto read = [&] {
      return hub::from_pretrained<BertForMaskedLM>(folder / "copy").decoder.bias;
    };
    CHECK(read().to_vector<float>() == bias.to_vector<float>());
    weights.erase("cls.predictions.bias");
    io::save_safetensors(path, weights);
    CHECK(read().to_vector<float>() == bias.to_vector<float>());
  }
}

TEST_CASE("a masked language model of transformers 4, untied, has its bias under one name") {
  const ScratchFolder folder;
  std::filesystem::copy(model_folder("bert_untied"), folder / "copy");
  const std::string path = folder / "copy/model.safetensors";
  StateDict weights = io::load_safetensors(path).arrays;
  const Tensor bias = Tensor(weights.at("cls.predictions.decoder.bias")).clone();
  weights.insert_or_assign("cls.predictions.bias", bias.array());
  weights.erase("cls.predictions.decoder.bias");
  io::save_safetensors(path, weights);
  const auto model = hub::from_pretrained<BertForMaskedLM>(folder / "copy");
  CHECK(model.decoder.bias.to_vector<float>() == bias.to_vector<float>());
  CHECK(largest_difference(
            model(tensor({{1, 2, 3}})),
            hub::from_pretrained<BertForMaskedLM>(model_folder("bert_untied"))(tensor({{1, 2, 3}}))
                .array()) == 0);
  weights.erase("cls.predictions.bias");
  io::save_safetensors(path, weights);
  CHECK_THROWS_WITH(hub::from_pretrained<BertForMaskedLM>(folder / "copy"),
                    ContainsSubstring("missing cls.predictions.decoder.bias"));
}

TEST_CASE("a sentence model that is saved and read again is the same") {
  for (const Pooling pooling : {Pooling::mean, Pooling::cls, Pooling::max})
    for (const bool normalized : {false, true}) {
      const ScratchFolder folder;
      const SentenceTransformer model(hub::from_pretrained<BertModel>(model_folder("bert")),
                                      pooling, normalized, 7);
      hub::save_sentence_transformer(model, folder / "copy");
      const auto copy = hub::load_sentence_transformer(folder / "copy");
      CHECK(copy.pooling() == pooling);
      CHECK(copy.normalized() == normalized);
      CHECK(copy.max_seq_length() == 7);
      CHECK(same_bits(copy.state_dict(), model.state_dict()));
    }
}

TEST_CASE("a sentence model with other parts is refused") {
  const auto refused = [](const char* file, const std::string& from, const std::string& to,
                          const std::string& reason) {
    const ScratchFolder folder;
    std::filesystem::copy(model_folder("sentence"), folder / "copy",
                          std::filesystem::copy_options::recursive);
    const std::string path = folder / "copy/" + file;
    std::string text = read_all(path);
    REQUIRE(text.find(from) != std::string::npos);
    write_all(path, text.replace(text.find(from), from.size(), to));
    CHECK_THROWS_WITH(hub::load_sentence_transformer(folder / "copy"), ContainsSubstring(reason));
  };
  refused("modules.json", "models.Normalize", "models.Dense", "has a Dense in \"2_Normalize\"");
  refused("modules.json", "\"1_Pooling\"", "\"../1_Pooling\"", "is not the name of a file");
  refused("modules.json", "\"1_Pooling\"", "1", "a module has no path");
  refused("modules.json", "[", "{\"a\":[", "not valid JSON");
  refused("modules.json", "models.Normalize", "models.Pooling", "No such file");
  refused("modules.json", "models.Pooling", "models.Normalize", "has Transformer, Normalize, Norm");
  const char* pooling = "1_Pooling/config.json";
  refused(pooling, "\"pooling_mode_mean_tokens\": true", "\"pooling_mode_mean_tokens\": false",
          "another pooling");
  refused(pooling, "\"pooling_mode_cls_token\": false", "\"pooling_mode_cls_token\": true",
          "another pooling");
  refused(pooling, "\"pooling_mode_mean_sqrt_len_tokens\": false",
          "\"pooling_mode_weightedmean_tokens\": true", "another pooling");
}
