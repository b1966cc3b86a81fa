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
// recorded or an input is not used (unless allowed). After an error in a formula or a hook the part
// of the tape passed so far is gone, unless it was to be retained.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& cotangents = {}, GradOptions options = {});

// For operations that record a part of the tape anew in their backward: the gradients that reach
// some nodes, each once, from output alone and not through each other. Undefined where none does;
// recorded if recording is on.
std::vector<Tensor> gradients_down_to(const Tensor& output, const Tensor& cotangent,
                                      const std::vector<Node*>& ends);

}  // namespace attune
