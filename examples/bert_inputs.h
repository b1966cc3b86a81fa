// Texts as a BERT takes them: side by side, the shorter ones padded and masked.

#pragma once

#include <attune/attune.h>

#include <string>
#include <vector>

struct BertInputs {
  BertInputs(const attune::io::Tokenizer& tokenizer, const std::vector<std::string>& texts,
             int64_t longest) {
    const attune::io::Batch batch = tokenizer.encode_batch(texts, {.max_length = longest});
    ids = batch.ids;
    const attune::Tensor lengths = attune::tensor(batch.lengths, {ids.size(0), 1});
    options.attention_mask = attune::arange(ids.size(1)) < lengths;
    options.token_type_ids = batch.type_ids;
  }

  attune::Tensor ids;  // int64 [texts, longest]
  attune::nn::models::ForwardOptions options;
};

inline std::vector<int64_t> lengths_of(const std::vector<std::string>& texts) {
  std::vector<int64_t> lengths;
  for (const std::string& text : texts) lengths.push_back(std::ssize(text));
  return lengths;
}

// One row for each text, from rows(inputs), [B, D], of batches of similar length -> [texts, D].
template <class Rows>
attune::Tensor rows_of(const attune::io::Tokenizer& tokenizer,
                       const std::vector<std::string>& texts, int64_t longest, const Rows& rows) {
  attune::NoGrad no_grad;
  std::vector<attune::Tensor> parts;
  std::vector<int64_t> place(texts.size());  // of each text among the rows
  int64_t next = 0;
  for (const auto& items : attune::train::batches_by_length(lengths_of(texts), 32)) {
    std::vector<std::string> some;
    for (const int64_t item : items) {
      some.push_back(texts[static_cast<size_t>(item)]);
      place[static_cast<size_t>(item)] = next++;
    }
    parts.push_back(rows(BertInputs(tokenizer, some, longest)).to(attune::float32));
  }
  return attune::index_select(attune::cat(parts, 0), 0, attune::tensor(place, {next}));
}

// What transformers makes of logits [texts, labels]: shares of one, of each label for itself where
// there are several or one, and the numbers themselves of a regression.
inline attune::Tensor scores_of(const attune::Tensor& logits, const std::string& problem_type) {
  if (problem_type == "regression") return logits;
  if (problem_type == "multi_label_classification" || logits.size(-1) == 1) return sigmoid(logits);
  return attune::softmax(logits, -1);
}

// [texts, labels].
inline attune::Tensor scores(const attune::nn::models::BertForSequenceClassification& model,
                             const attune::io::Tokenizer& tokenizer,
                             const std::vector<std::string>& texts, int64_t longest) {
  return rows_of(tokenizer, texts, longest, [&](const BertInputs& inputs) {
    return scores_of(model(inputs.ids, inputs.options), model.config().problem_type);
  });
}
