#include "run.h"

#include "../array/fail.h"
#include "../io/file.h"

namespace attune::train {
namespace {

std::string log_in(const std::string& folder) {
  io::make_folder(folder);
  return folder + "/log.jsonl";
}

}  // namespace

Run::Run(const std::string& folder, int64_t steps, Report& report, std::optional<int64_t> resumed)
    : folder_(folder),
      steps_(steps),
      log_(log_in(folder), resumed),
      report_(report),
      progress_(steps, {.label = "training", .first = resumed.value_or(0)}) {
  for (const Metrics& metrics : log_.earlier()) report_.point(metrics);
  begin_step();
}

void Run::profile(int64_t steps) {
  limits_ = measure_limits();
  steps_to_profile_ = steps;
  // The first step of a run finds no memory in the pool, and is not like the others.
  steps_before_profile_ = steps_ > 1 ? 1 : 0;
}

void Run::begin_step() {
  if (profiler_ && --steps_to_profile_ == 0) show_profile();
  if (steps_to_profile_ > 0 && !profiler_ && steps_before_profile_-- == 0) profiler_.emplace();
  start_ = std::chrono::steady_clock::now();
}

void Run::show_profile() {
  profiler_->stop();
  const std::string table = profiler_->table(limits_);
  print(table);
  io::write_atomically(folder_ + "/profile.txt", table);
  profiler_->export_chrome_trace(folder_ + "/trace.json");
  profiler_.reset();
  steps_to_profile_ = 0;
}

void Run::finish() {
  if (profiler_) show_profile();
  progress_.finish();
}

double Run::rate(int64_t tokens) const {
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
  return static_cast<double>(tokens) / taken.count();
}

bool Run::evaluates(int64_t step, int64_t every) const {
  return step == steps_ || (every > 0 && step % every == 0);
}

void Run::record(const Metrics& metrics) {
  log_.write(metrics);
  report_.point(metrics);
  require_finite(metrics);
  progress_.update(metrics.step,
                   metrics.train_loss ? fmt::format("loss {:.3f}", *metrics.train_loss) : "");
}

}  // namespace attune::train
