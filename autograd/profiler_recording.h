#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "../array/scope.h"
#include "../array/trace.h"
#include "profiler.h"

namespace attune {

// What a Profiler hears, added up and in order.
class Profiler::Recording final : public Tracer {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;
  using Duration = Clock::duration;

  struct Key {
    const char* name;  // null for a module
    Path path;
    bool backward;

    auto operator<=>(const Key&) const = default;
  };
  struct Counts {
    double flops = 0, bytes_moved = 0;
    int64_t bytes_allocated = 0;

    Counts& operator+=(const Counts& other);
  };
  struct Totals {
    int64_t calls = 0;
    Duration total{}, self{};
    Counts counts;
  };
  struct Event {
    Key key;
    Time start;
    Duration duration;
    Counts counts;
  };

  Recording();
  ~Recording() { stop(); }
  void stop();

  Time begin() const { return begin_; }
  Time end() const { return listening_ ? Clock::now() : end_; }
  const std::map<Key, Totals>& totals() const { return totals_; }
  const std::vector<Event>& events() const { return events_; }

  void opened(const char* name, bool backward) override;
  void closed() override;
  void recorded(const char* name) override;
  void allocated(size_t bytes) override;
  void multiplied(double flops) override;
  void moved(double bytes) override;

 private:
  struct Frame {
    Key key;
    Time start;
    Duration in_children{};
    Counts counts;
  };

  Counts& work();
  Counts take_work();
  void hand_work_to_frame();
  void finish(const Frame& frame, Time end);
  bool is_open(const char* name) const;

  bool listening_ = true;
  const Time begin_ = Clock::now();
  Time end_;
  std::vector<Frame> open_;
  // What the operation under way has asked for; it starts with the first of it.
  bool working_ = false;
  Time work_start_;
  Counts work_;
  std::map<Key, Totals> totals_;
  std::vector<Event> events_;
};

}  // namespace attune
