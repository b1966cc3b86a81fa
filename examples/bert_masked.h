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
        pad(tokenizer.pad_id()),
        masking{.mask_token = special_token(tokenizer, "mask_token", "[MASK]", o.model),
                .vocab_size = tokenizer.size(),
                .special_tokens = {cls, sep, pad}} {
    const int64_t width = std::min(o.max_length, model.config().max_position_embeddings) - 2;
    if (width < 1)
      throw ValueError(
          fmt::format("--max-length is {}; it takes 3 tokens to hold one between [CLS] and [SEP]",
                      o.max_length));
    for (const std::string& path : o.text) {
      const auto tokens = tokenizer.encode(train::read_text(path), {.add_special_tokens = false});
      // Among others, a file that is too short to hold a tenth out is there to learn from.
      if (o.text.size() > 1 && tokens.size() < 11) {
        add_windows(tokens, width, training);
        continue;
      }
      const train::TokenCorpus file(tokens);
      add_windows(file.training, width, training);
      add_windows(file.held_out, width, held_out);
    }
    if (held_out.empty())
      throw ValueError("no file has the 11 tokens that it takes to hold a tenth out");
  }

  // Windows that lie end to end, the last of them shorter, each as a text: no window spans two
  // files.
  void add_windows(const std::vector<int64_t>& tokens, int64_t width,
                   std::vector<std::vector<int64_t>>& windows) const {
    for (auto at = tokens.begin(); at != tokens.end();) {
      const auto end = at + std::min<std::ptrdiff_t>(width, tokens.end() - at);
      std::vector<int64_t> window{cls};
      window.insert(window.end(), at, end);
      window.push_back(sep);
      windows.push_back(std::move(window));
      at = end;
    }
  }

  BertForMaskedLM model;
  io::Tokenizer tokenizer;
  int64_t cls, sep, pad;
  train::MaskingOptions masking;
  std::vector<std::vector<int64_t>> training = {}, held_out = {};  // windows
};

inline std::vector<int64_t> lengths_of(const std::vector<std::vector<int64_t>>& windows) {
  std::vector<int64_t> lengths;
  for (const auto& window : windows) lengths.push_back(std::ssize(window));
  return lengths;
}

// Some windows side by side, with gaps; the shorter ones are padded.
struct Gaps {
  Gaps(const GapFilling& learner, const std::vector<std::vector<int64_t>>& windows,
       const std::vector<int64_t>& items, RandomState draw) {
    int64_t longest = 0;
    for (const int64_t item : items)
      longest = std::max(longest, std::ssize(windows[static_cast<size_t>(item)]));
    std::vector<int64_t> rows, lengths;
    for (const int64_t item : items) {
      const auto& window = windows[static_cast<size_t>(item)];
      rows.insert(rows.end(), window.begin(), window.end());
      rows.resize(static_cast<size_t>(longest) * (lengths.size() + 1), learner.pad);
      lengths.push_back(std::ssize(window));
    }
    const int64_t n = std::ssize(items);
    tokens = train::mask_tokens(tensor(rows, {n, longest}), learner.masking, draw);
    options.attention_mask = arange(longest) < tensor(lengths, {n, 1});
    options.labels = tokens.labels;
  }

  train::MaskedTokens tokens;
  nn::models::ForwardOptions options;
};

inline Evaluation evaluate(const GapFilling& learner) {
  NoGrad no_grad;
  double loss = 0, right = 0;
  int64_t all = 0;
  uint64_t batch = 0;
  for (const auto& items : train::batches_by_length(lengths_of(learner.held_out), 16)) {
    // The gaps never change, so that their losses can be compared.
    const Gaps gaps(learner, learner.held_out, items, {0, batch++});
    const auto out = learner.model.forward(gaps.tokens.input_ids, gaps.options);
    const auto count = (gaps.tokens.labels >= 0).to(int64).sum().item<int64_t>();
    if (count == 0) continue;
    const Tensor hits = argmax(out.logits, -1) == gaps.tokens.labels;
    right += static_cast<double>(hits.to(int64).sum().item<int64_t>());
    loss += out.loss.item<double>() * static_cast<double>(count);
    all += count;
  }
  if (all == 0) throw ValueError("the last tenth of the text has no token to predict");
  const auto n = static_cast<double>(all);
  return {loss / n, right / n, fmt::format("of {} hidden tokens of a text that it never saw", all)};
}

// The first held-out window as the model read it, as it would have it, and as it is.
inline std::string show_gaps(const GapFilling& learner) {
  NoGrad no_grad;
  const Gaps first(learner, learner.held_out, {0}, {0, 0});
  const auto& [ids, labels] = first.tokens;
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

// The first held-out window, or its beginning.
inline io::Encoding opening(const GapFilling& learner) {
  io::Encoding text{.ids = learner.held_out[0], .type_ids = {}, .offsets = {}, .special = {}};
  if (text.ids.size() > 48) {
    text.ids.resize(47);
    text.ids.push_back(learner.sep);
  }
  text.type_ids.resize(text.ids.size());
  for (const int64_t id : text.ids) text.special.push_back(id == learner.cls || id == learner.sep);
  return text;
}

inline void learn_gaps(const FinetuneOptions& o, const CLI::App& app) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  const GapFilling learner(o);
  const Trainee trainee(learner.model, o, {.target_modules = {"query", "value"}});
  const auto lengths = lengths_of(learner.training);
  train::LengthBatches batches(lengths, o.batch, o.seed);

  train::Report report("What BERT learned to fill in",
                       "A pretrained encoder, trained further to predict hidden tokens of a text.");
  report.loss_per("hidden token");
  add_settings(report, app);
  report.config("windows to learn from", lengths.size());
  const Course<BertForMaskedLM> course{
      .model = learner.model,
      .tokenizer = learner.tokenizer,
      .task = "",
      .what = "model",
      .epoch = 1 + (std::ssize(lengths) - 1) / o.batch,
      .loss =
          [&] {
            const Gaps gaps(learner, learner.training, batches.next(), next_draw());
            return BatchLoss{learner.model.forward(gaps.tokens.input_ids, gaps.options).loss,
                             gaps.tokens.input_ids.numel()};
          },
      .add_data =
          [&](Saving& saving) {
            saving.add("data", batches);
            saving.expect("checksum of the texts", checksum(learner.training));
            saving.expect("checksum of the held-out texts", checksum(learner.held_out));
          },
      .evaluate = [&] { return evaluate(learner); },
      .sample = [&](int64_t step, train::Report& all) { all.sample(step, show_gaps(learner)); },
      .show = {},
      .text = opening(learner)};
  learn(o, app, trainee, course,
        AccuracyChart("The share of hidden tokens of the held-out text that it fills in right."),
        report);
}

}  // namespace bert
