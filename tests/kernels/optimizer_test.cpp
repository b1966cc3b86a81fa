#include "../../kernels/optimizer.h"

#include <algorithm>

#include "../../kernels/elementwise.h"
#include "../../kernels/random.h"
#include "../catch.h"
#include "../guarded.h"

using namespace attune;
using namespace attune::kernels;

namespace {

// An update whose arrays end where memory does changes every element.
template <class F>
void check_update(const F& update) {
  for (const DType dtype : {float32, float64})
    for (const int64_t count : {1, 7, 16, 37, 16384 + 5}) {
      INFO(count << " of " << name_of(dtype));
      const auto some = [&] { return test::guarded(random_uniform({count}, dtype, 1, 2)); };
      Array param = some();
      const Array before = clone(param);
      update(param, some(), some);
      const Array changed = compare(Compare::ne, param, before);
      CHECK(std::count(changed.data<bool>(), changed.data<bool>() + count, true) == count);
    }
}

}  // namespace

TEST_CASE("optimizers read and write their elements and no others") {
  check_update([](Array& param, const Array& grad, const auto& some) {
    Array first = some(), second = some(), largest = some();
    adam_update(param, grad, first, second, largest,
                {.lr = 0.1,
                 .beta1 = 0.9,
                 .beta2 = 0.99,
                 .eps = 1e-8,
                 .weight_decay = 0,
                 .decoupled = true,
                 .maximize = false,
                 .step = 1});
  });
  check_update([](Array& param, const Array& grad, const auto& some) {
    Array velocity = some();
    sgd_update(param, grad, velocity,
               {.lr = 0.1,
                .momentum = 0.9,
                .dampening = 0,
                .weight_decay = 0,
                .nesterov = false,
                .maximize = false,
                .first = false});
  });
}
