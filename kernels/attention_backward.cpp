#include "attention_decode.h"
#include "attention_tiles.h"
#include "dropout.h"
#include "parallel.h"
#include "thin_product.h"
#include "transpose.h"

namespace attune::kernels {
namespace {

template <class T>
class Backward {
 public:
  Backward(const Array& g, const Array& q, const Array& k, const Array& v,
           const AttentionResult& result, const AttentionMask& mask,
           const AttentionOptions& options, AttentionGradients& gradients)
      : queries_(q.size(-2)),
        keys_(k.size(-2)),
        depth_(q.size(-1)),
        width_(v.size(-1)),
        g_(g),
        q_(q),
        k_(k),
        v_(v),
        y_(result.y),
        dq_(gradients.q),
        dk_(gradients.k),
        dv_(gradients.v),
        sharing_(heads_sharing_keys(q, k)),
        decoding_(is_decoding(q, k, mask)),
        masking_(mask, scores_shape(q, keys_)),
        options_(options),
        scale_(static_cast<T>(options.scale)),
        dropout_(options.dropout, options.draw),
        largest_(result.largest.data<T>()),
        sum_(result.sum.data<T>()),
        dscores_(gradients.scores.defined() ? gradients.scores.output<T>() : nullptr) {}

  // One task for the queries that share keys: they follow each other, and so do the key blocks of
  // each, so that all three gradients add up in a fixed order.
  void run(int64_t batches) const {
    if (Tracer* tracer = Tracer::current())
      tracer->multiplied(2 * scores_in_tiles(masking_, batches, queries_) *
                         static_cast<double>(3 * depth_ + 2 * width_));
    const BlasSession session;
    parallel_tiles_with_scratch<T>(backward_scratch(queries_, depth_, width_), batches / sharing_,
                                   batches * queries_ * std::max<int64_t>(1, keys_),
                                   [&](int64_t shared, T* scratch) {
                                     clear(dk_, shared, keys_, depth_);
                                     clear(dv_, shared, keys_, width_);
                                     for (int64_t i = 0; i < sharing_; ++i)
                                       batch_index(shared * sharing_ + i, scratch);
                                   });
  }

 private:
  struct Buffers {
    T *weights, *gradient;  // [query_tile, key_tile]
    T *keys, *values;       // of the key block, transposed: [D, key_tile], [Dv, key_tile]
    T* delta;               // [Tq]
  };

  static void clear(const Matrices<T>& x, int64_t index, int64_t rows, int64_t width) {
    for (int64_t i = 0; i < rows; ++i) std::fill_n(x.at(index, i), width, T{0});
  }

  void batch_index(int64_t batch, T* scratch) const {
    constexpr int64_t scores = query_tile * key_tile;
    T* const transposed = scratch + 2 * scores;
    const Buffers buffers{scratch, scratch + scores, transposed, transposed + depth_ * key_tile,
                          transposed + (depth_ + width_) * key_tile};
    clear(dq_, batch, queries_, depth_);
    for (int64_t i = 0; i < queries_; ++i)
      buffers.delta[i] = rows::dot(g_.at(batch, i), y_.at(batch, i), width_);
    const int64_t end = masking_.key_end(batch);
    for (int64_t column = 0; column < end; column += key_tile)
      key_block(batch, column, std::min(key_tile, end - column), buffers);
  }

  // Keys and values are transposed once for all queries: BLAS multiplies small plain operands where
  // they lie, and would copy transposed ones for every tile.
  void key_block(int64_t batch, int64_t column, int64_t columns, const Buffers& buffers) const {
    const int64_t shared = batch / sharing_;
    if (!decoding_)
      transpose(k_.at(shared, column), k_.leading(), columns, depth_, buffers.keys, key_tile);
    transpose(v_.at(shared, column), v_.leading(), columns, width_, buffers.values, key_tile);
    for (int64_t row = 0; row < queries_; row += query_tile) {
      const int64_t rows = std::min(query_tile, queries_ - row);
      masking_.each_part({batch, row, rows, column, columns},
                         [&](const Tile& part) { tile_gradients(part, buffers); });
    }
  }

  void tile_gradients(const Tile& t, const Buffers& b) const {
    const bool partial = masking_.partial(t);
    const int64_t shared = t.batch / sharing_;
    const T *q = q_.at(t.batch, t.row), *k = k_.at(shared, t.column);
    const T* g = g_.at(t.batch, t.row);
    scores(t, b);
    if (partial) masking_.apply(t, b.weights);
    gemm_tile(false, false, t.rows, t.columns, width_, T{1}, g, g_.leading(), b.values, key_tile,
              T{0}, b.gradient, key_tile);
    for (int64_t i = 0; i < t.rows; ++i) recompute_weights(t, i, b.weights + i * key_tile);
    // Dropped weights act on v, and the whole ones scale the gradient of the scores.
    if (options_.dropout > 0) {
      add_dropped_values(t, partial, b, g);
    } else {
      add_values(t, partial, b.weights, g);
    }
    for (int64_t i = 0; i < t.rows; ++i) score_gradient(t, i, partial, b);
    if (dscores_) keep_gradient(t, b.gradient);
    multiply_weights(false, partial, t.rows, t.columns, depth_, scale_, b.gradient, k, k_.leading(),
                     dq_.at(t.batch, t.row), dq_.leading());
    multiply_weights(true, partial, t.rows, t.columns, depth_, scale_, b.gradient, q, q_.leading(),
                     dk_.at(shared, t.column), dk_.leading());
  }

  // In the order in which forward added them up: scores of some tens that are rounded otherwise
  // would make weights whose sum is not the one that forward divided by.
  void scores(const Tile& t, const Buffers& b) const {
    const T* q = q_.at(t.batch, t.row);
    if (!decoding_)
      return gemm_tile(false, false, t.rows, t.columns, depth_, scale_, q, q_.leading(), b.keys,
                       key_tile, T{0}, b.weights, key_tile);
    T* scaled = b.keys;
    for (int64_t i = 0; i < t.rows; ++i)
      rows::affine(q + i * q_.leading(), scale_, T{0}, scaled + i * depth_, depth_);
    thin_product(true, t.rows, t.columns, depth_, scaled, depth_,
                 k_.at(t.batch / sharing_, t.column), k_.leading(), b.weights, key_tile);
  }

  void recompute_weights(const Tile& t, int64_t i, T* row) const {
    constexpr T masked = -std::numeric_limits<T>::infinity();
    const int64_t query = t.batch * queries_ + t.row + i;
    const T sum = sum_[query];
    // The NaN of a key that the query sees is no business of those it does not.
    if (sum == 0 || std::isnan(sum))
      std::transform(row, row + t.columns, row, [&](T x) { return x == masked ? T{0} : sum; });
    else
      rows::scaled_exp(row, largest_[query], 1 / sum, T{0}, row, t.columns);
  }

  // The gradient of v: weightsᵀ g.
  void add_values(const Tile& t, bool partial, const T* weights, const T* g) const {
    multiply_weights(true, partial, t.rows, t.columns, width_, T{1}, weights, g, g_.leading(),
                     dv_.at(t.batch / sharing_, t.column), dv_.leading());
  }

  void add_dropped_values(const Tile& t, bool partial, const Buffers& b, const T* g) const {
    T dropped[query_tile * key_tile];
    for (int64_t i = 0; i < t.rows; ++i) {
      const int64_t element = (t.batch * queries_ + t.row + i) * keys_ + t.column;
      T* gradient = b.gradient + i * key_tile;
      dropout_.apply(element, t.columns, b.weights + i * key_tile, dropped + i * key_tile);
      dropout_.apply(element, t.columns, gradient, gradient);
    }
    add_values(t, partial, dropped, g);
  }

  // From the gradient of a row of weights, less their product with it, which is that of g and y.
  // Where one key has nearly all the weight, or all values are alike, the two cancel; so where the
  // tile has the whole row, the product with what is left, which rounding left, is taken off too.
  void score_gradient(const Tile& t, int64_t i, bool partial, const Buffers& b) const {
    const T* weights = b.weights + i * key_tile;
    T* gradient = b.gradient + i * key_tile;
    // A masked value may have made the gradient NaN, which a weight of zero does not take back.
    const auto clear_masked = [&] {
      if (partial) rows::clear_where_zero(weights, gradient, t.columns);
    };
    clear_masked();
    T delta = b.delta[t.row + i];
    if (t.columns == masking_.key_end(t.batch, t.row, t.rows)) {
      rows::affine(gradient, T{1}, -delta, gradient, t.columns);
      delta = rows::dot(weights, gradient, t.columns);
    }
    rows::scale_shifted(weights, gradient, delta, gradient, t.columns);
    clear_masked();
  }

  void keep_gradient(const Tile& t, const T* gradient) const {
    T* to = dscores_ + (t.batch * queries_ + t.row) * keys_ + t.column;
    for (int64_t i = 0; i < t.rows; ++i, gradient += key_tile, to += keys_)
      std::copy_n(gradient, t.columns, to);
  }

  int64_t queries_, keys_, depth_, width_;
  Matrices<const T> g_, q_, k_, v_, y_;
  Matrices<T> dq_, dk_, dv_;
  int64_t sharing_;
  bool decoding_;
  Masking<T> masking_;
  const AttentionOptions& options_;
  T scale_;
  DropoutMask dropout_;
  const T *largest_, *sum_;
  T* dscores_;
};

}  // namespace

AttentionGradients attention_backward(const Array& g, const Array& q, const Array& k,
                                      const Array& v, const AttentionResult& result,
                                      const AttentionMask& mask, const AttentionOptions& options,
                                      bool want_scores) {
  if (g.numel() == 0) {
    const auto none = [](const Array& x) { return zeros(x.shape(), x.dtype()); };
    return {none(q), none(k), none(v),
            want_scores ? zeros(scores_shape(q, k.size(-2)), q.dtype()) : Array()};
  }
  AttentionGradients gradients{with_heads_as(q, q.shape()), with_heads_as(k, k.shape()),
                               with_heads_as(v, v.shape()), Array()};
  // Tiles that are masked whole are passed over.
  if (want_scores) gradients.scores = zeros(scores_shape(q, k.size(-2)), q.dtype());
  int64_t batches = 1;
  for (int64_t i = 0; i < q.dim() - 2; ++i) batches *= q.shape()[i];
  visit_floating("scaled_dot_product_attention", q.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    Backward<T>(g, q, k, v, result, mask, options, gradients).run(batches);
  });
  return gradients;
}

}  // namespace attune::kernels
