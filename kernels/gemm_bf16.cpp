#include "gemm_bf16.h"

namespace attune::kernels {
namespace {

struct Bf16 {
  using Word = Bf16Pair;
  static constexpr int64_t depths = 2;
  static int64_t width() { return panel_width; }
};

using Product = PackedProduct<Bf16>;

}  // namespace

Array pack_operand(const PanelOperand& x, int64_t indices, int64_t depth) {
  Array packed({round_up(indices, panel_width), 2 * Product::words(depth)}, bfloat16);
  Product::pack_in_parallel(x, indices, 0, depth,
                            reinterpret_cast<Bf16Pair*>(packed.output<BFloat16>()));
  return packed;
}

void gemm_bf16(int64_t m, int64_t n, int64_t k, const Bf16Side& a, const Bf16Side& b,
               bool accumulate, float* c, const float* bias) {
  Product::run(m, n, k, a, b, accumulate, c, bias);
}

}  // namespace attune::kernels
