#include "run.h"

#include <filesystem>

#include "../array/fail.h"

namespace attune::train {
namespace {

std::string log_in(const std::string& folder) {
  std::error_code unmade;
  std::filesystem::create_directories(folder, unmade);
  if (unmade) fail<IoError>("Run", "{}: {}", folder, unmade.message());
  return folder + "/log.jsonl";
}

}  // namespace

Run::Run(const std::string& folder, int64_t steps, Report& report)
    : steps_(steps),
      log_(log_in(folder)),
      report_(report),
      progress_(steps, {.label = "training"}) {
  begin_step();
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
