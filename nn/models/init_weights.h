#pragma once

#include "../module.h"

namespace attune::nn::models {

// Draws every matrix of a module from a normal distribution and sets every bias to zero; what is
// left, the scales of norms, keeps its ones.
void init_weights(const Module& module, double deviation);

}  // namespace attune::nn::models
