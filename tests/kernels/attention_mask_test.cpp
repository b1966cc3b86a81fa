#include <array>
#include <cmath>

#include "../../kernels/attention.h"
#include "../../kernels/copy.h"
#include "../../kernels/random.h"
#include "../catch.h"

using namespace attune;

TEST_CASE("a masked product leaves out what the mask hides, whatever stands there") {
  manual_seed(1);
  const std::array<int64_t, 4> sizes[] = {{2, 3, 5, 4}, {1, 1, 3, 1}, {2, 0, 3, 4}, {2, 3, 3, 0}};
  for (const auto& size : sizes) {
    const int64_t batch = size[0], rows = size[1], inner = size[2], width = size[3];
    const Array a = random_normal({batch, rows, inner}, float64, 0, 1);
    const Array keep = random_bernoulli({batch, rows, inner}, 0.6);
    const Array b = random_normal({batch, inner, width}, float64, 0, 1);
    for (const double value : {0.5, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
      Array right = kernels::clone(b);
      right.write<double>([&](double* to) {
        if (right.numel() > 0) to[2 * width] = value;
      });
      const Array y = kernels::masked_matmul(keep, a, right);
      REQUIRE(y.shape() == Shape{batch, rows, width});
      for (int64_t i = 0; i < y.numel(); ++i) {
        const int64_t row = i / width, matrix = row / rows, column = i % width;
        double sum = 0;
        for (int64_t j = 0; j < inner; ++j)
          if (keep.data<bool>()[row * inner + j])
            sum += a.data<double>()[row * inner + j] *
                   right.data<double>()[(matrix * inner + j) * width + column];
        const double found = y.data<double>()[i];
        INFO(value << " at " << i);
        CHECK((std::abs(found - sum) < 1e-14 || found == sum ||
               (std::isnan(found) && std::isnan(sum))));
      }
    }
  }
}
