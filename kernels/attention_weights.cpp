#include "attention_weights.h"

#include <numeric>

#include "attention_tiles.h"

namespace attune::kernels {
namespace {

constexpr const char* name = "attention_weights";

// The weights of a few queries at a time.
template <class T>
class WeightRows {
 public:
  WeightRows(const Array& q, const Array& k, const AttentionMask& mask, double scale)
      : keys_(k.size(-2)),
        depth_(q.size(-1)),
        scale_(static_cast<T>(scale)),
        q_(q),
        k_(k),
        sharing_(heads_sharing_keys(q, k)),
        masking_(mask, scores_shape(q, keys_)) {}

  // Fills weights [rows, Tk] for queries row … row + rows - 1, and entropies [rows] in bits (NaN
  // for a query with nothing to attend to). tile: room for [query_tile, key_tile].
  void fill(int64_t batch, int64_t row, int64_t rows, T* tile, T* weights,
            double* entropies) const {
    for (int64_t column = 0; column < keys_; column += key_tile) {
      const Tile t{batch, row, rows, column, std::min(key_tile, keys_ - column)};
      scores(t, tile);
      for (int64_t i = 0; i < rows; ++i)
        std::copy_n(tile + i * key_tile, t.columns, weights + i * keys_ + column);
    }
    for (int64_t i = 0; i < rows; ++i) entropies[i] = normalise(weights + i * keys_);
  }

  const Masking<T>& masking() const { return masking_; }

 private:
  static constexpr T masked = -std::numeric_limits<T>::infinity();

  void scores(const Tile& t, T* tile) const {
    if (masking_.empty(t) || t.column >= masking_.key_end(t.batch)) {
      std::fill_n(tile, t.rows * key_tile, masked);
      return;
    }
    gemm_tile(false, true, t.rows, t.columns, depth_, scale_, q_.at(t.batch, t.row), q_.leading(),
              k_.at(t.batch / sharing_, t.column), k_.leading(), T{0}, tile, key_tile);
    masking_.apply(t, tile);
    const int64_t seen = std::clamp<int64_t>(masking_.key_end(t.batch) - t.column, 0, t.columns);
    for (int64_t i = 0; i < t.rows; ++i)
      std::fill(tile + i * key_tile + seen, tile + i * key_tile + t.columns, masked);
  }

  // Scores to weights, in place.
  double normalise(T* row) const {
    const T top = rows::maximum(row, keys_);
    if (top == masked) {
      std::fill_n(row, keys_, T{0});
      return std::numeric_limits<double>::quiet_NaN();
    }
    // -Σ w log w = log Σ e^s - Σ w s.
    double total = 0, weighted = 0;
    for (int64_t j = 0; j < keys_; ++j) {
      if (row[j] == masked) continue;
      const double shifted = static_cast<double>(row[j] - top), e = std::exp(shifted);
      total += e;
      weighted += e * shifted;
    }
    rows::exp_into(row, top, row, keys_);
    rows::affine(row, static_cast<T>(1 / total), T{0}, row, keys_);
    return (std::log(total) - weighted / total) / std::log(2.0);
  }

  int64_t keys_, depth_;
  T scale_;
  Matrices<const T> q_, k_;
  int64_t sharing_;
  Masking<T> masking_;
};

// Sums over the queries of one head.
struct Sums {
  double entropy = 0, distance = 0, self = 0, previous = 0, first = 0;
  int64_t queries = 0, with_previous = 0;

  template <class T>
  void add(const T* weights, int64_t keys, int64_t position, double bits) {
    ++queries;
    entropy += bits;
    for (int64_t j = 0; j < keys; ++j)
      distance += static_cast<double>(weights[j]) * static_cast<double>(std::abs(j - position));
    first += static_cast<double>(weights[0]);
    if (position >= 0 && position < keys) self += static_cast<double>(weights[position]);
    if (position < 1 || position > keys) return;
    previous += static_cast<double>(weights[position - 1]);
    ++with_previous;
  }
};

// The n keys with most weight, largest first, the lower key first among equals.
template <class T>
void pick_top(const T* weights, int64_t keys, int64_t n, int64_t* at, T* values) {
  if (n == 0) return;
  const auto before = [&](int64_t a, int64_t b) {
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
  };
  // A heap of those picked so far, the last of them on top.
  std::iota(at, at + n, int64_t{0});
  std::make_heap(at, at + n, before);
  for (int64_t key = n; key < keys; ++key) {
    if (!before(key, at[0])) continue;
    std::pop_heap(at, at + n, before);
    at[n - 1] = key;
    std::push_heap(at, at + n, before);
  }
  std::sort_heap(at, at + n, before);
  for (int64_t i = 0; i < n; ++i) values[i] = weights[at[i]];
}

double mean(double sum, int64_t count) {
  return count ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

int64_t batches_of(const Array& q) {
  int64_t batches = 1;
  for (int64_t d = 0; d < q.dim() - 2; ++d) batches *= q.shape()[d];
  return batches;
}

// Indices that somebody picked, or all of them.
class Chosen {
 public:
  Chosen(std::span<const int64_t> picked, int64_t all) : picked_(picked), all_(all) {}

  int64_t count() const { return picked_.empty() ? all_ : static_cast<int64_t>(picked_.size()); }
  int64_t operator[](int64_t i) const {
    return picked_.empty() ? i : picked_[static_cast<size_t>(i)];
  }
  // Places within a query_tile whose indices follow each other, as (first, count).
  std::vector<std::pair<int64_t, int64_t>> runs() const {
    std::vector<std::pair<int64_t, int64_t>> runs;
    for (int64_t i = 0; i < count(); ++i) {
      const bool follows = i % query_tile != 0 && (*this)[i] == (*this)[i - 1] + 1;
      if (follows)
        ++runs.back().second;
      else
        runs.emplace_back(i, 1);
    }
    return runs;
  }

 private:
  std::span<const int64_t> picked_;
  int64_t all_;
};

}  // namespace

Array attention_weights(const Array& q, const Array& k, const AttentionMask& mask, double scale,
                        std::span<const int64_t> rows, std::span<const int64_t> heads) {
  const int64_t all_heads = q.dim() > 2 ? q.size(-3) : 1, keys = k.size(-2);
  const Chosen row(rows, q.size(-2)), head(heads, all_heads);
  Shape shape = scores_shape(q, keys);
  if (q.dim() > 2) shape[q.dim() - 3] = head.count();
  shape[q.dim() - 2] = row.count();
  Array out(shape, q.dtype());
  if (out.numel() == 0) return out;
  visit_floating(name, q.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const WeightRows<T> source(q, k, mask, scale);
    const BlasSession session;
    T* to = out.output<T>();
    const auto runs = row.runs();
    const auto per_head = static_cast<int64_t>(runs.size());
    parallel_tiles_with_scratch<T>(
        query_tile * key_tile, out.numel() / (keys * row.count()) * per_head, out.numel(),
        [&](int64_t task, T* tile) {
          const int64_t index = task / per_head;  // of a head in the result
          const auto [first, count] = runs[static_cast<size_t>(task % per_head)];
          double entropies[query_tile];
          source.fill(index / head.count() * all_heads + head[index % head.count()], row[first],
                      count, tile, to + (index * row.count() + first) * keys, entropies);
        });
  });
  return out;
}

AttentionStatistics attention_statistics(const Array& q, const Array& k, const AttentionMask& mask,
                                         double scale, int64_t top) {
  const int64_t queries = q.size(-2), keys = k.size(-2), batches = batches_of(q);
  Shape per_query = scores_shape(q, std::min(top, keys)), per_head = q.shape();
  per_head.erase(per_head.size() - 1);
  per_head.erase(per_head.size() - 1);
  const auto numbers = [&] { return Array(per_head, float64); };
  AttentionStatistics out{numbers(),
                          numbers(),
                          numbers(),
                          numbers(),
                          numbers(),
                          Array(per_query, int64),
                          Array(per_query, q.dtype())};
  visit_floating(name, q.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const WeightRows<T> source(q, k, mask, scale);
    const BlasSession session;
    const int64_t kept = per_query.back();
    int64_t* top_keys = out.top_keys.output<int64_t>();
    T* top_weights = out.top_weights.template output<T>();
    double *entropy = out.entropy.output<double>(), *distance = out.distance.output<double>(),
           *self = out.on_self.output<double>(), *previous = out.on_previous.output<double>(),
           *first = out.on_first.output<double>();
    const int64_t room = query_tile * (key_tile + keys);
    const int64_t work = batches * queries * std::max<int64_t>(1, keys);
    parallel_tiles_with_scratch<T>(room, batches, work, [&](int64_t batch, T* tile) {
      T* weights = tile + query_tile * key_tile;
      double entropies[query_tile];
      Sums sums;
      for (int64_t row = 0; row < queries; row += query_tile) {
        const int64_t count = std::min(query_tile, queries - row);
        source.fill(batch, row, count, tile, weights, entropies);
        for (int64_t i = 0; i < count; ++i) {
          const T* of_query = weights + i * keys;
          const int64_t at = (batch * queries + row + i) * kept;
          pick_top(of_query, keys, kept, top_keys + at, top_weights + at);
          if (!std::isnan(entropies[i]))
            sums.add(of_query, keys, row + i + source.masking().first(batch), entropies[i]);
        }
      }
      entropy[batch] = mean(sums.entropy, sums.queries);
      distance[batch] = mean(sums.distance, sums.queries);
      self[batch] = mean(sums.self, sums.queries);
      first[batch] = mean(sums.first, sums.queries);
      previous[batch] = mean(sums.previous, sums.with_previous);
    });
  });
  return out;
}

}  // namespace attune::kernels
