// Operations of users' own: what a wrong backward formula returns is refused in their name.
#include <attune/autograd.h>
#include <attune/nn.h>

#include "../catch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

Tensor leaf(const Shape& shape) { return ones(shape).requires_grad_(); }

// An operation of two inputs of which the second has this formula.
template <class F>
Tensor operation(const Tensor& a, const Tensor& b, F formula) {
  return record("mine", ones({3}).array(), wrt(a, [](const Tensor& g) { return g; }),
                wrt(b, std::move(formula)));
}

// The error of differentiating y; no leaf has received anything then.
template <class E>
std::string error_of(const Tensor& y, const Tensor& a, const Tensor& b) {
  std::string text;
  try {
    y.sum().backward();
  } catch (const E& e) {
    text = e.what();
  }
  CHECK_FALSE(a.grad().defined());
  CHECK_FALSE(b.grad().defined());
  return text;
}

struct Root : nn::Module {
  Tensor operator()(const Tensor& a, const Tensor& b) const {
    auto scope = enter();
    return operation(a, b, [](const Tensor&) { return ones({2}); });
  }
};

struct Net : nn::Module {
  Root root = child("root", Root());
};

}  // namespace

TEST_CASE("a formula that returns a wrong shape is named, with its input and both shapes") {
  const Tensor a = leaf({3}), b = leaf({3});
  for (const Shape& wrong : {Shape{2}, Shape{3, 1}, Shape{}, Shape{3, 4}, Shape{0}}) {
    const Tensor y = operation(a, b, [wrong](const Tensor&) { return ones(wrong); });
    CHECK_THAT(error_of<ShapeError>(y, a, b),
               StartsWith("mine: the backward formula of input 1 returned a gradient " +
                          to_string(wrong) + " for an input [3]; return one of"));
  }
  CHECK_THAT(error_of<ShapeError>(Net().root(a, b), a, b), StartsWith("mine (root): "));
}

TEST_CASE("a formula may return what its input broadcasts to, another floating dtype, or nothing") {
  for (const Shape& fitting : {Shape{3}, Shape{2, 3}, Shape{4, 1, 3}}) {
    const Tensor a = leaf({3}), b = leaf({3});
    operation(a, b, [fitting](const Tensor&) { return ones(fitting, float64); }).sum().backward();
    CHECK(b.grad().shape() == Shape{3});
    CHECK(b.grad().dtype() == float32);
    CHECK(b.grad().sum().item<int64_t>() == fitting.numel());
  }
  const Tensor a = leaf({3}), b = leaf({1, 1});
  operation(a, b, [](const Tensor& g) { return g.reshape({1, 3}); }).sum().backward();
  CHECK(b.grad().item<double>() == 3);

  const Tensor c = leaf({3}), d = leaf({3});
  operation(c, d, [](const Tensor&) { return Tensor(); }).sum().backward();
  CHECK(c.grad().defined());
  CHECK_FALSE(d.grad().defined());
}

TEST_CASE("a formula that returns a gradient of no floating dtype is named") {
  const Tensor a = leaf({3}), b = leaf({3});
  for (DType dtype : {int64, boolean}) {
    const Tensor y = operation(a, b, [dtype](const Tensor&) { return ones({3}, dtype); });
    CHECK_THAT(error_of<DTypeError>(y, a, b),
               StartsWith("mine: the backward formula of input 1 returned a gradient ") &&
                   ContainsSubstring(std::string(name_of(dtype)) + " [3]") &&
                   ContainsSubstring("float32 [3]"));
  }
}

TEST_CASE("a joint formula that returns too few gradients or too many is named") {
  const Tensor a = leaf({3}), b = leaf({3});
  for (size_t count : {0U, 1U, 3U}) {
    const Tensor y =
        record("mine", ones({3}).array(), jointly({a, b}, [count](const Tensor& g, const Needs&) {
                 return std::vector<Tensor>(count, g);
               }));
    CHECK_THAT(error_of<GradError>(y, a, b),
               StartsWith("mine: the backward formula returned " + std::to_string(count) +
                          " gradients for 2 inputs"));
  }
}
