#include <array>
#include <cmath>

#include "../../kernels/attention_tiles.h"
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
    const Array keep = random_bernoulli(kernels::full({batch, rows, inner}, float64, 0.6));
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

TEST_CASE("the scores that attention works through are those of the tiles it visits") {
  const int64_t none = kernels::AttentionMask::unlimited;
  const std::pair<int64_t, int64_t> bands[] = {{-none, none}, {-none, 0}, {-200, 0},    {-40, 40},
                                               {0, none},     {30, 300},  {-none, -150}};
  for (const auto& [lowest, highest] : bands)
    for (const int64_t queries : {1, 31, 64, 100, 330})
      for (const int64_t keys : {1, 96, 128, 500}) {
        kernels::AttentionMask mask;
        mask.lowest = lowest;
        mask.highest = highest;
        mask.first = {0, 70};
        mask.lengths = {keys, keys / 2};
        const kernels::Masking<float> masking(mask, {2, queries, keys});
        int64_t scores = 0;
        for (int64_t batch = 0; batch < 2; ++batch)
          for (int64_t row = 0; row < queries; row += kernels::query_tile)
            for (int64_t column = 0; column < keys; column += kernels::key_tile)
              masking.each_part({batch, row, std::min(kernels::query_tile, queries - row), column,
                                 kernels::key_tile},
                                [&](const auto& part) { scores += part.rows * part.columns; });
        INFO(lowest << " to " << highest << ", " << queries << " queries, " << keys << " keys");
        CHECK(kernels::scores_in_tiles(masking, 2, queries) == static_cast<double>(scores));
      }
}

TEST_CASE("the scores of two billion keys are counted at once") {
  const int64_t context = int64_t{1} << 31;
  kernels::AttentionMask causal;
  causal.highest = 0;
  const double scores =
      kernels::scores_in_tiles(kernels::Masking<float>(causal, {1, context, context}), 1, context);
  CHECK(scores == Approx(0.5 * std::pow(2.0, 62)).epsilon(1e-6));
}
