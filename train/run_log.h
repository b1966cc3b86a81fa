#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metrics.h"

namespace attune::train {

// Writes log.jsonl: one JSON object a line, with the keys step, train_loss, val_loss, lr and
// tokens_per_second. A value that was not measured has no key; one that is NaN or infinite is null.
// Numbers carry 7 significant digits. Each line reaches the system before write() returns.
class RunLog {
 public:
  // Starts an empty log; or, for a run that goes on after step `resumed`, keeps the lines up to
  // that step and drops those that it will write again. IoError if it cannot be created.
  explicit RunLog(const std::string& path, std::optional<int64_t> resumed = {});
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // What the lines say that were kept.
  const std::vector<Metrics>& earlier() const { return earlier_; }

  // IoError if the line cannot be written whole (a full disk); the lines before it stay intact.
  void write(const Metrics& metrics);

 private:
  std::string path_;
  std::vector<Metrics> earlier_;
  int descriptor_ = -1;
  int64_t size_ = 0;  // bytes of whole lines
};

}  // namespace attune::train
