// BERT learns to fill gaps in texts of your own, as it was pretrained: 15 % of the tokens are to be
// predicted, most of them masked.

#pragma once

#include <algorithm>

#include "bert_finetune.h"

namespace bert {

using nn::models::BertForMaskedLM;

// The token that plays a part: what the tokenizer's config says, or that of a vocabulary alone.
inline int64_t special_token(const io::Tokenizer& tokenizer, const std::string& role,
                             const std::string& usual, const std::string& folder) {
  auto id = tokenizer.special_id(role);
  if (!id) id = tokenizer.id(usual);
  if (!id) throw FormatError(fmt::format("{}: the tokenizer has no {}", folder, role));
  return *id;
}

struct GapFilling {
  explicit GapFilling(const FinetuneOptions& o)
      : model(hub::from_pretrained<BertForMaskedLM>(o.model)),
        tokenizer(load_tokenizer(o.model, model.config().vocab_size).tokenizer),
        cls(special_token(tokenizer, "cls_token", "[CLS]", o.model)),
        sep(special_token(tokenizer, "sep_token", "[SEP]", o.model)),
        masking{.mask_token = special_token(tokenizer, "mask_token", "[MASK]", o.model),
                .vocab_size = tokenizer.size(),
                .special_tokens = {cls, sep}},
        corpus(train::TokenCorpus::from_files(o.text, tokenizer, sep)),
        width(std::min({o.max_length, model.config().max_position_embeddings,
                        std::ssize(corpus.training) + 1}) -
              2) {
    if (width < 1)
      throw ValueError(
          fmt::format("--max-length is {}; it takes 3 tokens to hold one between [CLS] and [SEP]",
                      o.max_length));
    // The masks of the held-out windows never change, so that their losses can be compared.
    for (const auto& batch : train::sequential_batches(corpus.held_out, o.batch, width))
      held_out.push_back(masked(batch.inputs, {0, held_out.size()}));
  }

  // tokens: int64 [B, T], without the tokens around a text.
  train::MaskedTokens masked(const Tensor& tokens, RandomState draw) const {
    const auto column = [&](int64_t token) {
      const std::vector<int64_t> rows(static_cast<size_t>(tokens.size(0)), token);
      return tensor(rows, {std::ssize(rows), 1});
    };
    return train::mask_tokens(cat({column(cls), tokens, column(sep)}, 1), masking, draw);
  }

  BertForMaskedLM model;
  io::Tokenizer tokenizer;
  int64_t cls, sep;
  train::MaskingOptions masking;
  train::TokenCorpus corpus;
  int64_t width;  // tokens of a window
  std::vector<train::MaskedTokens> held_out = {};
};

struct GapEvaluation {
  double loss = 0, accuracy = 0;
  int64_t gaps = 0;
};

inline GapEvaluation evaluate(const GapFilling& learner) {
  NoGrad no_grad;
  GapEvaluation sum;
  for (const auto& [ids, labels] : learner.held_out) {
    const auto out = learner.model.forward(ids, {.labels = labels});
    const auto gaps = (labels >= 0).to(int64).sum().item<int64_t>();
    const auto right = (argmax(out.logits, -1) == labels).to(int64).sum().item<int64_t>();
    if (gaps == 0) continue;
    sum.gaps += gaps;
    sum.accuracy += static_cast<double>(right);
    sum.loss += out.loss.item<double>() * static_cast<double>(gaps);
  }
  if (sum.gaps == 0) throw ValueError("the last tenth of the text has no token to predict");
  const auto gaps = static_cast<double>(sum.gaps);
  return {sum.loss / gaps, sum.accuracy / gaps, sum.gaps};
}

// The first held-out window as the model read it, as it would have it, and as it is.
inline std::string show_gaps(const GapFilling& learner) {
  NoGrad no_grad;
  const Tensor ids = learner.held_out[0].input_ids.narrow(0, 0, 1);
  const Tensor labels = learner.held_out[0].labels.narrow(0, 0, 1);
  const Tensor gaps = labels >= 0;
  // A model may know more tokens than its tokenizer.
  const Tensor known = learner.model(ids).narrow(-1, 0, learner.tokenizer.size());
  const auto text = [&](const Tensor& tokens) {
    auto shown = tokens.to_vector<int64_t>();
    return learner.tokenizer.decode({shown.begin() + 1, shown.end() - 1}, false);
  };
  return fmt::format("read: {}\n\nfilled: {}\n\nwritten: {}", text(ids),
                     text(where(gaps, argmax(known, -1), ids)), text(where(gaps, labels, ids)));
}

inline io::Encoding opening(const GapFilling& learner) {
  const auto& tokens = learner.corpus.held_out;
  const auto length = std::min({int64_t{46}, learner.width, std::ssize(tokens)});
  io::Encoding text{.ids = {learner.cls}, .type_ids = {}, .offsets = {}, .special = {}};
  text.ids.insert(text.ids.end(), tokens.begin(), tokens.begin() + length);
  text.ids.push_back(learner.sep);
  text.type_ids.resize(text.ids.size());
  for (const int64_t id : text.ids) text.special.push_back(id == learner.cls || id == learner.sep);
  return text;
}

inline void learn_gaps(const FinetuneOptions& o, const CLI::App& app) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  const GapFilling learner(o);
  const Trainee trainee(learner.model, o, {.target_modules = {"query", "value"}});
  train::TokenStream stream(learner.corpus.training, o.batch, learner.width, o.seed);
  const int64_t windows = std::ssize(learner.corpus.training) / learner.width;
  const int64_t epoch = std::max<int64_t>((windows + o.batch - 1) / o.batch, 1);
  const int64_t steps = o.epochs * epoch;

  train::Report report("What BERT learned to fill in",
                       "A pretrained encoder, trained further to predict hidden tokens of a text.");
  report.loss_per("hidden token");
  add_settings(report, app);
  report.config("tokens", learner.corpus.training.size() + learner.corpus.held_out.size());
  AccuracyChart accuracy("The share of hidden tokens of the held-out text that it fills in right.");
  GapEvaluation now;
  const auto publish = [&](const train::Metrics& metrics) {
    trainee.save(o, "", [&](const std::string& folder) {
      hub::save_pretrained(learner.model, folder);
      learner.tokenizer.save(folder);
    });
    accuracy.add(metrics.step, now.accuracy);
    report.sample(metrics.step, show_gaps(learner));
    train::Report page = report;
    accuracy.show(page, fmt::format("of {} hidden tokens of a text that it never saw", now.gaps));
    write_page(o, learner.model, learner.tokenizer, opening(learner), page);
    return fmt::format("epoch {}: validation loss {:.4f}, accuracy {:.1f} %", metrics.step / epoch,
                       now.loss, 100 * now.accuracy);
  };
  learn(trainee,
        {.steps = steps,
         .eval_every = epoch,
         .schedule = schedule(o, steps),
         .tokens = o.batch * (learner.width + 2),
         .loss =
             [&] {
               const auto [ids, labels] = learner.masked(stream.next().inputs, next_draw());
               return learner.model.forward(ids, {.labels = labels}).loss;
             },
         .validation_loss =
             [&] {
               now = evaluate(learner);
               return now.loss;
             },
         .publish = publish},
        o, report);
  fmt::print("the {}, log.jsonl and report.html are in {}\naccuracy {:.4f}\n",
             o.saves_adapter() ? "adapter" : "model", o.out, now.accuracy);
}

}  // namespace bert
