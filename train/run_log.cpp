#include "run_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "../array/fail.h"
#include "../array/strict_json-inl.h"
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

std::optional<double> number_in(const nlohmann::json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end()) return {};
  return found->is_number() ? found->get<double>() : std::nan("");
}

// The opposite of json_line; nullopt for half a line or anything else.
std::optional<Metrics> parse_line(std::string_view text) {
  const auto line = parse_json(text);
  if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) return {};
  return Metrics{.step = line["step"].get<int64_t>(),
                 .train_loss = number_in(line, "train_loss"),
                 .val_loss = number_in(line, "val_loss"),
                 .lr = number_in(line, "lr"),
                 .tokens_per_second = number_in(line, "tokens_per_second")};
}

// The lines of an earlier log up to a step, and how many bytes they are.
struct Kept {
  std::vector<Metrics> lines;
  size_t bytes = 0;
};

Kept lines_up_to(int64_t step, const std::string& path) {
  Kept kept;
  if (std::error_code unknown; !std::filesystem::is_regular_file(path, unknown)) return kept;
  const std::string text = io::read_file(path);
  for (size_t end; (end = text.find('\n', kept.bytes)) != text.npos; kept.bytes = end + 1) {
    const auto line = std::string_view(text).substr(kept.bytes, end - kept.bytes);
    const auto metrics = parse_line(line);
    if (!metrics || metrics->step > step) break;
    kept.lines.push_back(*metrics);
  }
  return kept;
}

}  // namespace

RunLog::RunLog(const std::string& path, std::optional<int64_t> resumed) : path_(path) {
  Kept kept;
  if (resumed) kept = lines_up_to(*resumed, path);
  earlier_ = std::move(kept.lines);
  size_ = static_cast<int64_t>(kept.bytes);
  descriptor_ = io::open_for_writing("run log", path, O_CREAT | O_APPEND);
  // A device cannot be made shorter, and has nothing to lose.
  if (::ftruncate(descriptor_, size_) != 0 && errno != EINVAL) {
    const int error = errno;
    ::close(descriptor_);
    fail<IoError>("run log", "cannot shorten {}: {}", path_, std::strerror(error));
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
  std::string message =
      fmt::format("cannot write {} at step {}: {}", path_, metrics.step, std::strerror(error));
  // Half a line would make the rest of the log unreadable.
  if (::ftruncate(descriptor_, size_) != 0 && errno != EINVAL) message += "; its last line is cut";
  fail<IoError>("run log", "{}", message);
}

}  // namespace attune::train
