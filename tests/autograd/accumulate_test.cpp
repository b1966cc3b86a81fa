// Formulas that add to a sum in place must give what separate gradients would add up to.

#include <attune/autograd.h>

#include <functional>
#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

struct Case {
  const char* name;
  Shape shape;
  // Two uses of one tensor, the later of which receives its gradient first.
  std::function<Tensor(const Tensor&)> early, late;
};

Tensor rows(const Tensor& table) { return embedding(tensor({3, 0, 3, -1}), table); }
Tensor padded_rows(const Tensor& table) { return embedding(tensor({{3, 1}, {1, 0}}), table, 1); }
Tensor every_other_column(const Tensor& x) { return slice(x, 1, 5, {}, -2); }
Tensor first_rows(const Tensor& x) { return narrow(x, 0, 0, 3); }
Tensor columns(const Tensor& x) { return index_select(x, 1, tensor({1, 1, 4})); }
Tensor layer(const Tensor& weight) {
  return linear(reshape(arange(0, 60, 1, float64), {2, 5, 6}) * 0.1, weight);
}
Tensor transposed_layer(const Tensor& weight) {
  return linear(transpose(reshape(arange(0, 12, 1, float64), {6, 2}), 0, 1), weight);
}
Tensor everything(const Tensor& x) { return exp(x); }

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"embedding after a product", {4, 6}, rows, layer},
      {"embedding with padding", {4, 6}, padded_rows, rows},
      {"a view after a dense gradient", {4, 6}, every_other_column, everything},
      {"two views that overlap", {4, 6}, first_rows, every_other_column},
      {"an index after a view", {4, 6}, columns, first_rows},
      {"one weight in two layers", {4, 6}, layer, transposed_layer},
      {"a select", {4, 6}, [](const Tensor& x) { return select(x, 0, -1); }, layer},
  };
  return all;
}

// A cotangent without symmetry.
Tensor weighted(const Tensor& y) {
  return sum(y * sin(to(reshape(arange(y.numel()), y.shape()), float64) + 1));
}

Array gradient(const Tensor& loss, const Tensor& x) { return grad({loss}, {x})[0].array(); }

void check_close(const Array& ours, const Array& expected) {
  const auto a = Tensor(ours).to_vector<double>(), b = Tensor(expected).to_vector<double>();
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    INFO("element " << i);
    CHECK(std::abs(a[i] - b[i]) <= 1e-13 * (1 + std::abs(b[i])));
  }
}

}  // namespace

TEST_CASE("a gradient added in place is the sum of both") {
  for (const Case& c : cases()) {
    INFO(c.name);
    manual_seed(7);
    const Tensor x = randn(c.shape, float64).requires_grad_();
    const Tensor apart =
        Tensor(gradient(weighted(c.early(x)), x)) + Tensor(gradient(weighted(c.late(x)), x));
    const Tensor first = weighted(c.early(x));
    const Tensor both = first + weighted(c.late(x));
    check_close(gradient(both, x), apart.array());
  }
}

TEST_CASE("a sum that another tensor shares is not added to") {
  const Tensor a = tensor({1.0, 2.0, 3.0}).requires_grad_();
  const Tensor b = tensor({4.0, 5.0, 6.0}).requires_grad_();
  const Tensor weights = tensor({7.0, 8.0, 9.0});
  const Tensor part = sum(narrow(a, 0, 1, 1));
  // Its gradient arrives first, one array for a and b.
  const Tensor total = sum((a + b) * weights) + part;
  total.backward();
  CHECK(a.grad().to_vector<double>() == std::vector<double>{7, 9, 9});
  CHECK(b.grad().to_vector<double>() == std::vector<double>{7, 8, 9});
}

TEST_CASE("a gradient that was kept is not added to") {
  const Tensor x = tensor({1.0, 2.0}).requires_grad_();
  const Tensor y = x * 2.0;
  const Tensor part = sum(select(y, 0, 0));
  const Tensor same = y + 0.0;  // passes its gradient on as it is
  Tensor seen;
  same.register_hook([&](const Tensor& g) {
    seen = g;
    return Tensor();
  });
  (sum(same * tensor({5.0, 6.0})) + part).backward();
  CHECK(seen.to_vector<double>() == std::vector<double>{5, 6});
  CHECK(x.grad().to_vector<double>() == std::vector<double>{12, 12});
}
