#include "simd.h"

#include <fmt/ranges.h>

#include <hwy/highway.h>

#include "../array/fail.h"

namespace attune {
namespace {

const std::vector<int64_t>& targets() {
  // Asked once: afterwards Highway reports only the target that was set.
  static const std::vector<int64_t> all = hwy::SupportedAndGeneratedTargets();
  return all;
}

}  // namespace

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const int64_t target : targets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

void set_simd_target(std::string_view name) {
  const std::vector<int64_t>& all = targets();
  for (const int64_t target : all)
    if (hwy::TargetName(target) == name) {
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(target);
      return;
    }
  fail<ValueError>("set_simd_target", "\"{}\" is not among {}", name,
                   fmt::join(simd_targets(), ", "));
}

}  // namespace attune
