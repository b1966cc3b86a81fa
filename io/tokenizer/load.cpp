#include <filesystem>
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

std::shared_ptr<Pipeline> from_tokenizer_json(const std::string& path) {
  const Json json = read_json(path);
  const Json model = json["model"];
  const size_t added = json.has("added_tokens") ? json["added_tokens"].elements().size() : 0;
  std::vector<std::string> vocabulary = vocabulary_from(model["vocab"], added);
  Merges merges;
  if (model.has("merges")) merges = merges_from(model["merges"]);
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
  set_roles(*pipeline, read_if_there(folder, "special_tokens_map.json"));
  set_roles(*pipeline, config);
  if (config) pipeline->set_config(config->text_without({}));
  return Tokenizer(pipeline);
}

}  // namespace attune::io
