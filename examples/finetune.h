// What the programs share that train a loaded model further: the options, the choice between the
// whole model and an adapter of low rank, and the loop.

#pragma once

#include <filesystem>
#include <functional>

#include "saving.h"

struct LearningOptions {
  std::string model, out;
  std::vector<std::string> targets;
  int64_t lora = 0;  // the rank of an adapter; 0: the whole model is trained
  bool merge = false;
  std::optional<double> lr, alpha;
  uint64_t seed = 0;
  int threads = attune::num_threads();
  SavingOptions saving;
  bool profile = false;

  double highest_lr() const { return lr.value_or(lora > 0 ? 5e-4 : 5e-5); }
  double alpha_used() const { return alpha.value_or(2 * static_cast<double>(lora)); }
  bool saves_adapter() const { return lora > 0 && !merge; }
  bool goes_on() const { return ::goes_on(saving, attune::train::Checkpoint(checkpoints_in(out))); }
};

// default_targets: the layers that get an adapter unless told otherwise, in words.
inline void add_learning_options(CLI::App& app, LearningOptions& o, const char* default_targets) {
  app.add_option("--model", o.model, "folder to start from")->required();
  app.add_option("--out", o.out, "folder for the new model and the report")->required();
  app.add_option("--lr", o.lr, "highest learning rate")
      ->check(at_least(0))
      ->default_str("5e-5, with --lora 5e-4");
  CLI::Option* lora = app.add_option("--lora", o.lora,
                                     "rank of a LoRA adapter, which alone is trained and saved, as "
                                     "PEFT has it");
  lora->check(at_least(1))->check(whole_number<int64_t>());
  app.add_option("--alpha", o.alpha, "the adapter counts alpha / rank times")
      ->needs(lora)
      ->check(at_least(0))
      ->default_str("twice the rank");
  app.add_option("--targets", o.targets, "layers that get it, or all-linear")
      ->needs(lora)
      ->default_str(default_targets);
  app.add_flag("--merge", o.merge, "saves the whole model with the adapter in its weights")
      ->needs(lora);
  add_option(app, "--seed", o.seed, "of new weights, the order of the texts and dropout",
             at_least(0));
  add_option(app, "--threads", o.threads, "results do not depend on them", between(1, 1024));
  add_bf16_flag(app);
  add_saving_options(app, o.saving);
  add_profile_flag(app, o.profile);
  // What these defaults come to, for the report and for runs that go on.
  app.parse_complete_callback([&app, &o] {
    app.get_option("--lr")->default_str(fmt::format("{}", o.highest_lr()));
    app.get_option("--alpha")->default_str(fmt::format("{}", o.alpha_used()));
  });
}

inline void refuse_model_in(const std::string& out) {
  for (const char* file : {"/model.safetensors", "/model.safetensors.index.json"})
    if (attune::io::exists(out + file))
      throw attune::ValueError(
          fmt::format("{} holds a whole model, which transformers would add the new adapter to; "
                      "choose another --out",
                      out));
}

// True too for NEW/../FOLDER, where NEW is still to be made.
inline bool is_folder(const std::string& folder, const std::string& out) {
  std::error_code unknown;
  const std::filesystem::path path(out);
  return std::filesystem::equivalent(
      folder, attune::io::exists(out) ? path : path.lexically_normal(), unknown);
}

// Refuses folders for the result that would not hold what is trained. A run that goes on may have
// saved an adapter before, which save() takes away.
inline void check_folders(const LearningOptions& o) {
  if (o.lora > 0 && is_folder(o.model, o.out))
    throw attune::ValueError(
        "--out is the folder of --model, which the adapter is added to; choose another");
  if (o.saves_adapter()) return refuse_model_in(o.out);
  if (!o.goes_on()) refuse_adapter_in(o.out);
  const bool other =
      std::any_of(tokenizer_files.begin(), tokenizer_files.end(),
                  [&](const char* file) { return attune::io::exists(o.model + "/" + file); });
  if (!other) refuse_other_tokenizer(o.out);
}

// What is trained of a model: all of it, or a new adapter.
class Trainee {
 public:
  // defaults: the layers that get an adapter unless the options name others, and those that are
  // trained whole beside it.
  Trainee(const attune::nn::Module& model, const LearningOptions& o,
          attune::nn::LoraConfig defaults)
      : model_(model) {
    check_folders(o);
    // In its own folder, training replaces the model that it began with.
    if (!is_folder(o.model, o.out)) base_ = checksum_of(model);
    if (o.lora == 0) return;
    defaults.r = o.lora;
    defaults.lora_alpha = o.alpha_used();
    if (!o.targets.empty()) defaults.target_modules = o.targets;
    targets_ = fmt::format("{}", fmt::join(defaults.target_modules, ", "));
    adapter_.emplace(model, defaults);
  }

  const attune::nn::Module& model() const { return model_; }
  const std::optional<attune::nn::Lora>& adapter() const { return adapter_; }
  std::vector<attune::Tensor> parameters() const {
    return adapter_ ? adapter_->parameters() : model_.parameters();
  }

  // What training changes, as a part of a checkpoint.
  void add_to(Saving& saving) const {
    if (!base_.empty()) saving.expect("checksum of the model", base_);
    if (!adapter_) return saving.add("model", model_);
    saving.add("adapter", *adapter_);
    saving.expect("targets", targets_);
  }

  // Writes the adapter, which PEFT would use for the task, or has save_model write it all.
  void save(const LearningOptions& o, const char* task,
            const std::function<void(const std::string& folder)>& save_model) const {
    if (o.saves_adapter()) return attune::hub::save_adapter(*adapter_, o.out, o.model, task);
    if (adapter_) adapter_->merge();
    save_model(o.out);
    if (adapter_) adapter_->unmerge();
    if (o.goes_on())
      for (const std::string& file : adapter_files(o.out)) std::filesystem::remove(file);
  }

 private:
  attune::nn::Module model_;
  std::optional<attune::nn::Lora> adapter_;
  std::string base_, targets_;  // checksum; names
};

struct BatchLoss {
  attune::Tensor loss;
  int64_t tokens;  // of the batch
};

// What differs between programs that learn.
struct Lesson {
  int64_t steps, eval_every;  // eval_every 0: only before and after
  attune::optim::Schedule schedule;
  std::function<BatchLoss()> loss;          // of the next batch
  std::function<void(Saving&)> add_data;    // adds where the batches are, as "data"
  std::function<double()> validation_loss;  // called in evaluation mode, as is what follows
  // Writes all that there is after a step, the report too, and says in a line how it went.
  std::function<std::string(const attune::train::Metrics& metrics)> publish;
};

// Step 0 shows what the model knew before training. A run that goes on after the last step only
// says once more how it ended.
inline void learn(const Trainee& trainee, const Lesson& lesson, const LearningOptions& o,
                  const CLI::App& app, attune::train::Report& report) {
  using namespace attune;
  report.config("parameters", trainee.model().num_parameters());
  if (trainee.adapter())
    report.config("parameters of the adapter", trainee.adapter()->num_parameters());
  optim::AdamW optimizer(trainee.parameters(), {.lr = o.highest_lr()});
  optim::LrScheduler scheduler(optimizer, lesson.schedule);
  Saving saving(o.out, o.saving, app);
  trainee.add_to(saving);
  saving.add("optimizer", optimizer);
  saving.add("scheduler", scheduler);
  lesson.add_data(saving);
  const auto evaluate = [&](train::Metrics& metrics) {
    trainee.model().eval();
    metrics.val_loss = lesson.validation_loss();
  };
  // What the model knew before. It is measured before anything of an earlier run is put aside.
  train::Metrics before{.step = 0};
  if (!saving.goes_on()) {
    evaluate(before);
    train::require_finite(before);
  }
  const auto resumed = saving.begin();

  train::Run run(o.out, lesson.steps, report,
                 resumed ? std::optional(resumed->step) : std::nullopt);
  if (o.profile) run.profile();
  if (resumed && resumed->step == lesson.steps) {
    train::Metrics metrics{.step = lesson.steps};
    evaluate(metrics);
    run.print(lesson.publish(metrics));
  }
  for (int64_t step = resumed ? resumed->step + 1 : 0; step <= lesson.steps; ++step) {
    train::Metrics metrics = step > 0 ? train::Metrics{.step = step} : before;
    if (step > 0) {
      trainee.model().train();
      run.begin_step();
      const auto [loss, tokens] = lesson.loss();
      optimizer.zero_grad();
      loss.backward();
      optim::clip_grad_norm_(trainee.parameters(), 1.0);
      optimizer.step();
      metrics.train_loss = loss.item<double>();
      metrics.lr = optimizer.lr();
      metrics.tokens_per_second = run.rate(tokens);
      scheduler.step();
    }
    const bool evaluates = step == 0 || run.evaluates(step, lesson.eval_every);
    if (evaluates && step > 0) evaluate(metrics);
    run.record(metrics);
    if (evaluates) run.print(lesson.publish(metrics));
    saving.end_step(run, metrics);
  }
  run.finish();
}
