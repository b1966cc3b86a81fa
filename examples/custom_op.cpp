// An operation of your own: record() puts a value on the tape, wrt() says how its gradient goes
// back.

#include <attune/attune.h>

using namespace attune;

// The swish function x · sigmoid(βx) with a trainable β. Ramachandran et al. 2017. The formulas use
// differentiable operations, so that second derivatives work too.
Tensor swish(const Tensor& x, const Tensor& beta) {
  const Tensor value = x.detach() * sigmoid(beta.detach() * x.detach());
  return record("swish", value.array(),
                wrt(x,
                    [x, beta](const Tensor& g) {
                      const Tensor s = sigmoid(beta * x);
                      return g * (s + beta * x * s * (1.0 - s));
                    }),
                wrt(beta, [x, beta](const Tensor& g) {
                  const Tensor s = sigmoid(beta * x);
                  // x broadcasts β; the engine sums the gradient back to β's shape.
                  return g * x * x * s * (1.0 - s);
                }));
}

int main() {
  const Tensor x = tensor({-1.0, 0.0, 2.0}).requires_grad_();
  const Tensor beta = tensor({1.5}).requires_grad_();
  const Tensor y = swish(x, beta);
  y.sum().backward();
  fmt::print("swish(x) = {}\n", to_string(y));
  fmt::print("d/dx     = {}\n", to_string(x.grad()));
  fmt::print("d/dbeta  = {}\n", to_string(beta.grad()));
  return std::fflush(stdout) == 0 ? 0 : 1;
}
