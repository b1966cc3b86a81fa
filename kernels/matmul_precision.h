#pragma once

#include <cstdint>

namespace attune {

// How products of float32 matrices are computed.
enum class MatmulPrecision : uint8_t {
  highest,  // in float32
  medium,   // operands rounded to bfloat16 (8 bits of mantissa), sums in float32: twice as fast
};

// Mixed-precision training and inference, as torch.set_float32_matmul_precision("medium"): weights,
// activations and gradients stay float32, and so does all arithmetic but the multiplications within
// matrix products. A backward pass uses, operation by operation, what was in force when it was
// recorded, wherever backward() is called. Products that would not gain are computed in float32
// all the same: of 16 or fewer rows, columns or terms a sum, of at most 2^18 multiplications (2^24
// for each of a batch), and those within attention that is recorded. Where the processor multiplies
// no bfloat16 (AVX512-BF16), results are the same to the accuracy of float32 sums, at a cost
// instead of a gain. float64 is never rounded.
//
// Under NoGrad, linear() keeps its weight in bfloat16, at half the weight's bytes, until the weight
// is written or freed. So inference rounds each weight once, and products of a few rows, as in
// writing token by token, gain too and are rounded: they read half as much. There attention of more
// than 16 queries rounds queries, keys, values and weights where the processor gains by it; its
// softmax stays in float32.

// Sets the precision of the whole process, which is `highest` until then.
void set_float32_matmul_precision(MatmulPrecision precision);
// What products on this thread use: that of its innermost MatmulPrecisionScope, or the process's.
MatmulPrecision float32_matmul_precision();

// While it lives, products on this thread use the given precision.
class MatmulPrecisionScope {
 public:
  [[nodiscard]] explicit MatmulPrecisionScope(MatmulPrecision precision);
  ~MatmulPrecisionScope();
  MatmulPrecisionScope(const MatmulPrecisionScope&) = delete;
  MatmulPrecisionScope& operator=(const MatmulPrecisionScope&) = delete;

 private:
  uint8_t outer_;
};

}  // namespace attune
