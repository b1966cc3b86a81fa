#include "profiler.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

#include "profiler_recording.h"

namespace attune {
namespace {

double seconds_of(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// "h.*.attn" for "h.3.attn".
std::string without_numbers(const std::string& path) {
  std::string merged;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('.', start), path.size());
    const std::string_view part(path.data() + start, end - start);
    const bool number = !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) {
      return std::isdigit(c) != 0;
    });
    if (start > 0) merged += '.';
    merged += number ? "*" : part;
    start = end + 1;
  }
  return merged;
}

// The path and those above it, the innermost first: "h.3.attn", "h.3", "h", "".
std::vector<std::string> with_those_above(const std::string& path) {
  std::vector<std::string> all = {path};
  for (size_t dot = path.rfind('.'); dot != std::string::npos; dot = path.rfind('.', dot - 1)) {
    all.push_back(path.substr(0, dot));
    if (dot == 0) break;
  }
  if (!path.empty()) all.emplace_back();
  return all;
}

}  // namespace

Profiler::Profiler() : recording_(std::make_unique<Recording>()) {}
Profiler::~Profiler() = default;

void Profiler::stop() { recording_->stop(); }

double Profiler::seconds() const { return seconds_of(recording_->end() - recording_->begin()); }

std::vector<ProfileRow> Profiler::by_operation() const {
  std::map<std::pair<std::string, bool>, ProfileRow> found;
  for (const auto& [key, totals] : recording_->totals()) {
    const std::string name = key.name ? key.name : "(between operations)";
    ProfileRow& row = found[{name, key.backward}];
    row.name = name;
    row.backward = key.backward;
    row.calls += key.name ? totals.calls : 0;
    row.seconds += seconds_of(key.name ? totals.total : totals.self);
    row.self_seconds += seconds_of(totals.self);
    row.flops += totals.counts.flops;
    row.bytes_moved += totals.counts.bytes_moved;
    row.bytes_allocated += totals.counts.bytes_allocated;
  }
  std::vector<ProfileRow> rows;
  for (const auto& [key, row] : found) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(), [](const ProfileRow& a, const ProfileRow& b) {
    return a.self_seconds > b.self_seconds;
  });
  return rows;
}

std::vector<ProfileRow> Profiler::by_module(bool merge_layers) const {
  // "transformer" of "transformer.h.0" is part of a name, not a module.
  std::set<std::string> modules;
  for (const auto& [key, totals] : recording_->totals())
    if (!key.name) modules.insert(*key.path);
  std::map<std::pair<std::string, bool>, ProfileRow> found;
  for (const auto& [key, totals] : recording_->totals()) {
    bool innermost = true;
    for (const std::string& path : with_those_above(*key.path)) {
      if (!modules.contains(path)) continue;
      const std::string name = merge_layers ? without_numbers(path) : path;
      ProfileRow& row = found[{name, key.backward}];
      row.name = name;
      row.backward = key.backward;
      if (!key.name && !key.backward && innermost) row.calls += totals.calls;
      row.seconds += seconds_of(totals.self);
      if (std::exchange(innermost, false)) row.self_seconds += seconds_of(totals.self);
      row.flops += totals.counts.flops;
      row.bytes_moved += totals.counts.bytes_moved;
      row.bytes_allocated += totals.counts.bytes_allocated;
    }
  }
  std::vector<ProfileRow> rows;
  for (const auto& [key, row] : found) rows.push_back(row);
  return rows;
}

}  // namespace attune
