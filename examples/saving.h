// Programs that train, save their state, and go on from it with --resume.

#pragma once

#include <optional>

#include "program.h"

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

// Loads what was saved last, if there is anything and the command line asks for it; else puts that
// aside, so that this run can begin.
inline std::optional<attune::train::CheckpointInfo> load_or_start_over(
    attune::train::Checkpoint& checkpoint, const SavingOptions& o) {
  if (o.resume) {
    const auto resumed = checkpoint.load_newest();
    if (resumed) fmt::print("going on after step {}: {}\n", resumed->step, resumed->path);
    return resumed;
  }
  checkpoint.start_over();
  return {};
}
