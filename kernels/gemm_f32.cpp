#include "gemm_f32.h"

#include "f32_panels.h"
#include "packed_product.h"

namespace attune::kernels {
namespace {

struct Float32 {
  using Word = float;
  static constexpr int64_t depths = 1;
  static int64_t width() { return f32_panel_width(); }
};

using Product = PackedProduct<Float32>;

}  // namespace

// Below, packing is too large a part of the work, or too many lanes stay empty.
bool gemm_f32_pays(int64_t m, int64_t n, int64_t k) {
  return m > 16 && n >= 32 && k >= 16 && m * n * k > int64_t{1} << 20 && f32_panel_width() > 0;
}

int64_t gemm_f32_scratch(int64_t m, int64_t n, int64_t k) {
  const Blocking by(m, n, k);
  return Product::shared_words(by) + num_threads() * Product::tile_words(by);
}

void gemm_f32(int64_t m, int64_t n, int64_t k, const PanelOperand& a, const PanelOperand& b,
              bool accumulate, float* c, const float* bias) {
  Product::run(m, n, k, {a}, {b}, accumulate, c, bias);
}

}  // namespace attune::kernels
