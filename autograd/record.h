#pragma once

#include <functional>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../array/trace.h"
#include "engine.h"
#include "grad_mode.h"
#include "node.h"
#include "tensor.h"

namespace attune {

// One input of a recorded operation: its node, and the formula of its gradient. Both are empty if
// the input needs no gradient, so that whatever the formula captured is let go.
template <class F>
struct Wrt {
  Intrusive<Node> target;
  std::optional<F> formula;
};

// The gradient with respect to x: formula(g) or formula(g, y), where g is the gradient of the
// result and y the result itself. Write it with differentiable operations, so that it can be
// differentiated again; it may return more dimensions than x has, broadcast ones are summed away,
// or an undefined Tensor where nothing flows. Another shape is refused in the operation's name.
template <class F>
Wrt<std::decay_t<F>> wrt(const Tensor& x, F&& formula) {
  if (!grad_enabled() || !x.requires_grad()) return {};
  return {Intrusive<Node>(x.node()), std::forward<F>(formula)};
}

// A formula, and a second way to get the same gradient: add(sum, g) adds it to a sum that the input
// has received already, where nobody differentiates it again. For gradients that are mostly zero,
// or that a kernel can accumulate.
template <class F, class A>
struct Accumulating {
  F formula;
  A add;
  Tensor operator()(const Tensor& g) { return formula(g); }
};
template <class F, class A>
Accumulating(F, A) -> Accumulating<F, A>;

// Which inputs of a joint formula need their gradient.
using Needs = std::vector<bool>;

// Several inputs whose gradients are computed together.
template <class F>
struct Joint {
  std::vector<Intrusive<Node>> targets;
  std::optional<F> formula;
};

// The gradients with respect to all inputs at once: formula(g, needs) -> std::vector<Tensor>, in
// the order of inputs; undefined where not needed. An undefined input (an absent bias) needs none.
template <class F>
Joint<std::decay_t<F>> jointly(const std::vector<Tensor>& inputs, F&& formula) {
  Joint<std::decay_t<F>> joint;
  if (!grad_enabled()) return joint;
  bool any = false;
  for (const Tensor& x : inputs) {
    joint.targets.emplace_back(x.defined() ? x.node() : nullptr);
    any = any || joint.targets.back();
  }
  if (any) joint.formula.emplace(std::forward<F>(formula));
  return joint;
}

// Gradients of a fused operation by its twin of plain operations: twin(inputs) is run again on the
// tape and differentiated with cotangent g. Recorded if recording is on. One gradient an input;
// undefined for inputs that are undefined or not floating, or that the result does not depend on.
// Nothing flows to what the twin captured.
std::vector<Tensor> composite_gradients(const std::function<Tensor(std::span<const Tensor>)>& twin,
                                        const std::vector<Tensor>& inputs, const Tensor& g);

namespace detail {

// The formula of an input that the result does not change with: zeros.
Tensor no_slope(const Tensor& g);

// Throws the AnomalyError if anomaly mode is on and the value has a NaN or Inf.
void check_anomaly(const char* operation, const char* pass, const Array& value);

[[noreturn]] void fail_undefined(const char* operation);

// Tells whoever looks on that an operation has made its result. ValueError if it is undefined.
inline void observe(const char* operation, const Array& value) {
  if (!value.defined()) [[unlikely]]
    fail_undefined(operation);
  if (Tracer* tracer = Tracer::current()) tracer->recorded(operation);
  if (anomaly_enabled()) check_anomaly(operation, "forward", value);
}

template <class... F>
class RecordedNode final : public Node {
  static constexpr bool keeps_output =
      (std::is_invocable_v<F&, const Tensor&, const Tensor&> || ...);

 public:
  RecordedNode(const char* operation, const Array& value, Wrt<F>... inputs)
      : Node(operation, value), inputs_(std::move(inputs)...) {
    if constexpr (keeps_output) output_ = value;
  }

  size_t input_count() const override { return sizeof...(F); }

  Node* input(size_t i) const override {
    Node* found = nullptr;
    each([&](size_t at, const auto& wrt) {
      if (at == i) found = wrt.target.get();
    });
    return found;
  }

  std::vector<Tensor> backward(const Tensor& g, PartialSums& sums) override {
    std::vector<Tensor> gradients(sizeof...(F));
    each([&](size_t i, auto& wrt) {
      if (!wrt.formula) return;
      if constexpr (requires { wrt.formula->add; })
        if (auto sum = sums.of(*wrt.target)) return wrt.formula->add(*sum, g);
      gradients[i] = apply(*wrt.formula, g);
    });
    return gradients;
  }

  void free_buffers() override {
    each([](size_t, auto& wrt) {
      wrt.formula.reset();
      wrt.target = nullptr;
    });
    output_ = {};
  }

 private:
  template <class G>
  Tensor apply(G& formula, const Tensor& g) {
    if constexpr (std::is_invocable_v<G&, const Tensor&, const Tensor&>) {
      return formula(g, Tensor(output_, Intrusive<Node>(this)));
    } else {
      return formula(g);
    }
  }
  template <class V>
  void each(V&& visit) {
    size_t i = 0;
    std::apply([&](auto&... wrt) { (visit(i++, wrt), ...); }, inputs_);
  }
  template <class V>
  void each(V&& visit) const {
    const_cast<RecordedNode*>(this)->each(std::forward<V>(visit));
  }

  std::tuple<Wrt<F>...> inputs_;
  struct Nothing {};
  std::conditional_t<keeps_output, Array, Nothing> output_;
};

template <class F>
class JointNode final : public Node {
 public:
  JointNode(const char* operation, const Array& value, Joint<F> joint)
      : Node(operation, value), joint_(std::move(joint)) {}

  size_t input_count() const override { return joint_.targets.size(); }
  Node* input(size_t i) const override { return joint_.targets[i].get(); }

  std::vector<Tensor> backward(const Tensor& g, PartialSums&) override {
    Needs needs;
    for (const auto& target : joint_.targets) needs.push_back(static_cast<bool>(target));
    return (*joint_.formula)(g, needs);
  }

  void free_buffers() override {
    joint_.formula.reset();
    joint_.targets.clear();
  }

 private:
  Joint<F> joint_;
};

}  // namespace detail

// The result of an operation, with its place on the tape if any input needs a gradient. name is a
// string literal: errors, anomaly mode and profiles use it.
template <class... F>
Tensor record(const char* name, Array value, Wrt<F>... inputs) {
  detail::observe(name, value);
  if (!(static_cast<bool>(inputs.target) || ...)) return Tensor(std::move(value));
  Intrusive<Node> node(new detail::RecordedNode<F...>(name, value, std::move(inputs)...));
  return Tensor(std::move(value), std::move(node));
}
template <class F>
Tensor record(const char* name, Array value, Joint<F> joint) {
  detail::observe(name, value);
  if (!joint.formula) return Tensor(std::move(value));
  Intrusive<Node> node(new detail::JointNode<F>(name, value, std::move(joint)));
  return Tensor(std::move(value), std::move(node));
}

}  // namespace attune
