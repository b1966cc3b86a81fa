// The smallest training loop: a network of two layers learns the exclusive or of two bits.

#include <attune/attune.h>

using namespace attune;

struct Net : nn::Module {
  nn::Linear hidden = child("hidden", nn::Linear(2, 16));
  nn::Linear out = child("out", nn::Linear(16, 1));
  Tensor operator()(const Tensor& x) const { return out(tanh(hidden(x))); }
};

int main() {
  manual_seed(0);
  Net net;
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  Tensor x = tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}});
  Tensor y = tensor({{0.f}, {1.f}, {1.f}, {0.f}});
  for (int step = 0; step < 300; ++step) {
    Tensor loss = mse_loss(net(x), y);
    adam.zero_grad();
    loss.backward();
    adam.step();
    if (step % 100 == 0) fmt::print("{:4} {:.4f}\n", step, loss.item<float>());
  }
  NoGrad no_grad;
  fmt::print("the network's answers:\n{}\n", to_string(net(x)));
  return std::fflush(stdout) == 0 ? 0 : 1;
}
