#include "../catch.h"

#include <attune/autograd.h>
#include <attune/nn.h>

#include <cmath>

using namespace attune;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return amax(abs(a - b)).item<double>();
}

struct Sequences {
  Tensor q, k, v;  // [B, H, T, D]
};

Sequences random_sequences(int64_t batch, int64_t tokens) {
  manual_seed(7);
  const auto make = [&] { return randn({batch, 2, tokens, 4}, float64); };
  return {make(), make(), make()};
}

// Attention of tokens [first, first + n) of one sequence, by way of the cache.
Tensor step(nn::KvCache& cache, const Sequences& all, const std::vector<int64_t>& first, int64_t n,
            std::vector<int64_t> counts = {}) {
  const auto part = [&](const Tensor& x) {
    std::vector<Tensor> rows;
    for (size_t b = 0; b < first.size(); ++b) {
      const auto row = narrow(x, 0, static_cast<int64_t>(b), 1);
      const int64_t real = counts.empty() ? n : counts[b];
      const Tensor padding = full({1, 2, n - real, 4}, NAN, float64);
      rows.push_back(cat({narrow(row, 2, first[b], real), padding}, 2));
    }
    return cat(rows);
  };
  cache.begin(static_cast<int64_t>(first.size()), n, counts);
  const auto [k, v, mask] = cache.append(0, part(all.k), part(all.v));
  const Tensor y = scaled_dot_product_attention(part(all.q), k, v, mask);
  cache.commit();
  return y;
}

}  // namespace

TEST_CASE("token by token and in chunks, a cache gives what the whole sequence gives") {
  const Sequences all = random_sequences(2, 200);
  const Tensor whole = scaled_dot_product_attention(all.q, all.k, all.v, Mask::causal());
  nn::KvCache cache(200);
  int64_t seen = 0;
  for (const int64_t n : {70, 1, 1, 64, 1, 63}) {
    const Tensor y = step(cache, all, {seen, seen}, n);
    CHECK(largest_difference(y, narrow(whole, 2, seen, n)) < 1e-14);
    seen += n;
  }
  CHECK(cache.lengths() == std::vector<int64_t>{200, 200});
  CHECK_THROWS_AS(cache.begin(2, 1), ValueError);
}

TEST_CASE("prompts of different lengths share a batch; padding never shows") {
  const Sequences all = random_sequences(2, 20);
  const Tensor whole = scaled_dot_product_attention(all.q, all.k, all.v, Mask::causal());
  nn::KvCache cache(20);
  const Tensor prompt = step(cache, all, {0, 0}, 9, {9, 4});
  CHECK(largest_difference(narrow(narrow(prompt, 0, 0, 1), 2, 0, 9),
                           narrow(narrow(whole, 0, 0, 1), 2, 0, 9)) < 1e-14);
  CHECK(largest_difference(narrow(narrow(prompt, 0, 1, 1), 2, 0, 4),
                           narrow(narrow(whole, 0, 1, 1), 2, 0, 4)) < 1e-14);
  for (int64_t i = 0; i < 5; ++i) {
    const auto before = cache.lengths();
    cache.begin(2, 1);
    CHECK(cache.positions().to_vector<int64_t>() == before);
    const Tensor y = step(cache, all, before, 1);
    for (int64_t b = 0; b < 2; ++b)
      CHECK(largest_difference(
                narrow(y, 0, b, 1),
                narrow(narrow(whole, 0, b, 1), 2, before[static_cast<size_t>(b)], 1)) < 1e-14);
  }
}

TEST_CASE("a sliding cache is a window over the whole sequence, in bounded memory") {
  const Sequences all = random_sequences(1, 300);
  const Tensor whole =
      scaled_dot_product_attention(all.q, all.k, all.v, Mask::causal() & Mask::window(32));
  nn::KvCache cache(32, true);
  int64_t seen = 0;
  for (const int64_t n : {100, 1, 1, 30, 60}) {
    CHECK(largest_difference(step(cache, all, {seen}, n), narrow(whole, 2, seen, n)) < 1e-14);
    seen += n;
  }
  while (seen < 300) {
    CHECK(largest_difference(step(cache, all, {seen}, 1), narrow(whole, 2, seen, 1)) < 1e-14);
    cache.begin(1, 1);
    const auto entry = cache.append(0, ones({1, 2, 1, 4}, float64), ones({1, 2, 1, 4}, float64));
    CHECK(entry.k.size(2) <= 40);
    ++seen;
  }
}

TEST_CASE("the last token of each sequence attends alone as it does among all") {
  const Sequences all = random_sequences(2, 60);
  for (const bool sliding : {false, true}) {
    nn::KvCache cache(sliding ? 16 : 60, sliding), same(sliding ? 16 : 60, sliding);
    for (int64_t seen = 0; seen < 60; seen += 20) {
      const Tensor k = narrow(all.k, 2, seen, 20), v = narrow(all.v, 2, seen, 20);
      const Tensor q = narrow(all.q, 2, seen, 20);
      cache.begin(2, 20, {20, 7});
      same.begin(2, 20, {20, 7});
      const auto every = cache.append(0, k, v), last = same.append(0, k, v, true);
      const Tensor ends =
          stack({narrow(select(q, 0, 0), 1, 19, 1), narrow(select(q, 0, 1), 1, 6, 1)});
      const Tensor y = scaled_dot_product_attention(q, every.k, every.v, every.mask);
      const Tensor z = scaled_dot_product_attention(ends, last.k, last.v, last.mask);
      CHECK(largest_difference(select(select(y, 0, 0), 1, 19), select(select(z, 0, 0), 1, 0)) <
            1e-14);
      CHECK(largest_difference(select(select(y, 0, 1), 1, 6), select(select(z, 0, 1), 1, 0)) <
            1e-14);
      cache.commit();
      same.commit();
    }
  }
}

TEST_CASE("reorder copies sequences, more or fewer of them") {
  const Sequences all = random_sequences(2, 12);
  nn::KvCache cache(12);
  step(cache, all, {0, 0}, 6, {6, 3});
  cache.reorder({1, 0, 1});
  CHECK(cache.lengths() == std::vector<int64_t>{3, 6, 3});
  const auto pick = [](const Tensor& x) { return index_select(x, 0, tensor({1, 0, 1})); };
  const Sequences three{pick(all.q), pick(all.k), pick(all.v)};
  const Tensor whole = scaled_dot_product_attention(three.q, three.k, three.v, Mask::causal());
  const Tensor y = step(cache, three, {3, 6, 3}, 1);
  for (int64_t b = 0; b < 3; ++b)
    CHECK(largest_difference(narrow(y, 0, b, 1),
                             narrow(narrow(whole, 0, b, 1), 2, b == 1 ? 6 : 3, 1)) < 1e-14);
  CHECK_THROWS_AS(cache.reorder({3}), IndexError);
  cache.clear();
  CHECK(cache.lengths().empty());
}

TEST_CASE("a cache forgets one sequence, and the others go on") {
  const Sequences all = random_sequences(2, 12);
  nn::KvCache cache(12);
  step(cache, all, {0, 0}, 6, {6, 3});
  const auto before = cache.lengths();
  cache.forget({});
  CHECK(cache.lengths() == before);
  cache.begin(2, 2);
  cache.forget({0});
  CHECK(cache.counts().empty());
  cache.commit();
  CHECK(cache.lengths() == std::vector<int64_t>{0, 3});
  const Tensor y = step(cache, all, {0, 3}, 4, {4, 1});
  const Tensor whole = scaled_dot_product_attention(all.q, all.k, all.v, Mask::causal());
  CHECK(largest_difference(narrow(select(y, 0, 0), 1, 0, 4), narrow(select(whole, 0, 0), 1, 0, 4)) <
        1e-14);
  CHECK(largest_difference(narrow(select(y, 0, 1), 1, 0, 1), narrow(select(whole, 0, 1), 1, 3, 1)) <
        1e-14);
  CHECK(cache.lengths() == std::vector<int64_t>{4, 4});
  CHECK_THROWS_AS(cache.forget({0, 2}), IndexError);
  CHECK_THROWS_AS(cache.forget({-1}), IndexError);
}

TEST_CASE("a cache refuses what does not fit and stays as it was") {
  nn::KvCache cache(8);
  const Tensor x = zeros({1, 2, 3, 4});
  CHECK_THROWS_AS(nn::KvCache(0), ValueError);
  CHECK_THROWS_AS(cache.append(0, x, x), ValueError);
  cache.begin(1, 3);
  cache.append(0, x, x);
  cache.commit();
  CHECK_THROWS_AS(cache.begin(2, 1), ShapeError);
  CHECK_THROWS_AS(cache.begin(1, 6), ValueError);
  CHECK_THROWS_AS(cache.begin(1, 2, {3}), ValueError);
  cache.begin(1, 3);
  CHECK_THROWS_AS(cache.append(0, zeros({1, 3, 3, 4}), x), ShapeError);
  CHECK_THROWS_AS(cache.append(0, x.to(float64), x), ShapeError);
  CHECK_THROWS_AS(cache.append(0, zeros({1, 2, 3, 4}).requires_grad_(), x), GradError);
  CHECK(cache.lengths() == std::vector<int64_t>{3});
}

TEST_CASE("a step that fails leaves the cache as it was, the first one empty") {
  nn::KvCache cache(8);
  cache.begin(2, 3);
  cache.append(0, zeros({2, 2, 3, 4}), zeros({2, 2, 3, 4}));
  CHECK(cache.lengths().empty());
  CHECK_THROWS_AS(cache.reorder({0}), IndexError);
  cache.begin(3, 2);
  CHECK(cache.positions().to_vector<int64_t>() == std::vector<int64_t>{0, 1, 0, 1, 0, 1});
  const auto [k, v, mask] = cache.append(0, ones({3, 1, 2, 4}), ones({3, 1, 2, 4}));
  CHECK(k.shape() == Shape{3, 1, 2, 4});
  cache.commit();
  CHECK(cache.lengths() == std::vector<int64_t>{2, 2, 2});
  cache.begin(3, 1);
  cache.append(1, ones({3, 2, 1, 4}), ones({3, 2, 1, 4}));
  cache.begin(3, 1);
  CHECK(cache.append(1, ones({3, 5, 1, 4}), ones({3, 5, 1, 4})).k.size(1) == 5);
}
