#pragma once

#include <cstdint>
#include <string>

#include "metrics.h"

namespace attune::train {

// Writes log.jsonl: one JSON object a line, with the keys step, train_loss, val_loss, lr and
// tokens_per_second. A value that was not measured has no key; one that is NaN or infinite is null.
// Numbers carry 7 significant digits. Each line reaches the system before write() returns.
class RunLog {
 public:
  // Starts an empty log. IoError if it cannot be created.
  explicit RunLog(const std::string& path);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // IoError if the line cannot be written whole (a full disk); the lines before it stay intact.
  void write(const Metrics& metrics);

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;  // bytes of whole lines
};

}  // namespace attune::train
