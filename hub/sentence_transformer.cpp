#include "sentence_transformer.h"

#include <algorithm>
#include <filesystem>

#include "../array/fail.h"
#include "../io/file.h"
#include "json-inl.h"

namespace attune::hub {
namespace {

using nn::models::Pooling;
using nn::models::SentenceTransformer;

constexpr const char* modules_file = "modules.json";
constexpr const char* pooling_folder = "1_Pooling";

struct Named {
  const char* word;  // as recent versions write it
  const char* flag;  // as older ones do
  Pooling pooling;
};
constexpr Named poolings[] = {{"mean", "pooling_mode_mean_tokens", Pooling::mean},
                              {"cls", "pooling_mode_cls_token", Pooling::cls},
                              {"max", "pooling_mode_max_tokens", Pooling::max}};

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  fail<FormatError>("load_sentence_transformer", "{}: {}", path, reason);
}

std::string text_of(const Json& object, const char* field, const std::string& path) {
  if (!object.is_object() || !object.contains(field) || !object[field].is_string())
    refuse(path, fmt::format("a module has no {}", field));
  return object[field].get<std::string>();
}

Pooling read_pooling(const std::string& path) {
  const Json config = read_json(path);
  if (!config.is_object()) refuse(path, "is not an object");
  std::vector<Pooling> found;
  for (const Named& known : poolings) {
    const auto flag = config.find(known.flag), word = config.find("pooling_mode");
    if ((flag != config.end() && *flag == true) || (word != config.end() && *word == known.word))
      found.push_back(known.pooling);
  }
  // A mode that is not known here would be another one's flag, set to true.
  const auto set =
      std::count_if(config.begin(), config.end(), [](const Json& field) { return field == true; }) -
      (config.contains("include_prompt") && config["include_prompt"] == true);
  if (found.size() != 1 || set > 1)
    refuse(path, "asks for another pooling than one of mean, cls and max");
  return found[0];
}

struct Parts {
  Pooling pooling = Pooling::mean;
  bool normalized = false;
};

Parts read_parts(const std::string& folder) {
  Parts parts;
  if (!std::filesystem::exists(std::filesystem::path(folder) / modules_file)) return parts;
  const std::string path = path_in(folder, modules_file);
  const Json modules = read_json(path);
  if (!modules.is_array()) refuse(path, "is not a list");
  for (const Json& module : modules) {
    const std::string type = text_of(module, "type", path), where = text_of(module, "path", path);
    // Versions differ in the packages before the class.
    const std::string kind = type.substr(type.rfind('.') + 1);
    if (kind == "Pooling") {
      parts.pooling = read_pooling(path_in(folder, where + "/config.json"));
    } else if (kind == "Normalize") {
      parts.normalized = true;
    } else if (kind != "Transformer" || !where.empty()) {
      refuse(path, fmt::format("has a {} in \"{}\"; Transformer, Pooling and Normalize can be read",
                               kind, where));
    }
  }
  return parts;
}

}  // namespace

SentenceTransformer load_sentence_transformer(const std::string& folder,
                                              const LoadOptions& options) {
  const Parts parts = read_parts(folder);
  SentenceTransformer model(from_pretrained<nn::models::BertModel>(folder, options), parts.pooling,
                            parts.normalized);
  model.eval();
  return model;
}

void save_sentence_transformer(const SentenceTransformer& model, const std::string& folder) {
  save_pretrained(model.bert, folder);
  Json modules = Json::array();
  const auto add = [&](const char* kind, const std::string& path) {
    modules.push_back({{"idx", modules.size()},
                       {"name", std::to_string(modules.size())},
                       {"path", path},
                       {"type", fmt::format("sentence_transformers.models.{}", kind)}});
  };
  add("Transformer", "");
  add("Pooling", pooling_folder);
  if (model.normalized()) add("Normalize", "2_Normalize");
  Json pooling = {{"word_embedding_dimension", model.bert.config().hidden_size}};
  for (const Named& known : poolings) pooling[known.flag] = known.pooling == model.pooling();
  detail::make_folder(folder + "/" + pooling_folder);
  io::write_atomically(folder + "/" + pooling_folder + "/config.json", pooling.dump(2) + "\n");
  io::write_atomically(folder + "/" + modules_file, modules.dump(2) + "\n");
}

}  // namespace attune::hub
