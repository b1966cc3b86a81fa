#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "../array/scope.h"
#include "../kernels/matmul_precision.h"
#include "tensor.h"

namespace attune {

class Node;

// What inputs have received so far in a pass, for formulas that add their gradient to it in place.
class PartialSums {
 public:
  // The sum of a node, dense, if it has one that nobody else can see.
  virtual std::optional<Array> of(Node& node) = 0;

 protected:
  ~PartialSums() = default;
  // The array of a sum that nobody else can see, if it is dense, to be written without a mark until
  // it is published again.
  static std::optional<Array> unpublished(const Tensor& sum);
  // Whether unpublished() would give it: nobody else can see it, and it is dense.
  static bool can_be_written(const Tensor& sum);
  static void publish(const Tensor& sum);
};

// A function that sees the gradient of a tensor, until it is removed.
struct GradHook {
  using Function = std::function<Tensor(const Tensor&)>;
  std::shared_ptr<const Function> function;  // null once it is removed
};

// The place of one tensor on the tape: what its gradient looks like and where it goes. Edges lead
// from the node of an operation's result to the nodes of its inputs, never to Tensors, so that the
// tape keeps no value alive but those that a backward formula captured.
class Node : public RefCounted<Node>, public Pooled {
 public:
  Node(const char* operation, const Array& value)
      : name(outermost_operation(operation)),
        path(current_path()),
        stamp(next_stamp()),
        shape(value.shape()),
        dtype(value.dtype()),
        matmul_precision(float32_matmul_precision()) {}
  virtual ~Node();

  // Destroys this node without recursion however long the tape behind it is: nodes that die with it
  // wait in a list of the thread.
  void dispose();

  // Inputs of the operation; none for a leaf. Null where an input needs no gradient.
  virtual size_t input_count() const { return 0; }
  virtual Node* input(size_t) const { return nullptr; }
  // The gradient of each input given the gradient of the result; undefined where input(i) is null,
  // nothing flows, or it was added to one of the sums.
  virtual std::vector<Tensor> backward(const Tensor&, PartialSums&) { return {}; }
  // Whether its backward runs passes of its own, whose anomalies are those of their operations.
  virtual bool backward_runs_passes() const { return false; }
  // Drops the saved values and the edges.
  virtual void free_buffers() {}
  virtual bool is_leaf() const { return false; }

  const char* const name;  // of the operation that the user called
  const Path path;         // of the module it ran in
  const Stamp stamp;       // larger than that of every input
  const Shape shape;
  const DType dtype;
  const MatmulPrecision matmul_precision;  // in force when it was recorded: backward's as well
  bool freed = false;
  // Run on the complete gradient of the tensor, in order; each may replace it.
  std::vector<std::shared_ptr<GradHook>> hooks;
  // Where retain_grad() of a non-leaf, or the leaf itself, keeps its gradient.
  Tensor grad;
  bool keeps_grad = false;

 private:
  Node* next_dead_ = nullptr;
};

// A tensor that the user asked gradients of.
class Leaf : public Node {
 public:
  explicit Leaf(const Array& value) : Node("leaf", value) { keeps_grad = true; }
  bool is_leaf() const override { return true; }
};

}  // namespace attune
