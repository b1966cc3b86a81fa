#pragma once

// For .cpp files only: how gemm_f32 and gemm_bf16 cut a product.
//
// Multipliers are kept busy only by operands that lie in the order of their use, in the nearest
// caches. So both sides are packed into panels: as many rows or columns as a vector has lanes, side
// by side, depth after depth. The shorter side of C is packed once for all tiles of a depth block;
// every tile packs its own piece of the longer side, which nobody else needs, right before it
// multiplies, and asks for the next piece meanwhile. So each operand is read once, in any layout,
// and the packed form of a large weight never exists as a whole, unless it came packed.
//
// A Format says what panels are made of: a Word for each lane, which holds so many depths.

#include <algorithm>

#include "../array/array.h"
#include "panels.h"
#include "parallel.h"
#include "scratch.h"

namespace attune::kernels {

// One side of a product: its values, and the whole of it packed, if it is.
template <class Word>
struct PackedSide {
  PanelOperand values;
  const Word* packed = nullptr;
};

// By shape alone, so that sums never depend on threads.
struct Blocking {
  // Depths multiplied before the result goes back to memory: three panels of columns, which all
  // rows are multiplied with, stay in the second-level cache.
  static constexpr int64_t depth_block = 1024;
  // Tiles of the longer side: enough for 16 cores, not much longer than that cache holds.
  static constexpr int64_t pieces = 16, shortest_tile = 32, longest_tile = 192;
  // Indices of a side that one thread packs at a time.
  static constexpr int64_t packing_group = 64;

  bool cut_columns;
  int64_t shared, cut;  // sizes of the shorter side, and of the longer one, which is cut
  int64_t tile, depth;

  Blocking(int64_t m, int64_t n, int64_t k, bool whole_depth = false)
      : cut_columns(m < n),
        shared(std::min(m, n)),
        cut(std::max(m, n)),
        // Columns are multiplied three panels at a time where 48 divides them. Else tiles are
        // finer, since a last one that is much shorter than the others leaves threads waiting.
        tile(std::clamp(round_up(divide_up(cut, pieces), cut_columns && cut % 48 == 0 ? 48 : 16),
                        shortest_tile, longest_tile)),
        depth(round_up(whole_depth ? k : divide_up(k, divide_up(k, depth_block)), 32)) {}
};

template <class Format>
class PackedProduct {
 public:
  using Word = typename Format::Word;
  using Side = PackedSide<Word>;
  static_assert(sizeof(Word) == sizeof(float));

  static int64_t words(int64_t depth) { return divide_up(depth, Format::depths); }

  static void pack_in_parallel(const PanelOperand& x, int64_t indices, int64_t from, int64_t depth,
                               Word* panels) {
    constexpr int64_t group = Blocking::packing_group;
    parallel_tiles(divide_up(indices, group), indices * depth, [&](int64_t i) {
      const int64_t first = i * group;
      pack_panels(x, first, std::min(group, indices - first), from, depth,
                  panels + first * words(depth));
    });
  }

  // Words of packed operands at a time: shared by all threads, and of each.
  static int64_t shared_words(const Blocking& by) {
    return round_up(by.shared, Format::width()) * words(by.depth);
  }
  static int64_t tile_words(const Blocking& by) { return by.tile * words(by.depth); }

  // C = A B, or C += A B, and a bias for every column, unless null. c: row-major [m, n], dense.
  static void run(int64_t m, int64_t n, int64_t k, const Side& a, const Side& b, bool accumulate,
                  float* c, const float* bias) {
    // A panel of a few rows stays in the cache at any depth, and what came packed is best read on.
    const bool whole_depth = std::min(m, n) <= Format::width() && (m < n ? b : a).packed;
    const Blocking by(m, n, k, whole_depth);
    const Side &shared = by.cut_columns ? a : b, &cut = by.cut_columns ? b : a;
    const int64_t threads = omp_in_parallel() ? 1 : num_threads();

    Array memory({shared.packed ? 0 : shared_words(by)}, float32);
    Word* const shared_memory = reinterpret_cast<Word*>(memory.output<float>());
    for (int64_t from = 0; from < k; from += by.depth) {
      const int64_t depth = std::min(by.depth, k - from);
      if (!shared.packed) pack_in_parallel(shared.values, by.shared, from, depth, shared_memory);
      const Panels<Word> shared_panels =
          shared.packed ? part(shared.packed, k, 0, from) : fresh(shared_memory, depth);
      const bool add = accumulate || from > 0;
      const float* const last_bias = from + depth == k ? bias : nullptr;
      parallel_tiles_with_scratch<float>(
          cut.packed ? 0 : tile_words(by), divide_up(by.cut, by.tile), m * n * depth,
          [&](int64_t piece, float* scratch) {
            const int64_t first = piece * by.tile, count = std::min(by.tile, by.cut - first);
            Word* const own = reinterpret_cast<Word*>(scratch);
            if (!cut.packed) pack_panels(cut.values, first, count, from, depth, own);
            const Panels<Word> panels =
                cut.packed ? part(cut.packed, k, first, from) : fresh(own, depth);
            // Threads take tiles as they come, so this one's next is about as many further as
            // there are threads.
            const int64_t later = first + threads * by.tile;
            const Upcoming next =
                cut.packed || later >= by.cut
                    ? Upcoming{}
                    : cut.values.part(later, std::min(by.tile, by.cut - later), from, depth);
            if (by.cut_columns)
              multiply_panels(
                  words(depth), shared_panels, panels,
                  {c + first, n, m, count, add, last_bias ? last_bias + first : nullptr}, next);
            else
              multiply_panels(words(depth), panels, shared_panels,
                              {c + first * n, n, count, n, add, last_bias}, next);
          });
    }
  }

 private:
  // Panels just packed, to so many depths.
  static Panels<Word> fresh(const Word* panels, int64_t depth) {
    return {panels, words(depth) * Format::width()};
  }
  // The indices from `first` on, from a depth on, of an operand packed whole to depth k.
  static Panels<Word> part(const Word* packed, int64_t k, int64_t first, int64_t from) {
    const Panels<Word> whole = fresh(packed, k);
    return {whole[first / Format::width()] + words(from) * Format::width(), whole.distance};
  }
};

}  // namespace attune::kernels
