#include "../scratch.h"
#include "golden_model.h"

namespace {

struct Case {
  const char* name;
  void (*check)(const char* name, DType dtype, double tolerance);
};

// The loss of the model, or what scripts/golden_models.py takes for one where there is none.
Tensor loss_of(const nn::models::ModelOutput& output) {
  if (output.loss.defined()) return output.loss;
  const Tensor states = square(output.last_hidden_state).mean();
  return output.pooler_output.defined() ? states + square(output.pooler_output).mean() : states;
}

template <class Model>
void check_model(const char* name, DType dtype, double tolerance) {
  const GoldenModel golden(name);
  const auto model = hub::from_pretrained<Model>(model_folder(name), {.dtype = dtype});
  const auto output = model.forward(golden.input("input_ids"), golden.options());
  golden.check(output, tolerance);
  loss_of(output).backward();
  golden.check_gradients(model, tolerance);
}

template <class Model>
void check_round_trip(const char* name, DType dtype, double) {
  const ScratchFolder folder;
  const auto model = hub::from_pretrained<Model>(model_folder(name), {.dtype = dtype});
  hub::save_pretrained(model, folder / "copy");
  const auto copy = hub::from_pretrained<Model>(folder / "copy");
  CHECK(same_bits(model.state_dict(), copy.state_dict()));
  CHECK(model.config().to_json() == copy.config().to_json());
}

using nn::models::BertForMaskedLM;
using nn::models::BertForSequenceClassification;
using nn::models::BertModel;
using nn::models::Gpt2;
using nn::models::Llama;

}  // namespace

TEST_CASE("models agree with transformers in every output, loss and gradient") {
  const Case cases[] = {{"gpt2", check_model<Gpt2>},
                        {"gpt2_bare", check_model<Gpt2>},
                        {"gpt2_sharded", check_model<Gpt2>},
                        {"gpt2_half", check_model<Gpt2>},
                        {"bert", check_model<BertModel>},
                        {"bert_pretraining", check_model<BertForMaskedLM>},
                        {"bert_untied", check_model<BertForMaskedLM>},
                        {"bert_classifier", check_model<BertForSequenceClassification>},
                        {"llama", check_model<Llama>},
                        {"llama_stretched", check_model<Llama>}};
  for (const auto& [name, check] : cases)
    for (const auto& [dtype, tolerance] : {std::pair{float64, 1e-12}, std::pair{float32, 1e-5}}) {
      INFO(name << " in " << name_of(dtype));
      check(name, dtype, tolerance);
    }
}

TEST_CASE("a model that is saved and read again is the same, bit for bit") {
  const Case cases[] = {{"gpt2", check_round_trip<Gpt2>},
                        {"gpt2_bare", check_round_trip<Gpt2>},
                        {"gpt2_sharded", check_round_trip<Gpt2>},
                        {"gpt2_half", check_round_trip<Gpt2>},
                        {"bert", check_round_trip<BertModel>},
                        {"bert_pretraining", check_round_trip<BertForMaskedLM>},
                        {"bert_untied", check_round_trip<BertForMaskedLM>},
                        {"bert_classifier", check_round_trip<BertForSequenceClassification>},
                        {"llama", check_round_trip<Llama>},
                        {"llama_stretched", check_round_trip<Llama>}};
  for (const auto& [name, check] : cases)
    for (const DType dtype : {float32, float64}) {
      INFO(name << " in " << name_of(dtype));
      check(name, dtype, 0);
    }
}

TEST_CASE("a config that cannot be written leaves no weights without one") {
  const ScratchFolder folder;
  nn::models::Gpt2Config config{
      .vocab_size = 3, .n_positions = 2, .n_embd = 2, .n_layer = 1, .n_head = 1};
  config.others = "{";
  for (int i = 0; i < 32'760; ++i) config.others += "\"" + std::to_string(i) + "\":0,";
  config.others.back() = '}';
  CHECK_THROWS_AS(hub::save_pretrained(nn::models::Gpt2(config), folder / "new"), FormatError);
  CHECK_FALSE(std::filesystem::exists(folder / "new"));
}
