#include "init_weights.h"

#include "../init.h"

namespace attune::nn::models {

void init_weights(const Module& module, double deviation) {
  for (const auto& [name, tensor] : module.named_parameters()) {
    if (tensor.dim() == 2) {
      init::normal_(tensor, 0, deviation);
    } else if (name.ends_with("bias")) {
      init::zeros_(tensor);
    }
  }
}

}  // namespace attune::nn::models
