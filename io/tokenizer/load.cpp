#include <filesystem>
#include <string_view>
#include <utility>

#include "../../array/fail.h"
#include "../file.h"
#include "classes.h"
#include "from_json.h"
#include "vocabulary_files.h"

namespace attune::io {
namespace {

using namespace tokenizers;
namespace fs = std::filesystem;

constexpr const char* operation = "load_tokenizer";

// A tokenizer.json: what is nearly all of it, and the rest, where null stands for that.
struct Parts {
  std::string_view vocabulary, merges;
  std::string settings;
};

Parts cut(std::string_view text, JsonScanner json) {
  Parts parts;
  size_t copied = 0;
  const auto cut_to = [&](std::string_view& part) {
    part = json.skip(deepest_json);
    const auto begin = static_cast<size_t>(part.data() - text.data());
    parts.settings.append(text.substr(copied, begin - copied)).append("null");
    copied = begin + part.size();
  };
  const auto model_member = [&](std::string_view name) {
    if (name == "vocab")
      cut_to(parts.vocabulary);
    else if (name == "merges")
      cut_to(parts.merges);
    else
      json.skip(deepest_json);
  };
  const auto member = [&](std::string_view name) {
    if (name == "model" && json.peek() == '{')
      json.object(model_member);
    else
      json.skip(deepest_json);
  };
  if (json.peek() == '{') json.object(member);
  parts.settings.append(text.substr(copied));
  return parts;
}

// What a class of transformers makes anew takes an option from the configuration, which otherwise
// has the value it has there.
void refuse_contradiction(const Json& config, const char* option, bool otherwise,
                          const char* setting, bool value) {
  if (config.boolean_or(option, otherwise) == value) return;
  const std::string reason = fmt::format(
      "contradicts {} of tokenizer.json, which is {}; set them alike, or name "
      "PreTrainedTokenizerFast in tokenizer_class to go by tokenizer.json",
      setting, value);
  if (config.has(option)) config[option].refuse(reason);
  config.refuse(fmt::format("{} is missing, which means {} and {}", option, otherwise, reason));
}

void refuse_other_normalizer(const Json& normalizer, const Json& config) {
  if (normalizer["type"].string() != "BertNormalizer") return;
  const bool named = config.has("tokenizer_class");
  const bool lower = normalizer.boolean_or("lowercase", true);
  const auto check = [&](const char* option, bool otherwise, const char* setting, bool value) {
    refuse_contradiction(config, option, named ? otherwise : value, setting, value);
  };
  check("do_lower_case", true, "the normalizer's lowercase", lower);
  check("strip_accents", lower, "the normalizer's strip_accents",
        normalizer.boolean_or("strip_accents", lower));
  check("tokenize_chinese_chars", true, "the normalizer's handle_chinese_chars",
        normalizer.boolean_or("handle_chinese_chars", true));
}

void refuse_other_pre_tokenizer(const Json& part, const Json& config) {
  const std::string type = part["type"].string();
  if (type == "ByteLevel")
    refuse_contradiction(config, "add_prefix_space", false, "the pre-tokenizer's add_prefix_space",
                         part.boolean_or("add_prefix_space", true));
  if (type == "Sequence")
    for (const Json each : part["pretokenizers"].elements())
      refuse_other_pre_tokenizer(each, config);
}

// Where the configuration and the file say different things of the same part. What a class would
// make else of a file is not followed: there the file counts.
void refuse_other_parts(const Json& json, const std::optional<Json>& config) {
  if (!config) return;
  if (json.has("normalizer") && makes_bert_normalizer(config))
    refuse_other_normalizer(json["normalizer"], *config);
  if (json.has("pre_tokenizer") && makes_byte_level(config))
    refuse_other_pre_tokenizer(json["pre_tokenizer"], *config);
}

std::shared_ptr<Pipeline> from_tokenizer_json(const std::string& path,
                                              const std::optional<Json>& config,
                                              const Declarations& declared) {
  const std::string text = read_file(path, most_bytes);
  const JsonScanner scanner = in_file(operation, path, [&] { return JsonScanner(text); });
  const Parts parts = in_file(operation, path, [&] { return cut(text, scanner); });
  const Json json = Json::parse(operation, path, parts.settings, deepest_json);
  refuse_other_parts(json, config);
  const Json model = json["model"], vocab = model["vocab"];
  const size_t added = json.has("added_tokens") ? json["added_tokens"].elements().size() : 0;
  auto vocabulary = in_place(vocab, [&] {
    return std::make_shared<const Vocabulary>(
        vocabulary_from(scanner.within(parts.vocabulary), added));
  });
  Merges merges;
  if (!parts.merges.empty() && parts.merges != "null")
    merges = in_place(model["merges"],
                      [&] { return merges_from(scanner.within(parts.merges), *vocabulary); });
  return pipeline_from(json, std::move(vocabulary), std::move(merges), declared.tokens);
}

std::string find_file(const std::string& path) {
  if (std::error_code unknown; !fs::is_directory(path, unknown)) return path;
  for (const char* name : {"tokenizer.json", "vocab.txt", "vocab.json"})
    if (const std::string file = path_in(operation, path, name); exists(file)) return file;
  fail<IoError>(operation, "{}: has none of tokenizer.json, vocab.txt and vocab.json", path);
}

std::optional<Json> read_if_there(const std::string& folder, const char* name) {
  const std::string path = path_in(operation, folder, name);
  if (!exists(path)) return std::nullopt;
  return read_json(path);
}

std::shared_ptr<Pipeline> from_file(const fs::path& file, const std::optional<Json>& config,
                                    const Declarations& declared) {
  const std::string folder = file.parent_path().string(), name = file.filename().string();
  if (!name.ends_with(".txt") && name != "vocab.json")
    return from_tokenizer_json(file.string(), config, declared);
  for (const char* flag : {"add_bos_token", "add_eos_token"})
    if (config && config->boolean_or(flag, false))
      (*config)[flag].refuse(
          "is not supported here; transformers can save the whole as a tokenizer.json");
  if (name.ends_with(".txt")) return from_vocab_txt(file.string(), config, declared);
  return from_vocab_and_merges(file.string(), path_in(operation, folder, "merges.txt"), config,
                               declared);
}

}  // namespace

Tokenizer load_tokenizer(const std::string& path) {
  const fs::path file = find_file(path);
  const std::string folder = file.parent_path().string();
  const std::optional<Json> config = read_if_there(folder, "tokenizer_config.json");
  const Declarations declared =
      declarations_of(config, read_if_there(folder, "special_tokens_map.json"),
                      read_if_there(folder, "added_tokens.json"));
  if (config && config->boolean_or("split_special_tokens", false))
    (*config)["split_special_tokens"].refuse(
        "is not supported: special tokens stay whole; set it to false");
  const std::shared_ptr<Pipeline> pipeline = from_file(file, config, declared);
  for (const auto& [role, token] : declared.roles)
    if (const auto id = pipeline->id(token)) pipeline->special_ids.insert_or_assign(role, *id);
  if (config) pipeline->set_config(config->text_without({}));
  return Tokenizer(pipeline);
}

}  // namespace attune::io
