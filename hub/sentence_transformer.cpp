#include "sentence_transformer.h"

#include <algorithm>
#include <optional>

#include "../array/fail.h"
#include "../io/file.h"
#include "../io/tokenizer.h"
#include "json-inl.h"

namespace attune::hub {
namespace {

using nn::models::Pooling;
using nn::models::SentenceTransformer;

constexpr const char* modules_file = "modules.json";
constexpr const char* limits_file = "sentence_bert_config.json";
constexpr const char* defaults_file = "config_sentence_transformers.json";
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

bool has_file(const std::string& folder, const std::string& file) {
  return io::exists(folder + "/" + file);
}

Parts read_parts(const std::string& folder) {
  Parts parts;
  if (!has_file(folder, modules_file)) return parts;
  const std::string path = path_in(folder, modules_file);
  const Json modules = read_json(path);
  if (!modules.is_array()) refuse(path, "is not a list");
  std::string kinds;
  for (const Json& module : modules) {
    const std::string type = text_of(module, "type", path), where = text_of(module, "path", path);
    // Versions differ in the packages before the class.
    const std::string kind = type.substr(type.rfind('.') + 1);
    kinds += (kinds.empty() ? "" : ", ") + kind;
    if (kind == "Pooling") {
      parts.pooling = read_pooling(path_in(folder, where + "/config.json"));
    } else if (kind == "Normalize") {
      parts.normalized = true;
    } else if (kind != "Transformer" || !where.empty()) {
      refuse(path, fmt::format("has a {} in \"{}\"; Transformer, Pooling and Normalize can be read",
                               kind, where));
    }
  }
  if (kinds != "Transformer, Pooling" && kinds != "Transformer, Pooling, Normalize")
    refuse(path, fmt::format("has {}; it takes a Transformer, a Pooling and maybe a Normalize, in "
                             "this order",
                             kinds.empty() ? "no module" : kinds));
  return parts;
}

// A file of settings in the folder; without fields where it is not there.
struct Settings {
  std::string path;
  Json fields = Json::object();
};

Settings read_settings(const std::string& folder, const char* file) {
  if (!has_file(folder, file)) return {};
  const std::string path = path_in(folder, file);
  return {path, read_json(path)};
}

// The number of tokens that a field says, if it does.
std::optional<double> tokens_in(const Settings& settings, const char* field) {
  const auto value = settings.fields.find(field);
  if (value == settings.fields.end() || value->is_null()) return {};
  if (!value->is_number() || *value < 1)
    refuse(settings.path,
           fmt::format("{} is {}, a number of tokens fits", field, json_text(*value)));
  return value->get<double>();
}

// The most tokens of a text, as sentence-transformers has it: what its own file says, else what the
// tokenizer's says, where no limit is 10^30, and no more than there are positions.
int64_t max_seq_length_of(const Settings& limits, const std::string& folder, int64_t positions) {
  auto tokens = tokens_in(limits, "max_seq_length");
  if (!tokens)
    tokens = tokens_in(read_settings(folder, "tokenizer_config.json"), "model_max_length");
  const auto most = static_cast<double>(positions);
  return static_cast<int64_t>(std::min(tokens.value_or(most), most));
}

// What it passes on to transformers, which would change the model or the tokenizer.
void check_arguments(const Settings& limits) {
  for (const char* name :
       {"config_args", "config_kwargs", "tokenizer_args", "tokenizer_kwargs", "processor_kwargs"})
    if (const auto field = limits.fields.find(name);
        field != limits.fields.end() && !field->empty())
      refuse(limits.path,
             fmt::format("{} is {}, which is not supported; write it into config.json or "
                         "tokenizer_config.json",
                         name, json_text(*field)));
}

// sentence-transformers can put texts into lower case before the tokenizer; here the tokenizer
// must.
void check_lower_case(const Settings& limits, const std::string& folder) {
  const auto flag = limits.fields.find("do_lower_case");
  if (flag == limits.fields.end() || *flag != true) return;
  const io::Tokenizer tokenizer = io::load_tokenizer(folder);
  if (tokenizer.encode("ABCDEFG") != tokenizer.encode("abcdefg"))
    refuse(limits.path, "do_lower_case is true, but the tokenizer keeps capital letters");
}

// What encode() of sentence-transformers does unasked: cut vectors, put a text before each.
void check_defaults(const Settings& defaults) {
  for (const char* name : {"truncate_dim", "default_prompt_name"})
    if (const auto field = defaults.fields.find(name);
        field != defaults.fields.end() && !field->is_null())
      refuse(defaults.path,
             fmt::format("{} is {}, which is not supported; set it to null and do it to the {}",
                         name, json_text(*field),
                         name == std::string("truncate_dim") ? "vectors" : "texts"));
}

}  // namespace

SentenceTransformer load_sentence_transformer(const std::string& folder,
                                              const LoadOptions& options) {
  const Parts parts = read_parts(folder);
  const Settings limits = read_settings(folder, limits_file);
  check_arguments(limits);
  check_lower_case(limits, folder);
  check_defaults(read_settings(folder, defaults_file));
  const auto bert = from_pretrained<nn::models::BertModel>(folder, options);
  const int64_t longest = max_seq_length_of(limits, folder, bert.config().max_position_embeddings);
  SentenceTransformer model(bert, parts.pooling, parts.normalized, longest);
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
  io::make_folder(folder + "/" + pooling_folder);
  io::write_atomically(folder + "/" + pooling_folder + "/config.json",
                       json_text(pooling, 2) + "\n");
  const Json limits = {{"max_seq_length", model.max_seq_length()}, {"do_lower_case", false}};
  io::write_atomically(folder + "/" + limits_file, json_text(limits, 2) + "\n");
  io::write_atomically(folder + "/" + modules_file, json_text(modules, 2) + "\n");
}

}  // namespace attune::hub
