#pragma once

#include <string>
#include <vector>

#include "../tensor.h"

namespace attune {

// The matrix product under NumPy's rules: 1-D operands are a row (left) or a column (right) that
// vanishes from the result; leading dimensions broadcast. a: [..., M, K], b: [..., K, N] ->
// [..., M, N]. ShapeError unless K agrees, DTypeError unless both are float32, float64 or int64.
Tensor matmul(const Tensor& a, const Tensor& b);

// The product of two batches of matrices. a: [B, M, K], b: [B, K, N] -> [B, M, N].
Tensor bmm(const Tensor& a, const Tensor& b);

// beta input + alpha (a b), where input broadcasts to the product (ShapeError) and is not read if
// beta is 0; of the factors of int64 the whole parts count. addmm takes matrices, baddbmm batches
// of them, as bmm does.
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, double beta = 1,
             double alpha = 1);
Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, double beta = 1,
               double alpha = 1);

// The sum of the main diagonal of a matrix (ShapeError) -> [].
Tensor trace(const Tensor& x);

// The product of two vectors with every pair. a: [M], b: [N] -> [M, N].
Tensor outer(const Tensor& a, const Tensor& b);

// x Wᵀ + bias. x: [..., in], weight: [out, in], bias: [out] or undefined -> [..., out]; without
// bias, a weight [in] -> [...].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// The sum of products that the equation describes, as torch.einsum: "bhqd,bhkd->bhqk". Letters name
// dimensions, repeated ones within an operand take its diagonal, "..." stands for broadcast
// dimensions; without "->" the letters that occur once, in alphabetical order, remain.
Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands);

}  // namespace attune
