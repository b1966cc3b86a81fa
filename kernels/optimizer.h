#pragma once

#include "../array/array.h"

namespace attune::kernels {

// One pass over memory for each update; all arrays are dense, alike in shape and float32 or
// float64. The caller marks the parameter as written.

struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov;
  bool maximize;
  bool first;  // the velocity is not set yet
};
// velocity is undefined without momentum.
void sgd_update(Array& param, const Array& grad, Array& velocity, const SgdStep& step);

struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;  // weight decay shrinks the weights (AdamW) rather than joining the gradient
  bool maximize;
  int64_t step;  // counted from 1
};
// max_second is undefined without amsgrad.
void adam_update(Array& param, const Array& grad, Array& first, Array& second, Array& max_second,
                 const AdamStep& step);

// The sum of squares, in double, in an order fixed by the shape.
double sum_of_squares(const Array& x);

}  // namespace attune::kernels
