#include "attention_decode.h"

#include "attention_tiles.h"
#include "dropout.h"
#include "thin_product.h"

namespace attune::kernels {
namespace {

template <class T>
class Decoding {
 public:
  Decoding(const Array& q, const Array& k, const Array& v, const AttentionMask& mask,
           const AttentionOptions& options, AttentionResult& result)
      : queries_(q.size(-2)),
        keys_(k.size(-2)),
        depth_(q.size(-1)),
        width_(v.size(-1)),
        q_(q),
        k_(k),
        v_(v),
        y_(result.y),
        sharing_(heads_sharing_keys(q, k)),
        rows_(sharing_ * queries_),
        groups_(result.sum.numel() / rows_),
        blocks_(divide_up(keys_, key_tile)),
        masking_(mask, scores_shape(q, keys_)),
        options_(options),
        dropout_(options.dropout, options.draw),
        partial_({groups_, blocks_, rows_ * (width_ + 2)}, q.dtype()),
        parts_(partial_.template output<T>()),
        largest_(result.largest.output<T>()),
        sum_(result.sum.output<T>()) {}

  void run() const {
    if (Tracer* tracer = Tracer::current())
      tracer->multiplied(2 * scores_in_tiles(masking_, groups_ * sharing_, queries_) *
                         static_cast<double>(depth_ + width_));
    const int64_t work = groups_ * (keys_ + rows_) * (depth_ + width_);
    parallel_tiles_with_scratch<T>(
        rows_ * (depth_ + key_tile), groups_ * blocks_, work, [&](int64_t task, T* scratch) {
          block(task / blocks_, task % blocks_ * key_tile, scratch, part(task));
        });
    parallel_tiles(groups_ * rows_, groups_ * blocks_ * rows_ * width_,
                   [&](int64_t row) { combine(row / rows_, row % rows_); });
  }

 private:
  // What a block of keys gives: values relative to the largest score of each row, and the sum.
  struct Part {
    T *y, *top, *sum;  // [rows, width], [rows], [rows]; only top where that is -inf
  };

  Part part(int64_t index) const {
    T* y = parts_ + index * rows_ * (width_ + 2);
    return {y, y + rows_ * width_, y + rows_ * (width_ + 1)};
  }

  // The queries of a head of the group, by a block of keys.
  Tile tile(int64_t group, int64_t head, int64_t column) const {
    const int64_t batch = group * sharing_ + head;
    const int64_t end = masking_.key_end(batch, 0, queries_);
    return {batch, 0, queries_, column, std::min(key_tile, end - column)};
  }

  void block(int64_t group, int64_t column, T* scratch, const Part& to) const {
    T *queries = scratch, *scores = scratch + rows_ * depth_;
    bool partial = false, empty = true;
    const int64_t columns = tile(group, 0, column).columns;
    for (int64_t head = 0; columns > 0 && head < sharing_; ++head) {
      partial = partial || masking_.partial(tile(group, head, column));
      empty = empty && masking_.empty(tile(group, head, column));
    }
    std::fill_n(to.top, rows_, -std::numeric_limits<T>::infinity());
    if (empty) return;
    for (int64_t row = 0; row < rows_; ++row)
      rows::affine(q_.at(group * sharing_ + row / queries_, row % queries_),
                   static_cast<T>(options_.scale), T{0}, queries + row * depth_, depth_);
    thin_product(true, rows_, columns, depth_, queries, depth_, k_.at(group, column), k_.leading(),
                 scores, key_tile);
    for (int64_t head = 0; head < sharing_; ++head)
      weigh(tile(group, head, column), partial, scores, to);
    const T* v = v_.at(group, column);
    if (!partial || rows::all_finite(v, width_, columns, v_.leading())) {
      thin_product(false, rows_, width_, columns, scores, key_tile, v, v_.leading(), to.y, width_);
    } else {
      std::fill_n(to.y, rows_ * width_, T{0});
      add_weighted(false, rows_, columns, width_, T{1}, scores, v, v_.leading(), to.y, width_);
    }
  }

  // Turns the scores of one head into weights.
  void weigh(const Tile& t, bool partial, T* scores, const Part& to) const {
    const int64_t first = t.batch % sharing_ * queries_;
    scores += first * key_tile;
    if (partial) masking_.apply(t, scores);
    for (int64_t i = 0; i < queries_; ++i, scores += key_tile) {
      const T top = to.top[first + i] = rows::maximum(scores, t.columns);
      if (top == -std::numeric_limits<T>::infinity()) {
        std::fill_n(scores, t.columns, T{0});
        continue;
      }
      to.sum[first + i] = rows::exp_into(scores, top, scores, t.columns);
      if (options_.dropout > 0)
        dropout_.apply((t.batch * queries_ + i) * keys_ + t.column, t.columns, scores, scores);
    }
  }

  void combine(int64_t group, int64_t row) const {
    constexpr T none = -std::numeric_limits<T>::infinity();
    const int64_t index = group * rows_ + row;  // of the query among all: heads of a group follow
    T *y = y_.at(index / queries_, index % queries_), top = none, sum = 0;
    std::fill_n(y, width_, T{0});
    for (int64_t b = 0; b < blocks_; ++b) top = std::max(top, part(group * blocks_ + b).top[row]);
    for (int64_t b = 0; b < blocks_; ++b) {
      const Part from = part(group * blocks_ + b);
      if (from.top[row] == none) continue;
      const T share = std::exp(from.top[row] - top);
      sum += share * from.sum[row];
      rows::add_scaled(share, from.y + row * width_, y, width_);
    }
    if (sum != 0) rows::affine(y, 1 / sum, T{0}, y, width_);
    largest_[index] = top;
    sum_[index] = sum;
  }

  int64_t queries_, keys_, depth_, width_;
  Matrices<const T> q_, k_, v_;
  Matrices<T> y_;
  int64_t sharing_, rows_, groups_, blocks_;  // a group: the heads that share keys
  Masking<T> masking_;
  const AttentionOptions& options_;
  DropoutMask dropout_;
  Array partial_;
  T *parts_, *largest_, *sum_;
};

}  // namespace

bool is_decoding(const Array& q, const Array& k, const AttentionMask& mask) {
  const int64_t sharing = heads_sharing_keys(q, k);
  // Heads that share keys are taken together. In three dimensions they are sequences as well, which
  // may end at different keys.
  if (q.dim() == 3 && sharing > 1 && std::max(mask.lengths.size(), mask.first.size()) > 1)
    return false;
  return q.size(-2) <= thin_rows && q.size(-2) * sharing > 0;
}

void decode_attention(const Array& q, const Array& k, const Array& v, const AttentionMask& mask,
                      const AttentionOptions& options, AttentionResult& result) {
  visit_floating("scaled_dot_product_attention", q.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    Decoding<T>(q, k, v, mask, options, result).run();
  });
}

}  // namespace attune::kernels
