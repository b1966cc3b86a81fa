#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "../metrics.h"

namespace attune::train::page {

// The curves of a run as columns of equal length, with NaN where a value is missing or not finite.
struct Curves {
  std::size_t bucket = 1;              // how many logged steps one point stands for
  std::optional<int64_t> broken = {};  // the first step whose loss is not finite
  std::vector<int64_t> step;
  std::vector<double> train, val, lr, speed;
};

// At most 4,000 points, each the mean of as many steps as it takes.
Curves curves(const std::vector<Metrics>& points);

}  // namespace attune::train::page
