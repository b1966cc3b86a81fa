#include "clip.h"

#include <cmath>

#include "../array/fail.h"
#include "../array/trace.h"
#include "../autograd/grad_mode.h"
#include "../autograd/ops/reduce.h"
#include "../kernels/copy.h"
#include "../kernels/elementwise.h"
#include "../kernels/optimizer.h"

namespace attune::optim {

using kernels::Binary;

namespace {

void check_defined(const char* name, const std::vector<Tensor>& parameters) {
  for (const Tensor& parameter : parameters)
    if (!parameter.defined()) fail<ValueError>(name, "a parameter is undefined");
}

// Those that have elements: of none there is no largest one.
std::vector<Array> gradients(const std::vector<Tensor>& parameters) {
  std::vector<Array> found;
  for (const Tensor& parameter : parameters)
    if (const Tensor grad = parameter.grad(); grad.defined() && grad.numel() > 0)
      found.push_back(grad.array());
  return found;
}

double total_norm(const std::vector<Array>& grads, double p) {
  double total = 0;
  for (const Array& stored : grads) {
    const Array grad = stored.dtype() == bfloat16 ? kernels::convert(stored, float32) : stored;
    if (p == 2) {
      total += kernels::sum_of_squares(grad);
      continue;
    }
    const double one = norm(Tensor(grad), p).item<double>();
    if (std::isinf(p)) {
      if (!(one <= total)) total = one;
      if (std::isnan(one)) break;
    } else {
      total += std::pow(one, p);
    }
  }
  return std::isinf(p) ? total : std::pow(total, 1 / p);
}

// Replaces every gradient by f(gradient). One after the other, which takes the memory of one;
// together they would take as much again as all gradients.
template <class F>
void each_gradient(const std::vector<Tensor>& parameters, F&& f) {
  for (const Tensor& parameter : parameters)
    if (const Tensor grad = parameter.grad(); grad.defined())
      parameter.set_grad(Tensor(f(grad.array())));
}

}  // namespace

double clip_grad_norm_(const std::vector<Tensor>& parameters, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  if (!(max_norm >= 0)) fail<ValueError>("clip_grad_norm_", "max_norm {} is negative", max_norm);
  if (!(norm_type > 0))
    fail<ValueError>("clip_grad_norm_", "norm_type {} is not positive", norm_type);
  check_defined("clip_grad_norm_", parameters);
  const Span span("clip_grad_norm_");
  NoGrad no_grad;
  const double norm = total_norm(gradients(parameters), norm_type);
  if (error_if_nonfinite && !std::isfinite(norm))
    fail<ValueError>("clip_grad_norm_", "the norm of the gradients is {}; nothing was clipped",
                     std::abs(norm));  // so that NaN shows no sign
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return norm;
  each_gradient(parameters,
                [&](const Array& grad) { return kernels::binary(Binary::mul, grad, factor); });
  return norm;
}

void clip_grad_value_(const std::vector<Tensor>& parameters, double limit) {
  if (!(limit >= 0)) fail<ValueError>("clip_grad_value_", "limit {} is negative", limit);
  check_defined("clip_grad_value_", parameters);
  const Span span("clip_grad_value_");
  each_gradient(parameters, [&](const Array& grad) {
    const Array above = kernels::binary(Binary::maximum, grad, -limit);
    return kernels::binary(Binary::minimum, above, limit);
  });
}

}  // namespace attune::optim
