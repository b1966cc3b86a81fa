#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "../array/fail.h"
#include "../array/strict_json-inl.h"
#include "profiler_recording.h"

namespace attune {
namespace {

// "12.3 MB"; nothing for 0.
std::string bytes_text(double bytes) {
  if (bytes <= 0) return "";
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  for (; bytes >= 999.95 && unit + 1 < std::size(units); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

// A rate in 10⁹ a second; nothing for 0.
std::string rate_text(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", amount / seconds / 1e9) : "";
}

// The share that a row reached of what the machine could do at best, in arithmetic or memory,
// whichever it came closer to.
std::string share_of_limit(const ProfileRow& row, double seconds, const MachineLimits& limits) {
  if (!(seconds > 0 && limits.flops > 0 && limits.bytes > 0)) return "";
  const double share = std::max(row.flops / limits.flops, row.bytes_moved / limits.bytes) / seconds;
  return share > 0.0005 ? fmt::format("{:.0f} %", 100 * share) : "";
}

constexpr const char* columns = "{:<{}} {:<8} {:>7} {:>10} {:>10} {:>7} {:>8} {:>7} {:>8} {:>9}\n";

std::string header(const char* first, size_t width) {
  return fmt::format(fmt::runtime(columns), first, width, "pass", "calls", "total ms", "self ms",
                     "share", "GFLOP/s", "GB/s", "of limit", "allocated");
}

const char* pass_of(const ProfileRow& row) { return row.backward ? "backward" : "forward"; }

// own: whether share and rates are of the row's own time, or of all.
std::string line(const ProfileRow& row, const char* pass, size_t width, double whole, bool own,
                 const MachineLimits& limits) {
  const double time = own ? row.self_seconds : row.seconds;
  return fmt::format(
      fmt::runtime(columns), row.name.empty() ? "(all)" : row.name, width, pass,
      row.calls > 0 ? fmt::format("{}", row.calls) : "", fmt::format("{:.3f}", 1e3 * row.seconds),
      fmt::format("{:.3f}", 1e3 * row.self_seconds),
      fmt::format("{:.1f} %", whole > 0 ? 100 * time / whole : 0), rate_text(row.flops, time),
      rate_text(row.bytes_moved, time), share_of_limit(row, time, limits),
      bytes_text(static_cast<double>(row.bytes_allocated)));
}

size_t name_width(const std::vector<ProfileRow>& rows) {
  size_t width = 20;
  for (const ProfileRow& row : rows) width = std::max(width, row.name.size());
  return width;
}

// Takes the rows after the first `kept` away and returns their sum as one row. A single row stays,
// since its sum would take as much room; then there is none to return.
std::optional<ProfileRow> fold(std::vector<ProfileRow>& rows, size_t kept) {
  if (rows.size() <= kept + 1) return {};
  ProfileRow rest{.name = fmt::format("({} others)", rows.size() - kept)};
  for (size_t i = kept; i < rows.size(); ++i) {
    rest.calls += rows[i].calls;
    rest.self_seconds += rows[i].self_seconds;
    rest.seconds = rest.self_seconds;
    rest.flops += rows[i].flops;
    rest.bytes_moved += rows[i].bytes_moved;
    rest.bytes_allocated += rows[i].bytes_allocated;
  }
  rows.resize(kept);
  return rest;
}

}  // namespace

std::string Profiler::table(const MachineLimits& limits, size_t rows) const {
  const double whole = seconds();
  std::vector<ProfileRow> operations = by_operation();
  double seen = 0;
  for (const ProfileRow& row : operations) seen += row.self_seconds;
  const std::optional<ProfileRow> others = fold(operations, rows);
  const std::vector<ProfileRow> modules = by_module();
  const size_t width = std::max(name_width(operations), name_width(modules));

  std::string text = header("operation", width);
  for (const ProfileRow& row : operations)
    text += line(row, pass_of(row), width, whole, true, limits);
  if (others) text += line(*others, "", width, whole, true, limits);
  if (!modules.empty()) text += fmt::format("\n{}", header("module", width));
  for (const ProfileRow& row : modules)
    text += line(row, pass_of(row), width, whole, false, limits);
  text += fmt::format("\n{:.3f} ms in all, {:.3f} ms of them outside of any operation or module",
                      1e3 * whole, 1e3 * std::max(0.0, whole - seen));
  if (limits.flops > 0 && limits.bytes > 0)
    text += fmt::format("; limits: {:.1f} GFLOP/s, {:.1f} GB/s", limits.flops / 1e9,
                        limits.bytes / 1e9);
  return text + "\n";
}

void Profiler::export_chrome_trace(const std::string& path) const {
  const auto microseconds = [](Recording::Duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
  };
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << R"({"displayTimeUnit":"ms","traceEvents":[)";
  bool first = true;
  for (const auto& [key, start, duration, counts] : recording_->events()) {
    nlohmann::json arguments = {{"module", *key.path}};
    if (counts.flops > 0) arguments["flops"] = counts.flops;
    if (counts.bytes_moved > 0) arguments["bytes moved"] = counts.bytes_moved;
    if (counts.bytes_allocated > 0) arguments["bytes allocated"] = counts.bytes_allocated;
    const nlohmann::json event = {
        {"name", key.name            ? key.name
                 : key.path->empty() ? "(model)"
                                     : *key.path},
        {"cat", key.name ? (key.backward ? "backward" : "forward") : "module"},
        {"ph", "X"},
        {"pid", 1},
        {"tid", 1},
        {"ts", microseconds(start - recording_->begin())},
        {"dur", microseconds(duration)},
        {"args", arguments}};
    file << (first ? "\n" : ",\n") << repaired_json_text(event);
    first = false;
  }
  file << "\n]}\n";
  file.close();
  if (!file)
    fail<IoError>("export_chrome_trace", "{}: {}", path,
                  errno ? std::strerror(errno) : "could not be written");
}

}  // namespace attune
