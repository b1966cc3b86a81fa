#pragma once

#include "../../kernels/attention.h"
#include "../../kernels/loss.h"
#include "../tensor.h"

// The fused operations written in plain ones: what second derivatives go through, and what the
// tests compare the kernels with. softmax and log_softmax are parts of the others here; the second
// derivatives of those in softmax.h have formulas of their own.
namespace attune::composite {

Tensor softmax(const Tensor& x);  // along the last dimension
Tensor log_softmax(const Tensor& x);
// Over the last `dims` dimensions; weight and bias may be undefined.
Tensor layer_norm(const Tensor& x, int64_t dims, const Tensor& weight, const Tensor& bias,
                  double eps);
Tensor rms_norm(const Tensor& x, int64_t dims, const Tensor& weight, double eps);
// The loss of each row. logits: [rows, C], targets: int64 [rows] -> [rows].
Tensor cross_entropy(const Tensor& logits, const Array& targets,
                     const kernels::CrossEntropyOptions& options);
// kernels::attention with the whole matrix of scores, and that matrix alone. bias stands for that
// of mask, and may be undefined.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias,
                 const kernels::AttentionMask& mask, const kernels::AttentionOptions& options);

Tensor attention_weights(const Tensor& q, const Tensor& k, const Tensor& bias,
                         const kernels::AttentionMask& mask, double scale);

}  // namespace attune::composite
