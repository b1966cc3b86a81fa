#pragma once

#include <optional>

#include "../json.h"

// What transformers' class for a folder, which tokenizer_config.json may name, makes of its files.
namespace attune::io::tokenizers {

// FormatError if the class does not read a vocab.txt as BERT does.
void check_reads_vocab_txt(const std::optional<Json>& config);

enum class ByteLevelClass { gpt2, roberta };

// As which of the two the class reads a vocab.json with merges: GPT-2 if none is named. FormatError
// for another class.
ByteLevelClass byte_level_class(const std::optional<Json>& config);

// Whether the class makes BERT's normalizer anew, by the configuration, where a tokenizer.json has
// it. Also if none is named, as then it follows from the model, which may be a BERT.
bool makes_bert_normalizer(const std::optional<Json>& config);

// Whether the class makes the byte-level pre-tokenizer of a tokenizer.json anew, likewise. Not if
// none is named.
bool makes_byte_level(const std::optional<Json>& config);

}  // namespace attune::io::tokenizers
