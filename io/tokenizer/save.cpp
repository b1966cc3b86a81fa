#include <filesystem>
#include <nlohmann/json.hpp>

#include "../../array/fail.h"
#include "../file.h"
#include "pipeline.h"

namespace attune::io::tokenizers {
namespace {

using Ordered = nlohmann::ordered_json;

// {"token": id}, in the order of ids.
Ordered by_token(const TokenList& tokens) {
  Ordered vocabulary = Ordered::object();
  auto& members = vocabulary.get_ref<Ordered::object_t&>();
  for (size_t id = 0; id < tokens.size(); ++id)
    if (!tokens[id].empty()) members.Container::emplace_back(std::string(tokens[id]), id);
  return vocabulary;
}

std::string merge_lines(const Merges& merges, const Vocabulary& vocabulary) {
  std::string lines = "#version: 0.2\n";
  for (const auto& [left, right] : merges)
    lines.append(vocabulary.token(left)).append(" ").append(vocabulary.token(right)).append("\n");
  return lines;
}

std::string token_lines(const TokenList& tokens) {
  std::string lines;
  for (size_t id = 0; id < tokens.size(); ++id) lines.append(tokens[id]).append("\n");
  return lines;
}

}  // namespace

// Roles may come from files that are not written, and which count before this one.
std::string Pipeline::config_with_roles() const {
  Ordered config = source_.config.empty() ? Ordered::object() : Ordered::parse(source_.config);
  if (!config.is_object()) return source_.config;
  bool changed = false;
  for (const auto& [role, id] : special_ids) {
    const AddedToken* added = stages_.added.find(id);
    const std::string token = added ? added->content : std::string(this->token(id));
    const Ordered& known = config[role];
    if (known == token ||
        (known.is_object() && known.contains("content") && known.at("content") == token))
      continue;
    config[role] = token;
    changed = true;
  }
  return changed ? config.dump() : source_.config;
}

void Pipeline::save(const std::string& folder) const {
  const Vocabulary& vocabulary = *stages_.vocabulary;
  Ordered json = Ordered::parse(source_.settings);
  Ordered& model = json["model"] = Ordered::parse(source_.model);
  const bool has_merges = model.value("type", "BPE") == "BPE";
  model["vocab"] = by_token(vocabulary.tokens());
  if (has_merges) {
    Ordered merges = Ordered::array();
    for (const auto& [left, right] : source_.merges)
      merges.push_back({vocabulary.token(left), vocabulary.token(right)});
    model["merges"] = std::move(merges);
  }
  make_folder(folder);
  const std::filesystem::path path(folder);
  write_atomically((path / "tokenizer.json").string(), json.dump());
  if (has_merges) {
    write_atomically((path / "vocab.json").string(), model["vocab"].dump());
    write_atomically((path / "merges.txt").string(), merge_lines(source_.merges, vocabulary));
  } else {
    write_atomically((path / "vocab.txt").string(), token_lines(vocabulary.tokens()));
  }
  if (const std::string config = config_with_roles(); !config.empty())
    write_atomically((path / "tokenizer_config.json").string(), config);
}

}  // namespace attune::io::tokenizers
