// Programs that train, save their state, and go on from it with --resume.

#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <span>

#include "model_files.h"
#include "program.h"

// Tells data to learn from apart from any other: texts, or lists of numbers.
template <class Piece>
std::string checksum(const std::vector<Piece>& pieces) {
  attune::io::Crc64 crc;
  for (const Piece& piece : pieces) {
    const size_t size = piece.size();
    crc.add(&size, sizeof(size));
    crc.add(piece.data(), size * sizeof(piece[0]));
  }
  return fmt::format("{:016x}", crc.value());
}

// Tells the weights of a model from any others.
inline std::string checksum_of(const attune::nn::Module& model) {
  std::vector<attune::Array> weights;
  std::vector<std::span<const std::byte>> pieces;
  for (const attune::Tensor& x : model.parameters()) {
    weights.push_back(attune::contiguous(x.detach()).array());
    pieces.emplace_back(static_cast<const std::byte*>(weights.back().raw_data()),
                        static_cast<size_t>(x.numel()) * attune::size_of(x.dtype()));
  }
  return checksum(pieces);
}

// What transformers takes for an adapter, and adds to a whole model beside it.
inline std::vector<std::string> adapter_files(const std::string& folder) {
  return {folder + "/adapter_config.json", folder + "/adapter_model.safetensors"};
}

inline void refuse_adapter_in(const std::string& out) {
  if (attune::io::exists(adapter_files(out)[0]))
    throw attune::ValueError(fmt::format(
        "{} holds an adapter, which transformers would add to the new model; choose another --out",
        out));
}

// How a program that trains saves its state, and goes on from it.
struct SavingOptions {
  int64_t save_every = 250;
  bool resume = false;
};

inline void add_saving_options(CLI::App& app, SavingOptions& o) {
  add_option(app, "--save-every", o.save_every, "steps, to go on from; 0: only at the end",
             at_least(0));
  app.add_flag("--resume", o.resume, "goes on from what an earlier run saved in --out, if it did");
}

inline std::string checkpoints_in(const std::string& out) {
  if (out.empty()) throw attune::ValueError("--out is empty; name a folder");
  return out + "/checkpoints";
}

// Whether there is something saved that the command line asks to go on from.
inline bool goes_on(const SavingOptions& options, const attune::train::Checkpoint& saved) {
  return options.resume && !saved.list().empty();
}

// Saves the state of a training run in its folder, every few steps and when Ctrl-C or SIGTERM
// comes, and goes on from it.
class Saving {
 public:
  // A run goes on only from one of the same settings, but for those that no number depends on, and
  // for names of files: checksums tell what is in them. ValueError if `out` is empty.
  Saving(const std::string& out, const SavingOptions& options, const CLI::App& app)
      : folder_(checkpoints_in(out)), checkpoint_(folder_), options_(options) {
    const std::set<std::string> free = {
        "out",    "threads",    "profile",    "gradient-checkpointing",
        "resume", "save-every", "eval-every", "text",
        "data",   "model",      "targets",    "merge"};
    for (const auto& [name, value] : settings_of(app))
      if (!free.contains(name)) checkpoint_.expect(name, as_number(value).value_or(value));
  }

  // Names a part of the state; it must outlive this.
  template <class T>
  void add(const std::string& name, T& object) {
    checkpoint_.add(name, object);
  }

  // Names something else that the runs must share.
  void expect(const std::string& name, const std::string& value) {
    checkpoint_.expect(name, value);
  }

  bool goes_on() const { return ::goes_on(options_, checkpoint_); }

  // Loads what was saved last, if there is anything and the command line asks for it; else puts
  // that aside, so that this run can begin. From here on, signals wait for the end of a step.
  std::optional<attune::train::CheckpointInfo> begin() {
    attune::io::make_folder(folder_);
    attune::io::check_writable(folder_ + "/step");
    std::optional<attune::train::CheckpointInfo> resumed;
    if (options_.resume) {
      resumed = checkpoint_.load_newest();
      if (resumed) fmt::print("going on after step {}: {}\n", resumed->step, resumed->path);
      std::fflush(stdout);
    } else {
      checkpoint_.start_over();
    }
    stop_.emplace();
    return resumed;
  }

  // At the end of each step. Throws Stopped, when all is saved, if a signal came.
  void end_step(const attune::train::Run& run, const attune::train::Metrics& metrics) {
    const int signal = stop_->signal();
    const bool due = metrics.step > 0 && run.evaluates(metrics.step, options_.save_every);
    if (signal != 0 || due) checkpoint_.save(metrics.step, metrics.val_loss);
    if (signal != 0) throw Stopped(metrics.step, signal);
  }

 private:
  // "0.003" for "3e-3".
  static std::optional<std::string> as_number(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0') return {};
    return fmt::format("{}", value);
  }

  std::string folder_;
  attune::train::Checkpoint checkpoint_;
  SavingOptions options_;
  std::optional<attune::train::StopSignal> stop_;
};
