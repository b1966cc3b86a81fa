// Attention at medium precision.
#include <attune/autograd.h>

#include <cmath>
#include <limits>

#include "../../kernels/bf16_panels.h"
#include "../../kernels/parallel.h"
#include "../catch.h"

using namespace attune;

namespace {

constexpr auto medium = MatmulPrecision::medium;
using Values = std::vector<float>;

struct Inputs {
  Tensor q, k, v;

  Inputs(int64_t queries, int64_t keys, int64_t depth = 33, int64_t width = 40) {
    manual_seed(8);
    q = randn({2, 3, queries, depth});
    k = randn({2, 3, keys, depth});
    v = randn({2, 3, keys, width});
  }
  Tensor attend(const Mask& mask = {}) const { return scaled_dot_product_attention(q, k, v, mask); }
};

Values rounded(const Inputs& in, const Mask& mask = {}) {
  const MatmulPrecisionScope scope(medium);
  const NoGrad no_grad;
  return in.attend(mask).to_vector<float>();
}

double largest_difference(const Values& a, const Values& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

Tensor as_bf16(const Tensor& x) { return x.to(bfloat16).to(float32); }

}  // namespace

TEST_CASE("medium attention is that of rounded queries, keys, values and weights") {
  for (const auto& [queries, keys] : {std::pair{17, 17}, {64, 128}, {70, 300}, {200, 131}})
    for (const Mask& mask : {Mask(), Mask::causal(), Mask::padding({keys / 2, keys})}) {
      const Inputs in(queries, keys);
      INFO(queries << " queries, " << keys << " keys");
      const Values y = rounded(in, mask), exact = in.attend(mask).to_vector<float>();
      CHECK((y != exact) == kernels::has_bf16_panels());
      CHECK(largest_difference(y, exact) < 0.03);
      // Once the operands are bfloat16 already, only the rounding of the weights is left: weights
      // add up to 1, so it moves the mean of values of up to 5 by less than 5 · 2^-9.
      Inputs same = in;
      for (Tensor* x : {&same.q, &same.k, &same.v}) *x = as_bf16(*x);
      CHECK(largest_difference(y, same.attend(mask).to_vector<float>()) < 5 * 0x1p-9);
    }
}

TEST_CASE("attention is exact where it is recorded, decodes, or would not gain") {
  const MatmulPrecisionScope scope(medium);
  const auto at_highest = [](const Inputs& in) {
    const MatmulPrecisionScope highest(MatmulPrecision::highest);
    return in.attend().to_vector<float>();
  };
  const Inputs in(70, 150);
  CHECK(in.attend().to_vector<float>() == at_highest(in));
  const NoGrad no_grad;
  for (const Inputs& small :
       {Inputs(16, 150), Inputs(70, 16), Inputs(70, 150, 16), Inputs(70, 150, 33, 16)})
    CHECK(small.attend().to_vector<float>() == at_highest(small));
}

TEST_CASE("medium attention does not depend on threads") {
  const Inputs in(200, 300);
  const int before = num_threads();
  set_num_threads(1);
  const Values alone = rounded(in, Mask::causal());
  for (const int threads : {2, 3, 4}) {
    set_num_threads(threads);
    CHECK(rounded(in, Mask::causal()) == alone);
  }
  set_num_threads(before);
}

TEST_CASE("at medium precision too, what is masked goes nowhere") {
  const int64_t keys = 150;
  // The last two are finite, but bfloat16 has no number as large.
  for (const float bad : {NAN, INFINITY, std::numeric_limits<float>::max(), -3.3961e38f}) {
    const Inputs clean(70, keys);
    Inputs in = clean;
    for (Tensor* x : {&in.k, &in.v}) {
      *x = x->clone();
      select(*x, 2, keys - 1).fill_(bad);
    }
    INFO(bad);
    for (const Mask& mask :
         {Mask::padding({keys - 1, keys - 1}), Mask::keep(lt(arange(keys), keys - 1))}) {
      const Values y = rounded(in, mask);
      CHECK(largest_difference(y, rounded(clean, mask)) < 0.01);
    }
  }
  const Inputs in(70, keys);
  for (const float y : rounded(in, Mask::padding({0, 0}))) CHECK(y == 0);
}
