#include "classes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "../../array/fail.h"

namespace attune::io::tokenizers {
namespace {

struct WordPieceClass {
  const char* name;
  bool reads_vocab_txt, makes_normalizer;
  bool reads() const { return reads_vocab_txt; }
};

// As transformers 5.24 does it. Those that are only bases keep what a tokenizer.json has, and of a
// ConvBERT so do its own.
constexpr WordPieceClass word_piece_classes[] = {
    {"BertTokenizer", true, true},
    {"DistilBertTokenizer", true, true},
    {"ElectraTokenizer", true, true},
    {"MobileBertTokenizer", true, true},
    {"SqueezeBertTokenizer", true, true},
    {"ConvBertTokenizer", true, false},
    {"LayoutLMTokenizer", true, true},
    {"LxmertTokenizer", true, true},
    {"PreTrainedTokenizer", true, false},
    {"TokenizersBackend", true, false},
    // These put other special tokens around a text than BERT.
    {"FunnelTokenizer", false, true},
    {"MPNetTokenizer", false, true},
    {"SplinterTokenizer", false, true},
};

struct BytesClass {
  const char* name;
  std::optional<ByteLevelClass> read_as;
  bool makes_pre_tokenizer;
  bool reads() const { return read_as.has_value(); }
};

constexpr BytesClass bytes_classes[] = {
    {"GPT2Tokenizer", ByteLevelClass::gpt2, true},
    {"RobertaTokenizer", ByteLevelClass::roberta, true},
    {"BartTokenizer", ByteLevelClass::roberta, true},
    {"LongformerTokenizer", ByteLevelClass::roberta, true},
    {"LEDTokenizer", ByteLevelClass::roberta, true},
    {"MvpTokenizer", ByteLevelClass::roberta, true},
    {"PreTrainedTokenizer", ByteLevelClass::gpt2, false},
    {"TokenizersBackend", ByteLevelClass::gpt2, false},
    // These cut words or put tokens around a text in their own ways.
    {"CodeGenTokenizer", std::nullopt, true},
    {"Qwen2Tokenizer", std::nullopt, true},
};

// Without the "Fast" of older versions.
std::string class_named(const std::optional<Json>& config, const char* otherwise) {
  if (!config || !config->has("tokenizer_class")) return otherwise;
  std::string name = (*config)["tokenizer_class"].string();
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

// What a table says of the class; null if nothing.
template <class Class, size_t n>
const Class* find(const Class (&classes)[n], const std::optional<Json>& config,
                  const char* otherwise) {
  const std::string name = class_named(config, otherwise);
  const auto found = std::find_if(std::begin(classes), std::end(classes),
                                  [&](const Class& known) { return name == known.name; });
  return found == std::end(classes) ? nullptr : found;
}

// The class, which must read the files that the table is about (FormatError).
template <class Class, size_t n>
const Class& reader_among(const Class (&classes)[n], const std::optional<Json>& config,
                          const char* otherwise) {
  if (const Class* known = find(classes, config, otherwise); known && known->reads()) return *known;
  std::vector<const char*> readers;
  for (const Class& each : classes)
    if (each.reads()) readers.push_back(each.name);
  const Json name = (*config)["tokenizer_class"];
  name.refuse(fmt::format(
      "\"{}\" is not read from such files, but {} are; transformers can save the whole as a "
      "tokenizer.json",
      name.string(), fmt::join(readers, ", ")));
}

}  // namespace

void check_reads_vocab_txt(const std::optional<Json>& config) {
  reader_among(word_piece_classes, config, "BertTokenizer");
}

ByteLevelClass byte_level_class(const std::optional<Json>& config) {
  return *reader_among(bytes_classes, config, "GPT2Tokenizer").read_as;
}

bool makes_bert_normalizer(const std::optional<Json>& config) {
  const auto* known = find(word_piece_classes, config, "BertTokenizer");
  return known && known->makes_normalizer;
}

bool makes_byte_level(const std::optional<Json>& config) {
  const auto* known = find(bytes_classes, config, "");
  return known && known->makes_pre_tokenizer;
}

}  // namespace attune::io::tokenizers
