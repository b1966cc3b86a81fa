#include "activation.h"

#include <cmath>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/elementwise.h"
#include "../record.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "compare.h"
#include "pointwise.h"

namespace attune {
namespace {

using kernels::Binary;
using kernels::unary;
using kernels::Unary;

// formula(value, g) in float32 where they are bfloat16, whose roundings would add up.
template <class F>
Tensor widely(const Tensor& value, const Tensor& g, const F& formula) {
  if (value.dtype() != bfloat16) return formula(value, g);
  return to(formula(to(value, float32), to(g, float32)), bfloat16);
}

// The gradient by one fused kernel where nobody differentiates it again, else by slow(value, g):
// the same formula of plain operations.
template <class F>
Tensor gradient(Binary fused, const Tensor& value, const Tensor& g, const F& slow) {
  if (!grad_enabled()) return Tensor(kernels::binary(fused, value.array(), g.array()));
  return widely(value, g, slow);
}

Tensor tanh_gradient(const Tensor& y, const Tensor& g) { return g * (1 - y * y); }

Tensor sigmoid_gradient(const Tensor& y, const Tensor& g) { return g * ((1 - y) * y); }

Tensor relu_gradient(const Tensor& y, const Tensor& g) { return masked_fill(g, le(y, 0), 0); }

Tensor gelu_gradient(const Tensor& x, const Tensor& g) {
  constexpr double sqrt_half = 0.70710678118654752440, density_at_0 = 0.39894228040143267794;
  const Tensor cdf = (erf(x * sqrt_half) + 1) * 0.5;
  const Tensor density = exp(square(x) * -0.5) * density_at_0;
  return g * (cdf + x * density);
}

Tensor gelu_tanh_gradient(const Tensor& x, const Tensor& g) {
  constexpr double scale = 0.79788456080286535588, cubic = 0.044715;
  // Where the curve is flat, the slope of its argument must not be Inf.
  const Tensor squared = square(clamp(x, -100, 100));
  const Tensor t = tanh(x * (squared * (scale * cubic) + scale));
  const Tensor slope = (1 - square(t)) * (squared * (3 * scale * cubic) + scale);
  return g * ((t + 1 + x * slope) * 0.5);
}

Tensor elu_gradient(const Tensor& x, const Tensor& g, double alpha) {
  return where(gt(x, 0), g, g * (exp(clamp(x, {}, 0)) * alpha));
}

Tensor mish_gradient(const Tensor& x, const Tensor& g) {
  const Tensor t = tanh(softplus(x));
  return g * (t + x * (sigmoid(x) * (1 - square(t))));
}

Tensor unit_softplus_gradient(const Tensor& x, const Tensor& g) {
  return where(gt(x, 20), g, g * sigmoid(x));
}

Tensor silu_gradient(const Tensor& x, const Tensor& g) {
  const Tensor s = sigmoid(x);
  return g * (s * (x * (1 - s) + 1));
}

Tensor unit_softplus(const Tensor& x) {
  return record("softplus", unary(Unary::softplus, x.array()), wrt(x, [x](const Tensor& g) {
                  return gradient(Binary::softplus_backward, x, g, unit_softplus_gradient);
                }));
}

}  // namespace

Tensor tanh(const Tensor& x) {
  const OperationScope scope("tanh");
  return record("tanh", unary(Unary::tanh, x.array()), wrt(x, [](const Tensor& g, const Tensor& y) {
                  return gradient(Binary::tanh_backward, y, g, tanh_gradient);
                }));
}

Tensor sigmoid(const Tensor& x) {
  const OperationScope scope("sigmoid");
  return record("sigmoid", unary(Unary::sigmoid, x.array()),
                wrt(x, [](const Tensor& g, const Tensor& y) {
                  return gradient(Binary::sigmoid_backward, y, g, sigmoid_gradient);
                }));
}

Tensor relu(const Tensor& x) {
  const OperationScope scope("relu");
  return record("relu", unary(Unary::relu, x.array()), wrt(x, [](const Tensor& g, const Tensor& y) {
                  return gradient(Binary::relu_backward, y, g, relu_gradient);
                }));
}

Tensor leaky_relu(const Tensor& x, double slope) {
  const OperationScope scope("leaky_relu");
  return record("leaky_relu", kernels::binary(Binary::leaky_relu, x.array(), slope),
                wrt(x, [=](const Tensor& g) { return where(gt(x, 0), g, g * slope); }));
}

Tensor elu(const Tensor& x, double alpha) {
  const OperationScope scope("elu");
  return record("elu", kernels::binary(Binary::elu, x.array(), alpha),
                // Not from the result, which is rounded beside -alpha.
                wrt(x, [=](const Tensor& g) {
                  return widely(x, g, [alpha](const Tensor& at, const Tensor& cotangent) {
                    return elu_gradient(at, cotangent, alpha);
                  });
                }));
}

Tensor gelu(const Tensor& x, std::string_view approximate) {
  const OperationScope scope("gelu");
  if (approximate == "tanh")
    return record("gelu", unary(Unary::gelu_tanh, x.array()), wrt(x, [x](const Tensor& g) {
                    return gradient(Binary::gelu_tanh_backward, x, g, gelu_tanh_gradient);
                  }));
  if (approximate != "none")
    fail<ValueError>("gelu", "approximate is \"{}\"; use \"none\" or \"tanh\"", approximate);
  return record("gelu", unary(Unary::gelu, x.array()), wrt(x, [x](const Tensor& g) {
                  return gradient(Binary::gelu_backward, x, g, gelu_gradient);
                }));
}

Tensor silu(const Tensor& x) {
  const OperationScope scope("silu");
  return record("silu", unary(Unary::silu, x.array()), wrt(x, [x](const Tensor& g) {
                  return gradient(Binary::silu_backward, x, g, silu_gradient);
                }));
}

Tensor logsigmoid(const Tensor& x) {
  const OperationScope scope("logsigmoid");
  if (!is_floating(x.dtype())) return logsigmoid(to(x, float32));
  const Tensor data = x.detach();
  return record("logsigmoid", (-relu(-data) - log1p(exp(-abs(data)))).array(),
                wrt(x, [x](const Tensor& g) { return g * sigmoid(-x); }));
}

Tensor mish(const Tensor& x) {
  const OperationScope scope("mish");
  const Tensor data = x.detach();
  return record("mish", (data * tanh(softplus(data))).array(),
                wrt(x, [x](const Tensor& g) { return widely(x, g, mish_gradient); }));
}

Tensor hardtanh(const Tensor& x, double low, double high) {
  const OperationScope scope("hardtanh");
  if (low > high) fail<ValueError>("hardtanh", "the bounds {} and {} are reversed", low, high);
  return x.dtype() == int64 ? clamp(x, std::trunc(low), std::trunc(high)) : clamp(x, low, high);
}

Tensor relu6(const Tensor& x) {
  const OperationScope scope("relu6");
  return clamp(x, 0, 6);
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  const OperationScope scope("softplus");
  if (!(beta > 0)) fail<ValueError>("softplus", "beta is {}; use a number > 0", beta);
  if (beta == 1 && threshold == 20) return unit_softplus(x);
  const Tensor scaled = x * beta;
  const Tensor linear = gt(scaled, threshold);
  return where(linear, x, log1p(exp(masked_fill(scaled, linear, 0))) / beta);
}

}  // namespace attune
