#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "../array/fail.h"

namespace attune::train {
namespace {

constexpr double redraw_seconds = 1.0 / 15;
constexpr double plain_seconds = 15;
constexpr double rate_seconds = 10;
constexpr int widest_bar = 30;
constexpr int bar_step = 5;  // so that a bar keeps its width while the text beside it varies

bool environment_set(const char* name) {
  const char* value = std::getenv(name);
  return value && *value;
}

bool is_terminal(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  return ::isatty(::fileno(stream)) && term && std::string_view(term) != "dumb";
}

// The first of these that is set decides, as in setlocale.
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!environment_set(name)) continue;
    const std::string value = std::getenv(name);
    return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

int terminal_columns(std::FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

double now_seconds() {
  using seconds = std::chrono::duration<double>;
  return seconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string rate_text(double rate, const std::string& unit) {
  if (rate <= 0) return "";
  if (rate >= 99.95) return fmt::format("{:.0f} {}/s", rate, unit);
  if (rate >= 1) return fmt::format("{:.1f} {}/s", rate, unit);
  return fmt::format("{:.1f} s each", 1 / rate);
}

std::string left_text(double seconds) {
  return (seconds < 10 ? fmt::format("{:.0f} s", seconds) : format_duration(seconds)) + " left";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string line;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!line.empty()) line += "  ";
    line += part;
  }
  return line;
}

// Columns that UTF-8 text takes, one a code point.
int text_width(std::string_view text) {
  const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<int>(std::count_if(text.begin(), text.end(), starts));
}

// A line break or an escape sequence in a note would tear the line that is redrawn.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

std::string bar_text(double fraction, int width, bool utf8, bool colour) {
  const int full = static_cast<int>(fraction * width);
  std::string done, left;
  for (int i = 0; i < width; ++i) {
    (i < full ? done : left) += utf8 ? "━" : (i < full ? "#" : "-");
  }
  if (colour) return "\x1b[32m" + done + "\x1b[90m" + left + "\x1b[0m";
  if (!utf8) return "[" + done + left + "]";
  // Without colour the rest of the bar needs a shape of its own.
  left.clear();
  for (int i = full; i < width; ++i) left += "┄";
  return done + left;
}

}  // namespace

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 0.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

Progress::Progress(int64_t total, Options options)
    : options_(std::move(options)), total_(total), step_(options_.first) {
  if (total < 1) fail<ValueError>("Progress", "total is {}; it must be positive", total);
  if (step_ < 0 || step_ > total) {
    fail<ValueError>("Progress", "first is {}; it must lie in [0, {}]", step_, total);
  }
  std::FILE* stream = options_.stream;
  if (!options_.columns) options_.columns = [stream] { return terminal_columns(stream); };
  if (!options_.clock) options_.clock = now_seconds;
  terminal_ = options_.terminal ? options_.terminal() : is_terminal(stream);
  colour_ = terminal_ && !environment_set("NO_COLOR");
  utf8_ = locale_is_utf8();
  start_ = last_measured_ = last_shown_ = options_.clock();
  last_shown_step_ = last_measured_step_ = step_;
}

Progress::~Progress() { erase(); }

void Progress::update(int64_t step, std::string_view note) {
  if (finished_) return;
  step_ = std::clamp<int64_t>(step, 0, total_);
  if (!note.empty()) note_ = one_line(note);
  const double now = options_.clock();
  measure_rate(step_, now);
  const double waited = now - last_shown_;
  if (terminal_) {
    if (drawn_ && waited < redraw_seconds && step_ < total_) return;
    draw();
  } else {
    const bool tenth = step_ * 10 / total_ > last_shown_step_ * 10 / total_;
    if (!tenth && waited < plain_seconds) return;
    plain_line();
  }
  last_shown_ = now;
  last_shown_step_ = step_;
}

void Progress::print(std::string_view line) {
  const bool redraw = drawn_;
  erase();
  put(line);
  put("\n");
  if (redraw) draw();
  std::fflush(options_.stream);
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  erase();
  const double seconds = options_.clock() - start_;
  std::string unit = options_.unit;
  if (total_ == 1 && unit.ends_with('s')) unit.pop_back();
  const std::string count = step_ == total_ ? fmt::format("{} {}", total_, unit)
                                            : fmt::format("{} of {} {}", step_, total_, unit);
  const double rate = static_cast<double>(step_ - options_.first) / seconds;
  put(joined({options_.label, count + " in " + format_duration(seconds),
              std::isfinite(rate) ? rate_text(rate, options_.unit) : "", note_}) +
      "\n");
  std::fflush(options_.stream);
}

// The rate of the last seconds, not of the whole run: work slows down and speeds up.
void Progress::measure_rate(int64_t done, double now) {
  const double elapsed = now - last_measured_;
  if (done <= last_measured_step_ || elapsed <= 0) return;
  const double rate = static_cast<double>(done - last_measured_step_) / elapsed;
  const double keep = std::exp(-elapsed / rate_seconds), share = 1 - keep;
  rate_weight_ = keep * rate_weight_ + share;
  recent_rate_ += (rate - recent_rate_) * share / rate_weight_;
  last_measured_ = now;
  last_measured_step_ = done;
}

std::vector<std::string> Progress::parts() const {
  const double seconds_left = static_cast<double>(total_ - step_) / recent_rate_;
  const bool ahead = recent_rate_ > 0 && step_ < total_;
  return {options_.label,
          fmt::format("{:3}%", step_ * 100 / total_),
          fmt::format("{}/{}", step_, total_),
          rate_text(recent_rate_, options_.unit),
          ahead ? left_text(seconds_left) : "",
          note_};
}

void Progress::draw() {
  const int room = std::max(options_.columns() - 1, 1);  // a full line would wrap
  std::vector<std::string> line = parts();
  const int spare = room - text_width(joined(line)) - 4;  // less a gap and two brackets
  if (spare >= bar_step) {
    const double fraction = static_cast<double>(step_) / static_cast<double>(total_);
    const int width = std::min(spare / bar_step * bar_step, widest_bar);
    line[0] = joined({line[0], bar_text(fraction, width, utf8_, colour_)});
  } else {
    // Too narrow for a bar: rate, count, label, time left and note go until the rest fits.
    for (const std::size_t part : std::initializer_list<std::size_t>{3, 2, 0, 4, 5}) {
      if (text_width(joined(line)) > room) line[part].clear();
    }
  }
  put("\r\x1b[K" + joined(line));
  std::fflush(options_.stream);
  drawn_ = true;
}

void Progress::plain_line() {
  put(joined(parts()) + "\n");
  std::fflush(options_.stream);
}

void Progress::erase() {
  if (!drawn_) return;
  put("\r\x1b[K");
  std::fflush(options_.stream);
  drawn_ = false;
}

void Progress::put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), options_.stream);
}

}  // namespace attune::train
