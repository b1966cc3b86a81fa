// BERT learns to classify, from a CSV file of texts and labels: a new head on a pretrained encoder,
// all of it trained or the head and an adapter.

#pragma once

#include <algorithm>
#include <cmath>

#include "bert_adapter.h"
#include "bert_finetune.h"

namespace bert {

using nn::models::BertForSequenceClassification;

struct Classifying {
  BertForSequenceClassification model;
  io::Tokenizer tokenizer;
  train::LabelledTexts training, held_out;
  int64_t longest;
};

inline Classifying start_classifying(const FinetuneOptions& o) {
  const auto data =
      train::LabelledTexts::from_csv(io::read_csv(o.data), o.text_column, o.label_column);
  auto [training, held_out] = data.split(o.held_out, o.seed);
  auto config = hub::load_config<BertConfig>(o.model);
  config.id2label = data.label_names;
  config.num_labels = std::ssize(data.label_names);
  config.problem_type = "single_label_classification";
  const int64_t longest = std::min(o.max_length, config.max_position_embeddings);
  return {hub::from_pretrained<BertForSequenceClassification>(o.model, config, {.new_head = true}),
          load_tokenizer(o.model, config.vocab_size).tokenizer, std::move(training),
          std::move(held_out), longest};
}

inline BatchLoss loss_of(const Classifying& learner, const std::vector<int64_t>& items) {
  std::vector<std::string> texts;
  std::vector<int64_t> labels;
  for (const int64_t item : items) {
    texts.push_back(learner.training.texts[static_cast<size_t>(item)]);
    labels.push_back(learner.training.labels[static_cast<size_t>(item)]);
  }
  BertInputs inputs(learner.tokenizer, texts, learner.longest);
  inputs.options.labels = tensor(labels, {std::ssize(labels)});
  return {learner.model.forward(inputs.ids, inputs.options).loss, inputs.ids.numel()};
}

struct ClassEvaluation : Evaluation {
  std::string mistakes;  // some of them, in words
};

inline ClassEvaluation evaluate(const Classifying& learner) {
  const auto& [texts, labels, names] = learner.held_out;
  const auto name = [&known = names](int64_t label) { return known[static_cast<size_t>(label)]; };
  const Tensor shares = scores(learner.model, learner.tokenizer, texts, learner.longest);
  const auto answers = argmax(shares, -1).to_vector<int64_t>();
  ClassEvaluation result;
  int64_t right = 0, wrong = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const double share =
        shares.select(0, static_cast<int64_t>(i)).select(0, labels[i]).item<double>();
    result.loss -= std::log(std::max(share, 1e-38)) / static_cast<double>(texts.size());
    right += answers[i] == labels[i];
    if (answers[i] != labels[i] && ++wrong <= 10)
      result.mistakes += fmt::format("{} is {}, not {}: {}\n", i, name(labels[i]), name(answers[i]),
                                     one_line(texts[i], 200));
  }
  result.accuracy = static_cast<double>(right) / static_cast<double>(texts.size());
  result.meaning = fmt::format("of {} texts that it never saw", texts.size());
  return result;
}

// The first names, and how many more there are.
inline std::string some_of(const std::vector<std::string>& names) {
  const size_t shown = std::min<size_t>(names.size(), 20);
  const std::string more =
      shown < names.size() ? fmt::format(" and {} more", names.size() - shown) : "";
  return fmt::format(
      "{}{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      more);
}

inline void learn_classes(const FinetuneOptions& o, const CLI::App& app) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  const Classifying learner = start_classifying(o);
  const Trainee trainee(
      learner.model, o,
      {.target_modules = {"query", "value"}, .modules_to_save = new_layers(o.model)});
  const auto lengths = lengths_of(learner.training.texts);
  train::LengthBatches batches(lengths, o.batch, o.seed);

  train::Report report("What BERT learned to tell apart",
                       "A pretrained encoder, trained to classify texts.");
  report.loss_per("text");
  add_settings(report, app);
  report.config("labels", some_of(learner.training.label_names));
  report.config("texts to learn from", lengths.size());
  ClassEvaluation now;
  const Course<BertForSequenceClassification> course{
      .model = learner.model,
      .tokenizer = learner.tokenizer,
      .task = "SEQ_CLS",
      .what = "classifier",
      .epoch = 1 + (std::ssize(lengths) - 1) / o.batch,
      .loss = [&] { return loss_of(learner, batches.next()); },
      .add_data =
          [&](Saving& saving) {
            saving.add("data", batches);
            for (const auto& [name, part] :
                 {std::pair("", &learner.training), std::pair("held-out ", &learner.held_out)}) {
              saving.expect(fmt::format("checksum of the {}texts", name), checksum(part->texts));
              saving.expect(fmt::format("checksum of the {}labels", name),
                            checksum(std::vector{std::span(part->labels)}));
            }
          },
      .evaluate = [&] { return now = evaluate(learner); },
      .sample = {},
      .show =
          [&](train::Report& page) {
            if (!now.mistakes.empty()) page.text("Some of its mistakes", now.mistakes);
          },
      .text = learner.tokenizer(learner.held_out.texts[0],
                                {.max_length = std::min<int64_t>(learner.longest, 48)})};
  learn(o, app, trainee, course, AccuracyChart("The share of held-out texts told right."), report);
}

}  // namespace bert
