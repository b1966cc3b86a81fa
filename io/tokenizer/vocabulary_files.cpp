#include "vocabulary_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "../../array/fail.h"
#include "../file.h"
#include "from_json.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

constexpr const char* operation = "load_tokenizer";

// A text file in UTF-8, and how many lines it has.
struct Text {
  explicit Text(const std::string& path) : content(read_file(path)) {
    if (!unicode::is_valid(content)) fail<FormatError>(operation, "{}: not UTF-8", path);
    lines = static_cast<size_t>(std::count(content.begin(), content.end(), '\n')) + 1;
    // Each is a token, or a merge that makes one; no vocabulary comes near this.
    if (constexpr size_t most = size_t{1} << 21; lines > most)
      fail<FormatError>(operation, "{}: more than {} lines are no vocabulary", path, most);
  }

  template <class F>
  void each_line(F&& take) const {
    const std::string_view text = content;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      const size_t back = end > at && text[end - 1] == '\r' ? 1 : 0;
      take(text.substr(at, end - back - at));
      at = end + 1;
    }
  }

  std::string content;
  size_t lines;
};

std::vector<std::string> read_lines(const std::string& path) {
  const Text text(path);
  std::vector<std::string> lines;
  lines.reserve(text.lines);
  text.each_line([&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

bool option(const std::optional<Json>& config, const char* name, bool otherwise) {
  return config ? config->boolean_or(name, otherwise) : otherwise;
}

// What the model's configuration does not name.
std::string token_for(const std::optional<Json>& config, const std::string& role,
                      std::string otherwise) {
  return special_token_of(config, role).value_or(std::move(otherwise));
}

std::optional<size_t> find(const std::vector<std::string>& tokens, const std::string& token) {
  const auto found = std::find(tokens.begin(), tokens.end(), token);
  if (found == tokens.end()) return std::nullopt;
  return static_cast<size_t>(found - tokens.begin());
}

// The entries of a tokenizer.json for special tokens, as far as the vocabulary has them.
nlohmann::json special_tokens(const std::vector<std::string>& tokens,
                              const std::vector<std::string>& names) {
  nlohmann::json added = nlohmann::json::array();
  for (const std::string& name : names) {
    const auto id = find(tokens, name);
    const bool repeated = std::any_of(added.begin(), added.end(),
                                      [&](const auto& known) { return known["content"] == name; });
    if (id && !repeated)
      added.push_back({{"id", *id},
                       {"content", name},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
  }
  return added;
}

size_t require(const std::string& path, const std::vector<std::string>& tokens,
               const std::string& token) {
  const auto id = find(tokens, token);
  if (!id)
    fail<FormatError>(operation, "{}: the special token \"{}\" is not in the vocabulary", path,
                      token);
  return *id;
}

std::shared_ptr<Pipeline> build(const char* builder, const std::string& what,
                                const nlohmann::json& settings, std::vector<std::string> tokens,
                                Merges merges) {
  return pipeline_from(Json::parse(builder, what, settings.dump(), deepest_json), std::move(tokens),
                       std::move(merges));
}

nlohmann::json byte_level_settings(const std::vector<std::string>& tokens,
                                   const std::vector<std::string>& special, bool add_prefix_space) {
  const nlohmann::json byte_level = {{"type", "ByteLevel"},
                                     {"add_prefix_space", add_prefix_space},
                                     {"trim_offsets", true},
                                     {"use_regex", true}};
  return {{"version", "1.0"},
          {"added_tokens", special_tokens(tokens, special)},
          {"pre_tokenizer", byte_level},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model", {{"type", "BPE"}}}};
}

Merges read_merges(const std::string& path) {
  const Text text(path);
  Merges merges;
  merges.reserve(std::min(text.lines, text.content.size() / 4 + 1));  // of "a b" and a break
  size_t number = 0;
  text.each_line([&](std::string_view line) {
    ++number;
    if (line.starts_with("#version") || line.empty()) return;
    const size_t space = line.find(' ');
    if (space == line.npos || line.find(' ', space + 1) != line.npos)
      fail<FormatError>(operation, "{}: line {} is not two tokens with a space between them", path,
                        number);
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  });
  return merges;
}

}  // namespace

std::optional<std::string> special_token_of(const std::optional<Json>& config,
                                            const std::string& role) {
  if (!config || !config->has(role)) return std::nullopt;
  const Json token = (*config)[role];
  return token.is_object() ? token["content"].string() : token.string();
}

Json read_json(const std::string& path) {
  return Json::parse(operation, path, read_file(path), deepest_json);
}

std::shared_ptr<Pipeline> from_vocab_txt(const std::string& path,
                                         const std::optional<Json>& config) {
  std::vector<std::string> tokens = read_lines(path);
  const std::string unk = token_for(config, "unk_token", "[UNK]"),
                    cls = token_for(config, "cls_token", "[CLS]"),
                    sep = token_for(config, "sep_token", "[SEP]"),
                    pad = token_for(config, "pad_token", "[PAD]"),
                    mask = token_for(config, "mask_token", "[MASK]");
  const bool lower = option(config, "do_lower_case", true);
  const nlohmann::json settings = {
      {"version", "1.0"},
      {"added_tokens", special_tokens(tokens, {unk, cls, sep, pad, mask})},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", option(config, "tokenize_chinese_chars", true)},
        {"strip_accents", option(config, "strip_accents", lower)},
        {"lowercase", lower}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "BertProcessing"},
        {"cls", nlohmann::json::array({cls, require(path, tokens, cls)})},
        {"sep", nlohmann::json::array({sep, require(path, tokens, sep)})}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", unk},
        {"continuing_subword_prefix", "##"},
        {"max_input_chars_per_word", 100}}}};
  return build(operation, path, settings, std::move(tokens), {});
}

std::shared_ptr<Pipeline> from_vocab_and_merges(const std::string& vocab_path,
                                                const std::string& merges_path,
                                                const std::optional<Json>& config) {
  std::vector<std::string> tokens = vocabulary_from(read_json(vocab_path), 0);
  const bool add_prefix_space = option(config, "add_prefix_space", false);
  const bool roberta = config && config->string_or("tokenizer_class", "").starts_with("Roberta");
  std::vector<std::string> names = {"<|endoftext|>"};
  if (roberta) names = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
  for (const char* role :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
    if (const auto token = special_token_of(config, role)) names.push_back(*token);
  nlohmann::json settings = byte_level_settings(tokens, names, add_prefix_space);
  if (roberta) {
    const std::string cls = token_for(config, "cls_token", "<s>"),
                      sep = token_for(config, "sep_token", "</s>");
    settings["post_processor"] = {
        {"type", "RobertaProcessing"},
        {"cls", nlohmann::json::array({cls, require(vocab_path, tokens, cls)})},
        {"sep", nlohmann::json::array({sep, require(vocab_path, tokens, sep)})},
        {"trim_offsets", true},
        {"add_prefix_space", add_prefix_space}};
    for (auto& token : settings["added_tokens"]) token["lstrip"] = token["content"] == "<mask>";
  }
  return build(operation, vocab_path, settings, std::move(tokens), read_merges(merges_path));
}

std::shared_ptr<Pipeline> byte_level_bpe(const char* builder, const std::string& what,
                                         std::vector<std::string> tokens, Merges merges,
                                         const std::vector<std::string>& special,
                                         bool add_prefix_space) {
  const nlohmann::json settings = byte_level_settings(tokens, special, add_prefix_space);
  return build(builder, what, settings, std::move(tokens), std::move(merges));
}

}  // namespace attune::io::tokenizers
