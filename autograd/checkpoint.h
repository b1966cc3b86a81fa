#pragma once

#include <concepts>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "tensor.h"

namespace attune {

// Activation checkpointing: function(inputs), of which only the inputs are kept for backward, which
// computes the rest again when it gets there. Memory for time: a stack of checkpointed blocks keeps
// one tensor a block, for one more forward pass. Gradients are those of the plain call bit for bit,
// for inputs and for whatever else the function uses, parameters and captured tensors; where
// something gets gradients from inside and from outside, those from inside are added up first.
// Random numbers are drawn again as they were. May be nested, and differentiated twice. Chen et al.
// 2016; torch.utils.checkpoint with use_reentrant=False.
//
// The function must compute the same again from the same inputs (GradError where it shows that it
// does not, as with a module that was put into evaluation meanwhile and drops no more), and outlive
// the tape with all that it refers to: capture handles by value. What it reads must not be
// overwritten before backward, not even by itself (GradError): keep running means outside of it.
// Tensors that the function makes keep no gradient of their own (retain_grad()). ValueError if the
// function is empty or gives an undefined Tensor.
Tensor checkpoint(std::function<Tensor(std::span<const Tensor>)> function,
                  std::vector<Tensor> inputs);

// The same of function(input, …): checkpoint([block](const Tensor& x) { return block(x); }, x).
template <class F, std::same_as<Tensor>... Inputs>
requires std::invocable<const F&, const Inputs&...> Tensor checkpoint(F function,
                                                                      const Inputs&... inputs) {
  const auto call = [function = std::move(function)]<size_t... i>(std::span<const Tensor> x,
                                                                  std::index_sequence<i...>) {
    return function(x[i]...);
  };
  return checkpoint(
      [call](std::span<const Tensor> x) { return call(x, std::index_sequence_for<Inputs...>()); },
      std::vector<Tensor>{inputs...});
}

}  // namespace attune
