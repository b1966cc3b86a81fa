#pragma once

#include <attune/autograd.h>
#include <attune/io.h>
#include <attune/nn.h>

#include <cmath>
#include <map>

#include "../catch.h"

// Tensors of one case by name.
using Inputs = std::map<std::string, attune::Tensor>;

inline void check_close(const std::string& what, const attune::Tensor& got,
                        const attune::Array& expected) {
  INFO(what);
  REQUIRE(got.defined());
  REQUIRE(got.shape() == expected.shape());
  const auto a = got.to_vector<double>(), b = attune::Tensor(expected).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(a[i] - b[i]) / (1 + std::abs(b[i]));
    worst = std::isfinite(error) ? std::max(worst, error) : INFINITY;
  }
  CHECK(worst < 1e-11);
}

// What PyTorch says of modules: a file that scripts/golden_module.py wrote.
class Golden {
 public:
  explicit Golden(const std::string& name)
      : all_(attune::io::load_safetensors(ATTUNE_TEST_DATA "/" + name).arrays) {}

  // The tensors of one case whose names start with `kind`: "param", "in", "out" or "grad".
  attune::StateDict of(const std::string& which, const std::string& kind) const {
    const std::string prefix = which + "/" + kind + "/";
    attune::StateDict found;
    for (const auto& [name, array] : all_)
      if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), array);
    REQUIRE_FALSE(found.empty());
    return found;
  }

  // Loads PyTorch's parameters into the module, runs it, and compares result and all gradients.
  template <class M, class F>
  void check(const std::string& which, const M& module, F&& call) const {
    INFO(which);
    module.to(attune::float64);
    module.load_state_dict(of(which, "param"));
    Inputs inputs;
    for (const auto& [name, array] : of(which, "in")) inputs.emplace(name, attune::Tensor(array));
    for (const auto& [name, x] : inputs)
      if (name != "cotangent" && x.dtype() == attune::float64) x.requires_grad_();
    const attune::Tensor y = call(module, inputs);
    check_close("y", y, of(which, "out").at("y"));
    y.backward(inputs.at("cotangent"));
    Inputs known = inputs;
    for (const auto& [name, tensor] : module.named_parameters()) known.emplace(name, tensor);
    for (const auto& [name, gradient] : of(which, "grad"))
      check_close("gradient of " + name, known.at(name).grad(), gradient);
  }

 private:
  attune::StateDict all_;
};
