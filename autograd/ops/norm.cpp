#include "norm.h"

#include <limits>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/norm.h"
#include "../record.h"
#include "composite.h"

namespace attune {
namespace {

void check_scale(const char* name, const char* what, const Tensor& scale, const Tensor& x,
                 const Shape& shape) {
  if (!scale.defined()) return;
  if (scale.shape() != shape)
    fail<ShapeError>(name, "{} {} must have the normalized shape {}", what,
                     to_string(scale.shape()), to_string(shape));
  if (scale.dtype() != x.dtype())
    fail<DTypeError>(name, "{} is {}, the input {}; convert one with to()", what,
                     name_of(scale.dtype()), name_of(x.dtype()));
}

void check(const char* name, const Tensor& x, const Shape& shape, const Tensor& weight,
           const Tensor& bias) {
  const Shape& all = x.shape();
  if (shape.empty() || shape.size() > all.size() ||
      !std::equal(shape.begin(), shape.end(), all.end() - shape.size()))
    fail<ShapeError>(name, "input {} does not end in the normalized shape {}", to_string(all),
                     to_string(shape));
  check_scale(name, "weight", weight, x, shape);
  check_scale(name, "bias", bias, x, shape);
}

// x with the last `dims` dimensions as one.
Array as_rows(const Array& x, int64_t dims) {
  if (dims == 1) return x;
  Shape shape(std::span(x.shape().begin(), static_cast<size_t>(x.dim() - dims)));
  int64_t width = 1;
  for (int64_t i = x.dim() - dims; i < x.dim(); ++i) width *= x.shape()[i];
  shape.push_back(width);
  return kernels::reshape(x, shape);
}

Array as_row(const Tensor& scale) {
  return scale.defined() ? as_rows(scale.array(), scale.dim()) : Array();
}

Tensor shaped(const Array& gradient, const Shape& shape) {
  return gradient.defined() ? Tensor(kernels::reshape(gradient, shape)) : Tensor();
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const OperationScope scope("layer_norm");
  check("layer_norm", x, normalized_shape, weight, bias);
  const int64_t dims = normalized_shape.size();
  const auto result =
      kernels::layer_norm(as_rows(x.array(), dims), as_row(weight), as_row(bias), eps);
  const auto gradients = [=, moments = result.moments](const Tensor& g,
                                                       const Needs& needs) -> std::vector<Tensor> {
    if (grad_enabled()) {
      const auto twin = [=](std::span<const Tensor> in) {
        return composite::layer_norm(in[0], dims, in[1], in[2], eps);
      };
      return composite_gradients(twin, {x, weight, bias}, g);
    }
    const auto d =
        kernels::layer_norm_backward(as_rows(g.array(), dims), as_rows(x.array(), dims),
                                     as_row(weight), moments, {needs[0], needs[1], needs[2]});
    return {shaped(d.x, x.shape()), shaped(d.weight, normalized_shape),
            shaped(d.bias, normalized_shape)};
  };
  return record("layer_norm", kernels::reshape(result.y, x.shape()),
                jointly({x, weight, bias}, gradients));
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  const OperationScope scope("rms_norm");
  check("rms_norm", x, normalized_shape, weight, {});
  const int64_t dims = normalized_shape.size();
  const double added =
      eps.value_or(x.dtype() == float64 ? std::numeric_limits<double>::epsilon()
                                        : double{std::numeric_limits<float>::epsilon()});
  const auto result = kernels::rms_norm(as_rows(x.array(), dims), as_row(weight), added);
  const auto gradients = [=, moments = result.moments](const Tensor& g,
                                                       const Needs& needs) -> std::vector<Tensor> {
    if (grad_enabled()) {
      const auto twin = [=](std::span<const Tensor> in) {
        return composite::rms_norm(in[0], dims, in[1], added);
      };
      return composite_gradients(twin, {x, weight}, g);
    }
    const auto d = kernels::rms_norm_backward(as_rows(g.array(), dims), as_rows(x.array(), dims),
                                              as_row(weight), moments, {needs[0], needs[1], false});
    return {shaped(d.x, x.shape()), shaped(d.weight, normalized_shape)};
  };
  return record("rms_norm", kernels::reshape(result.y, x.shape()), jointly({x, weight}, gradients));
}

}  // namespace attune
