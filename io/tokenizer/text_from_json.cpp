// The stages that work on text: normalizers, pre-tokenizers, decoders.

#include "from_json.h"
#include "unicode.h"

namespace attune::io::tokenizers {
namespace {

SplitBehavior behavior_from(const Json& json) {
  constexpr std::pair<const char*, SplitBehavior> names[] = {
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous}};
  const std::string name = json.string();
  for (const auto& [known, behavior] : names)
    if (name == known) return behavior;
  json.refuse("the behavior \"" + name + "\" is not supported");
}

Normalizer bert_normalizer_from(const Json& json) {
  BertNormalizerOptions options;
  options.clean_text = json.boolean_or("clean_text", true);
  options.handle_chinese_chars = json.boolean_or("handle_chinese_chars", true);
  options.lowercase = json.boolean_or("lowercase", true);
  options.strip_accents = json.boolean_or("strip_accents", options.lowercase);
  return bert_normalizer(options);
}

size_t count_from(const Json& json) {
  constexpr int64_t largest = 1'000'000;
  return static_cast<size_t>(json.natural(largest));
}

// A text that a stage puts in, once for each of many pieces.
std::string short_text_from(const Json& json) {
  std::string text = json.string();
  if (constexpr size_t longest = 4096; text.size() > longest)
    json.refuse(fmt::format("has more than {} bytes", longest));
  return text;
}

std::string character_from(const Json& json) {
  std::string text = json.string();
  if (text.empty() || unicode::character_length(text) != text.size())
    json.refuse("should be one character");
  return text;
}

std::string replacement_from(const Json& json) {
  return json.has("replacement") ? character_from(json["replacement"]) : "\u2581";
}

}  // namespace

Pattern pattern_from(const Json& json) {
  if (json.has("String")) {
    const Json text = json["String"];
    if (text.string().empty()) text.refuse("is empty");
    return literal(text.string());
  }
  const Json expression = json["Regex"];
  return in_place(expression, [&] { return regex(expression.string()); });
}

Prepend prepend_scheme_from(const Json& json) {
  const bool always = json.boolean_or("add_prefix_space", true);  // as older files say it
  const std::string scheme = json.string_or("prepend_scheme", always ? "always" : "never");
  if (scheme == "always") return Prepend::always;
  if (scheme == "first") return Prepend::first;
  if (scheme == "never") return Prepend::never;
  json.refuse("the prepend_scheme \"" + scheme + "\" is not supported");
}

Normalizer normalizer_from(const Json& json) {
  static constexpr Maker<Normalizer> makers[] = {
      {"BertNormalizer", bert_normalizer_from},
      {"NFC", [](const Json&) { return normal_form(NormalForm::nfc); }},
      {"NFD", [](const Json&) { return normal_form(NormalForm::nfd); }},
      {"NFKC", [](const Json&) { return normal_form(NormalForm::nfkc); }},
      {"NFKD", [](const Json&) { return normal_form(NormalForm::nfkd); }},
      {"Lowercase", [](const Json&) { return lowercase(); }},
      {"StripAccents", [](const Json&) { return strip_accents(); }},
      {"Strip",
       [](const Json& j) {
         return strip_white_space(j["strip_left"].boolean(), j["strip_right"].boolean());
       }},
      {"Prepend", [](const Json& j) { return prepend(short_text_from(j["prepend"])); }},
      {"Replace",
       [](const Json& j) {
         return replace(pattern_from(j["pattern"]), short_text_from(j["content"]));
       }},
      {"Sequence", [](const Json& j) {
         return normalize_in_sequence(make_sequence(j, "normalizers", normalizer_from));
       }}};
  return make_part("normalizer", makers, json);
}

PreTokenizer pre_tokenizer_from(const Json& json) {
  static constexpr Maker<PreTokenizer> makers[] = {
      {"ByteLevel",
       [](const Json& j) {
         return byte_level_pre_tokenizer(j.boolean_or("add_prefix_space", true),
                                         j.boolean_or("use_regex", true));
       }},
      {"BertPreTokenizer", [](const Json&) { return bert_pre_tokenizer(); }},
      {"Split",
       [](const Json& j) {
         return split(pattern_from(j["pattern"]), behavior_from(j["behavior"]),
                      j.boolean_or("invert", false));
       }},
      {"Metaspace",
       [](const Json& j) {
         return metaspace(replacement_from(j), prepend_scheme_from(j), j.boolean_or("split", true));
       }},
      {"Whitespace", [](const Json&) { return words_and_punctuation(); }},
      {"WhitespaceSplit", [](const Json&) { return white_space_split(); }},
      {"Punctuation",
       [](const Json& j) {
         return punctuation(j.has("behavior") ? behavior_from(j["behavior"])
                                              : SplitBehavior::isolated);
       }},
      {"Digits", [](const Json& j) { return digits(j.boolean_or("individual_digits", false)); }},
      {"CharDelimiterSplit",
       [](const Json& j) {
         return split(literal(character_from(j["delimiter"])), SplitBehavior::removed, false);
       }},
      {"Sequence", [](const Json& j) {
         return pre_tokenize_in_sequence(make_sequence(j, "pretokenizers", pre_tokenizer_from));
       }}};
  return make_part("pre-tokenizer", makers, json);
}

Decoder decoder_from(const Json& json) {
  static constexpr Maker<Decoder> makers[] = {
      {"ByteLevel", [](const Json&) { return byte_level_decoder(); }},
      {"WordPiece",
       [](const Json& j) {
         return word_piece_decoder(j.string_or("prefix", "##"), j.boolean_or("cleanup", true));
       }},
      {"BPEDecoder", [](const Json& j) { return bpe_decoder(j.string_or("suffix", "</w>")); }},
      {"Metaspace",
       [](const Json& j) {
         return metaspace_decoder(replacement_from(j), prepend_scheme_from(j));
       }},
      {"ByteFallback", [](const Json&) { return byte_fallback_decoder(); }},
      {"Fuse", [](const Json&) { return fuse_decoder(); }},
      {"Strip",
       [](const Json& j) {
         return strip_decoder(character_from(j["content"]), count_from(j["start"]),
                              count_from(j["stop"]));
       }},
      {"Replace",
       [](const Json& j) {
         return replace_decoder(pattern_from(j["pattern"]), short_text_from(j["content"]));
       }},
      {"Sequence", [](const Json& j) {
         return decode_in_sequence(make_sequence(j, "decoders", decoder_from));
       }}};
  return make_part("decoder", makers, json);
}

}  // namespace attune::io::tokenizers
