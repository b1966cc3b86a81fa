#include "linear_cross_entropy.h"

#include <algorithm>

#include "copy.h"
#include "elementwise.h"
#include "gemm.h"
#include "reduce.h"

namespace attune::kernels {
namespace {

// sum += a b, where the sum may not be there yet.
void accumulate_product(Array& sum, const Array& a, const Array& b) {
  if (sum.defined())
    matmul_add(sum, a, b);
  else
    sum = matmul(a, b);
}

}  // namespace

// By shape alone. Fewer rows make sgemm copy the weight more often for the work it does with it.
int64_t linear_cross_entropy_rows(int64_t classes) {
  constexpr int64_t logits = int64_t{1} << 23, least = 256;
  return std::max(least, logits / std::max<int64_t>(1, classes) / least * least);
}

LinearCrossEntropyResult linear_cross_entropy(const Array& hidden, const Array& weight,
                                              const Array& bias, const Array& targets,
                                              const CrossEntropyOptions& options,
                                              const LinearCrossEntropyGradients& wanted) {
  const int64_t count = hidden.size(0), height = linear_cross_entropy_rows(weight.size(0));
  LinearCrossEntropyResult result{Array({count}, hidden.dtype()), {}, {}, {}};
  if (wanted.hidden) result.hidden = zeros(hidden.shape(), hidden.dtype());
  for (int64_t start = 0; start == 0 || start < count; start += height) {
    const int64_t rows = std::min(height, count - start);
    const auto part = [&](const Array& x) { return x.narrow(0, start, rows); };
    Array logits = matmul(part(hidden), weight.transpose(0, 1));
    if (bias.defined()) binary_into(Binary::add, logits, logits, bias);
    const CrossEntropyResult loss = cross_entropy(logits, part(targets), options);
    Array losses = part(result.losses);
    copy_into(losses, loss.losses);
    if (!wanted.g.defined()) continue;
    cross_entropy_backward_into(logits, part(wanted.g), logits, part(targets), loss.stats, options);
    if (wanted.hidden) {
      Array gradient = part(result.hidden);
      matmul_add(gradient, logits, weight);
    }
    if (wanted.weight) accumulate_product(result.weight, logits.transpose(0, 1), part(hidden));
    if (wanted.bias) {
      const Array column_sums = sum(logits, {0}, false);
      if (result.bias.defined())
        add_into(result.bias, column_sums);
      else
        result.bias = column_sums;
    }
  }
  return result;
}

}  // namespace attune::kernels
