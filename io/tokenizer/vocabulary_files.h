#pragma once

#include <memory>
#include <optional>
#include <string>

#include "../json.h"
#include "declared_tokens.h"
#include "pipeline.h"

// Tokenizers from before tokenizer.json: a vocabulary, and the rest by convention, which the files
// beside it refine.
namespace attune::io::tokenizers {

// BERT's WordPiece from a vocab.txt: a token a line. In the configuration count do_lower_case,
// strip_accents and tokenize_chinese_chars.
std::shared_ptr<Pipeline> from_vocab_txt(const std::string& path, const std::optional<Json>& config,
                                         const Declarations& declared);

// Byte-level BPE from a vocab.json and a merges.txt: GPT-2's, or RoBERTa's if the configuration
// names it or a class that is alike. add_prefix_space counts.
std::shared_ptr<Pipeline> from_vocab_and_merges(const std::string& vocab_path,
                                                const std::string& merges_path,
                                                const std::optional<Json>& config,
                                                const Declarations& declared);

// Byte-level BPE of given tokens; those of the special names that are tokens are special. Errors
// name the builder and `what` it makes.
std::shared_ptr<Pipeline> byte_level_bpe(const char* builder, const std::string& what,
                                         std::shared_ptr<const Vocabulary> vocabulary,
                                         Merges merges, const std::vector<std::string>& special,
                                         bool add_prefix_space);

Json read_json(const std::string& path);

}  // namespace attune::io::tokenizers
