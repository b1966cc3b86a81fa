#include "lora.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <type_traits>

#include "../kernels/copy.h"
#include "checkpoint.h"
#include "json-inl.h"
#include "pretrained.h"

namespace attune::hub {
namespace {

constexpr const char* config_file = "adapter_config.json";
constexpr const char* weights_file = "adapter_model.safetensors";
constexpr const char* prefix = "base_model.model.";
constexpr const char* factor = ".lora_A.weight";

// The path of the layer whose factor is named so.
std::string without_factor(const std::string& name) {
  return name.substr(0, name.size() - std::char_traits<char>::length(factor));
}

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  fail<FormatError>("load_adapter", "{}: {}", path, reason);
}

// Reads a field if it is there and not null.
template <class T>
void read(const Json& config, const char* name, T& value, const std::string& path) {
  const auto field = config.find(name);
  if (field == config.end() || field->is_null()) return;
  try {
    // The library takes 2^64 - 1 for -1.
    const bool too_large = std::is_same_v<T, int64_t> && field->is_number_unsigned() &&
                           field->template get<uint64_t>() > std::numeric_limits<int64_t>::max();
    if (!too_large) {
      value = field->get<T>();
      return;
    }
  } catch (const Json::exception&) {
  }
  refuse(path, fmt::format("{} is {}", name, json_text(*field)));
}

// As nn::detail::lies_in, but by the rule of PEFT for modules_to_save, which asks for no dot before
// a name: "norm" means "input_layernorm" too.
bool ends_with_one(const std::string& weight, const std::vector<std::string>& modules) {
  return std::any_of(modules.begin(), modules.end(), [&](const std::string& name) {
    return weight.find(name + ".") != std::string::npos;
  });
}

// PEFT lists names that other models have too: "score" beside "classifier". Returns those that mean
// no module with a weight of this one.
std::vector<std::string> drop_absent(std::vector<std::string>& names, const StateDict& weights) {
  const auto absent = std::stable_partition(names.begin(), names.end(), [&](const auto& name) {
    return std::any_of(weights.begin(), weights.end(),
                       [&](const auto& entry) { return nn::detail::lies_in(entry.first, {name}); });
  });
  std::vector<std::string> dropped(absent, names.end());
  names.erase(absent, names.end());
  return dropped;
}

// Whatever changes what an adapter computes, other than the fields of LoraConfig.
void refuse_variants(const Json& config, const std::string& path) {
  for (const char* name :
       {"use_dora", "use_qalora", "use_bdlora", "lora_bias", "alpha_pattern", "rank_pattern",
        "layers_to_transform", "layer_replication", "exclude_modules", "target_parameters",
        "trainable_token_indices", "alora_invocation_tokens", "arrow_config", "kasa_config",
        "monteclora_config", "velora_config"}) {
    const auto field = config.find(name);
    if (field != config.end() && !field->is_null() && *field != false && !field->empty())
      refuse(path, fmt::format("{} is {}, which is not supported", name, json_text(*field)));
  }
  // Every other way to initialise (PiSSA, OLoRA, …) changes the weights of the model too, which the
  // files do not hold.
  const auto init = config.find("init_lora_weights");
  if (init != config.end() && init->is_string() && *init != "gaussian" && *init != "orthogonal" &&
      *init != "eva")
    refuse(path, fmt::format("init_lora_weights is {}, which is not supported", json_text(*init)));
  std::string type = "LORA", bias = "none";
  read(config, "peft_type", type, path);
  read(config, "bias", bias, path);
  if (type != "LORA" || bias != "none")
    refuse(path, fmt::format("peft_type {} with bias {}; LORA with none can be read", type, bias));
}

nn::LoraConfig read_config(const std::string& path) {
  const Json json = read_json(path);
  if (!json.is_object()) refuse(path, "is not an object");
  refuse_variants(json, path);
  nn::LoraConfig config;
  if (!json.contains("r") || !json["r"].is_number_integer()) refuse(path, "r is no whole number");
  read(json, "r", config.r, path);
  read(json, "lora_alpha", config.lora_alpha, path);
  read(json, "lora_dropout", config.lora_dropout, path);
  read(json, "use_rslora", config.use_rslora, path);
  // A text is a pattern, or all-linear, which means other layers to PEFT: the file has the answer.
  if (const auto targets = json.find("target_modules");
      targets == json.end() || !targets->is_string())
    read(json, "target_modules", config.target_modules, path);
  read(json, "modules_to_save", config.modules_to_save, path);
  return config;
}

std::string weights_path(const std::string& folder) {
  if (!io::exists(folder + "/" + weights_file) && io::exists(folder + "/adapter_model.bin"))
    refuse(folder, fmt::format("has adapter_model.bin but no {}; save_pretrained of a recent peft "
                               "writes one",
                               weights_file));
  return path_in(folder, weights_file);
}

StateDict read_weights(const std::string& path) {
  constexpr std::string_view wrapper = ".base_layer";
  StateDict weights;
  for (const auto& [name, array] : io::load_safetensors(path).arrays) {
    if (!name.starts_with(prefix))
      refuse(path, fmt::format("\"{}\" does not start with {}", name, prefix));
    if (name.find(".lora_embedding_") != std::string::npos)
      refuse(path, fmt::format("\"{}\" adapts an embedding, which is not supported", name));
    std::string known = name.substr(std::char_traits<char>::length(prefix));
    if (const size_t at = known.find(wrapper); at != std::string::npos)
      known.erase(at, wrapper.size());
    if (!weights.emplace(known, array).second) refuse(path, fmt::format("{} occurs twice", known));
  }
  return weights;
}

// Adds the modules that the file has whole to those that the config names: what PEFT takes a name
// for, and the other end of a tied weight (ensure_weight_tying).
void add_modules(std::vector<std::string>& modules, const StateDict& weights,
                 const StateDict& parameters) {
  std::set<const Storage*> saved;
  const std::vector<std::string> named = modules;
  for (const auto& [name, array] : parameters)
    if (ends_with_one(name, named)) saved.insert(&array.storage());
  for (const auto& [name, array] : weights)
    if (const auto own = parameters.find(name); own != parameters.end() &&
                                                saved.contains(&own->second.storage()) &&
                                                !nn::detail::lies_in(name, modules))
      modules.push_back(name.substr(0, name.rfind('.')));
}

// Leaves in weights, beside the factors, what lies in modules_to_save, and in these the modules
// that the model has. Others, as an encoder has no classifier, are left out, and so are weights
// that PEFT writes though they are the model's own.
void settle_saved(StateDict& weights, const StateDict& parameters,
                  std::vector<std::string>& modules, const std::string& path) {
  add_modules(modules, weights, parameters);
  const std::vector<std::string> absent = drop_absent(modules, parameters);
  std::map<const Storage*, std::pair<std::string, Array>> seen;
  std::erase_if(weights, [&](const auto& entry) {
    const auto& [name, array] = entry;
    const auto own = parameters.find(name);
    if (own == parameters.end()) return nn::detail::lies_in(name, absent);
    if (!nn::detail::lies_in(name, modules)) {
      if (!detail::is_same(kernels::convert(array, own->second.dtype()), own->second))
        refuse(path, fmt::format("{} is not the model's, and modules_to_save does not name it; "
                                 "load the model that the adapter was trained on",
                                 name));
      return true;
    }
    const auto [tied, is_first] = seen.emplace(&own->second.storage(), std::pair(name, array));
    if (!is_first && !detail::is_same(tied->second.second, array))
      refuse(path, fmt::format("{} and {} differ, but are one tensor of the model; load it with "
                               "tie_word_embeddings false",
                               tied->second.first, name));
    return false;
  });
}

// Calls f; what it says is wrong is wrong with the file.
template <class E, class F>
auto naming(const std::string& path, const F& f) {
  try {
    return f();
  } catch (const E& error) {
    fail<E>("load_adapter", "{}: {}", path, error.what());
  }
}

}  // namespace

StateDict adapter_tensors(const std::string& folder) { return read_weights(weights_path(folder)); }

nn::Lora load_adapter(const nn::Module& model, const std::string& folder) {
  const std::string config_path = path_in(folder, config_file);
  const std::string path = weights_path(folder);
  const StateDict parameters = model.state_dict();
  nn::LoraConfig config = read_config(config_path);
  const bool listed = !config.target_modules.empty();
  std::vector<std::string> present = config.target_modules;
  drop_absent(present, parameters);
  if (!present.empty()) config.target_modules = present;  // else Lora says what is wrong

  StateDict weights = read_weights(path);
  bool rank_fits = false;
  for (const auto& [name, array] : weights) {
    if (!name.ends_with(factor)) continue;
    // Before memory is taken for a rank that the file does not have.
    rank_fits |= array.dim() == 2 && array.size(0) == config.r && array.size(1) > 0;
    if (!listed) config.target_modules.push_back(without_factor(name));
  }
  if (!rank_fits)
    refuse(path, fmt::format("no lora_A of rank {}, which {} tells", config.r, config_file));
  settle_saved(weights, parameters, config.modules_to_save, path);
  nn::Lora lora = naming<ValueError>(config_path, [&] { return nn::Lora(model, config); });
  try {
    naming<FormatError>(path, [&] { lora.load_state_dict(weights); });
  } catch (...) {
    lora.unload();
    throw;
  }
  return lora;
}

void save_adapter(const nn::Lora& lora, const std::string& folder, const std::string& base_model,
                  const std::string& task_type) {
  const nn::LoraConfig& config = lora.config();
  const auto or_null = [](const auto& value) { return value.empty() ? Json() : Json(value); };
  if ((task_type == "SEQ_CLS" || task_type == "TOKEN_CLS") && config.modules_to_save.empty())
    fail<ValueError>("save_adapter",
                     "PEFT takes a {} to have trained its head; name it in modules_to_save",
                     task_type);
  StateDict weights;
  std::vector<std::string> targets;
  for (const auto& [name, array] : lora.state_dict()) weights.emplace(prefix + name, array);
  for (const auto& [name, tensor] : lora.named_parameters())
    if (name.ends_with(factor)) targets.push_back(without_factor(name));
  const bool all = config.target_modules == std::vector<std::string>{"all-linear"};
  const Json json = {
      {"peft_type", "LORA"},
      {"base_model_name_or_path", or_null(base_model)},
      {"task_type", or_null(task_type)},
      {"r", config.r},
      {"lora_alpha", config.lora_alpha},
      {"lora_dropout", config.lora_dropout},
      {"use_rslora", config.use_rslora},
      {"target_modules", all ? targets : config.target_modules},
      {"modules_to_save", or_null(config.modules_to_save)},
      {"bias", "none"},
      {"fan_in_fan_out", lora.fan_in_fan_out()},
      {"inference_mode", true},
  };
  std::string text;
  try {
    text = json_text(json, 2) + "\n";
  } catch (const ValueError&) {
    fail<ValueError>("save_adapter", "base_model or another name is not UTF-8, as {} must be",
                     config_file);
  }
  io::make_folder(folder);
  io::save_safetensors(folder + "/" + weights_file, weights, {{"format", "pt"}});
  io::write_atomically(folder + "/" + config_file, text);
}

}  // namespace attune::hub
