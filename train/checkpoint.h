#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "../array/state_dict.h"

namespace attune::train {

// What a checkpoint can hold: modules, optimizers, schedulers, positions in data, and whatever has
// these two functions. load_state_dict copies, and changes nothing if it throws.
template <class T>
concept Stateful = requires(T& object, const StateDict& state) {
  { object.state_dict() } -> std::convertible_to<StateDict>;
  object.load_state_dict(state);
};

struct CheckpointOptions {
  int64_t keep_last = 2;          // newest checkpoints that are kept
  bool keep_best = true;          // and the one of the best metric
  bool higher_is_better = false;  // an accuracy rather than a loss
  // Told of each damaged checkpoint that is passed over. If empty, stderr is.
  std::function<void(const std::string&)> warn = {};
};

struct CheckpointInfo {
  int64_t step = 0;
  std::optional<double> metric = {};
  std::string path = {};
};

// Saves all that a training run needs to go on as if it had never stopped, and restores it:
//
//   train::Checkpoint checkpoint("out/checkpoints");
//   checkpoint.add("model", model);
//   checkpoint.add("optimizer", optimizer);
//   checkpoint.add("scheduler", scheduler);
//   checkpoint.add("data", batches);
//   const auto resumed = checkpoint.load_newest();
//   for (int64_t step = resumed ? resumed->step : 0; step < steps;) {
//     …
//     if (++step % 100 == 0) checkpoint.save(step, validation_loss);
//   }
//
// Each is one file, FOLDER/step-00000100.safetensors, that any reader of safetensors opens: arrays
// by "model.…", "optimizer.…", and the step, metric, settings, random state and a checksum as
// metadata. The random state is that of the calling thread. Gradients are not saved: save between
// steps. One process at a time writes to a folder.
class Checkpoint {
 public:
  // Nothing is read or written yet. ValueError unless keep_last is positive.
  explicit Checkpoint(std::string folder, CheckpointOptions options = {});

  // Names a part of the state; it must outlive this. ValueError if the name is taken, empty or has
  // a dot in it.
  template <Stateful T>
  void add(const std::string& name, T& object) {
    add_part({name, [&object]() -> StateDict { return object.state_dict(); },
              [&object](const StateDict& state) { object.load_state_dict(state); }});
  }

  // Names a setting that a run must share with those it goes on from, since its numbers depend on
  // it: a checkpoint with another value does not fit. ValueError if the name is taken, or if either
  // is not UTF-8.
  void expect(const std::string& name, const std::string& value);

  // Writes the state after `step` steps, atomically, and only then deletes what need not be kept.
  // IoError if it cannot be written; every checkpoint there was stays then. ValueError if step is
  // negative, or if the folder has later ones that this run does not go on from: load_best was
  // called last, or neither load_newest nor start_over was.
  void save(int64_t step, std::optional<double> metric = {});

  // Restores every part and the random state from the newest checkpoint that is whole; nullopt if
  // there is none at all. A damaged one is passed over with a warning, and renamed to ….damaged.
  // FormatError, with nothing changed, if all are damaged, or if what is saved does not fit the
  // parts or the settings: that is never passed over.
  std::optional<CheckpointInfo> load_newest();
  // The same from the best one. nullopt if none was saved with a metric. To go on from there, put
  // what came later aside: start_over.
  std::optional<CheckpointInfo> load_best();

  // What is there, in order of steps; unchecked, so that some may turn out to be damaged.
  std::vector<CheckpointInfo> list() const;
  // Moves them to FOLDER/old, in place of those there, for a run from the beginning.
  void start_over();

 private:
  struct Part {
    std::string name;
    std::function<StateDict()> save;
    std::function<void(const StateDict&)> load;
  };

  void add_part(Part part);
  StateDict collect() const;
  std::optional<CheckpointInfo> load_first_whole(const std::vector<CheckpointInfo>& candidates);
  void check_settings(const std::string& path,
                      const std::map<std::string, std::string>& saved) const;
  void restore(const std::string& path, const StateDict& arrays) const;
  std::vector<CheckpointInfo> newest_first() const;
  std::vector<CheckpointInfo> by_metric() const;
  void prune(int64_t step) const;
  void warn(const std::string& message) const;

  std::string folder_;
  CheckpointOptions options_;
  std::vector<Part> parts_;
  std::map<std::string, std::string> settings_;
  bool owns_later_ = false;  // what is in the folder belongs to this run
};

}  // namespace attune::train
