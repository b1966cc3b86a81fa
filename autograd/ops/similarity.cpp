#include "similarity.h"

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "arithmetic.h"
#include "broadcast.h"
#include "reduce.h"

namespace attune {

Tensor normalize(const Tensor& x, double p, int64_t dim, double eps) {
  const OperationScope scope("normalize");
  return x / clamp(norm(x, p, {dim}, true), eps);
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t dim, double eps) {
  const OperationScope scope("cosine_similarity");
  if (!(eps >= 0)) fail<ValueError>("cosine_similarity", "eps is {}; use a number >= 0", eps);
  const Shape shape = broadcast_shapes("cosine_similarity", a.shape(), b.shape());
  const Tensor left = broadcast_to(a, shape), right = broadcast_to(b, shape);
  return sum(normalize(left, 2, dim, eps) * normalize(right, 2, dim, eps), {dim});
}

Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim) {
  const OperationScope scope("pairwise_distance");
  return norm(a - b + eps, p, {-1}, keepdim);
}

}  // namespace attune
