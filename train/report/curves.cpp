#include "curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attune::train::page {
namespace {

using Value = std::optional<double> Metrics::*;
using Points = std::vector<Metrics>;

constexpr std::size_t most_points = 4000;
constexpr double missing = std::numeric_limits<double>::quiet_NaN();

// Seven digits are all that a float has; more would only make the page longer.
double rounded(double value) {
  if (!std::isfinite(value)) return missing;
  if (value == 0) return 0;
  const double scale = std::pow(10.0, 6 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) && scale > 0 ? std::round(value * scale) / scale : value;
}

double mean_over(Points::const_iterator begin, Points::const_iterator end, Value value) {
  double sum = 0;
  int count = 0;
  for (; begin != end; ++begin) {
    if (!((*begin).*value)) continue;
    sum += *((*begin).*value);
    ++count;
  }
  return count > 0 ? rounded(sum / count) : missing;
}

bool is_broken(const Metrics& point) {
  const auto finite = [](std::optional<double> value) { return !value || std::isfinite(*value); };
  return !finite(point.train_loss) || !finite(point.val_loss);
}

}  // namespace

Curves curves(const Points& points) {
  Curves columns;
  columns.bucket = std::max<std::size_t>(1, (points.size() + most_points - 1) / most_points);
  const auto broken = std::find_if(points.begin(), points.end(), is_broken);
  if (broken != points.end()) columns.broken = broken->step;
  for (std::size_t i = 0; i < points.size(); i += columns.bucket) {
    const auto begin = points.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end =
        begin + static_cast<std::ptrdiff_t>(std::min(columns.bucket, points.size() - i));
    columns.step.push_back((end - 1)->step);
    columns.train.push_back(mean_over(begin, end, &Metrics::train_loss));
    columns.val.push_back(mean_over(begin, end, &Metrics::val_loss));
    columns.lr.push_back(mean_over(begin, end, &Metrics::lr));
    columns.speed.push_back(mean_over(begin, end, &Metrics::tokens_per_second));
  }
  return columns;
}

}  // namespace attune::train::page
