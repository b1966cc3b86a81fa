#pragma once

#include <vector>

#include "../autograd/tensor.h"

namespace attune::optim {

// Scales all gradients together so that their norm is at most max_norm, and returns the norm
// before: the norm_type-norm (infinity: the largest magnitude) of all elements of all gradients. A
// norm that is not finite scales them too, as in PyTorch: to NaN if it is NaN, else to 0, and
// infinite elements to NaN. With error_if_nonfinite it is a ValueError, and nothing changes.
// Parameters without a gradient do not count. ValueError if one is undefined, or unless max_norm >=
// 0 and norm_type > 0. Pascanu et al. 2013.
double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, double norm_type = 2,
                       bool error_if_nonfinite = false);

// Limits every gradient element to ±limit; NaN stays. ValueError if a parameter is undefined, or
// unless limit >= 0.
void clip_grad_value_(const std::vector<Tensor>& parameters, double limit);

}  // namespace attune::optim
