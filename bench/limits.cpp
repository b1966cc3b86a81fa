// What this machine can do at best, which every other time is held against.

#include <attune/attune.h>
#include <cblas.h>

#include <cstring>

#include "serve.h"

using namespace attune;

namespace {

// The shape of a large layer: 1024 rows through [3072, 768].
constexpr int m = 1024, n = 3072, k = 768;
constexpr double product_flops = 2.0 * m * n * k;

// One call of OpenBLAS, which divides it among as many threads as we have.
bench::Work sgemm() {
  const Tensor a = randn({m, k}), b = randn({n, k}), c = zeros({m, n});
  openblas_set_num_threads(num_threads());
  return {[=] {
            Array out = c.array();
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1,
                        a.array().data<float>(), k, b.array().data<float>(), k, 0,
                        out.output<float>(), n);
          },
          product_flops, 0};
}

bench::Work gemm_bf16() {
  const Tensor a = randn({m, k}), b = randn({n, k});
  return {[=] {
            const MatmulPrecisionScope medium(MatmulPrecision::medium);
            matmul(a, b.transpose(0, 1));
          },
          product_flops, 0};
}

constexpr int64_t values = int64_t{32} << 20;  // 128 MiB an array, far beyond any cache

// f(start, count) over all values, in pieces that stay with one thread.
template <class F>
void each_piece(const F& f) {
  constexpr int64_t piece = int64_t{1} << 20;
#pragma omp parallel for schedule(dynamic) num_threads(num_threads())
  for (int64_t i = 0; i < values / piece; ++i) f(i * piece, piece);
}

bench::Work triad() {
  const Tensor a = ones({values}), b = ones({values}), c = ones({values});
  return {[=] {
            Array out = a.array();
            float* to = out.output<float>();
            const float *x = b.array().data<float>(), *y = c.array().data<float>();
            each_piece([&](int64_t start, int64_t count) {
              for (int64_t i = start; i < start + count; ++i) to[i] = x[i] + 3.0f * y[i];
            });
          },
          0, 3.0 * sizeof(float) * values};
}

bench::Work copy() {
  const Tensor a = ones({values}), b = ones({values});
  return {[=] {
            Array out = a.array();
            float* to = out.output<float>();
            const float* from = b.array().data<float>();
            each_piece([&](int64_t start, int64_t count) {
              std::memcpy(to + start, from + start, static_cast<size_t>(count) * sizeof(float));
            });
          },
          0, 2.0 * sizeof(float) * values};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::main(argc, argv,
                     {{"sgemm", sgemm}, {"gemm_bf16", gemm_bf16}, {"triad", triad}, {"copy", copy}},
                     set_num_threads);
}
