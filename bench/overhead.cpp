// What an operation costs beside its arithmetic.

#include <attune/attune.h>

#include "serve.h"

using namespace attune;

namespace {

// 1,000 chained additions of 8 floats, forward and backward: milliseconds a step are microseconds
// an operation.
bench::Work chained_adds() {
  const Tensor start = randn({8}).requires_grad_(), step = randn({8}), cotangent = ones({8});
  return {[=] {
    Tensor x = start;
    for (int i = 0; i < 1000; ++i) x = x + step;
    x.backward(cotangent);
    start.set_grad({});
  }};
}

struct Mlp : nn::Module {
  nn::Linear first = child("0", nn::Linear(2, 16));
  nn::Linear second = child("1", nn::Linear(16, 16));
  nn::Linear last = child("2", nn::Linear(16, 1));
  Tensor operator()(const Tensor& x) const { return last(tanh(second(tanh(first(x))))); }
};

bench::Work mlp_adam_step() {
  const Mlp net;
  const auto adam = std::make_shared<optim::Adam>(net.parameters());
  const Tensor x = randn({32, 2}), y = randn({32, 1});
  return {[=] {
    const Tensor loss = mse_loss(net(x), y);
    adam->zero_grad();
    loss.backward();
    adam->step();
  }};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv, {{"chained_adds", chained_adds}, {"mlp_adam_step", mlp_adam_step}},
                     set_num_threads);
}
