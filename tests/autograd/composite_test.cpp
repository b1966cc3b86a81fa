// What lies behind the inputs of an operation whose gradient is that of its twin is none of its
// business: see composite_gradients in autograd/record.h.

#include <attune/autograd.h>

#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

// A leaf times 1, whose node counts how often somebody asks it for its input.
class Watched final : public Node {
 public:
  Watched(const Tensor& leaf, int& asked)
      : Node("watched", leaf.array()), leaf_(leaf), asked_(asked) {}
  size_t input_count() const override { return 1; }
  Node* input(size_t) const override {
    ++asked_;
    return leaf_.node();
  }
  std::vector<Tensor> backward(const Tensor& g, PartialSums&) override { return {g}; }
  void free_buffers() override {}

 private:
  Tensor leaf_;
  int& asked_;
};

// How often the start of a chain of products with a zero factor is asked for its input.
int asked_for(int products) {
  int asked = 0;
  const Tensor x = tensor({{0.0, 1.0}}).requires_grad_();
  Tensor y(x.array(), Intrusive<Node>(new Watched(x, asked)));
  for (int i = 0; i < products; ++i) y = prod(y, {1}, true) + tensor({{0.0, 1.0}});
  y.sum().backward();
  return asked;
}

}  // namespace

TEST_CASE("the gradient of a product with a zero does not need the tape behind its factors") {
  const Tensor x = tensor({0.0, 2.0, 3.0}).requires_grad_();
  const Tensor h = x * 2.0;
  h.sum().backward();
  CHECK(grad({h.prod()}, {h})[0].to_vector<double>() == std::vector<double>{24, 0, 0});
}

TEST_CASE("recorded gradients of a fused operation do not need the tape behind its inputs") {
  const Tensor x = tensor({{1.0, 2.0, 4.0}}).requires_grad_();
  const Tensor h = x * 2.0, weight = tensor({1.0, 2.0, 3.0});
  const auto first_and_second = [&](const Tensor& at) {
    const Tensor y = layer_norm(at, {3}, weight, Tensor());
    const Tensor first = grad({(y * y).sum()}, {at}, {}, {.create_graph = true})[0];
    return std::pair(first.to_vector<double>(),
                     grad({(first * first).sum()}, {at})[0].to_vector<double>());
  };
  h.sum().backward();
  CHECK(first_and_second(h) == first_and_second(h.detach().requires_grad_()));
}

TEST_CASE("a twin leaves the tape of what it captured alone, and may ignore its inputs") {
  const Tensor x = tensor({2.0}).requires_grad_();
  const Tensor h = x * 1.0, captured = x * 3.0;
  int seen = 0;
  captured.register_hook([&](const Tensor&) {
    ++seen;
    return Tensor();
  });
  using Twin = std::function<Tensor(std::span<const Tensor>)>;
  const Twin scaled = [&](auto in) { return in[0] * captured; };
  const Twin constant = [](auto) { return tensor({7.0}); };
  for (const auto& [twin, slope] : {std::pair(scaled, 6.0), {constant, -1.0}}) {
    const Tensor one = tensor({1.0});
    const Tensor gradient = composite_gradients(twin, {h}, one)[0];
    CHECK((gradient.defined() ? gradient.item<double>() : -1) == slope);
  }
  CHECK(seen == 0);
  CHECK(grad({captured}, {x})[0].item<double>() == 3);
}

TEST_CASE("a chain of twins is walked once, not once for each of them") {
  CHECK(asked_for(100) == asked_for(1));
}
