#include "checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>

#include "../array/fail.h"
#include "../io/file.h"
#include "../io/tokenizer/unicode.h"
#include "../kernels/copy.h"
#include "checkpoint_file.h"

namespace attune::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "step-", suffix = ".safetensors";

// The step in a name such as "step-00000100.safetensors"; nullopt for all other names.
std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return {};
  name.remove_prefix(prefix.size());
  name.remove_suffix(std::min(suffix.size(), name.size()));
  int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (name.empty() || error != std::errc() || end != name.data() + name.size() || step < 0)
    return {};
  return step;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    fail<IoError>("Checkpoint", "{}: {}", folder, error.message());
  return names;
}

// Removes what a killed process had begun to write: on a full disk it would be in the way.
void remove_unfinished(const std::string& folder) {
  std::error_code ignored;
  for (const std::string& name : names_in(folder))
    if (name.starts_with(prefix) && name.ends_with(".tmp"))
      fs::remove(folder + "/" + name, ignored);
}

StateDict copy_of(StateDict state) {
  for (auto& [name, array] : state) array = kernels::clone(array);
  return state;
}

// The arrays of each part, under the names that it knows.
std::map<std::string, StateDict> by_part(const StateDict& arrays) {
  std::map<std::string, StateDict> parts;
  for (const auto& [name, array] : arrays) {
    const size_t dot = std::min(name.find('.'), name.size());
    parts[name.substr(0, dot)].emplace(name.substr(std::min(dot + 1, name.size())), array);
  }
  return parts;
}

}  // namespace

Checkpoint::Checkpoint(std::string folder, CheckpointOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {
  if (options_.keep_last < 1)
    fail<ValueError>("Checkpoint", "keep_last is {}; keep at least one", options_.keep_last);
}

void Checkpoint::add_part(Part part) {
  if (part.name.empty() || part.name.find('.') != std::string::npos)
    fail<ValueError>("Checkpoint", "\"{}\" cannot name a part; use a word without dots", part.name);
  for (const Part& other : parts_)
    if (other.name == part.name)
      fail<ValueError>("Checkpoint", "there is a part \"{}\" already", part.name);
  parts_.push_back(std::move(part));
}

void Checkpoint::expect(const std::string& name, const std::string& value) {
  for (const std::string& text : {name, value})
    if (!io::tokenizers::unicode::is_valid(text))
      fail<ValueError>("Checkpoint", "the setting {} \"{}\" is not UTF-8, which a file needs", name,
                       value);
  if (!settings_.emplace(name, value).second)
    fail<ValueError>("Checkpoint", "there is a setting \"{}\" already", name);
}

void Checkpoint::warn(const std::string& message) const {
  if (options_.warn) return options_.warn(message);
  std::fputs((message + "\n").c_str(), stderr);
}

StateDict Checkpoint::collect() const {
  StateDict all;
  for (const Part& part : parts_)
    for (const auto& [name, array] : part.save()) all.emplace(part.name + "." + name, array);
  return all;
}

void Checkpoint::save(int64_t step, std::optional<double> metric) {
  if (step < 0) fail<ValueError>("Checkpoint", "step {} is negative", step);
  const auto present = list();
  if (!owns_later_ && !present.empty() && present.back().step > step)
    fail<ValueError>("Checkpoint",
                     "{} has step {}, later than {}: load_newest goes on from there, start_over "
                     "puts it aside",
                     folder_, present.back().step, step);
  const std::string path = fmt::format("{}/{}{:08}{}", folder_, prefix, step, suffix);
  try {
    io::make_folder(folder_);
    remove_unfinished(folder_);
    write_checkpoint(path, {collect(), step, metric, random_state(), settings_});
  } catch (const IoError& error) {
    fail<IoError>("Checkpoint", "step {} could not be saved; {} ({})", step,
                  present.empty() ? "there is no earlier checkpoint"
                                  : "the last one is " + present.back().path,
                  error.what());
  }
  owns_later_ = true;
  prune(step);
}

std::vector<CheckpointInfo> Checkpoint::list() const {
  std::vector<CheckpointInfo> found;
  for (const std::string& name : names_in(folder_))
    if (const auto step = step_of(name)) {
      const std::string path = folder_ + "/" + name;
      found.push_back({*step, peek_metric(path), path});
    }
  std::ranges::sort(found, {}, &CheckpointInfo::step);
  return found;
}

std::vector<CheckpointInfo> Checkpoint::newest_first() const {
  auto found = list();
  std::ranges::reverse(found);
  return found;
}

std::vector<CheckpointInfo> Checkpoint::by_metric() const {
  auto found = list();
  std::erase_if(found, [](const auto& c) { return !c.metric || std::isnan(*c.metric); });
  std::ranges::stable_sort(found, [&](const auto& a, const auto& b) {
    return options_.higher_is_better ? *a.metric > *b.metric : *a.metric < *b.metric;
  });
  return found;
}

// Later ones than `step` were passed over when this run was resumed: they are not counted.
void Checkpoint::prune(int64_t step) const {
  auto ranked = by_metric();
  std::erase_if(ranked, [&](const CheckpointInfo& c) { return c.step > step; });
  const std::string best = options_.keep_best && !ranked.empty() ? ranked.front().path : "";
  std::error_code ignored;
  int64_t kept = 0;
  for (const CheckpointInfo& old : newest_first())
    if (old.step <= step && ++kept > options_.keep_last && old.path != best)
      fs::remove(old.path, ignored);
}

std::optional<CheckpointInfo> Checkpoint::load_newest() {
  auto loaded = load_first_whole(newest_first());
  owns_later_ = true;
  return loaded;
}

std::optional<CheckpointInfo> Checkpoint::load_best() {
  auto loaded = load_first_whole(by_metric());
  // What was saved after it is of a run that is left: load_newest must not find it after a save.
  if (loaded) owns_later_ = false;
  return loaded;
}

std::optional<CheckpointInfo> Checkpoint::load_first_whole(
    const std::vector<CheckpointInfo>& candidates) {
  std::string reasons;
  const auto pass_over = [&](const std::string& what, const Error& error) {
    warn(fmt::format("{}; {}", error.what(), what));
    reasons += fmt::format("; {}", error.what());
  };
  for (const CheckpointInfo& candidate : candidates) {
    CheckpointFile content;
    try {
      content = read_checkpoint(candidate.path);
    } catch (const FormatError& error) {
      std::error_code unmoved;
      fs::rename(candidate.path, candidate.path + ".damaged", unmoved);
      pass_over("it is damaged, and passed over", error);
      continue;
    } catch (const IoError& error) {
      pass_over("it is passed over", error);
      continue;
    }
    check_settings(candidate.path, content.settings);
    restore(candidate.path, content.arrays);
    set_random_state(content.random);
    return CheckpointInfo{content.step, content.metric, candidate.path};
  }
  if (!candidates.empty())
    fail<FormatError>("Checkpoint", "no checkpoint in {} can be read: {}", folder_,
                      reasons.substr(2));
  return {};
}

void Checkpoint::check_settings(const std::string& path,
                                const std::map<std::string, std::string>& saved) const {
  std::vector<std::string> differences;
  for (const auto& [name, value] : settings_) {
    const auto found = saved.find(name);
    if (found == saved.end())
      differences.push_back(fmt::format("{} is {} now and was not set", name, value));
    else if (found->second != value)
      differences.push_back(fmt::format("{} is {} now and was {}", name, value, found->second));
  }
  for (const auto& [name, value] : saved)
    if (!settings_.contains(name))
      differences.push_back(fmt::format("{} is not set now and was {}", name, value));
  if (!differences.empty())
    fail<FormatError>("Checkpoint", "{} does not fit: {}", path, fmt::join(differences, "; "));
}

void Checkpoint::restore(const std::string& path, const StateDict& arrays) const {
  auto saved = by_part(arrays);
  for (const auto& [name, state] : saved)
    if (std::ranges::find(parts_, name, &Part::name) == parts_.end())
      fail<FormatError>("Checkpoint", "{} holds a part \"{}\" that was not added", path, name);

  // Last the one that was added first: usually the model, which then needs no copy to go back to.
  std::vector<std::pair<const Part*, StateDict>> before;
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    try {
      if (&*part != &parts_.front()) before.emplace_back(&*part, copy_of(part->save()));
      part->load(saved[part->name]);
    } catch (const std::exception& error) {
      for (const auto& [changed, state] : before) changed->load(state);
      if (dynamic_cast<const FormatError*>(&error) == nullptr) throw;
      fail<FormatError>("Checkpoint", "{} does not fit: {}: {}", path, part->name, error.what());
    }
  }
}

void Checkpoint::start_over() {
  const auto present = list();
  owns_later_ = true;
  if (present.empty()) return;
  const std::string old = folder_ + "/old/";
  io::make_folder(old);
  try {
    for (const std::string& name : names_in(old))
      if (step_of(name)) fs::remove(old + name);
    for (const CheckpointInfo& checkpoint : present)
      fs::rename(checkpoint.path, old + fs::path(checkpoint.path).filename().string());
  } catch (const fs::filesystem_error& error) {
    fail<IoError>("Checkpoint", "{}", error.what());
  }
}

}  // namespace attune::train
