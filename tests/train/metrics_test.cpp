#include <attune/train.h>

#include <cmath>
#include <limits>

#include "../catch.h"

using namespace attune;
using namespace attune::train;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a loss that is not finite is an error that says where") {
  CHECK_NOTHROW(require_finite({.step = 1}));
  CHECK_NOTHROW(require_finite({.step = 1, .train_loss = 2.0, .val_loss = 1.0}));
  CHECK_THROWS_WITH(require_finite({.step = 37, .train_loss = std::nan(""), .lr = 0.5}),
                    ContainsSubstring("training loss is NaN at step 37") &&
                        ContainsSubstring("lower learning rate than 0.5"));
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(require_finite({.step = 0, .val_loss = std::nan("")}),
                    ContainsSubstring("validation loss is NaN before any training"));
  CHECK_THROWS_AS(require_finite({.step = 2, .train_loss = 1.0, .val_loss = infinity}), ValueError);
}
