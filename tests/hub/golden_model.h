#pragma once

#include <attune/autograd.h>
#include <attune/hub.h>
#include <attune/io.h>
#include <attune/nn.h>

#include <cmath>
#include <cstring>

#include "../catch.h"

using Catch::Matchers::ContainsSubstring;
using namespace attune;

inline std::string model_folder(const std::string& name) {
  return ATTUNE_TEST_DATA "/models/" + name;
}

// What transformers says of one model: a file that scripts/golden_models.py wrote.
class GoldenModel {
 public:
  explicit GoldenModel(const std::string& name)
      : tensors_(io::load_safetensors(model_folder(name) + ".safetensors").arrays) {}

  Tensor input(const std::string& name) const {
    const auto found = tensors_.find("in/" + name);
    return found == tensors_.end() ? Tensor() : Tensor(found->second);
  }

  nn::models::ForwardOptions options() const {
    return {.attention_mask = input("attention_mask"),
            .token_type_ids = input("token_type_ids"),
            .position_ids = input("position_ids"),
            .labels = input("labels"),
            .output_hidden_states = true,
            .output_attentions = true};
  }

  // Compares everything the model returns for visible tokens; for padding, transformers gives other
  // numbers than zero. |got - expected| <= tolerance (1 + |expected|).
  void check(const nn::models::ModelOutput& got, double tolerance) const {
    std::map<std::string, Tensor> all = {{"logits", got.logits},
                                         {"last_hidden_state", got.last_hidden_state},
                                         {"pooler_output", got.pooler_output},
                                         {"loss", got.loss}};
    for (size_t i = 0; i < got.hidden_states.size(); ++i)
      all.emplace("hidden_states." + std::to_string(i), got.hidden_states[i]);
    for (size_t i = 0; i < got.attentions.size(); ++i)
      all.emplace("attentions." + std::to_string(i), got.attentions[i]);
    size_t layers = 0;
    for (const auto& [name, expected] : tensors_)
      if (name.starts_with("out/")) {
        const std::string output = name.substr(4);
        INFO(output);
        REQUIRE(all.contains(output));
        REQUIRE(all.at(output).defined());
        CHECK(largest_error(visible(output, all.at(output)), visible(output, Tensor(expected))) <=
              tolerance);
        layers += output.find('.') != std::string::npos;
      }
    CHECK(layers == got.hidden_states.size() + got.attentions.size());
  }

  // Compares the gradient of every parameter, by name.
  void check_gradients(const nn::Module& model, double tolerance) const {
    size_t compared = 0;
    for (const auto& [name, parameter] : model.named_parameters()) {
      INFO("gradient of " << name);
      const auto expected = tensors_.find("grad/" + name);
      REQUIRE((expected != tensors_.end()) == parameter.grad().defined());
      if (expected == tensors_.end()) continue;
      CHECK(largest_error(parameter.grad(), Tensor(expected->second)) <= tolerance);
      ++compared;
    }
    CHECK(compared == static_cast<size_t>(std::count_if(
                          tensors_.begin(), tensors_.end(),
                          [](const auto& entry) { return entry.first.starts_with("grad/"); })));
  }

 private:
  // x with zeros in the place of padding. [B, T, …], or [B, heads, T, T] of attentions.
  Tensor visible(const std::string& name, const Tensor& x) const {
    const Tensor mask = input("attention_mask");
    const bool attentions = name.starts_with("attentions");
    if (!mask.defined() || name == "loss" || x.dim() < 3) return x;
    const Shape rows =
        attentions ? Shape{mask.size(0), 1, mask.size(1), 1} : Shape{mask.size(0), mask.size(1), 1};
    return masked_fill(x, reshape(mask, rows) == 0, 0);
  }

  static double largest_error(const Tensor& got, const Tensor& expected) {
    REQUIRE(got.shape() == expected.shape());
    const auto a = to(got, float64).to_vector<double>();
    const auto b = to(expected, float64).to_vector<double>();
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const double error = std::abs(a[i] - b[i]) / (1 + std::abs(b[i]));
      worst = std::isfinite(error) ? std::max(worst, error) : INFINITY;
    }
    return worst;
  }

  StateDict tensors_;
};

inline bool same_bits(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, array] : a) {
    const auto other = b.find(name);
    if (other == b.end() || array.shape() != other->second.shape() ||
        array.dtype() != other->second.dtype() ||
        std::memcmp(array.raw_data(), other->second.raw_data(),
                    static_cast<size_t>(array.numel()) * size_of(array.dtype())) != 0)
      return false;
  }
  return true;
}
