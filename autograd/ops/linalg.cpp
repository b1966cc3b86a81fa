#include "linalg.h"

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/gemm.h"
#include "../record.h"
#include "arithmetic.h"
#include "reduce.h"
#include "shape.h"

namespace attune {
namespace {

void check_same_dtype(const char* name, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    fail<DTypeError>(name, "operands are {} and {}; convert one with to()", name_of(a.dtype()),
                     name_of(b.dtype()));
  if (a.dtype() != float32 && a.dtype() != float64 && a.dtype() != int64)
    fail<DTypeError>(name, "takes float32, float64 or int64, got {}; convert with to(float32)",
                     name_of(a.dtype()));
}

// The product of operands that are both at least 2-D.
Tensor matrix_product(const char* name, const Tensor& a, const Tensor& b) {
  return record(name, kernels::matmul(a.array(), b.array()),
                wrt(a, [b](const Tensor& g) { return matmul(g, transpose(b, -1, -2)); }),
                wrt(b, [a](const Tensor& g) { return matmul(transpose(a, -1, -2), g); }));
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  const OperationScope scope("matmul");
  check_same_dtype("matmul", a, b);
  if (a.dim() == 0 || b.dim() == 0)
    fail<ShapeError>("matmul", "operands {} and {} need at least one dimension each",
                     to_string(a.shape()), to_string(b.shape()));
  const int64_t inner = b.dim() == 1 ? b.size(0) : b.size(-2);
  if (a.size(-1) != inner)
    fail<ShapeError>("matmul", "{} times {}: the left has {} columns, the right {} rows",
                     to_string(a.shape()), to_string(b.shape()), a.size(-1), inner);
  if (a.dim() == 1) return squeeze(matmul(unsqueeze(a, 0), b), b.dim() == 1 ? 0 : -2);
  if (b.dim() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  if (a.dim() > 2 && b.dim() == 2) {
    // One product over all rows; its weight gradient is one product too, not a batch to be summed.
    Shape shape = a.shape();
    shape[shape.size() - 1] = 1;
    const int64_t rows = shape.numel();
    shape[shape.size() - 1] = b.size(1);
    return reshape(matrix_product("matmul", reshape(a, {rows, a.size(-1)}), b), shape);
  }
  return matrix_product("matmul", a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  const OperationScope scope("bmm");
  check_same_dtype("bmm", a, b);
  if (a.dim() != 3 || b.dim() != 3 || a.size(0) != b.size(0) || a.size(2) != b.size(1))
    fail<ShapeError>("bmm", "takes [B, M, K] and [B, K, N], got {} and {}", to_string(a.shape()),
                     to_string(b.shape()));
  return matrix_product("bmm", a, b);
}

namespace {

Tensor add_product(const char* name, const Tensor& input, const Tensor& product, double beta,
                   double alpha) {
  if (broadcast_shapes(name, product.shape(), input.shape()) != product.shape())
    fail<ShapeError>(name, "input {} does not broadcast to the product {}",
                     to_string(input.shape()), to_string(product.shape()));
  if (product.dtype() == int64)
    alpha = kernels::whole_part(name, alpha), beta = kernels::whole_part(name, beta);
  const Tensor scaled = alpha == 1 ? product : product * alpha;
  return beta == 0 ? scaled : (beta == 1 ? input : input * beta) + scaled;
}

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, double beta, double alpha) {
  const OperationScope scope("addmm");
  if (a.dim() != 2 || b.dim() != 2)
    fail<ShapeError>("addmm", "takes two matrices, got {} and {}", to_string(a.shape()),
                     to_string(b.shape()));
  return add_product("addmm", input, matmul(a, b), beta, alpha);
}

Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, double beta, double alpha) {
  const OperationScope scope("baddbmm");
  return add_product("baddbmm", input, bmm(a, b), beta, alpha);
}

Tensor trace(const Tensor& x) {
  const OperationScope scope("trace");
  if (x.dim() != 2) fail<ShapeError>("trace", "takes a matrix, got {}", to_string(x.shape()));
  return sum(diagonal(x));
}

Tensor outer(const Tensor& a, const Tensor& b) {
  const OperationScope scope("outer");
  if (a.dim() != 1 || b.dim() != 1)
    fail<ShapeError>("outer", "takes two vectors, got {} and {}", to_string(a.shape()),
                     to_string(b.shape()));
  return unsqueeze(a, 1) * unsqueeze(b, 0);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const OperationScope scope("linear");
  check_same_dtype("linear", x, weight);
  if (weight.dim() == 1 && !bias.defined()) return matmul(x, weight);
  if (weight.dim() != 2)
    fail<ShapeError>("linear", "weight is {}; it takes [out, in]", to_string(weight.shape()));
  if (x.dim() == 0 || x.size(-1) != weight.size(1))
    fail<ShapeError>("linear", "input {} has {} features, weight {} takes {}", to_string(x.shape()),
                     x.dim() ? x.size(-1) : 0, to_string(weight.shape()), weight.size(1));
  if (bias.defined() && bias.shape() != Shape{weight.size(0)})
    fail<ShapeError>("linear", "bias {} for weight {}; it takes [{}]", to_string(bias.shape()),
                     to_string(weight.shape()), weight.size(0));
  if (bias.defined()) check_same_dtype("linear", x, bias);

  const int64_t in = weight.size(1), out = weight.size(0);
  Shape shape = x.shape();
  shape[shape.size() - 1] = 1;
  const int64_t lead = shape.numel();
  shape[shape.size() - 1] = out;
  const Array flat = kernels::reshape(x.array(), {lead, in});
  // Where nothing is recorded, no update of the weight is to be expected.
  const Array y = kernels::linear(flat, weight.array().transpose(0, 1),
                                  bias.defined() ? bias.array() : Array(), !grad_enabled());
  Array result = *y.try_view(shape);
  // A weight stored [in, out] and seen transposed gets a gradient that lies as it does.
  const bool flipped = weight.array().strides()[0] == 1 && out > 1;
  const auto weight_gradient = [x, lead, in, out, flipped](const Tensor& g) {
    const Tensor gradient = reshape(g, {lead, out}), input = reshape(x, {lead, in});
    return flipped ? transpose(matmul(transpose(input, 0, 1), gradient), 0, 1)
                   : matmul(transpose(gradient, 0, 1), input);
  };
  const auto add_weight_gradient = [x, lead, in, out](Array& sum, const Tensor& g) {
    const Array rows = kernels::reshape(g.array(), {lead, out});
    kernels::matmul_add(sum, rows.transpose(0, 1), kernels::reshape(x.array(), {lead, in}));
  };
  return record("linear", std::move(result),
                wrt(x, [weight](const Tensor& g) { return matmul(g, weight); }),
                wrt(weight, Accumulating{weight_gradient, add_weight_gradient}),
                wrt(bias, [lead, out](const Tensor& g) {
                  return sum(reshape(g, {lead, out}), {0});
                }));
}

}  // namespace attune
