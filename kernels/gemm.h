#pragma once

#include <cstdint>

#include "../array/array.h"

namespace attune::kernels {

// Lets cblas run in tiles of our own: while any lives, OpenBLAS itself uses one thread, whose
// results do not depend on the number of threads. The setting found before is restored after the
// last.
class BlasSession {
 public:
  BlasSession();
  ~BlasSession();
  BlasSession(const BlasSession&) = delete;
  BlasSession& operator=(const BlasSession&) = delete;
  // False with a BLAS that breaks when called from several threads (OpenBLAS's serial variant):
  // then gemm_tile takes a lock.
  static bool concurrent();
};

// C = alpha op(A) op(B) + beta C for one row-major tile, on the calling thread. op(A): [m, k],
// op(B): [k, n]; op transposes where told. Needs a BlasSession. Not for empty m or n.
void gemm_tile(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
               const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
               int64_t ldc);
void gemm_tile(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
               const double* a, int64_t lda, const double* b, int64_t ldb, double beta, double* c,
               int64_t ldc);

// The batched product a b. a: [..., M, K], b: [..., K, N] -> [..., M, N]; batch dimensions
// broadcast. float32 or float64, both alike (DTypeError); transposed and batched-strided views are
// read in place. The caller has checked that K agrees.
Array matmul(const Array& a, const Array& b);

}  // namespace attune::kernels
