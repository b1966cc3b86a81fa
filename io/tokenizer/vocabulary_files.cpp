#include "vocabulary_files.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../array/strict_json-inl.h"
#include "../file.h"
#include "classes.h"
#include "from_json.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

constexpr const char* operation = "load_tokenizer";

// A text file in UTF-8, each of whose lines is a token, or a merge.
struct Lines {
  explicit Lines(const std::string& path) : content(read_file(path, most_bytes)) {
    if (!unicode::is_valid(content)) fail<FormatError>(operation, "{}: not UTF-8", path);
    count = static_cast<size_t>(std::count(content.begin(), content.end(), '\n')) + 1;
    if (count > most_tokens)
      fail<FormatError>(operation, "{}: more than {} lines are no vocabulary", path, most_tokens);
  }

  template <class F>
  void each(F&& take) const {
    const std::string_view text = content;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      const size_t back = end > at && text[end - 1] == '\r' ? 1 : 0;
      take(text.substr(at, end - back - at));
      at = end + 1;
    }
  }

  std::string content;
  size_t count;
};

std::shared_ptr<const Vocabulary> read_lines(const std::string& path) {
  const Lines lines(path);
  TokenList tokens;
  tokens.reserve(lines.count, lines.content.size());
  lines.each([&](std::string_view line) { tokens.push_back(line); });
  return in_file(operation, path,
                 [&] { return std::make_shared<const Vocabulary>(std::move(tokens)); });
}

bool option(const std::optional<Json>& config, const char* name, bool otherwise) {
  return config ? config->boolean_or(name, otherwise) : otherwise;
}

// The entries of a tokenizer.json for special tokens, as far as the vocabulary has them and no file
// declares them.
nlohmann::json special_tokens(const Vocabulary& vocabulary, const std::vector<std::string>& names,
                              const Declarations& declared) {
  nlohmann::json added = nlohmann::json::array();
  for (const std::string& name : names) {
    const auto id = vocabulary.id(name);
    const bool repeated = std::any_of(added.begin(), added.end(),
                                      [&](const auto& known) { return known["content"] == name; });
    if (id && !repeated && !declared.has(name))
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

int64_t require(const std::string& path, const Vocabulary& vocabulary, const std::string& token) {
  return in_file(operation, path, [&] { return vocabulary.require(token, "the special token"); });
}

std::shared_ptr<Pipeline> build(const char* builder, const std::string& what,
                                const nlohmann::json& settings,
                                std::shared_ptr<const Vocabulary> vocabulary, Merges merges,
                                const Declarations& declared = {}) {
  return pipeline_from(Json::parse(builder, what, json_text(settings), deepest_json),
                       std::move(vocabulary), std::move(merges), declared.tokens);
}

nlohmann::json byte_level_settings(const Vocabulary& vocabulary,
                                   const std::vector<std::string>& special, bool add_prefix_space,
                                   const Declarations& declared = {}) {
  const nlohmann::json byte_level = {{"type", "ByteLevel"},
                                     {"add_prefix_space", add_prefix_space},
                                     {"trim_offsets", true},
                                     {"use_regex", true}};
  return {{"version", "1.0"},
          {"added_tokens", special_tokens(vocabulary, special, declared)},
          {"pre_tokenizer", byte_level},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model", {{"type", "BPE"}}}};
}

Merges read_merges(const std::string& path, const Vocabulary& vocabulary) {
  const Lines lines(path);
  Merges merges;
  size_t number = 0;
  lines.each([&](std::string_view line) {
    ++number;
    if (line.starts_with("#version") || line.empty()) return;
    const auto pair = in_file(operation, path, [&] { return merge_from_line(line, vocabulary); });
    if (!pair)
      fail<FormatError>(operation, "{}: line {} is not two tokens with a space between them", path,
                        number);
    merges.push_back(*pair);
  });
  merges.shrink_to_fit();
  return merges;
}

std::shared_ptr<const Vocabulary> read_vocab_json(const std::string& path) {
  const std::string text = read_file(path, most_bytes);
  return in_file(operation, path, [&] {
    return std::make_shared<const Vocabulary>(vocabulary_from(JsonScanner(text), 0));
  });
}

}  // namespace

Json read_json(const std::string& path) {
  return Json::parse(operation, path, read_file(path, most_json_bytes), deepest_json);
}

std::shared_ptr<Pipeline> from_vocab_txt(const std::string& path, const std::optional<Json>& config,
                                         const Declarations& declared) {
  check_reads_vocab_txt(config);
  auto vocabulary = read_lines(path);
  const std::string unk = declared.role_or("unk_token", "[UNK]"),
                    cls = declared.role_or("cls_token", "[CLS]"),
                    sep = declared.role_or("sep_token", "[SEP]"),
                    pad = declared.role_or("pad_token", "[PAD]"),
                    mask = declared.role_or("mask_token", "[MASK]");
  const bool lower = option(config, "do_lower_case", true);
  const nlohmann::json settings = {
      {"version", "1.0"},
      {"added_tokens", special_tokens(*vocabulary, {unk, cls, sep, pad, mask}, declared)},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", option(config, "tokenize_chinese_chars", true)},
        {"strip_accents", option(config, "strip_accents", lower)},
        {"lowercase", lower}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "BertProcessing"},
        {"cls", nlohmann::json::array({cls, require(path, *vocabulary, cls)})},
        {"sep", nlohmann::json::array({sep, require(path, *vocabulary, sep)})}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", unk},
        {"continuing_subword_prefix", "##"},
        {"max_input_chars_per_word", 100}}}};
  return build(operation, path, settings, std::move(vocabulary), {}, declared);
}

std::shared_ptr<Pipeline> from_vocab_and_merges(const std::string& vocab_path,
                                                const std::string& merges_path,
                                                const std::optional<Json>& config,
                                                const Declarations& declared) {
  const bool roberta = byte_level_class(config) == ByteLevelClass::roberta;
  auto vocabulary = read_vocab_json(vocab_path);
  const bool add_prefix_space = option(config, "add_prefix_space", false);
  std::vector<std::string> names = {"<|endoftext|>"};
  if (roberta) names = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
  nlohmann::json settings = byte_level_settings(*vocabulary, names, add_prefix_space, declared);
  if (roberta) {
    const std::string cls = declared.role_or("cls_token", "<s>"),
                      sep = declared.role_or("sep_token", "</s>");
    settings["post_processor"] = {
        {"type", "RobertaProcessing"},
        {"cls", nlohmann::json::array({cls, require(vocab_path, *vocabulary, cls)})},
        {"sep", nlohmann::json::array({sep, require(vocab_path, *vocabulary, sep)})},
        {"trim_offsets", true},
        {"add_prefix_space", add_prefix_space}};
    for (auto& token : settings["added_tokens"]) token["lstrip"] = token["content"] == "<mask>";
  }
  Merges merges = read_merges(merges_path, *vocabulary);
  return build(operation, vocab_path, settings, std::move(vocabulary), std::move(merges), declared);
}

std::shared_ptr<Pipeline> byte_level_bpe(const char* builder, const std::string& what,
                                         std::shared_ptr<const Vocabulary> vocabulary,
                                         Merges merges, const std::vector<std::string>& special,
                                         bool add_prefix_space) {
  const nlohmann::json settings = byte_level_settings(*vocabulary, special, add_prefix_space);
  return build(builder, what, settings, std::move(vocabulary), std::move(merges));
}

}  // namespace attune::io::tokenizers
