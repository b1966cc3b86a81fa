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

// A class of transformers that makes the normalizer anew would have another one.
void refuse_other_normalizer(const Json& json, const std::optional<Json>& config) {
  if (!config || !json.has("normalizer") || !makes_bert_normalizer(config)) return;
  const Json normalizer = json["normalizer"];
  if (normalizer["type"].string() != "BertNormalizer") return;
  const bool lower = normalizer.boolean_or("lowercase", true);
  const auto check = [&](const char* option, const char* name, bool value) {
    if (config->has(option) && (*config)[option].boolean() != value)
      (*config)[option].refuse(
          fmt::format("contradicts {} of tokenizer.json's normalizer, which is {}; set them alike",
                      name, value));
  };
  check("do_lower_case", "lowercase", lower);
  check("strip_accents", "strip_accents", normalizer.boolean_or("strip_accents", lower));
  check("tokenize_chinese_chars", "handle_chinese_chars",
        normalizer.boolean_or("handle_chinese_chars", true));
}

std::shared_ptr<Pipeline> from_tokenizer_json(const std::string& path,
                                              const std::optional<Json>& config,
                                              const Declarations& declared) {
  const std::string text = read_file(path, most_bytes);
  const JsonScanner scanner = in_file(operation, path, [&] { return JsonScanner(text); });
  const Parts parts = in_file(operation, path, [&] { return cut(text, scanner); });
  const Json json = Json::parse(operation, path, parts.settings, deepest_json);
  refuse_other_normalizer(json, config);
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
