#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../kernels/limits.h"

namespace attune {

using kernels::MachineLimits;
using kernels::measure_limits;

// What a Profiler saw of one operation, module or span.
struct ProfileRow {
  std::string name;             // "linear"; of a module, its path: "h.3.attn"
  bool backward = false;        // whether in a backward pass, or before it
  int64_t calls = 0;            // of a module: forward calls
  double seconds = 0;           // with what it called
  double self_seconds = 0;      // without
  double flops = 0;             // additions and multiplications of matrix products
  double bytes_moved = 0;       // that its kernels read and wrote, as far as they count it
  int64_t bytes_allocated = 0;  // for arrays, whether freed since or not
};

// While it lives, the time, arithmetic and memory of every operation of this thread, forward and
// backward, and of every module that opens a Scope:
//
//   Profiler profiler;
//   for (int step = 0; step < 10; ++step) train_step();
//   fmt::print("{}", profiler.table(measure_limits()));
//   profiler.export_chrome_trace("trace.json");
//
// An operation's time runs from the first memory or kernel it asks for until its result is there;
// what runs between operations counts for the module or Span around it. Off, it costs a branch an
// operation; on, some tenths of a microsecond. ValueError if another one listens to this thread; to
// be stopped and destroyed on the thread that made it.
class Profiler {
 public:
  [[nodiscard]] Profiler();
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  // Stops listening; what was seen stays.
  void stop();

  // From the beginning until stop(), or now.
  double seconds() const;
  // Operations and spans, most time of their own first. Flops and bytes are their own too: what
  // they called has rows of its own, and self_seconds of all rows add up to the time seen.
  std::vector<ProfileRow> by_operation() const;
  // Modules in the order of their paths, with everything that ran in them and below, forward and
  // backward in rows of their own; self_seconds is what ran in no child. With merge_layers,
  // "h.0.attn", "h.1.attn", … are one row, "h.*.attn".
  std::vector<ProfileRow> by_module(bool merge_layers = true) const;

  // Both as text, the heaviest `rows` operations; given the limits of the machine, also the share
  // of them that each reached.
  std::string table(const MachineLimits& limits = {}, size_t rows = 24) const;

  // Every call on a time line, as JSON that chrome://tracing and https://ui.perfetto.dev open; the
  // first million of them. IoError if the file cannot be written.
  void export_chrome_trace(const std::string& path) const;

 private:
  class Recording;

  std::unique_ptr<Recording> recording_;
};

}  // namespace attune
