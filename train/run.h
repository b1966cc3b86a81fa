#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "../autograd/profiler.h"
#include "progress.h"
#include "report.h"
#include "run_log.h"

namespace attune::train {

// A training run as others follow it: what each step measured goes to FOLDER/log.jsonl, to a report
// and to a progress bar.
class Run {
 public:
  // Makes the folder and an empty log, so that what cannot be written shows before any training; a
  // run that goes on after step `resumed` keeps the log up to there, and shows it in the report.
  // IoError. The report must outlive the run.
  Run(const std::string& folder, int64_t steps, Report& report,
      std::optional<int64_t> resumed = {});

  // Shows where the time of the next steps but one goes, `steps` of them or what is left: the table
  // of a Profiler, printed and in FOLDER/profile.txt, and FOLDER/trace.json for Perfetto.
  void profile(int64_t steps = 5);

  // The step's time counts from here.
  void begin_step();
  // Tokens a second, if the step has taken this many so far.
  double rate(int64_t tokens) const;
  // True for the last step, and for every `every`-th one unless every is 0.
  bool evaluates(int64_t step, int64_t every) const;
  // Shows what a step measured. ValueError, when all is written, if a loss is NaN or infinite.
  void record(const Metrics& metrics);

  // Prints a line of its own above the bar.
  void print(const std::string& line) { progress_.print(line); }
  // Replaces the bar by a summary.
  void finish();

 private:
  void show_profile();

  std::string folder_;
  int64_t steps_;
  RunLog log_;
  Report& report_;
  Progress progress_;
  std::chrono::steady_clock::time_point start_;
  int64_t steps_to_profile_ = 0, steps_before_profile_ = 0;
  MachineLimits limits_;
  std::optional<Profiler> profiler_;
};

}  // namespace attune::train
