#include "lora.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "../array/fail.h"
#include "../autograd/grad_mode.h"
#include "../autograd/ops/arithmetic.h"
#include "../autograd/ops/broadcast.h"
#include "../autograd/ops/dropout.h"
#include "../autograd/ops/linalg.h"
#include "../autograd/ops/shape.h"
#include "init.h"

namespace attune::nn {

bool detail::lies_in(const std::string& path, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return ("." + path).find("." + name + ".") != std::string::npos;
  });
}

namespace {

constexpr const char* all_linear = "all-linear";

bool is_linear(const Module& module) {
  return module.kind() == "Linear" || module.kind() == "Conv1D";
}

// True for a path that is `name` or ends with it after a dot.
bool matches(const std::string& path, const std::string& name) {
  return path == name || path.ends_with("." + name);
}

Tensor parameter_of(const Module& module, const std::string& name) {
  for (const auto& [known, tensor] : module.named_parameters())
    if (known == name) return tensor;
  return {};
}

// One pair of factors.
class LoraLayer : public Module {
 public:
  LoraLayer(const Module& target, const LoraConfig& config)
      : weight_(parameter_of(target, "weight")),
        flipped_(target.kind() == "Conv1D"),
        dropout_(config.lora_dropout),
        scale_(config.lora_alpha / (config.use_rslora ? std::sqrt(static_cast<double>(config.r))
                                                      : static_cast<double>(config.r))) {
    describe("LoraLayer", fmt::format("r={}", config.r));
    const int64_t in = weight_.size(flipped_ ? 0 : 1), out = weight_.size(flipped_ ? 1 : 0);
    a_ = param("lora_A.weight", Shape{config.r, in});
    b_ = param("lora_B.weight", Shape{out, config.r});
    init::kaiming_uniform_(a_, std::sqrt(5.0));
    init::zeros_(b_);
    to(weight_.dtype());
  }

  // What the adapter adds to the output for an input.
  Tensor operator()(const Tensor& x, bool training) const {
    auto scope = enter();
    return linear(linear(dropout(x, dropout_, training), a_) * scale_, b_);
  }

  void add_to_weight() const {
    const Tensor change = matmul(b_, a_) * scale_;
    weight_.add_(flipped_ ? transpose(change, 0, 1) : change);
  }

  const Tensor& weight() const { return weight_; }
  bool flipped() const { return flipped_; }

 private:
  Tensor weight_;  // of the target
  bool flipped_;
  double dropout_, scale_;
  Tensor a_, b_;
};

void check(const LoraConfig& config) {
  constexpr int64_t most_rank = 1 << 20;
  if (config.r < 1 || config.r > most_rank || !std::isfinite(config.lora_alpha) ||
      !(config.lora_dropout >= 0 && config.lora_dropout <= 1))
    fail<ValueError>("Lora",
                     "r {}, lora_alpha {}, lora_dropout {}; they must be 1 to {}, finite and in "
                     "[0, 1]",
                     config.r, config.lora_alpha, config.lora_dropout, most_rank);
  if (config.target_modules.empty())
    fail<ValueError>("Lora", "target_modules is empty; name layers, or \"{}\"", all_linear);
}

using Named = std::vector<std::pair<std::string, Module>>;

// Those that the names mean. ValueError for a name that means none.
Named select(const Named& candidates, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (std::none_of(candidates.begin(), candidates.end(),
                     [&](const auto& candidate) { return matches(candidate.first, name); })) {
      std::set<std::string> known;
      for (const auto& [path, module] : candidates) known.insert(path.substr(path.rfind('.') + 1));
      fail<ValueError>("Lora", "\"{}\" means none of its layers: {}", name, fmt::join(known, ", "));
    }
  Named found;
  for (const auto& candidate : candidates)
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& name) { return matches(candidate.first, name); }))
      found.push_back(candidate);
  return found;
}

using Parameters = std::vector<std::pair<std::string, Tensor>>;

// In the order of the model, further names of tied ones behind.
Parameters parameters_by_every_name(const Module& model) {
  Parameters all = model.named_parameters();
  std::map<const Storage*, Tensor> tensors;
  std::set<std::string> known;
  for (const auto& [name, parameter] : all) {
    tensors.emplace(&parameter.array().storage(), parameter);
    known.insert(name);
  }
  for (const auto& [name, array] : model.state_dict())
    if (const auto tensor = tensors.find(&array.storage());
        tensor != tensors.end() && !known.contains(name))
      all.emplace_back(name, tensor->second);
  return all;
}

// The parameters of modules that are trained whole. ValueError for a module that is none, or one
// end of a tied weight: to PEFT, the other end keeps its values then.
Parameters saved_of(const Module& model, const std::vector<std::string>& modules) {
  const Parameters all = parameters_by_every_name(model);
  for (const std::string& module : modules)
    if (std::none_of(all.begin(), all.end(),
                     [&](const auto& entry) { return detail::lies_in(entry.first, {module}); }))
      fail<ValueError>("Lora", "modules_to_save: \"{}\" means no module with parameters", module);
  Parameters saved;
  std::map<const Storage*, std::string> others;
  for (const auto& [name, parameter] : all)
    if (detail::lies_in(name, modules))
      saved.emplace_back(name, parameter);
    else
      others.emplace(&parameter.array().storage(), name);
  for (const auto& [name, parameter] : saved)
    if (const auto other = others.find(&parameter.array().storage()); other != others.end())
      fail<ValueError>("Lora",
                       "modules_to_save names {}, but not {}, which is the same tensor; name both, "
                       "or load the model with tie_word_embeddings false",
                       name, other->second);
  return saved;
}

// The linear maps that get an adapter: none inside a module that is trained whole.
Named targets_of(const Module& model, const LoraConfig& config) {
  std::map<const Storage*, int> uses;
  for (const auto& [name, array] : model.state_dict()) ++uses[&array.storage()];
  const auto is_tied = [&](const Module& module) {
    return uses[&parameter_of(module, "weight").array().storage()] > 1;
  };
  Named linear = model.named_modules();
  std::erase_if(linear, [](const auto& entry) { return !is_linear(entry.second); });
  const bool all = config.target_modules == std::vector<std::string>{all_linear};
  if (all) std::erase_if(linear, [&](const auto& entry) { return is_tied(entry.second); });
  Named targets = all ? linear : select(linear, config.target_modules);
  std::erase_if(targets, [&](const auto& entry) {
    return detail::lies_in(entry.first + ".", config.modules_to_save);
  });
  if (targets.empty())
    fail<ValueError>("Lora", "target_modules means no layer outside of modules_to_save");
  for (const auto& [path, module] : targets) {
    if (is_tied(module)) fail<ValueError>("Lora", "{} shares its weight with another module", path);
    if (module.has_adapter()) fail<ValueError>("Lora", "{} has an adapter already", path);
  }
  return targets;
}

}  // namespace

struct Lora::Attached {
  LoraConfig config;
  std::vector<std::pair<Module, LoraLayer>> layers;
  std::vector<std::pair<Tensor, bool>> required;  // which parameters required a gradient before
  struct Original {
    Array weight;
    Stamp merged;  // of the weight that holds both
  };
  std::vector<Original> originals;  // of the weights, while merged
};

Lora::Lora(const Module& model, const LoraConfig& config)
    : attached_(std::make_shared<Attached>()) {
  check(config);
  describe("Lora", fmt::format("r={}", config.r));
  attached_->config = config;
  const Parameters saved = saved_of(model, config.modules_to_save);
  for (const auto& [path, target] : targets_of(model, config))
    attached_->layers.emplace_back(target, child(path, LoraLayer(target, config)));
  for (const Tensor& parameter : model.parameters())
    attached_->required.emplace_back(parameter, parameter.requires_grad());

  model.requires_grad_(false);
  for (const auto& [name, parameter] : saved) param(name, parameter).requires_grad_();
  for (const auto& [target, layer] : attached_->layers) target.set_adapter(layer);
}

void Lora::merge() const {
  if (merged()) return;
  const NoGrad no_grad;
  for (const auto& [target, layer] : attached_->layers) {
    Array before = layer.weight().detach().clone().array();
    layer.add_to_weight();
    attached_->originals.push_back({before, layer.weight().array().storage().written()});
    target.set_adapter({});
  }
}

void Lora::unmerge() const {
  const NoGrad no_grad;
  for (size_t i = 0; i < attached_->originals.size(); ++i) {
    const auto& [target, layer] = attached_->layers[i];
    if (target.has_adapter() ||
        layer.weight().array().storage().written() != attached_->originals[i].merged)
      fail<ValueError>("Lora",
                       "the weight of {} was written, or has another adapter, since merge(), which "
                       "the weight before would undo; keep it merged, or load the model again",
                       target.path());
  }
  for (size_t i = 0; i < attached_->originals.size(); ++i) {
    const auto& [target, layer] = attached_->layers[i];
    layer.weight().copy_(Tensor(attached_->originals[i].weight));
    target.set_adapter(layer);
  }
  attached_->originals.clear();
}

bool Lora::merged() const { return !attached_->originals.empty(); }

void Lora::unload() const {
  if (!merged())  // else what a target has is another's
    for (const auto& [target, layer] : attached_->layers) target.set_adapter({});
  for (const auto& [parameter, required] : attached_->required) parameter.requires_grad_(required);
  *attached_ = {.config = attached_->config, .layers = {}, .required = {}, .originals = {}};
}

const LoraConfig& Lora::config() const { return attached_->config; }

bool Lora::fan_in_fan_out() const {
  return std::any_of(attached_->layers.begin(), attached_->layers.end(),
                     [](const auto& entry) { return entry.second.flipped(); });
}

}  // namespace attune::nn
