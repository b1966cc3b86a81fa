#include "loss.h"

#include <cmath>

#include "../array/fail.h"
#include "../array/trace.h"
#include "copy.h"
#include "row_tiles.h"
#include "rows.h"

namespace attune::kernels {

void check_targets(const char* operation, const Array& targets, int64_t classes,
                   int64_t ignore_index) {
  const int64_t* target = targets.data<int64_t>();
  for (int64_t row = 0; row < targets.numel(); ++row)
    if (target[row] != ignore_index && (target[row] < 0 || target[row] >= classes))
      fail<IndexError>(operation, "target {} at row {} is not a class; there are {}", target[row],
                       row, classes);
}

namespace {

// What one row is compared with: the coefficient of each class's log probability.
template <class T>
struct Coefficients {
  const T* weight;  // null: all one
  T hit, smooth;    // of the target, of every class; before weights
  T total;          // of all weights

  Coefficients(const Array& weights, double smoothing, int64_t classes)
      : weight(weights.defined() ? weights.data<T>() : nullptr),
        hit(static_cast<T>(1 - smoothing)),
        smooth(static_cast<T>(smoothing / static_cast<double>(classes))),
        total(weight ? rows::sum(weight, classes) : static_cast<T>(classes)) {}
  T weight_of(int64_t target) const { return weight ? weight[target] : T{1}; }
};

// -sum over classes of weight log softmax(row), given the row's maximum and log sum.
template <class T>
T smooth_loss(const T* row, const Coefficients<T>& c, T top, T log_sum, int64_t classes) {
  T sum = 0;
  for (int64_t i = 0; i < classes; ++i) sum += c.weight_of(i) * (top - row[i]);
  return sum + c.total * log_sum;
}

}  // namespace

CrossEntropyResult cross_entropy(const Array& logits, const Array& targets,
                                 const CrossEntropyOptions& options) {
  const int64_t count = logits.size(0), classes = logits.size(1);
  CrossEntropyResult result{Array({count}, logits.dtype()), Array({count, 2}, logits.dtype()), 0};
  count_traffic(logits);
  const Array labels = contiguous(targets);
  check_targets("cross_entropy", labels, classes, options.ignore_index);
  visit_floating("cross_entropy", logits.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array dense = contiguous(logits);
    const Array weights = options.weight.defined() ? contiguous(options.weight) : options.weight;
    const Coefficients<T> c(weights, options.label_smoothing, classes);
    const T* from = dense.data<T>();
    const int64_t* target = labels.data<int64_t>();
    T *losses = result.losses.output<T>(), *stats = result.stats.output<T>();
    parallel_rows(count, classes, [&](int64_t i) {
      losses[i] = stats[i * 2] = stats[i * 2 + 1] = 0;
      if (target[i] == options.ignore_index) return;
      const T* row = from + i * classes;
      const T top = rows::maximum(row, classes);
      const T sum = rows::sum_exp(row, top, classes), log_sum = std::log(sum);
      stats[i * 2] = top;
      stats[i * 2 + 1] = 1 / sum;
      losses[i] = c.hit * c.weight_of(target[i]) * (top - row[target[i]] + log_sum);
      if (c.smooth > 0) losses[i] += c.smooth * smooth_loss(row, c, top, log_sum, classes);
    });
    for (int64_t i = 0; i < count; ++i)
      if (target[i] != options.ignore_index)
        result.target_weight += static_cast<double>(c.weight_of(target[i]));
  });
  return result;
}

void cross_entropy_backward_into(Array& out, const Array& g, const Array& logits,
                                 const Array& targets, const Array& stats,
                                 const CrossEntropyOptions& options) {
  const int64_t count = logits.size(0), classes = logits.size(1);
  count_traffic(logits, out);
  visit_floating("cross_entropy", logits.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Array dense = contiguous(logits), labels = contiguous(targets), dense_g = contiguous(g);
    const Array weights = options.weight.defined() ? contiguous(options.weight) : options.weight;
    const Coefficients<T> c(weights, options.label_smoothing, classes);
    const T *from = dense.data<T>(), *kept = stats.data<T>(), *row_g = dense_g.data<T>();
    const int64_t* target = labels.data<int64_t>();
    T* to = out.output<T>();
    parallel_rows(count, classes, [&](int64_t i) {
      T* row = to + i * classes;
      if (target[i] == options.ignore_index) {
        std::fill_n(row, classes, T{0});
        return;
      }
      const T hit = c.hit * c.weight_of(target[i]);
      const T probability = kept[i * 2 + 1] * (hit + c.smooth * c.total) * row_g[i];
      rows::scaled_exp(from + i * classes, kept[i * 2], probability,
                       c.weight ? T{0} : -c.smooth * row_g[i], row, classes);
      if (c.weight && c.smooth > 0) rows::add_scaled(-c.smooth * row_g[i], c.weight, row, classes);
      row[target[i]] -= hit * row_g[i];
    });
  });
}

Array cross_entropy_backward(const Array& g, const Array& logits, const Array& targets,
                             const Array& stats, const CrossEntropyOptions& options) {
  Array out(logits.shape(), logits.dtype());
  cross_entropy_backward_into(out, g, logits, targets, stats, options);
  return out;
}

}  // namespace attune::kernels
