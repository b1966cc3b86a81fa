#include "../catch.h"

#include <autograd/engine.h>
#include <autograd/gradcheck.h>
#include <autograd/ops/arithmetic.h>
#include <autograd/ops/attention.h>
#include <autograd/ops/compare.h>
#include <autograd/ops/composite.h>
#include <autograd/ops/creation.h>
#include <autograd/ops/join.h>
#include <autograd/ops/pointwise.h>
#include <autograd/ops/reduce.h>
#include <autograd/ops/shape.h>
#include <kernels/parallel.h>
#include <kernels/random.h>

#include <cmath>

using namespace attune;

namespace {

struct Inputs {
  Tensor q, k, v;
};

Inputs random_inputs(const Shape& batch, int64_t queries, int64_t keys, DType dtype = float64) {
  manual_seed(3);
  const auto make = [&](int64_t rows, int64_t width) {
    Shape shape = batch;
    shape.push_back(rows);
    shape.push_back(width);
    return Tensor(random_normal(shape, dtype, 0, 1)).requires_grad_();
  };
  return {make(queries, 6), make(keys, 6), make(keys, 5)};
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  return a.numel() == 0 ? 0 : amax(abs(a - b)).item<double>();
}

Tensor twin(const Inputs& in, const Mask& mask, double dropout = 0, RandomState draw = {}) {
  Shape scores = in.q.shape();
  scores[scores.size() - 1] = in.k.size(-2);
  return composite::attention(in.q, in.k, in.v, mask.bias(), mask.for_scores(scores, in.q.dtype()),
                              {1 / std::sqrt(6.0), dropout, draw});
}

void require_twin(const Inputs& in, const Mask& mask) {
  const Tensor y = scaled_dot_product_attention(in.q, in.k, in.v, mask), expected = twin(in, mask);
  CHECK(largest_difference(y, expected) < 1e-12);
  const Tensor cotangent(random_normal(y.shape(), float64, 0, 1));
  std::vector<Tensor> wanted{in.q, in.k, in.v};
  if (mask.bias().defined() && mask.bias().requires_grad()) wanted.push_back(mask.bias());
  const auto fast = grad({y}, wanted, {cotangent});
  const auto slow = grad({expected}, wanted, {cotangent});
  for (size_t i = 0; i < wanted.size(); ++i) CHECK(largest_difference(fast[i], slow[i]) < 1e-12);
}

bool all_finite(const Tensor& x) {
  for (double value : x.to_vector<double>())
    if (!std::isfinite(value)) return false;
  return true;
}

Array random_keep(const Shape& shape) { return random_bernoulli(full(shape, 0.6).array()); }

}  // namespace

TEST_CASE("tiled attention equals the whole matrix for every mask, across tile borders") {
  struct Case {
    Shape batch;
    int64_t queries, keys;
  };
  const Case cases[] = {{{2, 3}, 1, 1},    {{}, 5, 3},    {{2, 3}, 1, 300},     {{3}, 16, 257},
                        {{2, 3}, 64, 128}, {{}, 70, 300}, {{2, 1, 3}, 70, 300}, {{2, 3}, 200, 130},
                        {{2}, 130, 270},   {{2}, 40, 200}};
  for (const auto& [batch, queries, keys] : cases) {
    INFO(to_string(batch) << ", " << queries << " by " << keys);
    const Inputs in = random_inputs(batch, queries, keys);
    const int64_t sequences = batch.size() ? batch[0] : 1, heads = batch.size() ? batch.back() : 1;
    // Of every sequence, whatever the dimensions between it and the scores.
    const auto shape = [&, dims = batch.size(), columns = keys](int64_t rows) {
      Shape of_sequences = Shape::filled(dims, 1);
      if (dims > 0) of_sequences[0] = sequences;
      of_sequences.push_back(rows);
      of_sequences.push_back(columns);
      return of_sequences;
    };
    const auto lengths = [&](int64_t first, int64_t others) {
      std::vector<int64_t> all(static_cast<size_t>(sequences), others);
      all[0] = first;
      return all;
    };
    const Tensor bias(random_normal({heads, queries, keys}, float64, 0, 1));
    const Mask biased = Mask::bias(batch.size() ? bias : squeeze(bias, 0));
    require_twin(in, {});
    require_twin(in, Mask::causal());
    require_twin(in, Mask::causal() & Mask::offset(keys - queries));
    require_twin(in, Mask::causal() & Mask::offset(lengths(keys - queries, 2)));
    require_twin(in, Mask::causal() & Mask::offset(33));
    require_twin(in, Mask::window(7) & Mask::causal());
    require_twin(in, Mask::padding(lengths(keys / 2, keys)));
    require_twin(in, Mask::alibi(heads) & Mask::causal());
    require_twin(in, Mask::keep(Tensor(random_keep(shape(queries)))));
    require_twin(in, biased + Mask::causal());
    require_twin(
        in, Mask::bias(biased.bias().detach().requires_grad_()) & Mask::padding(lengths(keys, 1)));
    require_twin(in, Mask::keep(Tensor(random_keep({queries, keys}))) &
                         Mask::keep(Tensor(random_keep(shape(1)))) & Mask::window(40));
  }
}

TEST_CASE("a query with nothing to attend to gives zeros and takes no gradient") {
  const Inputs in = random_inputs({2, 2}, 4, 4);
  const Mask mask = Mask::padding({0, 4}) & Mask::causal() & Mask::offset(-1);
  const Tensor y = scaled_dot_product_attention(in.q, in.k, in.v, mask);
  const Tensor masked = select(y, 0, 0), first = select(select(y, 0, 1), 1, 0);
  for (double value : masked.to_vector<double>()) CHECK(value == 0);
  for (double value : first.to_vector<double>()) CHECK(value == 0);
  require_twin(in, mask);
  sum(y).backward();
  CHECK(all_finite(in.q.grad()));
  CHECK(all_finite(in.k.grad()));
  for (double value : select(in.v.grad(), 0, 0).to_vector<double>()) CHECK(value == 0);
}

TEST_CASE("NaN in a masked position goes nowhere, forward and backward") {
  for (const int64_t length : {5, 140}) {
    const Inputs in = random_inputs({1, 2}, length, length);
    const auto poisoned = [&](const Tensor& x) {
      Array data = x.detach().clone().array();
      data.write<double>([&](double* at) {
        for (int64_t head = 0; head < 2; ++head)
          at[(head * length + length - 1) * x.size(-1)] = NAN;
      });
      return Tensor(data).requires_grad_();
    };
    // The last key is NaN. Under a causal mask the last query sees it, so only what the others give
    // and take stays clean; where padding hides it, everything does.
    const Inputs bad{in.q, poisoned(in.k), poisoned(in.v)};
    const Mask keep = Mask::keep(Tensor(random_bernoulli(ones({1, length}).array())));
    for (const auto& [mask, hidden] :
         {std::pair{Mask::causal(), false}, std::pair{keep & Mask::causal(), false},
          std::pair{Mask::causal() & Mask::padding({length - 1}), true}}) {
      const Tensor clean = scaled_dot_product_attention(in.q, in.k, in.v, mask);
      const Tensor y = scaled_dot_product_attention(bad.q, bad.k, bad.v, mask);
      const auto head = [&](const Tensor& x) { return narrow(x, 2, 0, length - 1); };
      CHECK(largest_difference(head(y), head(clean)) < 1e-14);
      const auto g = grad({sum(head(y))}, {bad.q, bad.k, bad.v});
      const auto expected = grad({sum(head(clean))}, {in.q, in.k, in.v});
      for (size_t i = 0; i < (hidden ? 3 : 1); ++i)
        CHECK(largest_difference(head(g[i]), head(expected[i])) < 1e-13);
    }
  }
}

namespace {

struct Results {
  std::vector<Tensor> of_queries, of_keys;
};

// The output, its gradients without and with a graph, and the gradients of those.
Results differentiate_twice(const Inputs& in, const Mask& mask) {
  manual_seed(5);
  const Tensor y = scaled_dot_product_attention(in.q, in.k, in.v, mask);
  const Tensor cotangent = Tensor(random_normal(y.shape(), float64, 0, 1)).requires_grad_();
  const auto fast = grad({y}, {in.q, in.k, in.v}, {cotangent}, {.retain_graph = true});
  const auto first = grad({y}, {in.q, in.k, in.v}, {cotangent}, {.create_graph = true});
  std::vector<Tensor> cotangents;
  for (const Tensor& x : first)
    cotangents.push_back(Tensor(random_normal(x.shape(), float64, 0, 1)));
  const auto second = grad(first, {in.q, in.k, in.v, cotangent}, cotangents);
  return {{y, fast[0], first[0], second[0], second[3]},
          {fast[1], fast[2], first[1], first[2], second[1], second[2]}};
}

}  // namespace

TEST_CASE("NaN reaches the queries that see it and the keys that these see, in every gradient") {
  for (const int64_t length : {9, 140}) {
    const Mask window = Mask::window(3) & Mask::causal();
    const Shape scores{length, length};
    const Mask keep =
        Mask::keep(Tensor(kernels::allowed(window.for_scores(scores, float64), scores)));
    for (const Mask& mask : {window, keep})
      for (const auto& [at, which] :
           {std::pair{length / 2, 0}, {length / 2, 1}, {length / 2, 2}, {0, 0}, {0, 1}, {0, 2}}) {
        const auto with = [&, at = at, which = which](double value) {
          Inputs in = random_inputs({1, 2}, length, length);
          Tensor& x = which == 0 ? in.q : which == 1 ? in.k : in.v;
          Array data = x.detach().clone().array();
          data.write<double>([&](double* to) { to[at * x.size(-1)] = value; });
          x = Tensor(data).requires_grad_();
          return differentiate_twice(in, mask);
        };
        const Results bad = with(NAN), good = with(0);
        // A query sees its own key and the two before.
        const int64_t last = which == 0 ? at : at + 2;
        const auto difference = [&](const Tensor& a, const Tensor& b, int64_t first) {
          const auto spared = [&](const Tensor& x) {
            return cat({narrow(x, 2, 0, first), narrow(x, 2, last + 1, length - last - 1)}, 2);
          };
          return largest_difference(spared(a), spared(b));
        };
        CAPTURE(length, at, which);
        for (size_t i = 0; i < bad.of_queries.size(); ++i)
          CHECK(difference(bad.of_queries[i], good.of_queries[i], at) < 1e-13);
        for (size_t i = 0; i < bad.of_keys.size(); ++i)
          CHECK(difference(bad.of_keys[i], good.of_keys[i], std::max<int64_t>(0, at - 2)) < 1e-13);
      }
  }
}

TEST_CASE("of a few queries, those that may not see NaN do not, in each block of keys") {
  constexpr int64_t queries = 3, keys = 300;
  const Mask causal = Mask::causal() & Mask::offset(keys - queries);
  const Mask keep = Mask::keep(
      Tensor(kernels::allowed(causal.for_scores({queries, keys}, float64), {queries, keys})));
  for (const Mask& mask : {causal, keep}) {
    const Inputs in = random_inputs({2, 2}, queries, keys);
    // Only the last query sees the last key.
    const auto poisoned = [&](const Tensor& x) {
      return cat({narrow(x, 2, 0, keys - 1), narrow(x, 2, keys - 1, 1) * NAN}, 2);
    };
    const Tensor clean = scaled_dot_product_attention(in.q, in.k, in.v, mask);
    const Tensor y = scaled_dot_product_attention(in.q, poisoned(in.k), poisoned(in.v), mask);
    CHECK(largest_difference(narrow(y, 2, 0, 2), narrow(clean, 2, 0, 2)) < 1e-14);
    CHECK(std::isnan(y.to_vector<double>()[2 * 5]));
  }
}

TEST_CASE("NaN that a query does see arrives") {
  const Inputs in = random_inputs({}, 3, 3);
  const Tensor y = scaled_dot_product_attention(in.q, in.k * NAN, in.v);
  CHECK(std::isnan(y.to_vector<double>()[0]));
}

TEST_CASE("NaN arrives from a key of no weight too, where a mask hides no key") {
  constexpr int64_t keys = 40;
  for (const int64_t queries : {1, 3, 20}) {
    const Inputs in = random_inputs({2, 1}, queries, keys);
    const auto with_first_key = [&](const Tensor& x, double value) {
      return cat({full({2, 1, 1, x.size(-1)}, value, float64), narrow(x, 2, 1, keys - 1)}, 2);
    };
    const Tensor q = abs(in.q) + 1.0, k = with_first_key(in.k, -1e4);
    // The first query just sees the last key, and the last query the first key.
    const Mask edges = Mask::causal() & Mask::offset(keys - 1) & Mask::window(keys - 1 + queries);
    for (const Mask& mask : {Mask(), edges}) {
      INFO(queries << " queries");
      const Tensor y = scaled_dot_product_attention(q, k, with_first_key(in.v, NAN), mask);
      for (const double value : y.to_vector<double>()) CHECK(std::isnan(value));
    }
  }
}

TEST_CASE("float32 keeps the gradient's digits where scores are some tens") {
  for (const int64_t queries : {1, 3, 16, 40}) {
    const Inputs exact = random_inputs({4}, queries, 150);
    const auto single = [](const Tensor& x) { return x.to(float32).detach().requires_grad_(); };
    const Inputs in{single(exact.q * 20.0), single(exact.k), single(exact.v)};
    const Inputs same{in.q.to(float64), in.k.to(float64), in.v.to(float64)};
    const Tensor y = scaled_dot_product_attention(in.q, in.k, in.v);
    const Tensor cotangent(random_normal(y.shape(), float32, 0, 1));
    const auto found = grad({y}, {in.q, in.k, in.v}, {cotangent});
    const auto wanted = grad({twin(same, {})}, {same.q, same.k, same.v}, {cotangent.to(float64)});
    for (size_t i = 0; i < 3; ++i) {
      INFO(queries << " queries, input " << i);
      const double allowed = (i == 2 ? 3e-6 : 8e-6) * amax(abs(wanted[i])).item<double>();
      CHECK(largest_difference(found[i].to(float64), wanted[i]) < allowed);
    }
  }
}

TEST_CASE("float32 moves no query where all values are alike") {
  for (const int64_t keys : {3, 100}) {
    const Inputs in = random_inputs({4}, 40, keys, float32);
    const Tensor q = (in.q * 8.0).detach().requires_grad_();
    const Tensor v = expand(narrow(in.v * 10.0, 1, 0, 1), in.v.shape());
    const Tensor y = scaled_dot_product_attention(q, in.k, v);
    const Tensor cotangent(random_normal(y.shape(), float32, 0, 1));
    for (const Tensor& x : grad({y}, {q, in.k}, {cotangent})) {
      INFO(keys << " keys");
      CHECK(amax(abs(x)).item<double>() < 1e-10);
    }
  }
}

TEST_CASE("attention of empty sequences") {
  const Inputs no_keys = random_inputs({2}, 3, 0);
  const Tensor y = scaled_dot_product_attention(no_keys.q, no_keys.k, no_keys.v);
  CHECK(y.shape() == Shape{2, 3, 5});
  for (double value : y.to_vector<double>()) CHECK(value == 0);
  sum(y).backward();
  CHECK(no_keys.k.grad().shape() == Shape{2, 0, 6});
  const Inputs no_queries = random_inputs({2}, 0, 3);
  const Tensor none = scaled_dot_product_attention(no_queries.q, no_queries.k, no_queries.v);
  CHECK(none.shape() == Shape{2, 0, 5});
  sum(none).backward();
  for (double value : no_queries.v.grad().to_vector<double>()) CHECK(value == 0);
  const Inputs nested = random_inputs({2, 3, 2}, 0, 4);
  const Tensor bias = ones({2, 1, 4}, float64).requires_grad_();
  sum(scaled_dot_product_attention(nested.q, nested.k, nested.v, Mask::bias(bias))).backward();
  CHECK(bias.grad().to_vector<double>() == std::vector<double>(8, 0));
}

TEST_CASE("attention reads strided and broadcast operands") {
  const Inputs in = random_inputs({2, 3}, 9, 9);
  const auto strided = [](const Tensor& x) {
    return transpose(transpose(x, 1, 2).contiguous(), 1, 2);
  };
  const Tensor y = scaled_dot_product_attention(in.q, in.k, in.v, Mask::causal());
  CHECK(largest_difference(scaled_dot_product_attention(strided(in.q), strided(in.k), strided(in.v),
                                                        Mask::causal()),
                           y) == 0);
  const auto same_rows = [](const Tensor& x) {
    return narrow(x, 2, 0, 1).expand({2, 3, 2, x.size(-1)});
  };
  CHECK(largest_difference(scaled_dot_product_attention(in.q, same_rows(in.k), same_rows(in.v)),
                           scaled_dot_product_attention(in.q, same_rows(in.k).clone(),
                                                        same_rows(in.v).clone())) == 0);
  const Tensor k = narrow(in.k, 1, 0, 1), v = narrow(in.v, 1, 0, 1);
  const Tensor shared = scaled_dot_product_attention(in.q, k, v);
  const Tensor copied = scaled_dot_product_attention(in.q, k.expand({2, 3, 9, 6}).clone(),
                                                     v.expand({2, 3, 9, 5}).clone());
  CHECK(largest_difference(shared, copied) == 0);
}

TEST_CASE("attention's dropout is the one its twin draws, forward and backward") {
  for (const Shape& batch : {Shape{}, Shape{3}, Shape{2, 2}, Shape{2, 1, 2}})
    for (const int64_t queries : {2, 70}) {
      INFO(to_string(batch) << ", " << queries << " queries");
      const Inputs in = random_inputs(batch, queries, 150);
      const Mask mask = Mask::causal() & Mask::offset(150 - queries);
      set_random_state({5, 9});
      const Tensor y = scaled_dot_product_attention(in.q, in.k, in.v, mask, {.dropout = 0.3});
      const Tensor expected = twin(in, mask, 0.3, {5, 9});
      CHECK(largest_difference(y, expected) < 1e-12);
      const Tensor cotangent(random_normal(y.shape(), float64, 0, 1));
      const auto fast = grad({y}, {in.q, in.k, in.v}, {cotangent});
      const auto slow = grad({expected}, {in.q, in.k, in.v}, {cotangent});
      for (size_t i = 0; i < 3; ++i) CHECK(largest_difference(fast[i], slow[i]) < 1e-12);
    }
}

TEST_CASE("attention is bitwise the same at any number of threads") {
  const Inputs in = random_inputs({2, 3}, 300, 300, float32);
  const int before = num_threads();
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 4}) {
    set_num_threads(threads);
    const Tensor y = scaled_dot_product_attention(in.q, in.k, in.v, Mask::causal());
    const auto g = grad({sum(square(y))}, {in.q});
    results.push_back(y.to_vector<float>());
    results.push_back(g[0].to_vector<float>());
    const Tensor few = scaled_dot_product_attention(narrow(in.q, 2, 0, 2), in.k, in.v);
    results.push_back(few.to_vector<float>());
  }
  set_num_threads(before);
  for (size_t i = 3; i < results.size(); ++i) CHECK(results[i] == results[i % 3]);
}

TEST_CASE("attention refuses what does not fit") {
  const Inputs in = random_inputs({2, 3}, 4, 4);
  CHECK_THROWS_AS(scaled_dot_product_attention(in.q, in.v, in.v), ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(in.q, in.k, narrow(in.v, 2, 0, 3)), ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(in.q, in.k, in.v.to(float32)), DTypeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(in.q, in.k, in.v, Mask::padding({1, 2, 3})),
                  ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(in.q, in.k, in.v, {}, {.dropout = 1.5}), ValueError);
  CHECK_THROWS_AS(Mask::keep(in.q), DTypeError);
  CHECK_THROWS_AS(Mask::window(0), ValueError);
}

TEST_CASE("attention without batch or heads is that of a batch of one") {
  for (const int64_t queries : {3, 20, 70}) {
    const Inputs in = random_inputs({}, queries, 33);
    const Tensor keep = Tensor(random_normal({queries, 33}, float64, 0, 1)) > 0.0;
    const auto attend = [&](const std::vector<Tensor>& x) {
      return scaled_dot_product_attention(x[0], x[1], x[2], Mask::keep(keep));
    };
    const Tensor expected =
        squeeze(attend({unsqueeze(in.q, 0), unsqueeze(in.k, 0), unsqueeze(in.v, 0)}), 0);
    CHECK(largest_difference(attend({in.q, in.k, in.v}), expected) == 0);
    const Inputs few = random_inputs({2}, queries, 33);
    const Tensor heads = unsqueeze(few.q, 1);
    CHECK(largest_difference(
              scaled_dot_product_attention(few.q, few.k, few.v),
              squeeze(scaled_dot_product_attention(heads, unsqueeze(few.k, 1), unsqueeze(few.v, 1)),
                      1)) == 0);
  }
}

TEST_CASE("attention without batch or heads has the second gradient of one with a mask") {
  const Inputs in = random_inputs({}, 3, 4);
  const Tensor keep = tensor(std::vector<int64_t>{1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}, {3, 4});
  const auto attend = [&](const std::vector<Tensor>& x) {
    return scaled_dot_product_attention(x[0], x[1], x[2], Mask::keep(keep.to(boolean)));
  };
  CHECK(gradgradcheck(attend, {in.q, in.k, in.v}));
}

TEST_CASE("heads whose scores lie far apart do not meet where keys are cut into blocks") {
  const Inputs in = random_inputs({3}, 2, 300);
  const Tensor level = tensor(std::vector<double>{-500, 500, 0}, {3, 1, 1});
  const Tensor expected = scaled_dot_product_attention(in.q, in.k, in.v);
  const Tensor found = scaled_dot_product_attention(in.q, in.k, in.v, Mask::bias(level));
  CHECK(largest_difference(found, expected) < 1e-12);
}

TEST_CASE("paddings combine to the shorter of each sequence") {
  const Inputs in = random_inputs({3, 1}, 4, 5);
  const auto attend = [&](const Mask& mask) {
    return scaled_dot_product_attention(in.q, in.k, in.v, mask);
  };
  const Tensor both = attend(Mask::padding({5, 2, 4}) & Mask::padding({1, 4, 4}));
  CHECK(largest_difference(both, attend(Mask::padding({1, 2, 4}))) == 0);
  CHECK(largest_difference(both, attend(Mask::padding(tensor({1, 2, 4})))) == 0);
  CHECK_THROWS_AS(Mask::padding(tensor({{1, 2, 4}})), ShapeError);
  const Mask of_none = Mask::padding(std::vector<int64_t>{});
  CHECK_THROWS_AS(attend(of_none), ShapeError);
  const auto shaped = [&](const Shape& batch) {
    const Inputs one = random_inputs(batch, 4, 5);
    return scaled_dot_product_attention(one.q, one.k, one.v, of_none);
  };
  CHECK_THROWS_AS(shaped({1, 1}), ShapeError);
  CHECK(shaped({0, 2}).numel() == 0);
  CHECK(shaped({2, 0}).numel() == 0);
}

TEST_CASE("biases add up") {
  const Inputs in = random_inputs({2}, 4, 5);
  const auto attend = [&](const Mask& mask) {
    return scaled_dot_product_attention(in.q, in.k, in.v, mask);
  };
  const Tensor a = randn({4, 5}, float64), b = randn({2, 1, 5}, float64);
  CHECK(largest_difference(attend(Mask::bias(a) & Mask::bias(b)), attend(Mask::bias(a + b))) == 0);
}
