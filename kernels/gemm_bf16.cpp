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
// Indices of a side that one thread packs at a time.
constexpr int64_t packing_group = 64;

int64_t divide_up(int64_t x, int64_t by) { return (x + by - 1) / by; }
int64_t round_up(int64_t x, int64_t to) { return divide_up(x, to) * to; }

Bf16Pair* pairs_of(BFloat16* memory) { return reinterpret_cast<Bf16Pair*>(memory); }
int64_t pairs_in(int64_t depth) { return divide_up(depth, 2); }

// Panels just packed, to so many depths.
Bf16Panels fresh(const Bf16Pair* panels, int64_t depth) {
  return {panels, pairs_in(depth) * panel_width};
}

// The indices from `first` on, from a depth on, of an operand packed whole to depth k.
Bf16Panels part(const Bf16Pair* packed, int64_t k, int64_t first, int64_t from) {
  const int64_t distance = pairs_in(k) * panel_width;
  return {packed + first / panel_width * distance + pairs_in(from) * panel_width, distance};
}

void pack_in_parallel(const Bf16Operand& x, int64_t indices, int64_t from, int64_t depth,
                      Bf16Pair* panels) {
  parallel_tiles(divide_up(indices, packing_group), indices * depth, [&](int64_t group) {
    const int64_t first = group * packing_group;
    pack_panels(x, first, std::min(packing_group, indices - first), from, depth,
                panels + first * pairs_in(depth));
  });
}

}  // namespace

Array pack_operand(const Bf16Operand& x, int64_t indices, int64_t depth) {
  Array packed({round_up(indices, panel_width), 2 * pairs_in(depth)}, bfloat16);
  pack_in_parallel(x, indices, 0, depth, pairs_of(packed.output<BFloat16>()));
  return packed;
}

// The shorter side of C is packed once for all tiles of a depth block; every tile packs its own
// piece of the longer side, which nobody else needs, right before it multiplies. So each operand is
// read and rounded once, and the packed form of a large weight never exists as a whole, unless it
// came packed.
void gemm_bf16(int64_t m, int64_t n, int64_t k, const Bf16Side& a, const Bf16Side& b,
               bool accumulate, float* c, const float* bias) {
  const bool cut_columns = m <= n;
  const Bf16Side &shared = cut_columns ? a : b, &cut = cut_columns ? b : a;
  const int64_t shared_size = std::min(m, n), cut_size = std::max(m, n);
  // A panel of a few rows stays in the cache at any depth, and what came packed is best read on.
  const bool one_panel = shared_size <= panel_width && cut.packed;
  const int64_t block = round_up(one_panel ? k : divide_up(k, divide_up(k, depth_block)), 32);
  const int64_t tile =
      std::clamp(round_up(divide_up(cut_size, pieces), shortest_tile), shortest_tile, longest_tile);

  Array shared_memory({shared.packed ? 0 : round_up(shared_size, panel_width) * block}, bfloat16);
  Bf16Pair* const shared_pairs = pairs_of(shared_memory.output<BFloat16>());
  for (int64_t from = 0; from < k; from += block) {
    const int64_t depth = std::min(block, k - from);
    if (!shared.packed) pack_in_parallel(shared.values, shared_size, from, depth, shared_pairs);
    const Bf16Panels shared_panels =
        shared.packed ? part(shared.packed, k, 0, from) : fresh(shared_pairs, depth);
    const bool add = accumulate || from > 0, last = from + depth == k;
    parallel_tiles_with_scratch<BFloat16>(
        cut.packed ? 0 : tile * block, divide_up(cut_size, tile), m * n * depth,
        [&](int64_t piece, BFloat16* scratch) {
          const int64_t first = piece * tile, count = std::min(tile, cut_size - first);
          if (!cut.packed) pack_panels(cut.values, first, count, from, depth, pairs_of(scratch));
          const Bf16Panels panels =
              cut.packed ? part(cut.packed, k, first, from) : fresh(pairs_of(scratch), depth);
          if (cut_columns)
            multiply_panels(pairs_in(depth), shared_panels, panels,
                            {c + first, n, m, count, add, last && bias ? bias + first : nullptr});
          else
            multiply_panels(pairs_in(depth), panels, shared_panels,
                            {c + first * n, n, count, n, add, last ? bias : nullptr});
        });
  }
}

}  // namespace attune::kernels
