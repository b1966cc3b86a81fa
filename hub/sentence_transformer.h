#pragma once

#include "../nn/models/sentence_transformer.h"
#include "pretrained.h"

namespace attune::hub {

// Reads a folder that sentence-transformers wrote: a BERT, whose folder it is too, with
// modules.json naming a pooling and perhaps a normalisation after it. Without modules.json the
// pooling is the mean, as sentence-transformers has it then, not normalized. max_seq_length is that
// of sentence_bert_config.json, else model_max_length of tokenizer_config.json; giving the model no
// more tokens is left to the caller. In evaluation mode. Errors as of from_pretrained; FormatError
// where it asks for other parts.
nn::models::SentenceTransformer load_sentence_transformer(const std::string& folder,
                                                          const LoadOptions& options = {});

// Writes such a folder. IoError.
void save_sentence_transformer(const nn::models::SentenceTransformer& model,
                               const std::string& folder);

}  // namespace attune::hub
