#include "../catch.h"

#include <array/pool.h>
#include <attune/autograd.h>

#include <cmath>

using namespace attune;

namespace {

// The whole matrix of weights, from plain operations.
Tensor all_weights(const Tensor& q, const Tensor& k, const Tensor& hidden) {
  const Tensor scores =
      matmul(q, transpose(k, -2, -1)) / std::sqrt(static_cast<double>(q.size(-1)));
  return softmax(masked_fill(scores, hidden, -INFINITY), -1);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return amax(abs(a - b)).item<double>();
}

}  // namespace

TEST_CASE("a recorder gives the weights of any rows and heads of every attention under it") {
  manual_seed(1);
  const Tensor q = randn({2, 3, 140, 4}, float64), k = randn({2, 3, 140, 4}, float64);
  scaled_dot_product_attention(q, k, k);
  AttentionRecorder recorder;
  {
    const Scope scope(intern_path("h.1.attn"));
    scaled_dot_product_attention(q, k, k, Mask::causal());
  }
  scaled_dot_product_attention(q, k, k);
  REQUIRE(recorder.records().size() == 2);
  const AttentionRecord& record = recorder.records()[0];
  CHECK(record.path() == "h.1.attn");
  CHECK(record.shape() == Shape{2, 3, 140, 140});
  const Tensor hidden = triu(ones({140, 140}, boolean), 1);
  const Tensor expected = all_weights(q, k, hidden);
  CHECK(largest_difference(record.weights_of(), expected) < 1e-14);
  CHECK(largest_difference(record.weights_of({139, -140, 5, 8, 7, 9, 10, 0}, {2}),
                           index_select(narrow(expected, 1, 2, 1), 2,
                                        tensor({139, 0, 5, 8, 7, 9, 10, 0}))) < 1e-14);
  CHECK_THROWS_AS(record.weights_of({140}), IndexError);
  CHECK_THROWS_AS(record.weights_of({-141}), IndexError);
  CHECK_THROWS_AS(record.weights_of({}, {3}), IndexError);

  // Without a head dimension there is one head.
  const Tensor flat = q.select(0, 0).select(0, 0);
  scaled_dot_product_attention(flat, flat, flat);
  const AttentionRecord& headless = recorder.records()[2];
  CHECK(headless.weights_of({}, {0}).shape() == Shape{1, 140, 140});
  CHECK_THROWS_AS(headless.weights_of({}, {1}), IndexError);
  CHECK_THROWS_AS(record.statistics(-1), ValueError);
}

TEST_CASE("recorders nest, and each gets every call while it lives, in the same memory") {
  AttentionRecorder outermost;
  {
    const AttentionRecorder outer;
    {
      const AttentionRecorder inner;
      const int64_t before = memory_stats().live_bytes;
      int64_t operands = 0;
      {
        const Tensor x = ones({1, 64, 64});
        operands = memory_stats().live_bytes - before;
        scaled_dot_product_attention(x, x, x);
      }
      CHECK(memory_stats().live_bytes - before <= operands);
      CHECK(inner.records().size() == 1);
    }
    const Tensor y = ones({1, 2, 2});
    scaled_dot_product_attention(y, y, y);
    CHECK(outer.records().size() == 2);
    CHECK(AttentionRecorder::current() == &outer);
  }
  REQUIRE(outermost.records().size() == 2);
  CHECK(outermost.records()[0].shape() == Shape{1, 64, 64});
  CHECK(outermost.records()[1].shape() == Shape{1, 2, 2});
  outermost.clear();
  CHECK(outermost.records().empty());
}

TEST_CASE("a recorder gets no call twice where a checkpoint computes it again") {
  const Tensor q = randn({1, 2, 5, 4}).requires_grad_();
  const auto attend = [](const Tensor& x) {
    const AttentionRecorder own;
    const Tensor y = scaled_dot_product_attention(x, x, x);
    CHECK(own.records().size() == 1);
    return y;
  };
  AttentionRecorder recorder;
  const Tensor y = checkpoint(attend, q);
  y.sum().backward();
  CHECK(recorder.records().size() == 1);
  scaled_dot_product_attention(q, q, q);
  CHECK(recorder.records().size() == 2);
}

TEST_CASE("statistics of heads equal those of the whole matrix") {
  manual_seed(2);
  const int64_t tokens = 150;
  const Tensor q = randn({1, 4, tokens, 4}, float64) * 2, k = randn({1, 2, tokens, 4}, float64);
  AttentionRecorder recorder;
  scaled_dot_product_attention(q, k, k, Mask::causal(), {.enable_gqa = true});
  const AttentionRecord& record = recorder.records()[0];
  const auto found = record.statistics(3);
  const Tensor w = record.weights_of();
  const Tensor position = arange(tokens).to(float64);
  const auto head_mean = [](const Tensor& of_query) { return mean(of_query, {-1}); };
  const Tensor log2_w = where(w > 0.0, log(where(w > 0.0, w, 1.0)), 0.0) / std::log(2.0);
  CHECK(largest_difference(Tensor(found.entropy), head_mean(-sum(w * log2_w, {-1}))) < 1e-12);
  const Tensor distance = abs(unsqueeze(position, 1) - position);
  CHECK(largest_difference(Tensor(found.distance), head_mean(sum(w * distance, {-1}))) < 1e-11);
  CHECK(largest_difference(Tensor(found.on_self), head_mean(diagonal(w, 0, -2, -1))) < 1e-13);
  CHECK(largest_difference(Tensor(found.on_first), head_mean(select(w, -1, 0))) < 1e-13);
  const Tensor below = narrow(narrow(w, -2, 1, tokens - 1), -1, 0, tokens - 1);
  CHECK(largest_difference(Tensor(found.on_previous), head_mean(diagonal(below, 0, -2, -1))) <
        1e-13);
  const auto [values, keys] = topk(w, 3, -1);
  CHECK(largest_difference(Tensor(found.top_weights), values) == 0);
  // Where a query sees fewer keys, their order is not topk's.
  CHECK(narrow(Tensor(found.top_keys), 2, 3, tokens - 3).to_vector<int64_t>() ==
        narrow(keys, 2, 3, tokens - 3).to_vector<int64_t>());
}

TEST_CASE("statistics of keys with equal weights, and of queries beyond the last key") {
  const int64_t queries = 7, keys = 5;
  const Tensor q = ones({1, queries, 2}, float64), k = ones({1, keys, 2}, float64);
  AttentionRecorder recorder;
  scaled_dot_product_attention(q, k, k);
  const auto found = recorder.records()[0].statistics(2);
  for (int64_t row = 0; row < queries; ++row)
    CHECK(select(Tensor(found.top_keys), -2, row).to_vector<int64_t>() ==
          std::vector<int64_t>{0, 1});
  // Queries 1 to 5 have a key before them; query 6 has not.
  CHECK(std::abs(Tensor(found.on_previous).item<double>() - 1.0 / keys) < 1e-14);
  const Tensor last = cat({zeros({1, keys - 1, 2}, float64), ones({1, 1, 2}, float64)}, 1);
  scaled_dot_product_attention(q, last, k);
  const double weight = std::exp(std::sqrt(2.0)) / (std::exp(std::sqrt(2.0)) + keys - 1);
  const double others = (1 - weight) / (keys - 1);
  const Tensor on_previous(recorder.records()[1].statistics().on_previous);
  CHECK(std::abs(on_previous.item<double>() - (4 * others + weight) / 5) < 1e-14);
}

TEST_CASE("statistics count from the position of each query") {
  manual_seed(3);
  const int64_t queries = 6, keys = 20, first = keys - queries;
  const Tensor q = randn({1, queries, 4}, float64), k = randn({1, keys, 4}, float64);
  AttentionRecorder recorder;
  scaled_dot_product_attention(q, k, k, Mask::causal() & Mask::offset(first));
  const AttentionRecord& record = recorder.records()[0];
  const AttentionStatistics found = record.statistics();
  const Tensor w = reshape(record.weights_of(), {queries, keys});
  const auto on = [&](int64_t step) { return mean(diagonal(w, first - step)).item<double>(); };
  CHECK(std::abs(Tensor(found.on_self).item<double>() - on(0)) < 1e-14);
  CHECK(std::abs(Tensor(found.on_previous).item<double>() - on(1)) < 1e-14);
  const Tensor distance = abs(unsqueeze(arange(queries) + first, 1) - arange(keys)).to(float64);
  const double expected = (sum(w * distance) / static_cast<double>(queries)).item<double>();
  CHECK(std::abs(Tensor(found.distance).item<double>() - expected) < 1e-13);
  const Tensor none = zeros({1, 0, 4}, float64);
  scaled_dot_product_attention(none, k, k);
  CHECK(std::isnan(Tensor(recorder.records()[1].statistics().entropy).item<double>()));
}

TEST_CASE("queries with nothing to attend to are left out of the statistics") {
  const Tensor x = ones({1, 1, 3, 2}, float64);
  AttentionRecorder recorder;
  scaled_dot_product_attention(x, x, x, Mask::causal() & Mask::offset(-2));
  scaled_dot_product_attention(x, x, x, Mask::padding({0}));
  const auto last_only = recorder.records()[0].statistics();
  CHECK(Tensor(last_only.entropy).item<double>() == 0);
  CHECK(Tensor(last_only.on_first).item<double>() == 1);
  CHECK(std::isnan(Tensor(last_only.on_previous).item<double>()));
  CHECK(std::isnan(Tensor(recorder.records()[1].statistics().entropy).item<double>()));
  for (double w : recorder.records()[1].weights_of().to_vector<double>()) CHECK(w == 0);
}

TEST_CASE("a recorder takes attention without batch or heads, and of several sequences") {
  manual_seed(4);
  for (const Shape& batch : {Shape{}, Shape{3}, Shape{3, 2}, Shape{2, 3, 1}}) {
    Shape shape = batch;
    shape.push_back(20);
    shape.push_back(4);
    const Tensor q = randn(shape, float64), k = randn(shape, float64);
    AttentionRecorder recorder;
    scaled_dot_product_attention(q, k, k);
    const AttentionRecord& record = recorder.records()[0];
    const Tensor found_w = record.weights_of();
    CHECK(record.shape() == found_w.shape());
    const Tensor w = reshape(all_weights(q, k, zeros({20, 20}, boolean)), found_w.shape());
    CHECK(largest_difference(found_w, w) < 1e-14);
    CHECK(largest_difference(record.weights_of({-1}), narrow(w, -2, 19, 1)) < 1e-14);
    const int64_t heads = batch.size() == 0 ? 1 : batch.back();
    const Tensor last_head = record.weights_of({}, {-1});
    CHECK(largest_difference(record.weights_of({}, {heads - 1}), last_head) == 0);
    CHECK_THROWS_AS(record.weights_of({}, {heads}), IndexError);
    const Tensor first = mean(select(w, -1, 0), {-1});
    const AttentionStatistics found = record.statistics();
    CHECK(largest_difference(reshape(Tensor(found.on_first), first.shape()), first) < 1e-13);
  }
}
