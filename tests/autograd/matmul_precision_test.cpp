#include <attune/autograd.h>

#include <cmath>
#include <functional>
#include <thread>
#include <vector>

#include "../../kernels/bf16_panels.h"
#include "../catch.h"

using namespace attune;

namespace {

using Values = std::vector<float>;
using Function = std::function<Tensor(const Tensor&, const Tensor&)>;

// Puts back what the process computes with.
struct ProcessPrecision {
  ~ProcessPrecision() { set_float32_matmul_precision(MatmulPrecision::highest); }
};

struct Gradients {
  Values x, weight;
  friend bool operator==(const Gradients&, const Gradients&) = default;
};

// Of sum(f(x, weight) c), with either pass at the precision given.
Gradients gradients(const Function& f, MatmulPrecision forward, MatmulPrecision backward) {
  manual_seed(4);
  Tensor x = randn({90, 70}), weight = randn({80, 70});
  x.requires_grad_();
  weight.requires_grad_();
  Tensor loss;
  {
    const MatmulPrecisionScope scope(forward);
    const Tensor y = f(x, weight);
    loss = sum(y * randn(y.shape()));
  }
  const MatmulPrecisionScope scope(backward);
  loss.backward();
  return {x.grad().to_vector<float>(), weight.grad().to_vector<float>()};
}

// |a - b| / |b|. Of a product of random operands rounded to 8 bits, about 2^-9.
double distance(const Values& a, const Values& b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    difference += (x - y) * (x - y);
    norm += y * y;
  }
  return std::sqrt(difference / norm);
}

constexpr auto highest = MatmulPrecision::highest, medium = MatmulPrecision::medium;

}  // namespace

TEST_CASE("precision is the innermost scope's on this thread, else the process's") {
  const ProcessPrecision after;
  CHECK(float32_matmul_precision() == highest);
  {
    const MatmulPrecisionScope outer(medium);
    CHECK(float32_matmul_precision() == medium);
    {
      const MatmulPrecisionScope inner(highest);
      CHECK(float32_matmul_precision() == highest);
    }
    CHECK(float32_matmul_precision() == medium);
    auto elsewhere = medium;
    std::thread([&] { elsewhere = float32_matmul_precision(); }).join();
    CHECK(elsewhere == highest);
  }
  set_float32_matmul_precision(medium);
  CHECK(float32_matmul_precision() == medium);
  auto elsewhere = highest;
  std::thread([&] { elsewhere = float32_matmul_precision(); }).join();
  CHECK(elsewhere == medium);
  const MatmulPrecisionScope scope(highest);
  CHECK(float32_matmul_precision() == highest);
}

TEST_CASE("backward has the precision of forward, wherever it is called") {
  const Function functions[] = {
      [](const Tensor& x, const Tensor& w) { return linear(x, w); },
      [](const Tensor& x, const Tensor& w) { return matmul(x, transpose(w, 0, 1)); },
      // The second use is accumulated into the first's gradient.
      [](const Tensor& x, const Tensor& w) { return linear(x, w) + linear(x * 2, w); },
  };
  for (const Function& f : functions) {
    const Gradients exact = gradients(f, highest, highest), rounded = gradients(f, medium, medium);
    CHECK_FALSE((exact == rounded));
    CHECK((gradients(f, highest, medium) == exact));
    CHECK((gradients(f, medium, highest) == rounded));
    CHECK(distance(rounded.x, exact.x) < 1.0 / 256);
    CHECK(distance(rounded.weight, exact.weight) < 1.0 / 256);
  }
}

TEST_CASE("second derivatives have the precision of forward too") {
  const auto curvature = [](MatmulPrecision forward, MatmulPrecision backward) {
    manual_seed(5);
    Tensor x = randn({90, 70}), weight = randn({80, 70});
    x.requires_grad_();
    Tensor loss;
    {
      const MatmulPrecisionScope scope(forward);
      loss = sum(square(linear(x, weight)));
    }
    const MatmulPrecisionScope scope(backward);
    const Tensor slope = grad({loss}, {x}, {}, {.create_graph = true})[0];
    return grad({sum(square(slope))}, {x})[0].to_vector<float>();
  };
  const Values exact = curvature(highest, highest), rounded = curvature(medium, medium);
  CHECK_FALSE((exact == rounded));
  CHECK((curvature(highest, medium) == exact));
  CHECK((curvature(medium, highest) == rounded));
}

TEST_CASE("only where nothing is recorded, a weight is kept in bfloat16 until it is written") {
  if (!kernels::has_bf16_panels()) return;
  manual_seed(6);
  const MatmulPrecisionScope scope(medium);
  const Tensor x = randn({1, 700}), weight = randn({800, 700});
  const auto kept = [&] { return weight.array().storage().kept() != nullptr; };
  const Values recorded = linear(x, weight).to_vector<float>();
  CHECK_FALSE(kept());
  const NoGrad no_grad;
  const Values rounded = linear(x, weight).to_vector<float>();
  CHECK(kept());
  // One row is rounded with a weight that is kept, and only then.
  CHECK(rounded != recorded);
  CHECK(distance(rounded, recorded) < 1.0 / 256);
  CHECK(linear(x, weight).to_vector<float>() == rounded);
  weight.mul_(2);
  CHECK_FALSE(kept());
  CHECK(distance(linear(x, weight).to_vector<float>(), recorded) > 0.9);
}
