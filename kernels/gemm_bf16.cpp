#include "gemm_bf16.h"

#include <algorithm>

#include "../array/array.h"
#include "parallel.h"
#include "scratch.h"

namespace attune::kernels {
namespace {

// Depths multiplied before sums go back to memory: tiles of both operands stay in the second-level
// cache. Tiles of the longer side: enough for 16 cores, of whole register tiles, not much longer
// than that cache holds.
constexpr int64_t depth_block = 1024;
constexpr int64_t pieces = 16;
constexpr int64_t shortest_tile = 48;
constexpr int64_t longest_tile = 192;
// Indices of the shorter side that one thread packs at a time.
constexpr int64_t packing_group = 64;

int64_t divide_up(int64_t x, int64_t by) { return (x + by - 1) / by; }
int64_t round_up(int64_t x, int64_t to) { return divide_up(x, to) * to; }

Bf16Pair* pairs_of(BFloat16* memory) { return reinterpret_cast<Bf16Pair*>(memory); }

}  // namespace

// The shorter side of C is packed once for all tiles of a depth block; every tile packs its own
// piece of the longer side, which nobody else needs, right before it multiplies. So each operand is
// read and rounded once, and the packed form of a large weight never exists as a whole.
void gemm_bf16(int64_t m, int64_t n, int64_t k, const Bf16Operand& a, const Bf16Operand& b,
               bool accumulate, float* c) {
  const bool cut_columns = m <= n;
  const Bf16Operand &shared = cut_columns ? a : b, &cut = cut_columns ? b : a;
  const int64_t shared_size = std::min(m, n), cut_size = std::max(m, n);
  const int64_t block = round_up(divide_up(k, divide_up(k, depth_block)), 32);
  const int64_t tile =
      std::clamp(round_up(divide_up(cut_size, pieces), shortest_tile), shortest_tile, longest_tile);

  Array shared_memory({round_up(shared_size, panel_width) * block}, bfloat16);
  Bf16Pair* const shared_panels = pairs_of(shared_memory.output<BFloat16>());
  for (int64_t from = 0; from < k; from += block) {
    const int64_t depth = std::min(block, k - from), pairs = divide_up(depth, 2);
    parallel_tiles(divide_up(shared_size, packing_group), shared_size * depth, [&](int64_t group) {
      const int64_t first = group * packing_group;
      pack_panels(shared, first, std::min(packing_group, shared_size - first), from, depth,
                  shared_panels + first * pairs);
    });
    const bool add = accumulate || from > 0;
    parallel_tiles_with_scratch<BFloat16>(
        tile * block, divide_up(cut_size, tile), m * n * depth,
        [&](int64_t piece, BFloat16* scratch) {
          const int64_t first = piece * tile, count = std::min(tile, cut_size - first);
          Bf16Pair* const panels = pairs_of(scratch);
          pack_panels(cut, first, count, from, depth, panels);
          if (cut_columns)
            multiply_panels(pairs, shared_panels, panels, {c + first, n, m, count, add});
          else
            multiply_panels(pairs, panels, shared_panels, {c + first * n, n, count, n, add});
        });
  }
}

}  // namespace attune::kernels
