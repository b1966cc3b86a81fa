#include <attune/autograd.h>
#include <attune/optim.h>

#include <vector>

#include "../catch.h"
#include "../shortage.h"

using namespace attune;

TEST_CASE("without memory for a step, no parameter changes") {
  const std::vector<double> before(4, 1), after(4, 0);
  const Tensor a = ones({2, 2}, float64).requires_grad_();
  const Tensor b = ones({2, 2}, float64).requires_grad_();
  for (const Tensor& x : {a, b}) x.set_grad(ones({2, 2}, float64).transpose(0, 1));
  optim::SGD sgd({a, b}, {.lr = 1});
  test::with_too_little_memory([&] { sgd.step(); },
                               [&] {
                                 CHECK(a.to_vector<double>() == before);
                                 CHECK(b.to_vector<double>() == before);
                               });
  CHECK(a.to_vector<double>() == after);
  CHECK(b.to_vector<double>() == after);
}
