#include "../../kernels/gemm.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <thread>

#include "../../array/error.h"
#include "../../array/trace.h"
#include "products.h"

using namespace attune;
using namespace attune::test;

namespace {

// Single, few and many tiles; rows, columns and squares; sizes that no tile divides.
const Product products[] = {
    {{}, 1, 1, 1},     {{}, 3, 0, 2},      {{}, 5, 7, 3},        {{}, 64, 64, 64},
    {{}, 1, 600, 700}, {{}, 700, 600, 1},  {{}, 129, 65, 131},   {{}, 100, 900, 20},
    {{}, 20, 900, 90}, {{}, 2100, 40, 33}, {{}, 33, 40, 2100},   {{}, 513, 65, 130},
    {{3}, 70, 70, 70}, {{20}, 40, 50, 60}, {{2, 3}, 90, 33, 65},
};

// Calls f for every product, in both dtypes and all four layouts.
void each_product(const std::function<void(const Array& a, const Array& b)>& f) {
  manual_seed(1);
  for (DType dtype : {float32, float64})
    for (const Product& p : products)
      for (int layout = 0; layout < 4; ++layout) {
        INFO(name_of(dtype) << " " << to_string(p.batch) << " " << p.m << " x " << p.k << " x "
                            << p.n << ", layout " << layout);
        f(matrices(p.batch, p.m, p.k, dtype, layout & 1),
          matrices(p.batch, p.k, p.n, dtype, layout & 2));
      }
}

// Operations and bytes that kernels report while it lives.
class WorkCounter final : Tracer {
 public:
  WorkCounter() { listen(this); }
  ~WorkCounter() { listen(nullptr); }
  WorkCounter(const WorkCounter&) = delete;
  WorkCounter& operator=(const WorkCounter&) = delete;
  double done() const { return done_; }

 private:
  void multiplied(double flops) override { done_ += flops; }
  void moved(double bytes) override { done_ += bytes; }
  void opened(const char*, bool) override {}
  void closed() override {}
  void recorded(const char*) override {}
  void allocated(size_t) override {}

  double done_ = 0;
};

// A function of OpenBLAS, whose header belongs to kernels/gemm.cpp alone.
template <class F>
F* openblas(const char* name) {
  void* const found = dlsym(RTLD_DEFAULT, name);
  REQUIRE(found != nullptr);
  return reinterpret_cast<F*>(found);
}

// float64 zeros that take memory only where they are written: for strides beyond 32 bits.
Array sparse(const Shape& shape, const Shape& strides) {
  int64_t elements = 1;
  for (int64_t d = 0; d < shape.size(); ++d) elements += (shape[d] - 1) * strides[d];
  const size_t bytes = static_cast<size_t>(elements) * sizeof(double);
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(data != MAP_FAILED);
  return Array(Storage::adopt(data, bytes, [=] { ::munmap(data, bytes); }), shape, strides, 0,
               float64);
}

}  // namespace

TEST_CASE("products are those of the definition, in every layout") {
  const Threads four(4, 4);
  each_product(
      [](const Array& a, const Array& b) { CHECK(worst_error(a, b, kernels::matmul(a, b)) < 4); });
}

TEST_CASE("products do not depend on threads, ours or those of OpenMP") {
  each_product([](const Array& a, const Array& b) {
    Array alone;
    {
      const Threads one(1, 1);
      alone = kernels::matmul(a, b);
    }
    for (const auto& [ours, openmp] : {std::pair(1, 4), {2, 2}, {4, 4}, {4, 1}}) {
      const Threads several(ours, openmp);
      INFO(ours << " threads of ours, " << openmp << " of OpenMP");
      CHECK(same_bits(kernels::matmul(a, b), alone));
    }
  });
}

TEST_CASE("products of several threads at once, in and out of parallel regions, are the same") {
  const Array a = random_normal({257, 300}, float32, 0, 1, {1, 0});
  const Array b = random_normal({300, 190}, float32, 0, 1, {1, 1});
  const Array expected = kernels::matmul(a, b);
  std::vector<int> good(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < good.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) good[t] += same_bits(kernels::matmul(a, b), expected);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(good == std::vector<int>(4, 20));

  for (int team : {1, 3}) {
    std::vector<int> inside(static_cast<size_t>(team), 0);
#pragma omp parallel num_threads(team)
    inside[static_cast<size_t>(omp_get_thread_num())] = same_bits(kernels::matmul(a, b), expected);
    CHECK(inside == std::vector<int>(static_cast<size_t>(team), 1));
  }
}

TEST_CASE("the user's own settings of BLAS and OpenMP are put back") {
  const auto get = openblas<int()>("openblas_get_num_threads");
  const auto set = openblas<void(int)>("openblas_set_num_threads");
  const int before = get();
  const Threads four(4, 4);
  set(3);
  const int three = get();  // 1 where OpenBLAS is the serial variant
  for (const int outside : {2, 3}) {
    set(outside);
    const kernels::BlasSession session;
    // Of OpenBLAS's own, or of OpenMP where it takes those.
    CHECK((get() == 1 || omp_get_max_threads() == 1));
  }
  omp_set_num_threads(2);
  const Array a = random_normal({200, 200}, float64, 0, 1, {1, 0});
  kernels::matmul(a, a);
  CHECK(omp_get_max_threads() == 2);
  CHECK(get() == three);
  // Nor does a product of one thread touch the settings of another.
  std::thread([&] {
    omp_set_num_threads(3);
    const kernels::BlasSession session;
    std::thread([&] { kernels::matmul(a, a); }).join();
  }).join();
  CHECK(omp_get_max_threads() == 2);
  CHECK(get() == three);
  set(before);
}

TEST_CASE("rows that lie further apart than BLAS can count are multiplied all the same") {
  constexpr int64_t apart = (int64_t{1} << 32) + 5;
  const Array a = random_normal({20, 3}, float64, 0, 1, {1, 0});
  Array b = sparse({3, 4}, {apart, 1});
  kernels::copy_into(b, random_normal({3, 4}, float64, 0, 1, {1, 1}));
  CHECK(worst_error(a, b, kernels::matmul(a, b)) < 4);
  const Array left = b.transpose(0, 1), right = a.transpose(0, 1);
  CHECK(worst_error(left, right, kernels::matmul(left, right)) < 4);
}

TEST_CASE("products of int64 are not added to what is there") {
  Array sum = kernels::ones({2, 2}, int64);
  CHECK_THROWS_AS(kernels::matmul_add(sum, sum, sum), DTypeError);
}

TEST_CASE("what is refused is not counted as work: another dtype, a sum too long for BLAS") {
  constexpr int64_t length = (int64_t{1} << 31) + 1;
  const Array a = sparse({20, length}, {length, 1}), b = sparse({length, 2}, {2, 1});
  const Array ones = kernels::ones({2, 2}, float32), bools = kernels::ones({2, 2}, boolean);
  const WorkCounter work;
  CHECK_THROWS_AS(kernels::matmul(a, b), ShapeError);
  CHECK_THROWS_AS(kernels::matmul(bools, bools), DTypeError);
  CHECK(work.done() == 0);
  kernels::matmul(ones, ones);
  CHECK(work.done() == 2 * 2 * 2 * 2 + 3 * 2 * 2 * 4);
}
