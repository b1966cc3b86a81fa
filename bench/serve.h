#pragma once

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

// What every benchmark program is: a few named lines, each a step that is timed over and over. By
// hand it prints the time of one line; scripts/bench drives it over stdin and stdout. Knows neither
// attune nor its peers, so that both sides are timed by the same code.
namespace bench {

struct Work {
  std::function<void()> step;
  double flops = 0;  // of matrix products in a step
  double bytes = 0;  // that a step can't help reading from and writing to memory
};

struct Line {
  const char* name;
  Work (*prepare)();
};

struct Times {
  double min_ms, median_ms;
  double cpu_ms;  // least time of all threads together: tells a busy machine from a slow step
  size_t repeats;
};

inline double process_ms() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

// Repeats the step for at least `seconds`, at least once.
inline Times measure(const std::function<void()>& step, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> ms;
  double total = 0, cpu_ms = std::numeric_limits<double>::infinity();
  do {
    const double cpu_start = process_ms();
    const auto start = Clock::now();
    step();
    ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    cpu_ms = std::min(cpu_ms, process_ms() - cpu_start);
    total += ms.back();
  } while (total < seconds * 1e3);
  std::sort(ms.begin(), ms.end());
  return {ms.front(), ms[ms.size() / 2], cpu_ms, ms.size()};
}

// The most memory this process ever held, in 10^6 bytes: VmHWM.
inline double peak_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (double kilobytes = 0; word == "VmHWM:" && status >> kilobytes) return kilobytes * 1.024e-3;
  return 0;
}

namespace detail {

struct Options {
  std::string line;
  int threads = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  double seconds = 2;
  bool serve = false, list = false;
};

inline Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] {
      if (i + 1 == argc) throw std::invalid_argument(word + " needs a value");
      return std::atof(argv[++i]);
    };
    if (word == "--threads") {
      options.threads = static_cast<int>(value());
    } else if (word == "--seconds") {
      options.seconds = value();
    } else if (word == "--serve") {
      options.serve = true;
    } else if (word == "--list") {
      options.list = true;
    } else if (options.line.empty() && word[0] != '-') {
      options.line = word;
    } else {
      throw std::invalid_argument("unknown argument " + word +
                                  "; takes LINE [--threads N] [--seconds S] [--serve], or --list");
    }
  }
  if (options.threads < 1) throw std::invalid_argument("--threads takes 1 or more");
  return options;
}

// Up to three steps, fewer where they are long: what is paid once (memory, threads) is paid here.
inline void warm_up(const std::function<void()>& step) {
  double seconds = 0;
  for (int i = 0; i < 3 && seconds < 2; ++i) seconds += measure(step, 0).min_ms / 1e3;
}

// Answers "run SECONDS" with the times of a round, until stdin ends.
inline void answer(const Work& work) {
  std::printf("{\"flops\": %.17g, \"bytes\": %.17g}\n", work.flops, work.bytes);
  std::fflush(stdout);
  for (double seconds = 0; std::scanf(" run %lf", &seconds) == 1;) {
    const Times t = measure(work.step, seconds);
    std::printf(
        "{\"min_ms\": %.9g, \"median_ms\": %.9g, \"cpu_ms\": %.9g, \"repeats\": %zu, \"peak_mb\": "
        "%.1f}\n",
        t.min_ms, t.median_ms, t.cpu_ms, t.repeats, peak_mb());
    std::fflush(stdout);
  }
}

inline void run(const Options& options, const std::vector<Line>& lines,
                const std::function<void(int)>& set_threads) {
  for (const Line& line : lines)
    if (options.list) std::printf("%s\n", line.name);
  if (options.list) return;
  const auto found = std::find_if(lines.begin(), lines.end(),
                                  [&](const Line& line) { return options.line == line.name; });
  if (found == lines.end())
    throw std::invalid_argument("no line \"" + options.line + "\"; --list names them");
  set_threads(options.threads);
  const Work work = found->prepare();
  warm_up(work.step);
  if (options.serve) return answer(work);
  const Times t = measure(work.step, options.seconds);
  std::printf("%s: min %.4g ms, median %.4g ms of %zu; processor %.4g ms; peak %.0f MB\n",
              found->name, t.min_ms, t.median_ms, t.repeats, t.cpu_ms, peak_mb());
  if (work.flops > 0) std::printf("  %.1f GFLOP/s\n", work.flops / t.min_ms / 1e6);
  if (work.bytes > 0) std::printf("  %.1f GB/s\n", work.bytes / t.min_ms / 1e6);
}

}  // namespace detail

// The main() of a benchmark program.
inline int main(int argc, char** argv, const std::vector<Line>& lines,
                const std::function<void(int)>& set_threads) try {
  detail::run(detail::parse(argc, argv), lines, set_threads);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
  return 1;
}

}  // namespace bench
