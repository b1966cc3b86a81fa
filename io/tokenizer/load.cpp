#include <filesystem>
#include <string_view>
#include <utility>

#include "../../array/fail.h"
#include "../file.h"
#include "from_json.h"
#include "vocabulary_files.h"

namespace attune::io {
namespace {

using namespace tokenizers;
namespace fs = std::filesystem;

constexpr const char* operation = "load_tokenizer";
constexpr const char* roles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                 "pad_token", "cls_token", "mask_token"};

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

std::shared_ptr<Pipeline> from_tokenizer_json(const std::string& path) {
  const std::string text = read_file(path, most_bytes);
  const JsonScanner scanner = in_file(operation, path, [&] { return JsonScanner(text); });
  const Parts parts = in_file(operation, path, [&] { return cut(text, scanner); });
  const Json json = Json::parse(operation, path, parts.settings, deepest_json);
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
  return pipeline_from(json, std::move(vocabulary), std::move(merges));
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

// Refuses what transformers would add to a vocabulary file: ids would be others without it.
void refuse_additions(const Pipeline& pipeline, const std::optional<Json>& config,
                      const std::optional<Json>& added) {
  constexpr const char* remedy = "transformers can save the whole as a tokenizer.json";
  const auto check = [&](const Json& entry, const std::string& token, const std::string& id) {
    const auto known = pipeline.id(token);
    if (!known || std::to_string(*known) != id)
      entry.refuse(fmt::format("\"{}\" is not the vocabulary's token {}; {}", token, id, remedy));
  };
  if (added)
    for (const std::string& token : added->names())
      check((*added)[token], token, std::to_string((*added)[token].natural(most_tokens)));
  if (!config) return;
  if (config->has("added_tokens_decoder")) {
    const Json decoder = (*config)["added_tokens_decoder"];
    for (const std::string& id : decoder.names())
      check(decoder[id], decoder[id]["content"].string(), id);
  }
  if (config->has("add_bos_token") && (*config)["add_bos_token"].boolean())
    (*config)["add_bos_token"].refuse(fmt::format("is not supported here; {}", remedy));
}

// Some models have the roles of special tokens in a file of their own.
void set_roles(Pipeline& pipeline, const std::optional<Json>& file) {
  for (const char* role : roles) {
    const auto token = special_token_of(file, role);
    const auto id = token ? pipeline.id(*token) : std::nullopt;
    if (id) pipeline.special_ids.insert_or_assign(role, *id);
  }
}

}  // namespace

Tokenizer load_tokenizer(const std::string& path) {
  const fs::path file = find_file(path);
  const std::string folder = file.parent_path().string(), name = file.filename().string();
  const std::optional<Json> config = read_if_there(folder, "tokenizer_config.json");
  std::shared_ptr<Pipeline> pipeline;
  if (name.ends_with(".txt"))
    pipeline = from_vocab_txt(file.string(), config);
  else if (name == "vocab.json")
    pipeline =
        from_vocab_and_merges(file.string(), path_in(operation, folder, "merges.txt"), config);
  else
    pipeline = from_tokenizer_json(file.string());
  if (name.ends_with(".txt") || name == "vocab.json")
    refuse_additions(*pipeline, config, read_if_there(folder, "added_tokens.json"));
  set_roles(*pipeline, read_if_there(folder, "special_tokens_map.json"));
  set_roles(*pipeline, config);
  if (config) pipeline->set_config(config->text_without({}));
  return Tokenizer(pipeline);
}

}  // namespace attune::io
