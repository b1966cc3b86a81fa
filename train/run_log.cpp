#include "run_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <iterator>

#include "../array/fail.h"
#include "../io/file.h"

namespace attune::train {
namespace {

void append_number(std::string& line, const char* key, std::optional<double> value) {
  if (!value) return;
  auto out = std::back_inserter(line);
  if (std::isfinite(*value)) {
    fmt::format_to(out, ", \"{}\": {:.7g}", key, *value);
  } else {
    fmt::format_to(out, ", \"{}\": null", key);
  }
}

std::string json_line(const Metrics& metrics) {
  std::string line = fmt::format("{{\"step\": {}", metrics.step);
  append_number(line, "train_loss", metrics.train_loss);
  append_number(line, "val_loss", metrics.val_loss);
  append_number(line, "lr", metrics.lr);
  append_number(line, "tokens_per_second", metrics.tokens_per_second);
  return line += "}\n";
}

}  // namespace

RunLog::RunLog(const std::string& path)
    : path_(path),
      descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    throw IoError(fmt::format("run log: cannot create {}: {}", path_, std::strerror(errno)));
  }
}

RunLog::~RunLog() { ::close(descriptor_); }

void RunLog::write(const Metrics& metrics) {
  const std::string line = json_line(metrics);
  if (io::write_fully(descriptor_, line)) {
    size_ += static_cast<int64_t>(line.size());
    return;
  }
  const int error = errno;
  std::string message = fmt::format("run log: cannot write {} at step {}: {}", path_, metrics.step,
                                    std::strerror(error));
  // Half a line would make the rest of the log unreadable.
  if (::ftruncate(descriptor_, size_) != 0 && errno != EINVAL) message += "; its last line is cut";
  throw IoError(message);
}

}  // namespace attune::train
