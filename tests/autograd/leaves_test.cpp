// Leaves that change between the forward and the backward pass: what a tape recorded decides which
// of them its backward reaches, and whether they collect then decides what becomes of it, as in
// PyTorch.
#include "../catch.h"

#include <attune/autograd.h>

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

using Values = std::vector<double>;

Tensor leaf() { return tensor({2.0, 3.0}).requires_grad_(); }

// The gradient that is there; empty if none is.
Values collected(const Tensor& x) {
  return x.grad().defined() ? x.grad().to_vector<double>() : Values();
}

}  // namespace

TEST_CASE("a leaf that is frozen after the forward pass collects nothing, others do") {
  const Tensor w = leaf(), x = leaf();
  const Tensor y = (w * x).sum();
  w.requires_grad_(false);
  y.backward();
  CHECK(collected(w).empty());
  CHECK(collected(x) == Values{2, 3});
  w.requires_grad_();
  CHECK(collected(w).empty());
}

TEST_CASE("a leaf that is frozen and unfrozen again collects what an older tape brings it") {
  const Tensor w = leaf();
  int seen = 0;
  w.register_hook([&](const Tensor&) {
    ++seen;
    return Tensor();
  });
  const Tensor y = (w * w).sum();
  w.requires_grad_(false);
  const Tensor unrecorded = w * 2;
  w.requires_grad_();
  y.backward();
  CHECK(collected(w) == Values{4, 6});
  CHECK(seen == 1);
  CHECK_FALSE(unrecorded.requires_grad());
}

TEST_CASE("a leaf that is unfrozen after the forward pass is not on its tape") {
  const Tensor w = leaf().requires_grad_(false), x = leaf();
  const Tensor y = (w * x).sum();
  w.requires_grad_();
  y.backward();
  CHECK(collected(w).empty());
  CHECK(collected(x) == Values{2, 3});
}

TEST_CASE("a leaf that was frozen between two passes has the gradients of both") {
  const Tensor w = leaf();
  (w * w).sum().backward();
  w.requires_grad_(false);
  CHECK(collected(w).empty());
  w.requires_grad_();
  (w * w).sum().backward();
  CHECK(collected(w) == Values{8, 12});
  w.requires_grad_(false);
  w.set_grad({});
  w.requires_grad_();
  CHECK(collected(w).empty());
}

TEST_CASE("a frozen leaf shows no gradient and no node, and takes none") {
  const Tensor w = leaf();
  w.set_grad(ones_like(w));
  w.requires_grad_(false);
  CHECK_FALSE(w.requires_grad());
  CHECK(w.is_leaf());
  CHECK(w.node() == nullptr);
  CHECK(collected(w).empty());
  CHECK_THROWS_AS(w.set_grad(ones_like(w)), GradError);
  CHECK_THROWS_AS(w.retain_grad(), GradError);
  CHECK_THROWS_AS(grad({leaf().sum()}, {w}), GradError);
  w.fill_(1);
  CHECK(w.to_vector<double>() == Values{1, 1});
}

TEST_CASE("a frozen leaf that becomes the result of a write is on the tape") {
  const Tensor w = leaf(), x = leaf();
  w.requires_grad_(false);
  w.add_(x * 2);
  CHECK(w.requires_grad());
  CHECK_FALSE(w.is_leaf());
  w.sum().backward();
  CHECK(collected(x) == Values{2, 2});
}

TEST_CASE("a tape whose frozen leaf was given other data is refused, unfrozen or not") {
  for (const bool unfrozen : {false, true}) {
    const Tensor w = leaf(), x = leaf();
    const Tensor y = (w + x).sum();
    w.requires_grad_(false);
    w.assign_(zeros({2}, float64).array());
    w.requires_grad_(unfrozen);
    CHECK_THROWS_AS(y.backward(), GradError);
    CHECK(collected(x).empty());
  }
}

TEST_CASE(
    "a conversion after the forward pass is named as what keeps it from being differentiated") {
  for (const bool frozen : {false, true}) {
    const Tensor w = rand({3, 3}).requires_grad_(!frozen), x = rand({2, 3}).requires_grad_();
    const Tensor y = x.matmul(w).sum();
    w.convert_(float64);
    try {
      y.backward();
      FAIL("it was differentiated");
    } catch (const GradError& error) {
      CHECK_THAT(error.what(), ContainsSubstring("another dtype"));
    }
    CHECK(collected(x).empty());
  }
}

TEST_CASE("a formula that takes the wrong dtype says so, whatever was converted before") {
  leaf().convert_(float32);
  const Tensor x = leaf();
  const Tensor y = record("mine", x.array(), wrt(x, [](const Tensor& g) {
                            return matmul(g.unsqueeze(0), ones({2, 1}));
                          }));
  CHECK_THROWS_AS(y.sum().backward(), DTypeError);
}

TEST_CASE("an undefined array makes an undefined tensor, and is no data and no result") {
  CHECK_FALSE(Tensor(Array()).defined());
  CHECK_FALSE(Tensor(Array(), nullptr).defined());
  const Tensor x = tensor({1.0}).requires_grad_();
  CHECK_THROWS_AS(tensor(1.0).assign_(Array()), ValueError);
  CHECK_THROWS_WITH(record("mine", Array(), wrt(x, [](const Tensor& g) { return g; })),
                    Catch::Matchers::ContainsSubstring("mine: "));
}
