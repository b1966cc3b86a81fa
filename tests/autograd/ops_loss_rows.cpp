#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

constexpr Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

using Regression = Tensor (*)(const Tensor&, const Tensor&, Reduction);

OpRow regression(const char* name, Regression f) {
  OpRow row{.name = name,
            .bad = {bad<ShapeError>([f] { f(some(2, 3), some(2, 2), Reduction::mean); })}};
  for (const Reduction r : reductions)
    row.cases.push_back([f, r](In in) { return f(in[0], in[1], r); });
  return row;
}

std::vector<OpRow> regressions() {
  std::vector<OpRow> rows = {
      regression("mse_loss", mse_loss), regression("l1_loss", l1_loss),
      regression("huber_loss", [](const Tensor& x, const Tensor& t, Reduction r) {
        return huber_loss(x, t, r);
      })};
  rows[0].bad.push_back(bad<ValueError>([] { mse_loss(some(2), some(2), Reduction::batchmean); }));
  rows[1].bad.push_back(bad<ValueError>([] { l1_loss(some(2), some(2), Reduction::batchmean); }));
  OpRow& huber = rows[2];
  huber.cases.push_back([](In in) { return huber_loss(in[0], in[1], Reduction::mean, 0.5); });
  huber.bad.push_back(bad<ValueError>([] { huber_loss(some(2), some(2), Reduction::batchmean); }));
  huber.bad.push_back(bad<ValueError>([] { huber_loss(some(2), some(2), Reduction::mean, 0); }));
  rows.push_back(regression("smooth_l1_loss", [](const Tensor& x, const Tensor& t, Reduction r) {
    return smooth_l1_loss(x, t, r);
  }));
  OpRow& smooth = rows.back();
  smooth.cases.push_back([](In in) { return smooth_l1_loss(in[0], in[1], Reduction::mean, 0.5); });
  smooth.bad.push_back(
      bad<ValueError>([] { smooth_l1_loss(some(2), some(2), Reduction::batchmean); }));
  smooth.bad.push_back(bad<ValueError>([] { smooth_l1_loss(some(2), some(2), {}, -1); }));
  rows.push_back(regression(
      "kl_div", [](const Tensor& x, const Tensor& t, Reduction r) { return kl_div(x, t, r); }));
  rows.back().cases.push_back(
      [](In in) { return kl_div(in[0], in[1], Reduction::batchmean, true); });
  return rows;
}

// Both losses over classes refuse the same.
template <class Options>
std::vector<BadInput> bad_classes(Tensor (*f)(const Tensor&, const Tensor&, const Options&)) {
  return {bad<IndexError>([f] { f(some(2, 1), whole(2), {}); }),
          bad<ShapeError>([f] { f(some(2, 3), whole(3), {}); }),
          bad<ShapeError>([f] { f(some(2, 3, 4), whole(2, 3), {}); }),
          bad<ShapeError>([f] { f(some(), whole(), {}); }),
          bad<DTypeError>([f] { f(some(2, 3), some(2), {}); }),
          bad<DTypeError>([f] { f(whole(2, 3), whole(2), {}); }),
          bad<ShapeError>([f] { f(some(2, 3), whole(2), {.weight = some(2)}); }),
          bad<DTypeError>([f] { f(some(2, 3), whole(2), {.weight = to(some(3), float32)}); }),
          bad<ValueError>([f] { f(some(2, 3), whole(2), {.reduction = Reduction::batchmean}); })};
}

std::vector<OpRow> classifications() {
  OpRow entropy{.name = "cross_entropy", .bad = bad_classes(cross_entropy)};
  OpRow likelihood{.name = "nll_loss", .bad = bad_classes(nll_loss)};
  entropy.bad.push_back(
      bad<ValueError>([] { cross_entropy(some(2, 3), whole(2), {.label_smoothing = 1.5}); }));
  for (const Reduction r : reductions) {
    entropy.cases.push_back([r](In in) { return cross_entropy(in[0], in[1], {.reduction = r}); });
    entropy.cases.push_back([r](In in) {
      return cross_entropy(in[0], in[1], {.reduction = r, .label_smoothing = 0.1});
    });
    likelihood.cases.push_back([r](In in) { return nll_loss(in[0], in[1], {.reduction = r}); });
  }
  for (const Reduction r : {Reduction::mean, Reduction::none}) {
    entropy.cases.push_back([r](In in) {
      return cross_entropy(in[0], in[1], {.weight = in[2], .ignore_index = 7, .reduction = r});
    });
    likelihood.cases.push_back([r](In in) {
      return nll_loss(in[0], in[1], {.weight = in[2], .ignore_index = 7, .reduction = r});
    });
  }
  entropy.cases.push_back([](In in) { return cross_entropy(in[0], in[1]); });
  likelihood.cases.push_back([](In in) { return nll_loss(in[0], in[1]); });
  return {entropy, likelihood};
}

OpRow classifier() {
  OpRow row{.name = "linear_cross_entropy"};
  const auto f = [](const Tensor& hidden, const Tensor& weight, const Tensor& target,
                    const Tensor& bias = {}, const LinearCrossEntropyOptions& options = {}) {
    return linear_cross_entropy(hidden, weight, target, bias, options);
  };
  row.bad = {
      bad<ShapeError>([f] { f(some(2, 3), some(4, 2), whole(2)); }),
      bad<ShapeError>([f] { f(some(2, 3), some(3), whole(2)); }),
      bad<ShapeError>([f] { f(some(), some(4, 2), whole()); }),
      bad<ShapeError>([f] { f(some(2, 3), some(4, 3), whole(3)); }),
      bad<ShapeError>([f] { f(some(2, 3), some(4, 3), whole(2), some(3)); }),
      bad<IndexError>([f] { f(some(2, 3), some(1, 3), whole(2)); }),
      bad<DTypeError>([f] { f(some(2, 3), some(4, 3), some(2)); }),
      bad<DTypeError>([f] { f(whole(2, 3), whole(4, 3), whole(2)); }),
      bad<DTypeError>([f] { f(some(2, 3), to(some(4, 3), float32), whole(2)); }),
      bad<DTypeError>([f] { f(some(2, 3), some(4, 3), whole(2), to(some(4), float32)); }),
      bad<ValueError>([f] { f(some(2, 3), some(4, 3), whole(2), {}, {.label_smoothing = -0.1}); }),
      bad<ValueError>(
          [f] { f(some(2, 3), some(4, 3), whole(2), {}, {.reduction = Reduction::batchmean}); })};
  for (const Reduction r : reductions) {
    row.cases.push_back([f, r](In in) { return f(in[0], in[1], in[2], {}, {.reduction = r}); });
    row.cases.push_back([f, r](In in) {
      return f(in[0], in[1], in[2], in[3], {.reduction = r, .label_smoothing = 0.1});
    });
    row.cases.push_back(
        [f, r](In in) { return f(in[0], in[1], in[2], {}, {.ignore_index = 7, .reduction = r}); });
  }
  return row;
}

using Bce = Tensor (*)(const Tensor&, const Tensor&, const BceOptions&);

OpRow bce(const char* name, Bce f) {
  return {
      .name = name,
      .bad = {bad<ShapeError>([f] { f(some(2, 3), some(3), {}); }),
              bad<ShapeError>([f] { f(some(2, 3), some(2, 3), {.weight = some(2, 2)}); }),
              bad<ShapeError>([f] { f(some(2, 3), some(2, 3), {.pos_weight = some(2)}); }),
              bad<ValueError>([f] { f(some(2), some(2), {.reduction = Reduction::batchmean}); })}};
}

std::vector<OpRow> crossings() {
  OpRow full = bce("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits);
  OpRow brief = bce("bce_with_logits", bce_with_logits);
  for (const Reduction r : reductions)
    full.cases.push_back(
        [r](In in) { return binary_cross_entropy_with_logits(in[0], in[1], {.reduction = r}); });
  full.cases.push_back([](In in) {
    return binary_cross_entropy_with_logits(in[0], in[1], {.weight = in[2], .pos_weight = in[3]});
  });
  brief.cases.push_back(
      [](In in) { return bce_with_logits(in[0], in[1], {.weight = in[2], .pos_weight = in[3]}); });
  return {full, brief};
}

}  // namespace

std::vector<OpRow> loss_rows() {
  std::vector<OpRow> rows = regressions();
  rows.push_back(classifier());
  for (const auto& more : {classifications(), crossings()})
    rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace attune::test
