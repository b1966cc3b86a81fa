#include "declared_tokens.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "../../array/strict_json-inl.h"
#include "from_json.h"

namespace attune::io::tokenizers {
namespace {

constexpr const char* remedy = "transformers can save the whole as a tokenizer.json";

class Collector {
 public:
  Collector(const std::optional<Json>& config, const std::optional<Json>& map,
            const std::optional<Json>& added) {
    const bool has_decoder = config && config->has("added_tokens_decoder");
    if (map && !has_decoder) files_.push_back(*map);
    if (config) files_.push_back(*config);
    for (const char* role : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                             "cls_token", "mask_token"})
      if (const auto token = member(role)) read_role(role, *token);
    read_lists();
    // What these two files say of a token counts before its role.
    std::vector<DeclaredToken> special = std::exchange(found_.tokens, {});
    const std::set<std::string> names = std::exchange(known_, {});
    if (has_decoder)
      read_decoder((*config)["added_tokens_decoder"]);
    else if (added)
      read_added(*added, names);
    for (DeclaredToken& token : special) keep(std::move(token));
  }

  Declarations take() { return std::move(found_); }

 private:
  std::optional<Json> member(const char* name) const {
    for (const Json& file : files_)
      if (file.has(name)) return file[name];
    return std::nullopt;
  }

  void read_role(const char* role, const Json& json) {
    AddedToken token = token_from(json, true);
    if (token.content.empty()) return;
    found_.roles.emplace(role, token.content);
    keep({json, std::move(token), std::nullopt});
  }

  // Of lists, that of the configuration counts, and additional tokens only where no list of extra
  // ones stands.
  void read_lists() {
    std::reverse(files_.begin(), files_.end());
    bool has_extra = false;
    for (const Json& file : files_)
      if (file.has("extra_special_tokens")) {
        const Json extra = file["extra_special_tokens"];
        has_extra |= extra.is_array() && extra.size() > 0;
        read_special(extra);
      }
    if (const auto tokens = member("additional_special_tokens"); tokens && !has_extra)
      read_special(*tokens);
  }

  // A list of tokens, or an object of tokens by names of their own.
  void read_special(const Json& json) {
    const auto read = [&](const Json& entry) {
      keep({entry, token_from(entry, true), std::nullopt});
    };
    if (json.is_array()) {
      for (const Json& entry : json.elements()) read(entry);
    } else {
      for (const std::string& name : json.names()) read(json[name]);
    }
  }

  void read_decoder(const Json& json) {
    for (const std::string& text : json.names()) {
      int64_t id = 0;
      const char* end = text.data() + text.size();
      if (const auto [stop, error] = std::from_chars(text.data(), end, id);
          error != std::errc() || stop != end || id < 0)
        json.refuse(fmt::format("\"{}\" is no id of a token", text));
      AddedToken token = token_from(json[text], false);
      token.special |= is_role(token.content);
      keep({json[text], std::move(token), id, true});
    }
  }

  void read_added(const Json& json, const std::set<std::string>& special) {
    for (const std::string& content : json.names()) {
      AddedToken token;
      token.content = content;
      token.special = special.contains(content);
      token.normalized = !token.special;
      keep({json[content], std::move(token), json[content].natural(most_tokens)});
    }
  }

  bool is_role(const std::string& content) const {
    return std::any_of(found_.roles.begin(), found_.roles.end(),
                       [&](const auto& role) { return role.second == content; });
  }

  void keep(DeclaredToken token) {
    if (known_.insert(token.token.content).second) found_.tokens.push_back(std::move(token));
  }

  std::vector<Json> files_;  // those that count first
  std::set<std::string> known_;
  Declarations found_;
};

// Makes an added token what it is declared to be. True if that changed it.
bool follow(AddedToken& own, const DeclaredToken& declared) {
  AddedToken wanted = own;
  if (declared.whole && declared.id == own.id) {
    wanted = declared.token;
    wanted.id = own.id;
  } else {
    wanted.special |= declared.token.special;
  }
  const auto flags = [](const AddedToken& t) {
    return std::tuple(t.single_word, t.lstrip, t.rstrip, t.normalized, t.special);
  };
  return flags(std::exchange(own, wanted)) != flags(wanted);
}

int64_t id_of(const DeclaredToken& declared, const Vocabulary& vocabulary) {
  const auto& [place, token, wanted, whole] = declared;
  const auto id = vocabulary.id(token.content);
  if (wanted && id != wanted)
    place.refuse(
        fmt::format("\"{}\" is not the vocabulary's token {}; {}", token.content, *wanted, remedy));
  if (!id) place.refuse(fmt::format("\"{}\" is not in the vocabulary; {}", token.content, remedy));
  return *id;
}

}  // namespace

bool Declarations::has(const std::string& content) const {
  return std::any_of(tokens.begin(), tokens.end(),
                     [&](const DeclaredToken& known) { return known.token.content == content; });
}

std::string Declarations::role_or(const std::string& role, std::string otherwise) const {
  const auto found = roles.find(role);
  return found == roles.end() ? std::move(otherwise) : found->second;
}

Declarations declarations_of(const std::optional<Json>& config, const std::optional<Json>& map,
                             const std::optional<Json>& added) {
  return Collector(config, map, added).take();
}

bool add_declared(std::vector<AddedToken>& added, const std::vector<DeclaredToken>& declared,
                  const Vocabulary& vocabulary) {
  bool changed = false;
  std::map<std::string, size_t> known;
  for (size_t i = 0; i < added.size(); ++i) known.emplace(added[i].content, i);
  for (const DeclaredToken& one : declared)
    if (const auto own = known.find(one.token.content); own != known.end())
      changed |= follow(added[own->second], one);
    else {
      added.push_back(one.token);
      added.back().id = id_of(one, vocabulary);
      changed = true;
    }
  return changed;
}

std::string with_added_tokens(const std::string& settings, const std::vector<AddedToken>& added) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(settings);
  nlohmann::ordered_json& list = json["added_tokens"] = nlohmann::ordered_json::array();
  for (const AddedToken& token : added)
    list.push_back({{"id", token.id},
                    {"content", token.content},
                    {"single_word", token.single_word},
                    {"lstrip", token.lstrip},
                    {"rstrip", token.rstrip},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  return json_text(json);
}

}  // namespace attune::io::tokenizers
