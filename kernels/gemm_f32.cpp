#include "gemm_f32.h"

#include <algorithm>

#include "../array/array.h"
#include "f32_panels.h"
#include "parallel.h"
#include "scratch.h"

namespace attune::kernels {
namespace {

// Depths multiplied before the result goes back to memory: three panels of columns, which all rows
// are multiplied with, stay in the second-level cache.
constexpr int64_t depth_block = 1024;
// Tiles of the longer side: enough for 16 cores, not much longer than that cache holds.
constexpr int64_t pieces = 16;
constexpr int64_t shortest_tile = 48;
constexpr int64_t longest_tile = 192;
// Indices of the shorter side that one thread packs at a time.
constexpr int64_t packing_group = 64;

int64_t divide_up(int64_t x, int64_t by) { return (x + by - 1) / by; }
int64_t round_up(int64_t x, int64_t to) { return divide_up(x, to) * to; }

struct Blocking {
  bool cut_columns;
  int64_t shared, cut;  // sizes of the shorter side, and of the longer one, which is cut
  int64_t tile, depth;

  Blocking(int64_t m, int64_t n, int64_t k)
      : cut_columns(m < n),
        shared(std::min(m, n)),
        cut(std::max(m, n)),
        // Columns are multiplied three panels at a time, rows half a panel.
        tile(std::clamp(round_up(divide_up(cut, pieces), cut_columns ? 48 : 16), shortest_tile,
                        longest_tile)),
        depth(round_up(divide_up(k, divide_up(k, depth_block)), 32)) {}

  // Elements of packed operands.
  int64_t shared_panels() const { return round_up(shared, f32_panel_width()) * depth; }
  int64_t tile_panels() const { return tile * depth; }
};

}  // namespace

// Below, packing is too large a part of the work, or too many lanes stay empty.
bool gemm_f32_pays(int64_t m, int64_t n, int64_t k) {
  return m > 16 && n >= 32 && k >= 16 && m * n * k > int64_t{1} << 20 && f32_panel_width() > 0;
}

int64_t gemm_f32_scratch(int64_t m, int64_t n, int64_t k) {
  const Blocking blocking(m, n, k);
  return blocking.shared_panels() + num_threads() * blocking.tile_panels();
}

// The shorter side of C is packed once for all tiles of a depth block; every tile packs its own
// piece of the longer side, which nobody else needs, right before it multiplies. So each operand is
// read once, and the packed form of a large weight never exists as a whole.
void gemm_f32(int64_t m, int64_t n, int64_t k, const PanelOperand& a, const PanelOperand& b,
              bool accumulate, float* c) {
  const Blocking blocking(m, n, k);
  const bool cut_columns = blocking.cut_columns;
  const PanelOperand &shared = cut_columns ? a : b, &cut = cut_columns ? b : a;
  const int64_t tile = blocking.tile;
  const int64_t threads = omp_in_parallel() ? 1 : num_threads();
  // Threads take tiles as they come, so this one's next is about as many further as there are
  // threads.
  const auto upcoming = [&](int64_t first, int64_t from, int64_t depth) {
    return first < blocking.cut ? cut.part(first, std::min(tile, blocking.cut - first), from, depth)
                                : Upcoming{};
  };

  Array shared_memory({blocking.shared_panels()}, float32);
  float* const shared_panels = shared_memory.output<float>();
  for (int64_t from = 0; from < k; from += blocking.depth) {
    const int64_t depth = std::min(blocking.depth, k - from);
    parallel_tiles(divide_up(blocking.shared, packing_group), blocking.shared * depth,
                   [&](int64_t group) {
                     const int64_t first = group * packing_group;
                     pack_panels(shared, first, std::min(packing_group, blocking.shared - first),
                                 from, depth, shared_panels + first * depth);
                   });
    const bool add = accumulate || from > 0;
    parallel_tiles_with_scratch<float>(
        blocking.tile_panels(), divide_up(blocking.cut, tile), m * n * depth,
        [&](int64_t piece, float* panels) {
          const int64_t first = piece * tile, count = std::min(tile, blocking.cut - first);
          pack_panels(cut, first, count, from, depth, panels);
          const Upcoming next = upcoming(first + threads * tile, from, depth);
          if (cut_columns)
            multiply_panels(depth, shared_panels, panels, {c + first, n, m, count, add}, next);
          else
            multiply_panels(depth, panels, shared_panels, {c + first * n, n, count, n, add}, next);
        });
  }
}

}  // namespace attune::kernels
