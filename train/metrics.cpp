#include "metrics.h"

#include <cmath>

#include "../array/fail.h"

namespace attune::train {

void require_finite(const Metrics& metrics) {
  const auto check = [&](const char* name, const std::optional<double>& loss) {
    if (!loss || std::isfinite(*loss)) return;
    if (metrics.step == 0 && !metrics.train_loss && !metrics.lr)
      fail<ValueError>("training",
                       "the {} loss is {} before any training; the weights that it begins with "
                       "are damaged",
                       name, std::isnan(*loss) ? "NaN" : "infinite");
    fail<ValueError>("training",
                     "the {} loss is {} at step {}; a lower learning rate than {} may help", name,
                     std::isnan(*loss) ? "NaN" : "infinite", metrics.step,
                     metrics.lr ? fmt::format("{:.4g}", *metrics.lr) : "this");
  };
  check("training", metrics.train_loss);
  check("validation", metrics.val_loss);
}

}  // namespace attune::train
