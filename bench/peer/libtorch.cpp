// The small lines in libtorch's C++, where Python itself would be most of the time. Built by
// scripts/bench against the headers and libraries of the torch package it is given.

#include <torch/torch.h>

#include "../serve.h"

namespace {

bench::Work chained_adds() {
  const torch::Tensor start = torch::randn({8}, torch::requires_grad());
  const torch::Tensor step = torch::randn({8}), cotangent = torch::ones({8});
  return {[=] {
    torch::Tensor x = start;
    for (int i = 0; i < 1000; ++i) x = x + step;
    x.backward(cotangent);
    start.mutable_grad().reset();
  }};
}

bench::Work mlp_adam_step() {
  torch::nn::Sequential net(torch::nn::Linear(2, 16), torch::nn::Tanh(), torch::nn::Linear(16, 16),
                            torch::nn::Tanh(), torch::nn::Linear(16, 1));
  const auto adam = std::make_shared<torch::optim::Adam>(net->parameters());
  const torch::Tensor x = torch::randn({32, 2}), y = torch::randn({32, 1});
  return {[=]() mutable {
    const torch::Tensor loss = torch::mse_loss(net->forward(x), y);
    adam->zero_grad();
    loss.backward();
    adam->step();
  }};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv, {{"chained_adds", chained_adds}, {"mlp_adam_step", mlp_adam_step}},
                     [](int threads) { at::set_num_threads(threads); });
}
