// What `bert finetune` shares between its two ways to learn: to classify, and to fill gaps.

#pragma once

#include "bert_inputs.h"
#include "finetune.h"
#include "model_files.h"
#include "text_heads.h"

namespace bert {

using namespace attune;
using nn::models::BertConfig;

struct FinetuneOptions : LearningOptions {
  std::string data, text_column = "text", label_column = "label";
  std::vector<std::string> text;
  int64_t epochs = 3, batch = 16, max_length = 128;
  double held_out = 0.1;
};

inline void add_options(CLI::App& app, FinetuneOptions& o) {
  add_learning_options(app, o, "query and value");
  CLI::Option* data = app.add_option(
      "--data", o.data, "CSV file to learn classes from, whose first line names its columns");
  CLI::Option* text =
      app.add_option("--text", o.text, "text files, UTF-8, to learn to fill gaps from");
  data->excludes(text);
  add_option(app, "--text-column", o.text_column, "column of the texts")->needs(data);
  add_option(app, "--label-column", o.label_column, "column of the labels")->needs(data);
  add_option(app, "--held-out", o.held_out, "share of the texts to test with", between(0, 1))
      ->needs(data);
  add_option(app, "--epochs", o.epochs, "times that each text is seen", at_least(1));
  add_option(app, "--batch", o.batch, "texts, or windows of a text, in a step", at_least(1));
  add_option(app, "--max-length", o.max_length, "tokens of a text or window that are read",
             at_least(1));
}

// Linearly up for a tenth of the steps, then down to 0, as Devlin et al. 2019 have it.
inline optim::Schedule schedule(const FinetuneOptions& o, int64_t steps) {
  const double lr = o.highest_lr();
  return optim::warm_up(steps / 10, optim::linear_lr(lr, 0, steps - steps / 10));
}

// The accuracy on held-out texts over the steps.
class AccuracyChart {
 public:
  explicit AccuracyChart(const std::string& note) : chart_{.title = "Accuracy", .note = note} {
    chart_.series = {{.name = "held out", .x = {}, .y = {}}};
  }

  void add(int64_t step, double accuracy) {
    chart_.series[0].x.push_back(static_cast<double>(step));
    chart_.series[0].y.push_back(accuracy);
  }
  // On the page, with the last value as a headline that means this.
  void show(train::Report& page, const std::string& meaning) const {
    page.tile("Accuracy", fmt::format("{:.1f} %", 100 * chart_.series[0].y.back()), meaning);
    page.chart(chart_);
  }

 private:
  train::Chart chart_;
};

struct Evaluation {
  double loss = 0, accuracy = 0;
  std::string meaning;  // of the accuracy
};

// What differs between the two ways.
template <class Model>
struct Course {
  const Model& model;
  const io::Tokenizer& tokenizer;
  std::string task, what;  // as PEFT calls it; what is trained, in a word
  int64_t epoch;           // steps
  std::function<BatchLoss()> loss;
  std::function<void(Saving&)> add_data;
  std::function<Evaluation()> evaluate;
  std::function<void(int64_t step, train::Report& report)>
      sample;                                     // adds what it wrote, if it does
  std::function<void(train::Report& page)> show;  // adds what else there is to see now
  io::Encoding text;                              // a held-out one, for what the heads look at
};

// The whole model with its tokenizer, or the adapter; beside it the config that names the labels.
template <class Model>
void save(const FinetuneOptions& o, const Trainee& trainee, const Course<Model>& course) {
  trainee.save(o, course.task.c_str(), [&](const std::string& folder) {
    hub::save_pretrained(course.model, folder);
    course.tokenizer.save(folder);
  });
  if (o.saves_adapter() && course.task == "SEQ_CLS")
    io::write_atomically(o.out + "/config.json", course.model.config().to_json());
}

template <class Model>
void learn(const FinetuneOptions& o, const CLI::App& app, const Trainee& trainee,
           const Course<Model>& course, AccuracyChart accuracy, train::Report& report) {
  Evaluation now;
  const auto publish = [&](const train::Metrics& metrics) {
    save(o, trainee, course);
    accuracy.add(metrics.step, now.accuracy);
    if (course.sample) course.sample(metrics.step, report);
    train::Report page = report;
    if (course.show) course.show(page);
    accuracy.show(page, now.meaning);
    const auto heads =
        heads_of(course.tokenizer, course.text, [&](const Tensor& ids, const Tensor& types) {
          course.model(ids, {.token_type_ids = types});
        });
    page.attention(heads.tokens, heads.maps, "What its heads look at",
                   "The text is one that the model never trained on.");
    page.write(o.out + "/report.html");
    return fmt::format("epoch {}: validation loss {:.4f}, accuracy {:.1f} %",
                       metrics.step / course.epoch, now.loss, 100 * now.accuracy);
  };
  int64_t steps = 0;
  if (__builtin_mul_overflow(o.epochs, course.epoch, &steps))
    throw ValueError(
        fmt::format("{} epochs of {} steps are more than can be counted", o.epochs, course.epoch));
  ::learn(trainee,
          {.steps = steps,
           .eval_every = course.epoch,
           .schedule = schedule(o, steps),
           .loss = course.loss,
           .add_data = course.add_data,
           .validation_loss =
               [&] {
                 now = course.evaluate();
                 return now.loss;
               },
           .publish = publish},
          o, app, report);
  fmt::print("the {}, log.jsonl and report.html are in {}\naccuracy {:.4f}\n",
             o.saves_adapter() ? "adapter" : course.what, o.out, now.accuracy);
}

}  // namespace bert
