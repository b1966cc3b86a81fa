#include "attention.h"

#include "attention_decode.h"
#include "attention_products.h"
#include "dropout.h"
#include "parallel.h"

namespace attune::kernels {
namespace {

template <class T, class Products>
class Forward {
 public:
  Forward(const Array& q, const Array& k, const Array& v, const AttentionMask& mask,
          const AttentionOptions& options, AttentionResult& result)
      : queries_(q.size(-2)),
        depth_(q.size(-1)),
        width_(v.size(-1)),
        q_(q),
        k_(k),
        v_(v),
        y_(result.y),
        sharing_(heads_sharing_keys(q, k)),
        masking_(mask, scores_shape(q, k.size(-2))),
        options_(options),
        dropout_(options.dropout, options.draw),
        keys_(k.size(-2)),
        largest_(result.largest.output<T>()),
        sum_(result.sum.output<T>()) {}

  void run(int64_t batches) const {
    if (Tracer* tracer = Tracer::current())
      tracer->multiplied(2 * scores_in_tiles(masking_, batches, queries_) *
                         static_cast<double>(depth_ + width_));
    const BlasSession session;
    const int64_t blocks = divide_up(queries_, query_tile);
    parallel_tiles_with_scratch<T>(
        forward_scratch<Products>(depth_, width_), batches * blocks,
        batches * queries_ * std::max<int64_t>(1, keys_), [&](int64_t task, T* scratch) {
          const int64_t row = task % blocks * query_tile;
          query_block(task / blocks, row, std::min(query_tile, queries_ - row), scratch);
        });
  }

 private:
  void query_block(int64_t batch, int64_t row, int64_t rows, T* scratch) const {
    T *scores = scratch, *y = scratch + query_tile * key_tile;
    Products products(depth_, width_, static_cast<T>(options_.scale), y + query_tile * width_);
    products.take_queries(q_.at(batch, row), q_.leading(), rows);
    const int64_t first = batch * queries_ + row;
    T *top = largest_ + first, *sum = sum_ + first;
    std::fill_n(y, rows * width_, T{0});
    std::fill_n(top, rows, -std::numeric_limits<T>::infinity());
    std::fill_n(sum, rows, T{0});
    const int64_t end = masking_.key_end(batch, row, rows);
    for (int64_t column = 0; column < end; column += key_tile) {
      masking_.each_part({batch, row, rows, column, key_tile}, [&](const Tile& part) {
        const int64_t at = part.row - row;
        key_block(part, products, at, scores, top + at, sum + at, y + at * width_);
      });
    }
    for (int64_t i = 0; i < rows; ++i) {
      T* const to = y_.at(batch, row + i);
      if (sum[i] != 0)
        rows::affine(y + i * width_, 1 / sum[i], T{0}, to, width_);
      else
        std::fill_n(to, width_, T{0});
    }
  }

  // first: of the tile's queries, among those of the products.
  void key_block(const Tile& t, const Products& products, int64_t first, T* scores, T* top, T* sum,
                 T* y) const {
    const bool partial = masking_.partial(t);
    const int64_t shared = t.batch / sharing_;
    products.score(first, t.rows, k_.at(shared, t.column), k_.leading(), t.columns, scores);
    if (partial) masking_.apply(t, scores);
    for (int64_t i = 0; i < t.rows; ++i)
      absorb_row(t, t.row + i, scores + i * key_tile, top[i], sum[i], y + i * width_);
    products.add_values(partial, t.rows, t.columns, scores, v_.at(shared, t.column), v_.leading(),
                        y);
  }

  // Turns one row of scores into weights relative to the largest score so far, and rescales what
  // was summed before if that one grew.
  void absorb_row(const Tile& t, int64_t query, T* row, T& top, T& sum, T* y) const {
    const T largest = rows::maximum(row, t.columns);
    if (largest == -std::numeric_limits<T>::infinity()) {
      std::fill_n(row, t.columns, T{0});
      return;
    }
    if (!(largest <= top)) {
      const T shrink = std::exp(top - largest);
      sum *= shrink;
      rows::affine(y, shrink, T{0}, y, width_);
      top = largest;
    }
    sum += rows::exp_into(row, top, row, t.columns);
    if (options_.dropout > 0)
      dropout_.apply((t.batch * queries_ + query) * keys_ + t.column, t.columns, row, row);
  }

  int64_t queries_, depth_, width_;
  Matrices<const T> q_, k_, v_;
  Matrices<T> y_;
  int64_t sharing_;
  Masking<T> masking_;
  const AttentionOptions& options_;
  DropoutMask dropout_;
  int64_t keys_;
  T *largest_, *sum_;
};

}  // namespace

AttentionResult attention(const Array& q, const Array& k, const Array& v, const AttentionMask& mask,
                          const AttentionOptions& options) {
  Shape rows = q.shape(), shape = q.shape();
  rows.erase(rows.size() - 1);
  shape[shape.size() - 1] = v.size(-1);
  AttentionResult result{with_heads_as(q, shape), Array(rows, q.dtype()), Array(rows, q.dtype())};
  if (is_decoding(q, k, mask)) {
    decode_attention(q, k, v, mask, options, result);
    return result;
  }
  rows.erase(rows.size() - 1);
  if (options.rounds && q.dtype() == float32 &&
      RoundedProducts::pay(q.size(-2), k.size(-2), q.size(-1), v.size(-1))) {
    Forward<float, RoundedProducts>(q, k, v, mask, options, result).run(rows.numel());
    return result;
  }
  visit_floating("scaled_dot_product_attention", q.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    Forward<T, ExactProducts<T>>(q, k, v, mask, options, result).run(rows.numel());
  });
  return result;
}

}  // namespace attune::kernels
