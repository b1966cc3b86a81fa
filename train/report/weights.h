#pragma once

#include <string>
#include <vector>

namespace attune::train::page {

// Attention weights for the page, two characters each: a number in base 64 (the alphabet of RFC
// 4648), 0 to 4000 for weights from 0 to 1, 4095 for NaN. Weights outside [0, 1] are clamped.
std::string encode_weights(const std::vector<float>& weights);

}  // namespace attune::train::page
