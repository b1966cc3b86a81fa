#include "engine.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "../array/fail.h"
#include "../array/trace.h"
#include "../kernels/copy.h"
#include "../kernels/elementwise.h"
#include "conversion.h"
#include "grad_mode.h"
#include "node.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "record.h"

namespace attune {
namespace {

// The nodes whose gradient is not complete yet, the most recently recorded on top. When a node
// comes to the top all its consumers are done, because they were recorded later.
class Frontier : public PartialSums {
 public:
  bool empty() const { return heap_.empty(); }

  // Adds a gradient to what the node has received so far.
  void receive(Node* node, Tensor gradient) {
    Slot& slot = slots_[node];
    if (!slot.node) {
      slot.node = Intrusive<Node>(node);
      slot.gradient = std::move(gradient);
      heap_.push_back(node);
      std::push_heap(heap_.begin(), heap_.end(), recorded_earlier);
    } else {
      accumulate(slot.gradient, std::move(gradient));
    }
  }

  std::pair<Intrusive<Node>, Tensor> pop() {
    std::pop_heap(heap_.begin(), heap_.end(), recorded_earlier);
    auto found = slots_.find(heap_.back());
    heap_.pop_back();
    std::pair<Intrusive<Node>, Tensor> top(std::move(found->second.node),
                                           std::move(found->second.gradient));
    slots_.erase(found);
    publish(top.second);
    return top;
  }

  std::optional<Array> of(Node& node) override {
    const auto found = slots_.find(&node);
    if (found == slots_.end() || grad_enabled() || checks_each_) return {};
    return unpublished(found->second.gradient);
  }

  // sum += gradient, in place if nobody else can see sum.
  static void accumulate(Tensor& sum, Tensor gradient) {
    auto into = records(sum, gradient) ? std::nullopt : unpublished(sum);
    if (into) {
      kernels::add_into(*into, gradient.array());
      publish(sum);
    } else {
      sum = add(sum, gradient);
    }
  }

  // Whether accumulate() takes no memory.
  static bool accumulates_in_place(const Tensor& sum, const Tensor& gradient) {
    return sum.defined() && sum.dtype() != bfloat16 && !records(sum, gradient) &&
           can_be_written(sum);
  }

 private:
  struct Slot {
    Intrusive<Node> node;
    Tensor gradient;
  };

  static bool records(const Tensor& sum, const Tensor& gradient) {
    return grad_enabled() && (sum.requires_grad() || gradient.requires_grad());
  }
  static bool recorded_earlier(const Node* a, const Node* b) { return a->stamp < b->stamp; }

  std::vector<Node*> heap_;
  std::unordered_map<Node*, Slot> slots_;
  const bool checks_each_ = anomaly_enabled();  // so that every gradient must be seen by itself
};

[[noreturn]] void fail_freed(const Node& node) {
  fail<GradError>(
      node.name,
      "this part of the tape was freed by an earlier backward; pass retain_graph to the "
      "first one to differentiate twice");
}

[[noreturn]] void fail_replaced(const Node& leaf) {
  fail<GradError>("backward",
                  "a leaf {} {} was given other data or another dtype after this tape recorded it; "
                  "compute the result again",
                  name_of(leaf.dtype), to_string(leaf.shape));
}

[[noreturn]] void fail_converted(const Node& node, const DTypeError& error) {
  fail<GradError>(node.name,
                  "a tensor was given another dtype after this was recorded ({}); compute the "
                  "result again",
                  error.what());
}

// Nodes from which an edge path leads to one of the targets, and the targets that roots lead to. A
// freed node has lost its edges, so that nobody knows whether it would; it may only be the end of
// the search.
std::unordered_set<Node*> nodes_leading_to(const std::vector<Node*>& roots,
                                           const std::unordered_set<Node*>& targets) {
  std::unordered_set<Node*> seen;
  std::vector<Node*> order(roots.begin(), roots.end());
  for (Node* root : roots) seen.insert(root);
  for (size_t i = 0; i < order.size(); ++i) {
    Node* node = order[i];
    if (node->freed && !(targets.size() == 1 && targets.contains(node))) {
      Scope scope(node->path);
      if (node->is_leaf()) fail_replaced(*node);
      fail_freed(*node);
    }
    for (size_t k = 0; k < node->input_count(); ++k)
      if (Node* input = node->input(k); input && seen.insert(input).second) order.push_back(input);
  }
  std::sort(order.begin(), order.end(), [](Node* a, Node* b) { return a->stamp < b->stamp; });
  std::unordered_set<Node*> leading;
  for (Node* node : order) {
    if (targets.contains(node)) leading.insert(node);
    for (size_t k = 0; k < node->input_count(); ++k)
      if (node->input(k) && leading.contains(node->input(k))) leading.insert(node);
  }
  return leading;
}

[[noreturn]] void fail_unused(const Tensor& input) {
  fail<GradError>("grad",
                  "the outputs do not depend on an input of shape {}; pass allow_unused to get an "
                  "undefined gradient",
                  to_string(input.shape()));
}

Tensor run_hooks(const Node& node, Tensor gradient) {
  SavedValueGuard lifted(0, node.name);
  // Other nodes may have received the same tensor, and a hook may write to what it is given.
  if (!gradient.sole_owner()) gradient = clone(gradient);
  // Over a copy of the list, because a hook may register others.
  for (const auto& hook : std::vector(node.hooks)) {
    const auto function = hook->function;  // held, because it may remove itself
    if (!function) continue;               // removed, maybe by a hook before it
    Tensor replaced = (*function)(gradient);
    if (!replaced.defined()) continue;
    if (replaced.shape() != node.shape || replaced.dtype() != node.dtype)
      fail<ShapeError>(node.name, "a hook returned a gradient {} {} in place of {} {}",
                       name_of(replaced.dtype()), to_string(replaced.shape()), name_of(node.dtype),
                       to_string(node.shape));
    gradient = std::move(replaced);
  }
  return gradient;
}

// The gradient in memory that was not written after the node was recorded: a cotangent that its
// maker filled, or a hook wrote to, is no saved value that changed.
Tensor unwritten(const Tensor& gradient, const Node& node) {
  if (gradient.array().storage().written() <= node.stamp) return gradient;
  return clone(gradient);
}

// What the formula of an operation returned for an input of it, summed over broadcast dimensions
// and in the input's dtype.
Tensor fit(const Node& operation, size_t index, Tensor gradient, const Node& input) {
  if (!is_floating(gradient.dtype()))
    fail<DTypeError>(operation.name,
                     "the backward formula of input {} returned a gradient {} {}; an input {} {} "
                     "takes a floating one",
                     index, name_of(gradient.dtype()), to_string(gradient.shape()),
                     name_of(input.dtype), to_string(input.shape));
  if (gradient.shape() != input.shape) {
    if (!broadcasts_to(input.shape, gradient.shape()))
      fail<ShapeError>(operation.name,
                       "the backward formula of input {} returned a gradient {} for an input {}; "
                       "return one of the input's shape, or of one that the input broadcasts to",
                       index, to_string(gradient.shape()), to_string(input.shape));
    // bfloat16 is only stored.
    if (gradient.dtype() == bfloat16) gradient = to(gradient, float32);
    gradient = sum_to(gradient, input.shape);
  }
  if (gradient.dtype() != input.dtype) gradient = to(gradient, input.dtype);
  return gradient;
}

// One pass over the tape from some roots down.
class Pass {
 public:
  Pass(bool retain, bool create) : retain_(retain || create), mode_(create) {}

  void seed(const Tensor& root, const Tensor& cotangent) {
    frontier_.receive(root.node(), cotangent);
  }

  // These nodes belong to another pass, which runs their hooks. So does all that is older than
  // every one of them, which leads to none.
  void end_at(const std::unordered_set<Node*>& ends) {
    ends_ = &ends;
    oldest_ = std::numeric_limits<Stamp>::max();
    for (const Node* end : ends) oldest_ = std::min(oldest_, end->stamp);
  }

  // deliver(node, gradient) returns whether to go on below the node; only nodes in `within` (all,
  // if null) receive anything.
  template <class Deliver>
  void run(const std::unordered_set<Node*>* within, Deliver&& deliver) {
    while (!frontier_.empty()) {
      auto [node, gradient] = frontier_.pop();
      Scope scope(node->path);
      const bool end = ends_ && ends_->contains(node.get());
      if (!end && !node->hooks.empty()) gradient = run_hooks(*node, std::move(gradient));
      if (anomaly_enabled())
        detail::check_anomaly(node->name, "adding up its gradient", gradient.array());
      if (deliver(*node, gradient)) propagate(*node, gradient, within);
    }
  }

 private:
  void propagate(Node& node, const Tensor& gradient, const std::unordered_set<Node*>* within) {
    if (node.freed) fail_freed(node);
    std::vector<Tensor> gradients = run_formulas(node, unwritten(gradient, node));
    if (gradients.size() != node.input_count())
      fail<GradError>(node.name,
                      "the backward formula returned {} gradients for {} inputs; return one for "
                      "each, undefined where none is needed",
                      gradients.size(), node.input_count());
    for (size_t i = 0; i < gradients.size(); ++i) {
      Node* input = node.input(i);
      if (!input || !gradients[i].defined() || input->stamp < oldest_) continue;
      if (within && !within->contains(input)) continue;
      if (anomaly_enabled()) detail::check_anomaly(node.name, "backward", gradients[i].array());
      frontier_.receive(input, fit(node, i, std::move(gradients[i]), *input));
    }
    if (retain_) return;
    node.freed = true;
    node.free_buffers();
  }

  // Anomalies are the node's, whichever operation of its formula they came from, unless it has
  // operations of its own.
  std::vector<Tensor> run_formulas(Node& node, const Tensor& gradient) {
    const Span span(node.name);
    SavedValueGuard guard(node.stamp, node.name);
    MatmulPrecisionScope precision(node.matmul_precision);
    AnomalyMode checked(anomaly_enabled() && node.backward_runs_passes());
    try {
      return node.backward(gradient, frontier_);
    } catch (const DTypeError& error) {
      if (detail::latest_conversion < node.stamp) throw;
      fail_converted(node, error);
    }
  }

  Frontier frontier_;
  const std::unordered_set<Node*>* ends_ = nullptr;
  Stamp oldest_ = 0;  // that still takes part
  bool retain_;
  GradMode mode_;
};

Tensor starting_cotangent(const char* name, const Tensor& output, const Tensor& given) {
  if (!output.node())
    fail<GradError>(name,
                    "nothing was recorded for this tensor; an input must require a gradient, "
                    "outside of NoGrad");
  if (!given.defined()) {
    if (output.numel() != 1)
      fail<GradError>(name,
                      "a result of shape {} needs a cotangent of that shape; reduce it, say "
                      "with sum(), or pass one",
                      to_string(output.shape()));
    return Tensor(kernels::full(output.shape(), output.dtype(), 1.0));
  }
  if (given.shape() != output.shape() || given.dtype() != output.dtype())
    fail<ShapeError>(name, "cotangent {} {} for a result {} {}", name_of(given.dtype()),
                     to_string(given.shape()), name_of(output.dtype()), to_string(output.shape()));
  return given;
}

// A gradient that its owner may write to: dense, and nobody else's.
Tensor own(Tensor gradient) {
  if (!gradient.defined() || gradient.requires_grad()) return gradient;
  if (gradient.array().is_contiguous() && gradient.sole_owner()) return gradient;
  return Tensor(kernels::clone(gradient.array()));
}

// What a tensor that keeps its gradient received from one backward.
struct Collected {
  Intrusive<Node> node;
  Tensor gradient;
};

// Adds each gradient to its node's. All that takes memory comes first: there may be none left, and
// then every grad is as it was.
void add_to_grads(std::vector<Collected> collected) {
  std::vector<bool> in_place;
  for (auto& [node, gradient] : collected) {
    in_place.push_back(Frontier::accumulates_in_place(node->grad, gradient));
    if (in_place.back()) continue;
    gradient = node->grad.defined() ? add(node->grad, gradient) : own(std::move(gradient));
  }
  for (size_t i = 0; i < collected.size(); ++i) {
    auto& [node, gradient] = collected[i];
    if (in_place[i]) {
      Frontier::accumulate(node->grad, std::move(gradient));
    } else {
      node->grad = std::move(gradient);
    }
  }
}

}  // namespace

std::vector<Tensor> gradients_down_to(const Tensor& output, const Tensor& cotangent,
                                      const std::vector<Node*>& ends) {
  std::unordered_map<Node*, Tensor> found;
  const std::unordered_set<Node*> known(ends.begin(), ends.end());
  Pass pass(false, grad_enabled());
  pass.end_at(known);
  pass.seed(output, cotangent);
  pass.run(nullptr, [&](Node& node, const Tensor& gradient) {
    if (!known.contains(&node)) return !node.is_leaf();
    found[&node] = gradient;
    return false;
  });
  std::vector<Tensor> gradients;
  for (Node* end : ends) gradients.push_back(std::move(found[end]));
  return gradients;
}

void Tensor::backward(const Tensor& cotangent, BackwardOptions options) const {
  const Span span("backward", true);
  Pass pass(options.retain_graph, options.create_graph);
  pass.seed(*this, starting_cotangent("backward", *this, cotangent));
  // Collected first and added last, so that an error half-way leaves every grad as it was.
  std::vector<Collected> collected;
  pass.run(nullptr, [&](Node& node, const Tensor& gradient) {
    if (node.is_leaf() && node.freed) fail_replaced(node);
    if (node.keeps_grad) collected.push_back({Intrusive<Node>(&node), gradient});
    return !node.is_leaf();
  });
  add_to_grads(std::move(collected));
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& cotangents, GradOptions options) {
  if (!cotangents.empty() && cotangents.size() != outputs.size())
    fail<ValueError>("grad", "{} cotangents for {} outputs", cotangents.size(), outputs.size());
  std::unordered_set<Node*> targets;
  for (const Tensor& input : inputs) {
    if (!input.node()) fail<GradError>("grad", "an input does not require a gradient");
    targets.insert(input.node());
  }
  const Span span("grad", true);
  Pass pass(options.retain_graph, options.create_graph);
  std::vector<Node*> roots;
  std::vector<Tensor> seeds;
  for (size_t i = 0; i < outputs.size(); ++i) {
    seeds.push_back(
        starting_cotangent("grad", outputs[i], cotangents.empty() ? Tensor() : cotangents[i]));
    roots.push_back(outputs[i].node());
  }
  const auto within = nodes_leading_to(roots, targets);
  // Before the pass, which frees the tape.
  for (const Tensor& input : inputs)
    if (!options.allow_unused && !within.contains(input.node())) fail_unused(input);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (within.contains(roots[i])) pass.seed(outputs[i], seeds[i]);

  std::unordered_map<Node*, Tensor> found;
  // A target whose inputs lead to another target must still be passed through.
  pass.run(&within, [&](Node& node, const Tensor& gradient) {
    if (targets.contains(&node)) found[&node] = gradient;
    for (size_t k = 0; k < node.input_count(); ++k)
      if (node.input(k) && within.contains(node.input(k))) return true;
    return false;
  });
  std::vector<Tensor> gradients;
  std::unordered_map<Node*, size_t> places;
  for (const Tensor& input : inputs) {
    const auto [place, first] = places.emplace(input.node(), gradients.size());
    gradients.push_back(own(first ? std::move(found[input.node()]) : gradients[place->second]));
    if (!gradients.back().defined() && !options.allow_unused) fail_unused(input);
  }
  return gradients;
}

}  // namespace attune
