// Operations that memory bounds, each forward and backward.

#include <attune/attune.h>

#include "serve.h"

using namespace attune;

namespace {

double bytes_of(int64_t values) { return static_cast<double>(values) * sizeof(float); }

Tensor leaf(const Shape& shape) { return randn(shape).requires_grad_(); }

// f(x) and its gradients, from a given gradient of the result. Forward reads x and writes y,
// backward reads two arrays (g and x or y) and writes one.
template <class F>
bench::Work rowwise(const Shape& shape, const F& f, std::vector<Tensor> weights = {}) {
  const Tensor x = leaf(shape), cotangent = randn(shape);
  std::vector<Tensor> inputs = std::move(weights);
  inputs.push_back(x);
  return {[=] { grad({f(x)}, inputs, {cotangent}); }, 0, 5 * bytes_of(shape.numel())};
}

bench::Work layer_norm_line() {
  const Tensor weight = leaf({768}), bias = leaf({768});
  return rowwise({8192, 768}, [=](const Tensor& x) { return layer_norm(x, {768}, weight, bias); },
                 {weight, bias});
}

bench::Work softmax_line() {
  return rowwise({8192, 1024}, [](const Tensor& x) { return softmax(x, -1); });
}

bench::Work gelu_line() {
  return rowwise({4096, 3072}, [](const Tensor& x) { return gelu(x, "tanh"); });
}

// Forward reads the logits, backward reads them again and writes their gradient.
bench::Work cross_entropy_line() {
  const int64_t rows = 512, classes = 50257;
  const Tensor logits = leaf({rows, classes}), targets = randint(classes, {rows});
  return {[=] { grad({cross_entropy(logits, targets)}, {logits}); }, 0,
          3 * bytes_of(rows * classes)};
}

// A dense gradient of the whole table is written; the gradients of 4096 rows are read.
bench::Work embedding_backward() {
  const int64_t rows = 4096, vocabulary = 50257, width = 768;
  const Tensor weight = leaf({vocabulary, width}), cotangent = randn({rows, width});
  const Tensor y = embedding(randint(vocabulary, {rows}), weight);
  return {[=] { grad({y}, {weight}, {cotangent}, {.retain_graph = true}); }, 0,
          bytes_of((rows + vocabulary) * width)};
}

// The 124 million weights of GPT-2, in the sizes of one large table and many layers.
bench::Work adamw() {
  std::vector<Tensor> parameters{leaf({50257, 768})};
  for (int layer = 0; layer < 12; ++layer)
    for (const Shape& shape : {Shape{2304, 768}, {768, 768}, {3072, 768}, {768, 3072}})
      parameters.push_back(leaf(shape));
  double values = 0;
  for (const Tensor& parameter : parameters) {
    parameter.set_grad(randn(parameter.shape()));
    values += static_cast<double>(parameter.numel());
  }
  const auto optimizer = std::make_shared<optim::AdamW>(parameters);
  return {[=] { optimizer->step(); }, 0, 7 * sizeof(float) * values};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv,
                     {{"layer_norm", layer_norm_line},
                      {"softmax", softmax_line},
                      {"gelu", gelu_line},
                      {"cross_entropy", cross_entropy_line},
                      {"embedding_backward", embedding_backward},
                      {"adamw", adamw}},
                     set_num_threads);
}
