#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace attune::train {

// Shows how far a long piece of work is: a bar with percentage, steps, rate, time left and a note
// such as the latest loss. On a terminal it is one line, redrawn at most 15 times a second and
// never wider than the terminal; elsewhere (a pipe, a file, TERM=dumb) a plain line every tenth of
// the work or every 15 seconds. Colour obeys NO_COLOR. Not for use by several threads at once.
//
// What cannot be written is dropped: showing progress never stops the work.
class Progress {
 public:
  struct Options {
    std::string label = {};      // what is being done, in front
    std::string unit = "steps";  // what is counted, for the rate
    int64_t first = 0;           // steps already done before this run (a resumed one)
    std::FILE* stream = stderr;
    // Replace what would be asked of the system: whether to draw as on a terminal, its columns, and
    // the seconds since some moment.
    std::function<bool()> terminal = {};
    std::function<int()> columns = {};
    std::function<double()> clock = {};
  };

  // ValueError unless total is positive and first lies in [0, total].
  explicit Progress(int64_t total) : Progress(total, Options()) {}
  Progress(int64_t total, Options options);
  // Erases the bar, so that what is printed next (an error, say) starts on a clean line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `step` steps are done. The note replaces the one before unless it is empty.
  void update(int64_t step, std::string_view note = {});
  // Prints a line of its own above the bar.
  void print(std::string_view line);
  // Replaces the bar by a summary: steps, time, rate and the last note. Later updates do nothing.
  void finish();

 private:
  void draw();
  void erase();
  void plain_line();
  std::vector<std::string> parts() const;  // label, percent, count, rate, time left, note
  void measure_rate(int64_t done, double now);
  void put(std::string_view text);

  Options options_;
  int64_t total_;
  int64_t step_;
  std::string note_;
  bool terminal_ = false, colour_ = false, utf8_ = false;
  bool drawn_ = false, finished_ = false;
  double start_ = 0, last_shown_ = 0, last_measured_ = 0;
  int64_t last_shown_step_ = 0, last_measured_step_ = 0;
  double recent_rate_ = 0;  // steps per second, a running mean over about 10 s; 0 before the first
  double rate_weight_ = 0;  // share of those 10 s that it knows of
};

// A span of time as people say it: "0.42 s", "12 s", "3 min 05 s", "2 h 07 min". "?" if not finite.
std::string format_duration(double seconds);

}  // namespace attune::train
