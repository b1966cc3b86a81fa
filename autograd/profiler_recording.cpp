#include "profiler_recording.h"

#include <cstring>
#include <utility>

#include "../array/fail.h"

namespace attune {
namespace {

constexpr size_t most_events = 1'000'000;

bool same(const char* a, const char* b) { return a && b && std::strcmp(a, b) == 0; }

}  // namespace

Profiler::Recording::Counts& Profiler::Recording::Counts::operator+=(const Counts& other) {
  flops += other.flops;
  bytes_moved += other.bytes_moved;
  bytes_allocated += other.bytes_allocated;
  return *this;
}

Profiler::Recording::Recording() {
  if (Tracer::current())
    fail<ValueError>("Profiler", "another one listens to this thread already; stop it first");
  listen(this);
}

void Profiler::Recording::stop() {
  if (!std::exchange(listening_, false)) return;
  while (!open_.empty()) closed();
  end_ = Clock::now();
  listen(nullptr);
}

void Profiler::Recording::opened(const char* name, bool backward) {
  hand_work_to_frame();
  const bool inside = !open_.empty() && open_.back().key.backward;
  open_.push_back({{name, current_path(), backward || inside}, Clock::now(), {}, {}});
}

void Profiler::Recording::closed() {
  // One that was opened before this began to listen.
  if (open_.empty()) return;
  hand_work_to_frame();
  const Frame frame = open_.back();
  open_.pop_back();
  finish(frame, Clock::now());
}

void Profiler::Recording::recorded(const char* name) {
  // An operation that opened a scope of its own is there already.
  if (!open_.empty() && same(open_.back().key.name, name)) return hand_work_to_frame();
  const Time now = Clock::now();
  const bool inside = !open_.empty() && open_.back().key.backward;
  const Time start = working_ ? work_start_ : now;
  finish({{name, current_path(), inside}, start, {}, take_work()}, now);
}

void Profiler::Recording::allocated(size_t bytes) {
  work().bytes_allocated += static_cast<int64_t>(bytes);
}
void Profiler::Recording::multiplied(double flops) { work().flops += flops; }
void Profiler::Recording::moved(double bytes) { work().bytes_moved += bytes; }

Profiler::Recording::Counts& Profiler::Recording::work() {
  if (!std::exchange(working_, true)) work_start_ = Clock::now();
  return work_;
}

Profiler::Recording::Counts Profiler::Recording::take_work() {
  working_ = false;
  return std::exchange(work_, {});
}

void Profiler::Recording::hand_work_to_frame() {
  const Counts done = take_work();
  if (!open_.empty()) open_.back().counts += done;
}

void Profiler::Recording::finish(const Frame& frame, Time end) {
  const Duration duration = end - frame.start;
  Totals& totals = totals_[frame.key];
  ++totals.calls;
  // Within itself, its time is in the total of the outer one.
  if (!is_open(frame.key.name)) totals.total += duration;
  totals.self += duration - frame.in_children;
  totals.counts += frame.counts;
  if (!open_.empty()) open_.back().in_children += duration;
  if (events_.size() < most_events)
    events_.push_back({frame.key, frame.start, duration, frame.counts});
}

bool Profiler::Recording::is_open(const char* name) const {
  for (const Frame& frame : open_)
    if (same(frame.key.name, name)) return true;
  return false;
}

}  // namespace attune
