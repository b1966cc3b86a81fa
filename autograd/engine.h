#pragma once

#include <vector>

#include "tensor.h"

namespace attune {

struct GradOptions {
  bool retain_graph = false;  // keep the tape, to differentiate it again
  bool create_graph = false;  // record the gradients themselves; implies retain_graph
  bool allow_unused = false;  // an input that outputs do not depend on gives an undefined Tensor
};

// The gradients of sum(outputs · cotangents) with respect to inputs, in their order; no leaf
// collects anything. Cotangents default to ones for single elements. GradError if an output was not
// recorded or an input is not used (unless allowed).
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& cotangents = {}, GradOptions options = {});

}  // namespace attune
