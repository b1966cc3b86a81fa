// Where the heads of attention's results and gradients lie in memory.
#include <attune/autograd.h>
#include <attune/nn.h>

#include "../catch.h"

using namespace attune;

namespace {

bool same_memory(const Tensor& a, const Tensor& b) { return a.array().shares_storage(b.array()); }

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.to_vector<float>() == b.to_vector<float>();
}

// Queries, keys and values [B, heads, T, d] as layers split them, or each dense.
struct Inputs {
  std::vector<Tensor> leaves, heads;

  Inputs(int64_t queries, int64_t keys, int64_t shared, bool dense) {
    manual_seed(4);
    for (const auto& [length, count] : {std::pair{queries, 4}, {keys, shared}, {keys, shared}}) {
      const Tensor x = randn({2, length, count * 5}).requires_grad_();
      const Tensor split = nn::split_heads(x, count);
      leaves.push_back(x);
      heads.push_back(dense ? clone(split) : split);
    }
  }

  Tensor attend() const {
    return scaled_dot_product_attention(heads[0], heads[1], heads[2], Mask::causal(),
                                        {.enable_gqa = true});
  }
};

}  // namespace

TEST_CASE("heads split from tokens are merged, and their gradients split, without a copy") {
  for (const auto& [queries, keys] : {std::pair{70, 150}, {3, 150}}) {
    const Inputs in(queries, keys, 2, false);
    const Tensor y = in.attend();
    CHECK(same_memory(nn::merge_heads(y), y));
    CHECK(y.array().strides() == Shape{queries * 20, 5, 20, 1});
    int gradients = 0;
    for (const Tensor& x : in.heads)
      x.register_hook([&](const Tensor& g) {
        CHECK(same_memory(nn::merge_heads(g), g));
        ++gradients;
        return g;
      });
    sum(y * y).backward();
    CHECK(gradients == 3);
    const RotaryAngles angles = rotary_angles(arange(queries), rotary_frequencies(4));
    const Tensor turned = rotary_embedding(in.heads[0], angles);
    CHECK(same_memory(nn::merge_heads(turned), turned));
  }
}

TEST_CASE("results are the same wherever heads lie") {
  for (const auto& [queries, keys] : {std::pair{70, 150}, {3, 150}}) {
    const Inputs split(queries, keys, 2, false), dense(queries, keys, 2, true);
    const Tensor a = split.attend(), b = dense.attend();
    CHECK(b.array().is_contiguous());
    CHECK(equal(a, b));
    const Tensor cotangent = randn(a.shape());
    const auto da = grad({a}, split.leaves, {cotangent}), db = grad({b}, dense.leaves, {cotangent});
    for (size_t i = 0; i < 3; ++i) CHECK(equal(da[i], db[i]));
  }
}

TEST_CASE("attention without a dimension of heads is that of one head") {
  manual_seed(5);
  const Tensor q = randn({3, 4}), k = randn({6, 4}), v = randn({6, 2});
  const auto one = [](const Tensor& x) { return x.reshape({1, 1, x.size(0), x.size(1)}); };
  CHECK(equal(attention_weights(q, k), attention_weights(one(q), one(k)).reshape({3, 6})));
  CHECK(equal(scaled_dot_product_attention(q, k, v),
              scaled_dot_product_attention(one(q), one(k), one(v)).reshape({3, 2})));
}
