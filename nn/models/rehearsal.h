#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cost.h"

namespace attune::nn::models {

// A training step played through on sizes: what each operation multiplies, allocates and keeps for
// backward, and how the engine walks back. Each method stands for the operation of its name, with
// the memory behaviour of autograd/ops; sizes are in float32 elements.
class Rehearsal {
 public:
  using Value = size_t;      // a tensor
  using Parameter = size_t;  // a parameter, which receives a gradient

  // weights_in_first: whether those of linear() are stored [in, out], as Conv1D does.
  explicit Rehearsal(bool weights_in_first = false) : weights_in_first_(weights_in_first) {}

  // What a tensor takes of the memory pool, its objects included.
  static int64_t tensor_bytes(int64_t elements);

  Parameter parameter(int64_t elements);
  // x is not needed any more by whoever computed it.
  void drop(Value x);

  // Rows of a table: [rows] indices -> [rows, width]. skips: whether a padding index is left out.
  Value embedding(Parameter table, int64_t rows, int64_t width, bool skips = false);
  // x Wᵀ + b. x: [rows, in] -> [rows, out].
  Value linear(Value x, int64_t rows, int64_t in, int64_t out, bool bias);
  // layer_norm, or rms_norm without bias. x: [rows, width].
  Value norm(Value x, int64_t rows, int64_t width, bool bias);
  // One of those that nn::activation() knows by name.
  Value activation(Value x, const std::string& name);
  Value dropout(Value x, double p);
  Value add(Value a, Value b);
  Value multiply(Value a, Value b);
  Value rotary(Value x);
  // Another view of all of x, as splitting and merging heads makes; its gradient is one too.
  Value alias(Value x);
  // One of the parts that chunk cuts x into.
  Value part(Value x, int64_t parts);
  // scores: in tiles that are not masked whole, of all heads together; rows: queries of all heads.
  Value attention(Value q, Value k, Value v, double scores, int64_t width, int64_t rows,
                  int64_t keys);
  Value checkpoint(Value x, const std::function<Value(Value)>& block);
  // linear_cross_entropy. hidden: [rows, width].
  Value loss(Value hidden, Parameter table, std::optional<Parameter> bias, int64_t rows,
             int64_t width, int64_t classes);

  // Walks back from the last value.
  void backward();

  const Flops& forward_flops() const { return forward_; }
  const Flops& backward_flops() const { return backward_; }
  int64_t gradient_bytes() const { return gradients_; }
  int64_t peak_activations() const { return peak_activations_; }
  int64_t peak_of_all() const { return peak_; }

 private:
  using Memory = size_t;

  struct Block {
    int64_t bytes;
    int owners;
  };
  struct Tensor {
    Memory memory;
    int64_t elements;
    std::optional<Memory> gradient;
  };
  enum class Flow { fresh, alias, accumulating };

  struct Node {
    std::vector<Value> inputs;
    Value output = 0;
    Flow flow = Flow::fresh;  // how inputs get their gradients
    std::vector<Memory> saved = {};
    std::vector<Parameter> parameters = {};
    Flops flops = {};                  // of backward
    int64_t scratch_bytes = 0;         // that backward needs for itself,
    int64_t input_scratch_bytes = 0;   // and before that, for the gradients of inputs alone
    std::optional<Memory> ready = {};  // a gradient that forward computed already
    std::function<Value(Value)> again = {};
  };

  Memory allocate(int64_t elements);
  void share(Memory memory) { ++blocks_[memory].owners; }
  void release(Memory memory);
  void note_peak(int64_t scratch = 0);
  Value fresh(int64_t elements);
  Value view(Value x, int64_t elements);
  int64_t elements(Value x) const { return tensors_[x].elements; }
  Memory memory(Value x) const { return tensors_[x].memory; }
  // Records a node that keeps some memory, until it is forgotten.
  Value record(Node node);
  void forget(const Node& node);
  void make_gradient(Parameter parameter);
  void receive(Value x, Memory gradient);
  void run(Node& node, Memory gradient);
  void back_to(size_t first);
  void count(const Flops& flops);

  bool weights_in_first_;
  std::vector<Block> blocks_;
  std::vector<Tensor> tensors_;
  std::vector<Node> nodes_;
  std::vector<int64_t> parameters_;
  std::vector<bool> has_gradient_;
  Parameter next_parameter_ = 0;  // when a checkpoint runs again, its parameters are there already
  bool going_back_ = false;
  Flops forward_, backward_;
  int64_t live_ = 0, gradients_ = 0, peak_activations_ = 0, peak_ = 0;
};

}  // namespace attune::nn::models
