// What the tests of matrix products share.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "../../kernels/copy.h"
#include "../../kernels/gemm.h"
#include "../../kernels/parallel.h"
#include "../../kernels/random.h"
#include "../../kernels/simd.h"
#include "../catch.h"
#include "../guarded.h"

namespace attune::test {

struct Product {
  Shape batch;
  int64_t m, k, n;
};

// [..., rows, columns] of normal values, in guarded memory, of the other order if transposed.
inline Array matrices(const Shape& batch, int64_t rows, int64_t columns, DType dtype,
                      bool transposed) {
  Shape shape = batch;
  shape.push_back(transposed ? columns : rows);
  shape.push_back(transposed ? rows : columns);
  const Array x = guarded(random_normal(shape, dtype, 0, 1));
  return transposed ? x.transpose(-1, -2) : x;
}

// Calls f for float32 operands of every product, in all four layouts.
template <size_t n>
void each_product(const Product (&products)[n],
                  const std::function<void(const Array& a, const Array& b)>& f) {
  manual_seed(2);
  for (const Product& p : products)
    for (int layout = 0; layout < 4; ++layout) {
      INFO(to_string(p.batch) << " " << p.m << " x " << p.k << " x " << p.n << ", layout "
                              << layout);
      f(matrices(p.batch, p.m, p.k, float32, layout & 1),
        matrices(p.batch, p.k, p.n, float32, layout & 2));
    }
}

// Runs f with every instruction set of the processor.
inline void on_every_target(const std::function<void()>& f) {
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    INFO(target);
    f();
  }
  set_simd_target(simd_targets().front());
}

inline Array identity(int64_t n) {
  Array x = kernels::zeros({n, n}, float32);
  for (int64_t i = 0; i < n; ++i) x.output<float>()[i * (n + 1)] = 1;
  return x;
}

inline std::vector<double> doubles(const Array& x) {
  const Array dense = kernels::contiguous(kernels::convert(x, float64));
  return {dense.data<double>(), dense.data<double>() + dense.numel()};
}

// How far a product is from the definition, in units of the last place of the sum of magnitudes.
inline double worst_error(const Array& a, const Array& b, const Array& product) {
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  const auto x = doubles(a), y = doubles(b), z = doubles(product);
  const double unit = a.dtype() == float32 ? std::numeric_limits<float>::epsilon()
                                           : std::numeric_limits<double>::epsilon();
  double worst = 0;
  for (int64_t i = 0; i < product.numel(); ++i) {
    const int64_t matrix = i / (m * n), row = i / n % m, column = i % n;
    double sum = 0, magnitude = 0;
    for (int64_t j = 0; j < k; ++j) {
      const double term = x[static_cast<size_t>((matrix * m + row) * k + j)] *
                          y[static_cast<size_t>((matrix * k + j) * n + column)];
      sum += term;
      magnitude += std::abs(term);
    }
    const double error = std::abs(z[static_cast<size_t>(i)] - sum);
    if (error > 0) worst = std::max(worst, error / (unit * magnitude));
  }
  return worst;
}

inline bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.raw_data(), b.raw_data(),
                     static_cast<size_t>(a.numel()) * size_of(a.dtype())) == 0;
}

// Sets attune's number of threads and OpenMP's, and puts them back.
class Threads {
 public:
  Threads(int ours, int openmp) {
    set_num_threads(ours);
    omp_set_num_threads(openmp);
  }
  ~Threads() {
    set_num_threads(ours_);
    omp_set_num_threads(openmp_);
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int ours_ = num_threads(), openmp_ = omp_get_max_threads();
};

// matmul_add() gives the sum of what was there and what matmul() gives.
template <size_t n>
void check_added_in_place(const Product (&products)[n]) {
  each_product(products, [](const Array& a, const Array& b) {
    const Array product = kernels::matmul(a, b);
    Array sum = kernels::full(product.shape(), float32, 0.5);
    kernels::matmul_add(sum, a, b);
    double worst = 0;
    const auto before = doubles(product), after = doubles(sum);
    for (size_t i = 0; i < before.size(); ++i)
      worst = std::max(worst, std::abs(after[i] - before[i] - 0.5) / (1 + std::abs(before[i])));
    CHECK(worst < 1e-5);
  });
}

template <size_t n>
void check_threads_do_not_matter(const Product (&products)[n]) {
  each_product(products, [](const Array& a, const Array& b) {
    Array alone;
    {
      const Threads one(1, 1);
      alone = kernels::matmul(a, b);
    }
    for (int threads : {2, 3, 4}) {
      const Threads several(threads, threads);
      CHECK(same_bits(kernels::matmul(a, b), alone));
    }
  });
}

}  // namespace attune::test
