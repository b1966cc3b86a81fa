#include "checkpoint.h"

#include <algorithm>
#include <unordered_set>

#include "../array/fail.h"
#include "../array/random.h"
#include "../array/trace.h"
#include "engine.h"
#include "grad_mode.h"
#include "node.h"
#include "ops/attention_recorder.h"
#include "record.h"

namespace attune {
namespace {

constexpr const char* operation = "checkpoint";

using Function = std::function<Tensor(std::span<const Tensor>)>;

// While it lives, random numbers are drawn from a state on; then the stream goes on as before.
class RandomReplay {
 public:
  explicit RandomReplay(RandomState from) : outer_(random_state()) { set_random_state(from); }
  ~RandomReplay() { set_random_state(outer_); }
  RandomReplay(const RandomReplay&) = delete;
  RandomReplay& operator=(const RandomReplay&) = delete;

 private:
  RandomState outer_;
};

// The nodes that a part of the tape, recorded from `start` on, leads to outside of itself, in the
// order of their stamps.
std::vector<Intrusive<Node>> nodes_before(Stamp start, Node* root) {
  std::vector<Node*> order = {root};
  std::unordered_set<Node*> seen = {root};
  std::vector<Intrusive<Node>> before;
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i]->stamp < start) {
      before.emplace_back(order[i]);
      continue;
    }
    for (size_t k = 0; k < order[i]->input_count(); ++k)
      if (Node* input = order[i]->input(k); input && seen.insert(input).second)
        order.push_back(input);
  }
  std::sort(before.begin(), before.end(),
            [](const auto& a, const auto& b) { return a->stamp < b->stamp; });
  return before;
}

// The function's call as one node, with an edge to every node that its part of the tape led to.
class CheckpointNode final : public Node {
 public:
  // started: before the function ran; random: where it began to draw, and where it ended.
  CheckpointNode(const Array& value, Function function, std::vector<Tensor> inputs, Stamp started,
                 std::pair<RandomState, RandomState> random, std::vector<Intrusive<Node>> ends)
      : Node(operation, value),
        function_(std::move(function)),
        inputs_(std::move(inputs)),
        started_(started),
        random_(random),
        ends_(std::move(ends)) {}

  size_t input_count() const override { return ends_.size(); }
  Node* input(size_t i) const override { return ends_[i].get(); }
  bool backward_runs_passes() const override { return true; }

  std::vector<Tensor> backward(const Tensor& g, PartialSums&) override {
    const Stamp resumed = next_stamp();
    const Tensor again = recompute(resumed);
    if (again.shape() != shape || again.dtype() != dtype)
      fail<GradError>(name, "the function gave {} {}, and computed again {} {}", name_of(dtype),
                      to_string(shape), name_of(again.dtype()), to_string(again.shape()));
    std::vector<Node*> ends;
    for (const auto& end : ends_) ends.push_back(end.get());
    if (!again.node() || !leads_to_no_others(resumed, again.node(), ends))
      fail<GradError>(name, "computed again, the function used other tensors than before");
    const SavedValueGuard lifted(0, name);
    return gradients_down_to(again, g, ends);
  }

  void free_buffers() override {
    function_ = nullptr;
    inputs_.clear();
    ends_.clear();
  }

 private:
  Tensor recompute(Stamp resumed) const {
    // What the function itself wrote over was not what it reads now either.
    const SavedValueGuard guard(started_, name, resumed);
    const RandomReplay replay(random_.first);
    const GradMode recording(true);
    const AttentionRecorder::Pause unseen;
    Tensor again = function_(inputs_);
    if (random_state() != random_.second)
      fail<GradError>(name,
                      "computed again, the function drew other random numbers than before; call "
                      "train() and eval() after backward");
    return again;
  }

  static bool leads_to_no_others(Stamp start, Node* root, const std::vector<Node*>& ends) {
    const std::unordered_set<Node*> known(ends.begin(), ends.end());
    const auto found = nodes_before(start, root);
    return std::all_of(found.begin(), found.end(),
                       [&](const auto& node) { return known.contains(node.get()); });
  }

  Function function_;
  std::vector<Tensor> inputs_;
  Stamp started_;
  std::pair<RandomState, RandomState> random_;
  std::vector<Intrusive<Node>> ends_;
};

}  // namespace

Tensor checkpoint(Function function, std::vector<Tensor> inputs) {
  if (!function) fail<ValueError>(operation, "the function is empty");
  const Span span(operation);
  const RandomState before = random_state();
  const Stamp start = next_stamp();
  Tensor result = function(inputs);
  if (!result.defined()) fail<ValueError>(operation, "the function gave an undefined Tensor");
  // What is no function of anything that needs a gradient, or was there before.
  if (!result.requires_grad() || result.node()->stamp < start) return result;
  auto ends = nodes_before(start, result.node());
  Array value = result.array();
  result = {};
  Intrusive<Node> node(new CheckpointNode(value, std::move(function), std::move(inputs), start,
                                          {before, random_state()}, std::move(ends)));
  return Tensor(std::move(value), std::move(node));
}

}  // namespace attune
