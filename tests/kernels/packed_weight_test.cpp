#include "../../kernels/packed_weight.h"

#include <atomic>
#include <thread>

#include "../../array/pool.h"
#include "../../kernels/accumulate.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/gemm.h"
#include "../../kernels/matmul_precision.h"
#include "products.h"

using namespace attune;
using namespace attune::test;

namespace {

Array rounded(const Array& x) { return kernels::convert(kernels::convert(x, bfloat16), float32); }

// With a weight that lasts.
Array product(const Array& a, const Array& weight) {
  return kernels::linear(a, weight, Array(), true);
}

bool keeps(const Array& weight) { return weight.storage().kept() != nullptr; }

}  // namespace

TEST_CASE("a product with a kept weight is the product, for rows of A and of C alike") {
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  manual_seed(6);
  // The longer side is either; several blocks of depth; sides that fill no panel.
  const Product products[] = {{{}, 40, 96, 130}, {{}, 333, 777, 97}, {{}, 100, 2049, 151}};
  for (const Product& p : products)
    for (int layout = 0; layout < 4; ++layout) {
      INFO(p.m << " x " << p.k << " x " << p.n << ", layout " << layout);
      const Array a = matrices({}, p.m, p.k, float32, layout & 1);
      const Array weight = matrices({}, p.k, p.n, float32, layout & 2);
      const Array expected = kernels::matmul(a, weight);
      CHECK(same_bits(product(a, weight), expected));
      CHECK(keeps(weight) == kernels::has_bf16_panels());
      CHECK(same_bits(product(a, weight), expected));
    }
}

TEST_CASE("a bias is added to the product, whatever the precision and the weight") {
  manual_seed(11);
  for (const bool lasting : {false, true})
    for (const MatmulPrecision precision : {MatmulPrecision::highest, MatmulPrecision::medium})
      for (const Product& p : {Product{{}, 5, 96, 130}, {{}, 333, 1777, 97}, {{}, 70, 2049, 151}}) {
        INFO(p.m << " x " << p.k << " x " << p.n << (lasting ? ", lasting" : ""));
        const MatmulPrecisionScope scope(precision);
        const Array a = matrices({}, p.m, p.k, float32, false);
        const Array weight = matrices({}, p.k, p.n, float32, true);
        const Array bias = random_normal({2 * p.n}, float32, 0, 1).slice(0, 0, {}, 2);
        Array expected = kernels::linear(a, weight, Array(), lasting);
        kernels::add_into(expected, bias.expand({p.m, p.n}));
        CHECK(same_bits(kernels::linear(a, weight, bias, lasting), expected));
      }
}

TEST_CASE("with a kept weight, few rows are rounded like many") {
  if (!kernels::has_bf16_panels()) return;
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  manual_seed(7);
  for (int layout = 0; layout < 2; ++layout) {
    const Array weight = matrices({}, 1300, 500, float32, layout);
    for (int64_t m : {1, 2, 4, 7, 8, 9, 16}) {
      const Array a = matrices({}, m, 1300, float32, false);
      CHECK(worst_error(rounded(a), rounded(weight), product(a, weight)) < 4);
    }
  }
}

TEST_CASE("what is kept follows every write and is freed with the weight") {
  if (!kernels::has_bf16_panels()) return;
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  manual_seed(8);
  const Array a = matrices({}, 30, 200, float32, false);
  const int64_t before = memory_stats().live_bytes;
  {
    Array weight = matrices({}, 200, 300, float32, false);
    const std::function<void(Array)> writes[] = {
        [](Array x) { x.write<float>([](float* values) { values[0] = 5; }); },
        [](Array x) { x.narrow(0, 3, 2).write<float>([](float* values) { values[7] = 5; }); },
        [](Array x) { kernels::copy_into(x, kernels::full({}, float32, 2)); },  // unmarked
    };
    for (const auto& write : writes) {
      product(a, weight);
      CHECK(keeps(weight));
      write(weight);
      CHECK_FALSE(keeps(weight));
      CHECK(same_bits(product(a, weight), kernels::matmul(a, weight)));
    }
  }
  CHECK(memory_stats().live_bytes == before);
}

TEST_CASE("views of a storage are kept together, up to the bytes of the storage") {
  if (!kernels::has_bf16_panels()) return;
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  manual_seed(9);
  const Array joint = matrices({}, 192, 128, float32, false);
  const Array a = matrices({}, 40, 128, float32, false);
  const auto check = [&](int64_t first) {
    const Array part = joint.narrow(0, first, 64).transpose(0, 1);
    CHECK(same_bits(product(a, part), kernels::matmul(a, part)));
  };
  const int64_t before = memory_stats().live_bytes;
  for (int round = 0; round < 2; ++round)
    for (int64_t first : {0, 64, 128}) check(first);
  const int64_t parts = memory_stats().live_bytes - before;
  CHECK(parts > 192 * 128 * 2);
  for (int64_t first = 0; first < 128; first += 16) check(first);
  CHECK(memory_stats().live_bytes - before < 2 * parts + 4096);
  // A view larger than its storage is used, and not kept.
  const Array row = matrices({}, 1, 128, float32, false);
  const Array many = row.expand({100, 128}).transpose(0, 1);
  CHECK(same_bits(product(a, many), kernels::matmul(a, many)));
  CHECK_FALSE(keeps(many));
}

TEST_CASE("threads that share a weight agree") {
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  manual_seed(10);
  const Array a = matrices({}, 30, 200, float32, false);
  Array weight = matrices({}, 200, 300, float32, true);
  for (int round = 0; round < 5; ++round) {
    weight.write<float>([&](float* values) { values[round] += 1; });
    const Array expected = kernels::matmul(a, weight);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        const MatmulPrecisionScope in_thread(MatmulPrecision::medium);
        for (int j = 0; j < 3; ++j) wrong += !same_bits(product(a, weight), expected);
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
  }
}
