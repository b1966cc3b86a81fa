#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tensor.h"

namespace attune {

struct GradcheckOptions {
  double eps = 1e-6;   // the step of the central differences
  double atol = 1e-5;  // numeric and analytic agree within atol + rtol |numeric|
  double rtol = 1e-3;
  double nondet_atol = 0;       // how far two runs on the same inputs may differ
  bool fast = false;            // random directions, rather than every element of the Jacobian
  int directions = 4;           // how many of them, per input; at least 1
  bool strided = true;          // check again with every input in column-major memory
  bool raise_exception = true;  // throw a GradError with the report, rather than return it
};

// What a gradient check found. Converts to whether it passed.
struct GradcheckResult {
  bool ok = true;
  // On failure: the input or parameter, the worst element, its numeric and its analytic value.
  std::string report;

  explicit operator bool() const { return ok; }
};

// A function of tensors to differentiate; its floating results are checked.
using TensorFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// Compares the gradients of fn with central differences, for every input that requires a gradient,
// under random cotangents; and runs fn and its backward twice to see that they repeat. fn gets
// inputs of the same values in new memory. The check itself draws nothing from the thread's random
// stream. DTypeError unless those inputs are float64, ValueError if there is none, fn is empty
// or has no floating result, or an option is out of range, GradError on failure.
GradcheckResult gradcheck(const TensorFunction& fn, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});
GradcheckResult gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& fn,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

// The same for the gradients of fn, as functions of the inputs and of the cotangents.
GradcheckResult gradgradcheck(const TensorFunction& fn, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {});
GradcheckResult gradgradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& fn,
                              const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {});

// A whole module: checks loss (any shape), which reads the given parameters through their handles,
// with respect to each of them. Pass module.named_parameters(). Parameters are written during the
// check and restored after it, bit by bit; strided is not used.
GradcheckResult gradcheck_parameters(
    const std::function<Tensor()>& loss,
    const std::vector<std::pair<std::string, Tensor>>& named_parameters,
    const GradcheckOptions& options = {});

}  // namespace attune
