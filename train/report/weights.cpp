#include "weights.h"

#include <algorithm>
#include <cmath>

namespace attune::train::page {

std::string encode_weights(const std::vector<float>& weights) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve(2 * weights.size());
  for (float weight : weights) {
    const unsigned level =
        std::isnan(weight)
            ? 4095u
            : static_cast<unsigned>(std::lround(std::clamp(weight, 0.f, 1.f) * 4000));
    text += digits[level / 64];
    text += digits[level % 64];
  }
  return text;
}

}  // namespace attune::train::page
