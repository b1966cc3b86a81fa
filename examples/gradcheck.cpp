// Is the gradient of your own layer right? gradcheck compares it with differences of the function
// itself; here it passes a right layer and catches a wrong one.

#include <attune/attune.h>

using namespace attune;

// The backward formula of an operation, as its author believes it to be.
using Formula = std::function<Tensor(const Tensor& g, const Tensor& x)>;

// x² · sign(x): grows like a square on both sides of 0.
Tensor signed_square(const Tensor& x, const Formula& formula) {
  const Tensor value = x.detach() * abs(x.detach());
  return record("signed_square", value.array(),
                wrt(x, [=](const Tensor& g) { return formula(g, x); }));
}

// A layer with that operation inside, of parameters "scale" and "shift".
struct Bend : nn::Module {
  explicit Bend(Formula f) : formula(std::move(f)) {}

  Tensor operator()(const Tensor& x) const {
    auto scope = enter();
    return signed_square(x * scale + shift, formula);
  }

  Tensor scale = param("scale", tensor({1.5, -0.5, 2.0}));
  Tensor shift = param("shift", tensor({0.1, 0.2, -0.3}));
  Formula formula;
};

// Checks the layer's gradients with respect to its input and its parameters, and second
// derivatives. Everything is float64: differences of float32 numbers say too little.
GradcheckResult check(const Bend& bend) {
  const Tensor x = tensor({{0.7, -1.2, 0.4}, {-0.9, 0.3, 1.1}}).requires_grad_();
  const auto layer = [&](const std::vector<Tensor>& inputs) { return bend(inputs[0]); };
  const GradcheckOptions no_throw{.raise_exception = false};
  for (const GradcheckResult& result :
       {gradcheck(layer, {x}, no_throw),
        gradcheck_parameters([&] { return bend(x); }, bend.named_parameters(), no_throw),
        gradgradcheck(layer, {x}, no_throw)}) {
    if (!result) return result;
  }
  return {};
}

int main() {
  const Bend right([](const Tensor& g, const Tensor& x) { return g * 2.0 * abs(x); });
  const Bend wrong([](const Tensor& g, const Tensor& x) { return g * 2.0 * x; });  // lost its abs

  const GradcheckResult passed = check(right), caught = check(wrong);
  fmt::print("the right layer: {}\n", passed ? "every gradient agrees" : passed.report);
  fmt::print("the wrong layer: {}\n", caught ? "not caught!" : caught.report);
  return passed && !caught && std::fflush(stdout) == 0 ? 0 : 1;
}
