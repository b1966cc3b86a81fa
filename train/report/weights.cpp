#include "weights.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "../../array/fail.h"
#include "../report.h"

namespace attune::train {
namespace page {

std::string encode_weights(const std::vector<float>& weights) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve(2 * weights.size());
  for (float weight : weights) {
    const unsigned level =
        std::isnan(weight)
            ? 4095u
            : static_cast<unsigned>(std::lround(std::clamp(weight, 0.f, 1.f) * 4000));
    text += digits[level / 64];
    text += digits[level % 64];
  }
  return text;
}

}  // namespace page

namespace {

struct RowStatistics {
  double entropy = 0, distance = 0;
};

// Of the row as a distribution: it may not quite sum to 1.
RowStatistics row_statistics(const float* row, std::size_t query, std::size_t tokens, double sum) {
  RowStatistics of_row;
  for (std::size_t key = 0; key < tokens; ++key) {
    const double p = row[key] / sum;
    if (p > 0) of_row.entropy -= p * std::log2(p);
    of_row.distance += p * std::abs(static_cast<double>(query) - static_cast<double>(key));
  }
  return of_row;
}

}  // namespace

std::vector<Statistic> head_statistics(const std::vector<float>& weights) {
  const auto tokens = static_cast<std::size_t>(std::llround(std::sqrt(weights.size())));
  if (tokens * tokens != weights.size()) {
    fail<ShapeError>("head_statistics", "{} weights are no square [T, T]", weights.size());
  }
  double entropy = 0, distance = 0, first = 0, previous = 0;
  int rows = 0, rows_after_first = 0;
  for (std::size_t query = 0; query < tokens; ++query) {
    const float* row = weights.data() + query * tokens;
    double sum = 0;
    for (std::size_t key = 0; key < tokens; ++key) sum += row[key];
    if (!(sum > 0)) continue;
    const RowStatistics of_row = row_statistics(row, query, tokens, sum);
    entropy += of_row.entropy;
    distance += of_row.distance;
    ++rows;
    // The first token has no previous one, and attending to it itself says nothing.
    if (query == 0) continue;
    first += row[0] / sum;
    previous += row[query - 1] / sum;
    ++rows_after_first;
  }
  std::vector<Statistic> statistics;
  if (rows > 0) {
    statistics.push_back({"entropy", entropy / rows, "bits"});
    statistics.push_back({"mean distance", distance / rows, "tokens"});
  }
  if (rows_after_first > 0) {
    statistics.push_back({"on the previous token", previous / rows_after_first, "%"});
    statistics.push_back({"on the first token", first / rows_after_first, "%"});
  }
  return statistics;
}

}  // namespace attune::train
