// BERT learns to classify, from a CSV file of texts and labels: a new head on a pretrained encoder,
// all of it trained.

#pragma once

#include <algorithm>
#include <cmath>

#include "bert_inputs.h"
#include "model_files.h"
#include "program.h"
#include "text_heads.h"

namespace bert {

using namespace attune;
using nn::models::BertConfig, nn::models::BertForSequenceClassification;

struct FinetuneOptions {
  std::string model, data, out, text_column = "text", label_column = "label";
  int64_t epochs = 3, batch = 16, max_length = 128;
  double lr = 5e-5, held_out = 0.1;
  uint64_t seed = 0;
  int threads = num_threads();
  bool profile = false;
};

struct Learner {
  BertForSequenceClassification model;
  io::Tokenizer tokenizer;
  train::LabelledTexts training, held_out;
  int64_t longest;
};

inline Learner start(const FinetuneOptions& o) {
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

inline Tensor loss_of(const Learner& learner, const std::vector<int64_t>& items) {
  std::vector<std::string> texts;
  std::vector<int64_t> labels;
  for (const int64_t item : items) {
    texts.push_back(learner.training.texts[static_cast<size_t>(item)]);
    labels.push_back(learner.training.labels[static_cast<size_t>(item)]);
  }
  BertInputs inputs(learner.tokenizer, texts, learner.longest);
  inputs.options.labels = tensor(labels, {std::ssize(labels)});
  return learner.model.forward(inputs.ids, inputs.options).loss;
}

struct Evaluation {
  double loss = 0, accuracy = 0;
  std::string mistakes;  // some of them, in words
};

inline Evaluation evaluate(const Learner& learner) {
  const auto& [texts, labels, names] = learner.held_out;
  learner.model.eval();
  const Tensor shares = probabilities(learner.model, learner.tokenizer, texts, learner.longest);
  learner.model.train();
  const auto answers = argmax(shares, -1).to_vector<int64_t>();
  Evaluation result;
  int64_t right = 0, wrong = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const double share =
        shares.select(0, static_cast<int64_t>(i)).select(0, labels[i]).item<double>();
    result.loss -= std::log(std::max(share, 1e-38)) / static_cast<double>(texts.size());
    right += answers[i] == labels[i];
    if (answers[i] != labels[i] && ++wrong <= 10)
      result.mistakes += fmt::format("{} is {}, not {}: {}\n", i, names[labels[i]],
                                     names[answers[i]], texts[i].substr(0, 200));
  }
  result.accuracy = static_cast<double>(right) / static_cast<double>(texts.size());
  return result;
}

inline void publish(const FinetuneOptions& o, const Learner& learner, const Evaluation& now,
                    const train::Chart& accuracy, train::Report page) {
  hub::save_pretrained(learner.model, o.out);
  learner.tokenizer.save(o.out);
  page.tile("Accuracy", fmt::format("{:.1f} %", 100 * now.accuracy),
            fmt::format("of {} texts that it never saw", learner.held_out.texts.size()));
  page.chart(accuracy);
  if (!now.mistakes.empty()) page.text("Some of its mistakes", now.mistakes);
  const std::string& text = learner.held_out.texts[0];
  learner.model.eval();
  const auto heads =
      heads_of(learner.tokenizer,
               learner.tokenizer(text, {.max_length = std::min<int64_t>(learner.longest, 48)}),
               [&](const Tensor& ids, const Tensor& types) {
                 learner.model(ids, {.token_type_ids = types});
               });
  learner.model.train();
  page.attention(heads.tokens, heads.maps, "What its heads look at",
                 "The text is one that the model never trained on.");
  page.write(o.out + "/report.html");
}

inline void finetune(const FinetuneOptions& o, const CLI::App& app) {
  set_num_threads(o.threads);
  manual_seed(o.seed);
  const Learner learner = start(o);
  const BertForSequenceClassification& model = learner.model;
  const auto lengths = lengths_of(learner.training.texts);
  train::LengthBatches batches(lengths, o.batch, o.seed);
  const int64_t epoch = (std::ssize(lengths) + o.batch - 1) / o.batch, steps = o.epochs * epoch;
  optim::AdamW optimizer(model.parameters(), {.lr = o.lr});
  const auto schedule = optim::warm_up(steps / 10, optim::linear_lr(o.lr, 0, steps - steps / 10));

  train::Report report("What BERT learned to tell apart",
                       "A pretrained encoder, trained to classify texts.");
  report.loss_per("text");
  add_settings(report, app);
  report.config("labels", fmt::format("{}", fmt::join(learner.training.label_names, ", ")));
  report.config("texts to learn from", lengths.size());
  report.config("parameters", model.num_parameters());
  train::Run run(o.out, steps, report);
  train::Chart accuracy{.title = "Accuracy", .note = "The share of held-out texts told right."};
  accuracy.series = {{.name = "held out", .x = {}, .y = {}}};

  if (o.profile) run.profile();
  model.train();
  Evaluation now;
  for (int64_t step = 0; step <= steps; ++step) {
    train::Metrics metrics{.step = step};
    if (step > 0) {
      run.begin_step();
      optim::apply(schedule, step - 1, optimizer);
      const Tensor loss = loss_of(learner, batches.next());
      optimizer.zero_grad();
      loss.backward();
      optim::clip_grad_norm_(model.parameters(), 1.0);
      optimizer.step();
      metrics.train_loss = loss.item<double>();
      metrics.lr = optimizer.lr();
    }
    const bool evaluates = run.evaluates(step, epoch);
    if (evaluates) {
      now = evaluate(learner);
      metrics.val_loss = now.loss;
    }
    run.record(metrics);
    if (!evaluates) continue;
    accuracy.series[0].x.push_back(static_cast<double>(step));
    accuracy.series[0].y.push_back(now.accuracy);
    publish(o, learner, now, accuracy, report);
    run.print(fmt::format("epoch {}: validation loss {:.4f}, accuracy {:.1f} %", step / epoch,
                          now.loss, 100 * now.accuracy));
  }
  run.finish();
  fmt::print("the classifier, log.jsonl and report.html are in {}\naccuracy {:.4f}\n", o.out,
             now.accuracy);
}

inline void add_options(CLI::App& app, FinetuneOptions& o) {
  app.add_option("--model", o.model, "folder to start from")->required();
  app.add_option("--data", o.data, "CSV file whose first line names its columns")->required();
  app.add_option("--out", o.out, "folder for the classifier and the report")->required();
  add_option(app, "--text-column", o.text_column, "column of the texts");
  add_option(app, "--label-column", o.label_column, "column of the labels");
  add_option(app, "--epochs", o.epochs, "times that each text is seen", at_least(1));
  add_option(app, "--lr", o.lr, "highest learning rate", at_least(0));
  add_option(app, "--batch", o.batch, "texts in a step", at_least(1));
  add_option(app, "--max-length", o.max_length, "tokens of a text that are read", at_least(1));
  add_option(app, "--held-out", o.held_out, "share of the texts to test with", between(0, 1));
  add_option(app, "--seed", o.seed, "of the new weights, the order of the texts and dropout",
             at_least(0));
  add_option(app, "--threads", o.threads, "results do not depend on them", between(1, 1024));
  add_bf16_flag(app);
  add_profile_flag(app, o.profile);
}

}  // namespace bert
