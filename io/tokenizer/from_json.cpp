#include "from_json.h"

#include <map>

namespace attune::io::tokenizers {
namespace {

std::optional<std::string> optional_string(const Json& json, const std::string& name) {
  if (!json.has(name)) return std::nullopt;
  return json[name].string();
}

// What every character of a word may get.
std::string affix_from(const Json& json, const char* name, std::string otherwise) {
  std::string affix = json.string_or(name, std::move(otherwise));
  if (constexpr size_t longest = 256; affix.size() > longest)
    json[name].refuse(fmt::format("has more than {} bytes", longest));
  return affix;
}

Model bpe_from(const Json& json, std::shared_ptr<const Vocabulary> vocabulary,
               const Merges& merges) {
  if (json.has("dropout") && json["dropout"].number() != 0)
    json["dropout"].refuse("dropout of merges is not supported");
  BpeOptions options;
  options.unk_token = optional_string(json, "unk_token");
  options.fuse_unk = json.boolean_or("fuse_unk", false);
  options.byte_fallback = json.boolean_or("byte_fallback", false);
  options.ignore_merges = json.boolean_or("ignore_merges", false);
  options.continuing_subword_prefix = affix_from(json, "continuing_subword_prefix", "");
  options.end_of_word_suffix = affix_from(json, "end_of_word_suffix", "");
  return in_place(
      json, [&] { return byte_pair_encoding(std::move(vocabulary), merges, std::move(options)); });
}

Model word_piece_from(const Json& json, std::shared_ptr<const Vocabulary> vocabulary) {
  constexpr int64_t longest_word = 1000;  // time grows with the cube of it; the custom is 100
  WordPieceOptions options;
  options.unk_token = json.string_or("unk_token", options.unk_token);
  options.continuing_subword_prefix =
      affix_from(json, "continuing_subword_prefix", options.continuing_subword_prefix);
  if (json.has("max_input_chars_per_word"))
    options.max_input_chars_per_word =
        static_cast<size_t>(json["max_input_chars_per_word"].natural(longest_word));
  return in_place(json, [&] { return word_piece(std::move(vocabulary), std::move(options)); });
}

// Files of 2020 do not name the type.
std::string model_type(const Json& json) {
  if (json.has("type")) return json["type"].string();
  return json.has("max_input_chars_per_word") ? "WordPiece" : "BPE";
}

Model model_from(const Json& json, std::shared_ptr<const Vocabulary> vocabulary,
                 const Merges& merges) {
  const std::string type = model_type(json);
  if (type == "BPE") return bpe_from(json, std::move(vocabulary), merges);
  if (type == "WordPiece") return word_piece_from(json, std::move(vocabulary));
  json.refuse(fmt::format("the model \"{}\" is not supported", type));
}

AddedToken added_token_from(const Json& json) {
  if (!json.is_object()) json.refuse("should be an object");
  AddedToken token = token_from(json, false);
  token.id = json["id"].natural(largest_id);
  if (token.content.empty()) json.refuse("the content of an added token is empty");
  return token;
}

void check_added(const Json& json, const std::vector<AddedToken>& tokens,
                 const Vocabulary& vocabulary) {
  const auto size = static_cast<int64_t>(vocabulary.tokens().size());
  for (const AddedToken& token : tokens) {
    const auto known = vocabulary.id(token.content);
    const bool taken = token.id < size && !vocabulary.token(token.id).empty();
    if (known && *known != token.id)
      json.refuse(fmt::format("\"{}\" has id {}, but the model's vocabulary gives it {}",
                              token.content, token.id, *known));
    if (!known && taken)
      json.refuse(fmt::format("\"{}\" has id {}, which the model's vocabulary gives to \"{}\"",
                              token.content, token.id, vocabulary.token(token.id)));
  }
}

void check_ids(const Json& json, const std::vector<PostProcessor::Part>& parts, int64_t size) {
  for (const auto& part : parts)
    for (const int64_t id : part.ids)
      if (id >= size) json.refuse(fmt::format("id {} is outside the vocabulary of {}", id, size));
}

}  // namespace

AddedToken token_from(const Json& json, bool special) {
  AddedToken token;
  token.special = special;
  token.normalized = !special;
  if (!json.is_object()) {
    token.content = json.string();
    return token;
  }
  token.content = json["content"].string();
  token.special |= json.boolean_or("special", false);
  token.single_word = json.boolean_or("single_word", false);
  token.lstrip = json.boolean_or("lstrip", false);
  token.rstrip = json.boolean_or("rstrip", false);
  token.normalized = json.boolean_or("normalized", !token.special);
  return token;
}

std::vector<AddedToken> added_tokens_from(const Json& json) {
  std::vector<AddedToken> tokens = make_parts(json, added_token_from);
  std::map<std::string, int64_t> ids;
  std::map<int64_t, std::string> contents;
  for (const AddedToken& token : tokens) {
    if (!ids.emplace(token.content, token.id).second)
      json.refuse(fmt::format("the added token \"{}\" occurs twice", token.content));
    if (!contents.emplace(token.id, token.content).second)
      json.refuse(fmt::format("id {} is given to both \"{}\" and \"{}\"", token.id,
                              contents[token.id], token.content));
  }
  return tokens;
}

std::shared_ptr<Pipeline> pipeline_from(const Json& json,
                                        std::shared_ptr<const Vocabulary> vocabulary, Merges merges,
                                        const std::vector<DeclaredToken>& declared) {
  const Json model = json["model"];
  Stages stages;
  stages.vocabulary = std::move(vocabulary);
  if (json.has("normalizer")) stages.normalizer = normalizer_from(json["normalizer"]);
  if (json.has("pre_tokenizer")) stages.pre_tokenizer = pre_tokenizer_from(json["pre_tokenizer"]);
  stages.model = model_from(model, stages.vocabulary, merges);
  stages.decoder = json.has("decoder") ? decoder_from(json["decoder"]) : join_decoder(" ");
  std::vector<AddedToken> added;
  if (json.has("added_tokens")) {
    added = added_tokens_from(json["added_tokens"]);
    check_added(json["added_tokens"], added, *stages.vocabulary);
  }
  const size_t own = added.size();
  const bool changed = add_declared(added, declared, *stages.vocabulary);
  std::string settings = json.text_without({"model"});
  if (changed) settings = with_added_tokens(settings, added);
  if (!added.empty())
    stages.added = in_place(own > 0 ? json["added_tokens"] : json,
                            [&] { return AddedTokens(std::move(added), stages.normalizer); });
  Source source{
      std::move(settings), model.text_without({"vocab", "merges"}), std::move(merges), {}};
  const auto pipeline = in_place(
      json, [&] { return std::make_shared<Pipeline>(std::move(stages), std::move(source)); });
  if (json.has("post_processor")) {
    pipeline->post_processor = post_processor_from(json["post_processor"]);
    check_ids(json["post_processor"], pipeline->post_processor.single, pipeline->size());
    check_ids(json["post_processor"], pipeline->post_processor.pair, pipeline->size());
  }
  if (json.has("padding"))
    pipeline->special_ids["pad_token"] = json["padding"]["pad_id"].natural(pipeline->size() - 1);
  return pipeline;
}

}  // namespace attune::io::tokenizers
