#pragma once

#include <cstdint>

// For .cpp files only: the product of a few rows with a large matrix, as when a model writes token
// by token. BLAS would copy the matrix into its own order first; here each element is read once.
namespace attune::kernels {

// Rows up to which reading the matrix once is what counts.
inline constexpr int64_t thin_rows = 16;
// Columns of C that are added up at once.
inline constexpr int64_t thin_columns = 1536;

// How the product is cut for threads, by the shape of B alone: into columns, and, unless B is
// stored transposed, into parts of its depth, so that each tile reads memory in long pieces. Parts
// are added up in their order, so that a row's sums do not depend on the other rows.
struct ThinGrid {
  int64_t columns, depth;
};
ThinGrid thin_grid(bool transpose_b, int64_t n, int64_t k);

// C = A op(B) for one row-major tile, on the calling thread. A: [m, k], op(B): [k, n] with B stored
// as [n, k] if transposed; lda, ldb, ldc: the distance of rows. The order of additions depends on k
// and the processor only.
void thin_product(bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                  const float* b, int64_t ldb, float* c, int64_t ldc);
void thin_product(bool transpose_b, int64_t m, int64_t n, int64_t k, const double* a, int64_t lda,
                  const double* b, int64_t ldb, double* c, int64_t ldc);

}  // namespace attune::kernels
