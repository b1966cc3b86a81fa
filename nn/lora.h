#pragma once

#include "module.h"

namespace attune::nn {

// The fields of an adapter's config under the names of PEFT.
struct LoraConfig {
  int64_t r = 8;  // rank
  double lora_alpha = 8;
  double lora_dropout = 0;  // of what enters an adapter, while training
  bool use_rslora =
      false;  // scale by lora_alpha / sqrt(r), Kalajdzievski 2023, not by lora_alpha / r
  // Which Linear and Conv1D get an adapter: their paths, or the ends of these from a dot on
  // ("c_attn", "attn.c_proj"); "all-linear" means all whose weight is not tied to another and that
  // modules_to_save does not name.
  std::vector<std::string> target_modules = {};
  // Modules that are trained whole, such as a new head, named likewise: those above them count too
  // ("pooler" of "pooler.dense"). They get no adapter. Both ends of a tied weight, or none.
  std::vector<std::string> modules_to_save = {};
};

// Low-rank adapters on the linear maps of a model (Hu et al. 2021): W x becomes W x + s B (A x)
// with A: [r, in], B: [out, r], s = lora_alpha / r. A starts random and B at zero, so that nothing
// changes at first.
//
//   nn::Lora lora(model, {.r = 8, .lora_alpha = 16, .target_modules = {"c_attn"}});
//   optim::AdamW adam(lora.parameters());     // A and B, and modules_to_save; all else is frozen
//   ...                                       // train the model as ever
//   lora.merge();                             // the model alone now does what both did
//
// Parameters are named by the module they belong to ("h.0.attn.c_attn.lora_A.weight"). The model
// keeps the adapters until unload(), whether or not this handle lives.
class Lora : public Module {
 public:
  // Attaches the adapters and freezes the model. ValueError for options out of range, a target that
  // matches no Linear or Conv1D, has an adapter already or shares its weight with another module,
  // or a module to save that shares one with another that is not; the model is as before then.
  Lora(const Module& model, const LoraConfig& config);

  // Adds s B A to each weight, which does the same as the adapters, without their cost. While
  // merged, the weights before are kept: unmerge() restores them, bit for bit. It is a ValueError,
  // with nothing changed, once a weight was written, whatever stands there now, or has another
  // adapter.
  void merge() const;
  void unmerge() const;
  bool merged() const;
  // Takes the adapters off and lets the parameters require gradients as they did before these were
  // attached; merged weights stay merged. Of several Loras, unload the last one first.
  void unload() const;

  const LoraConfig& config() const;
  // True if a target is a Conv1D, whose weight is [in, out].
  bool fan_in_fan_out() const;

 private:
  struct Attached;
  std::shared_ptr<Attached> attached_;
};

namespace detail {

// True for the parameters, and the modules with a dot behind them, of a module that a name means.
bool lies_in(const std::string& path, const std::vector<std::string>& names);

}  // namespace detail

}  // namespace attune::nn
