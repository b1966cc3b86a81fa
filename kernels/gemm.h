#pragma once

#include <cstdint>
#include <limits>

#include "../array/array.h"

namespace attune::kernels {

// Lets cblas run in tiles of our own: while it lives, OpenBLAS computes every gemm_tile of this
// thread and of the parallel regions it opens on the calling thread alone, so that results do not
// depend on the number of threads. What it changes, whichever variant of OpenBLAS the system
// selects, is put back: OpenBLAS's own number of threads with the last session (it belongs to the
// process), OpenMP's with each (it belongs to the thread).
class BlasSession {
 public:
  BlasSession();
  ~BlasSession();
  BlasSession(const BlasSession&) = delete;
  BlasSession& operator=(const BlasSession&) = delete;

 private:
  int openmp_threads_;
};

// The largest size or leading dimension of a gemm_tile: BLAS counts in 32 bits.
inline constexpr int64_t largest_of_blas = std::numeric_limits<int32_t>::max();

// C = alpha op(A) op(B) + beta C for one row-major tile, on the calling thread. op(A): [m, k],
// op(B): [k, n]; op transposes where told. Needs a BlasSession. Not for empty m or n.
void gemm_tile(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
               const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
               int64_t ldc);
void gemm_tile(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha,
               const double* a, int64_t lda, const double* b, int64_t ldb, double beta, double* c,
               int64_t ldc);

// The batched product a b. a: [..., M, K], b: [..., K, N] -> [..., M, N]; batch dimensions
// broadcast. float32, float64 or int64, both alike (DTypeError); transposed and batched-strided
// views are read in place. The caller has checked that K agrees.
Array matmul(const Array& a, const Array& b);
// into += a b, likewise, but not of int64 (DTypeError); into is dense and has the shape of the
// product.
void matmul_add(Array& into, const Array& a, const Array& b);
// a weight + bias for matrices. a: [M, K], weight: [K, N], bias: [N], or undefined for none.
// `lasting`: many products will read the weight before it is written again, as in inference. At
// medium precision it is packed once then and kept with its storage, at half its bytes, and
// products of few rows are rounded too, since they gain as well.
Array linear(const Array& a, const Array& weight, const Array& bias, bool lasting);
// How the operands of a product are stored, and whether it is added to what is there.
struct MatmulForm {
  bool transpose_a = false, transpose_b = false, accumulate = false;
};
// Elements of memory that a float32 product of one [m, k] by [k, n] works in, at most.
int64_t matmul_scratch(int64_t m, int64_t n, int64_t k, const MatmulForm& form = {});

}  // namespace attune::kernels
