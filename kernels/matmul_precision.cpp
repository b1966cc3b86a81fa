#include "matmul_precision.h"

#include <atomic>
#include <utility>

namespace attune {
namespace {

constexpr uint8_t of_process = 0xFF;  // outside of every scope

std::atomic<MatmulPrecision> process_precision{MatmulPrecision::highest};
thread_local uint8_t thread_precision = of_process;

}  // namespace

void set_float32_matmul_precision(MatmulPrecision precision) {
  process_precision.store(precision, std::memory_order_relaxed);
}

MatmulPrecision float32_matmul_precision() {
  if (thread_precision != of_process) return static_cast<MatmulPrecision>(thread_precision);
  return process_precision.load(std::memory_order_relaxed);
}

MatmulPrecisionScope::MatmulPrecisionScope(MatmulPrecision precision)
    : outer_(std::exchange(thread_precision, static_cast<uint8_t>(precision))) {}

MatmulPrecisionScope::~MatmulPrecisionScope() { thread_precision = outer_; }

}  // namespace attune
