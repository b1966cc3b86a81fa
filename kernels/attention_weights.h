#pragma once

#include <span>

#include "attention.h"

namespace attune::kernels {

// The weights that attention() gives its values, without dropout, for chosen queries and heads, or
// all where none are named: [..., heads, rows, Tk]. Memory beside the result grows with Tk alone. A
// row with nothing to attend to is 0. q and k as there; rows and heads in range, as the caller has
// checked.
Array attention_weights(const Array& q, const Array& k, const AttentionMask& mask, double scale,
                        std::span<const int64_t> rows, std::span<const int64_t> heads);

// What the heads of one attention attend to, each a mean over the queries that attend to anything:
// float64 [..., H], NaN where there is no such query.
struct AttentionStatistics {
  Array entropy;      // of the weights, in bits
  Array distance;     // between a query's position and its keys'
  Array on_self;      // weight on the key at the query's own position
  Array on_previous;  // on the one before; of the queries that have one
  Array on_first;     // on key 0
  Array top_keys;     // int64 [..., H, Tq, n]: the keys with most weight, largest first
  Array top_weights;  // [..., H, Tq, n], in q's dtype; 0 where a query sees fewer keys
};

// Recomputes the weights row by row: time as one attention, memory linear in Tk.
AttentionStatistics attention_statistics(const Array& q, const Array& k, const AttentionMask& mask,
                                         double scale, int64_t top);

}  // namespace attune::kernels
