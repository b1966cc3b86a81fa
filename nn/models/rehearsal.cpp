#include "rehearsal.h"

#include <algorithm>
#include <utility>

#include "../../array/pool.h"
#include "../../kernels/attention_products.h"
#include "../../kernels/gemm.h"
#include "../../kernels/linear_cross_entropy.h"
#include "../../kernels/row_tiles.h"

namespace attune::nn::models {
namespace {

int64_t bytes_of(int64_t elements) {
  return static_cast<int64_t>(pool_block_bytes(static_cast<size_t>(elements) * sizeof(float)));
}

// About what an operation adds to the tape: its node, and what its formulas capture.
constexpr int64_t node_bytes = 512;

// What attention works in, on every thread.
int64_t attention_scratch(int64_t keys, int64_t width, bool backward) {
  return bytes_of(num_threads() *
                  (backward
                       ? kernels::backward_scratch(keys, width, width)
                       : kernels::forward_scratch<kernels::ExactProducts<float>>(width, width)));
}

// What the products of linear() work in. weight_in_first: whether it is stored [in, out].
int64_t forward_scratch(int64_t rows, int64_t in, int64_t out, bool weight_in_first) {
  return bytes_of(kernels::matmul_scratch(rows, out, in, {.transpose_b = !weight_in_first}));
}
int64_t input_scratch(int64_t rows, int64_t in, int64_t out, bool weight_in_first) {
  return bytes_of(kernels::matmul_scratch(rows, in, out, {.transpose_b = weight_in_first}));
}
int64_t weight_scratch(int64_t rows, int64_t in, int64_t out, bool weight_in_first) {
  const auto [m, n] = weight_in_first ? std::pair(in, out) : std::pair(out, in);
  return bytes_of(kernels::matmul_scratch(m, n, rows, {.transpose_a = true}));
}

// Tensors of the size of its input that an activation's backward makes besides its result.
int64_t activation_temporaries(const std::string& name) {
  if (name == "mish") return 7;
  return name == "square" || name == "relu6" || name == "leaky_relu" ? 1 : 0;
}

double product(int64_t a, int64_t b, int64_t c) {
  return 2.0 * static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

}  // namespace

int64_t Rehearsal::tensor_bytes(int64_t elements) {
  // A tensor's own object has an array, a count of its owners and a pointer to its node.
  static const size_t objects =
      pool_block_bytes(sizeof(Storage)) + pool_block_bytes(sizeof(Array) + 2 * sizeof(void*));
  return bytes_of(elements) + static_cast<int64_t>(objects);
}

Rehearsal::Parameter Rehearsal::parameter(int64_t elements) {
  if (next_parameter_ == parameters_.size()) {
    parameters_.push_back(elements);
    has_gradient_.push_back(false);
  }
  return next_parameter_++;
}

Rehearsal::Memory Rehearsal::allocate(int64_t elements) {
  blocks_.push_back({tensor_bytes(elements), 1});
  live_ += blocks_.back().bytes;
  note_peak();
  return blocks_.size() - 1;
}

void Rehearsal::release(Memory memory) {
  if (--blocks_[memory].owners == 0) live_ -= blocks_[memory].bytes;
}

void Rehearsal::note_peak(int64_t scratch) {
  peak_activations_ = std::max(peak_activations_, live_ + scratch);
  peak_ = std::max(peak_, live_ + gradients_ + scratch);
}

void Rehearsal::count(const Flops& flops) {
  Flops& sum = going_back_ ? backward_ : forward_;
  sum.attention += flops.attention;
  sum.rest += flops.rest;
}

Rehearsal::Value Rehearsal::fresh(int64_t elements) {
  tensors_.push_back({allocate(elements), elements, {}});
  return tensors_.size() - 1;
}

Rehearsal::Value Rehearsal::view(Value x, int64_t elements) {
  share(memory(x));
  tensors_.push_back({memory(x), elements, {}});
  return tensors_.size() - 1;
}

void Rehearsal::drop(Value x) { release(memory(x)); }

Rehearsal::Value Rehearsal::record(Node node) {
  for (const Memory memory : node.saved) share(memory);
  live_ += node_bytes;
  const Value output = node.output;
  nodes_.push_back(std::move(node));
  return output;
}

void Rehearsal::forget(const Node& node) {
  for (const Memory memory : node.saved) release(memory);
  live_ -= node_bytes;
}

Rehearsal::Value Rehearsal::embedding(Parameter table, int64_t rows, int64_t width, bool skips) {
  const Value y = fresh(rows * width);
  return record({.inputs = {},
                 .output = y,
                 .parameters = {table},
                 .scratch_bytes = skips ? bytes_of(rows * width) : 0});
}

Rehearsal::Value Rehearsal::linear(Value x, int64_t rows, int64_t in, int64_t out, bool bias) {
  const double flops = product(rows, in, out);
  const Value y = fresh(rows * out);
  note_peak(forward_scratch(rows, in, out, weights_in_first_));
  count({.rest = flops});
  std::vector<Parameter> parameters = {parameter(in * out)};
  if (bias) parameters.push_back(parameter(out));
  return record({.inputs = {x},
                 .output = y,
                 .saved = {memory(x)},
                 .parameters = parameters,
                 .flops = {.rest = 2 * flops},
                 .scratch_bytes = weight_scratch(rows, in, out, weights_in_first_),
                 .input_scratch_bytes = input_scratch(rows, in, out, weights_in_first_)});
}

Rehearsal::Value Rehearsal::norm(Value x, int64_t rows, int64_t width, bool bias) {
  const Value y = fresh(rows * width);
  const Memory moments = allocate(rows * 3);
  std::vector<Parameter> parameters = {parameter(width)};
  if (bias) parameters.push_back(parameter(width));
  const int64_t height = kernels::rows_per_tile(width), tiles = (rows + height - 1) / height;
  record({.inputs = {x},
          .output = y,
          .saved = {memory(x), moments},
          .parameters = parameters,
          .scratch_bytes = std::ssize(parameters) * bytes_of(tiles * width)});
  release(moments);
  return y;
}

Rehearsal::Value Rehearsal::activation(Value x, const std::string& name) {
  if (name == "linear") return alias(x);
  if (name == "quick_gelu") {
    const Value scaled = fresh(elements(x));
    record({.inputs = {x}, .output = scaled});
    const Value share = activation(scaled, "sigmoid"), y = multiply(x, share);
    for (const Value z : {scaled, share}) drop(z);
    return y;
  }
  if (name == "gelu_10" || name == "relu2") {
    const bool squares = name == "relu2";
    const Value inner = activation(x, squares ? "relu" : "gelu"),
                y = activation(inner, squares ? "square" : "relu6");
    drop(inner);
    return y;
  }
  const bool keeps_output = name == "relu" || name == "sigmoid" || name == "tanh";
  const Value y = fresh(elements(x));
  return record({.inputs = {x},
                 .output = y,
                 .saved = {memory(keeps_output ? y : x)},
                 .scratch_bytes = bytes_of(elements(x)) * activation_temporaries(name)});
}

Rehearsal::Value Rehearsal::dropout(Value x, double p) {
  if (p == 0) return alias(x);
  const Value y = fresh(elements(x));
  return record({.inputs = {x}, .output = y});
}

Rehearsal::Value Rehearsal::add(Value a, Value b) {
  const Value y = fresh(elements(a));
  return record({.inputs = {a, b}, .output = y, .flow = Flow::alias});
}

Rehearsal::Value Rehearsal::multiply(Value a, Value b) {
  const Value y = fresh(elements(a));
  return record({.inputs = {a, b}, .output = y, .saved = {memory(a), memory(b)}});
}

Rehearsal::Value Rehearsal::rotary(Value x) {
  const Value y = fresh(elements(x));
  return record({.inputs = {x}, .output = y});
}

Rehearsal::Value Rehearsal::part(Value x, int64_t parts) {
  const Value y = view(x, elements(x) / parts);
  return record({.inputs = {x}, .output = y, .flow = Flow::accumulating});
}

Rehearsal::Value Rehearsal::alias(Value x) {
  return record({.inputs = {x}, .output = view(x, elements(x)), .flow = Flow::alias});
}

Rehearsal::Value Rehearsal::attention(Value q, Value k, Value v, double scores, int64_t width,
                                      int64_t rows, int64_t keys) {
  const double flops = 2 * scores * static_cast<double>(width);
  const Value y = fresh(elements(q));
  const Memory largest = allocate(rows), sums = allocate(rows);  // of each row of scores
  note_peak(attention_scratch(keys, width, false));
  count({.attention = 2 * flops});
  record({.inputs = {q, k, v},
          .output = y,
          .saved = {memory(q), memory(k), memory(v), memory(y), largest, sums},
          .flops = {.attention = 5 * flops},
          .scratch_bytes = attention_scratch(keys, width, true)});
  release(largest);
  release(sums);
  return y;
}

Rehearsal::Value Rehearsal::checkpoint(Value x, const std::function<Value(Value)>& block) {
  const size_t first = nodes_.size();
  const Parameter first_parameter = next_parameter_;
  const Value y = block(x);
  for (; nodes_.size() > first; nodes_.pop_back()) forget(nodes_.back());
  return record({.inputs = {x}, .output = y, .saved = {memory(x)}, .again = [=, this](Value in) {
                   const Parameter after = std::exchange(next_parameter_, first_parameter);
                   const Value result = block(in);
                   next_parameter_ = after;
                   return result;
                 }});
}

Rehearsal::Value Rehearsal::loss(Value hidden, Parameter table, std::optional<Parameter> bias,
                                 int64_t rows, int64_t width, int64_t classes) {
  const int64_t chunk = std::min(rows, kernels::linear_cross_entropy_rows(classes));
  const Memory gradient = allocate(rows * width);
  const Memory logits = allocate(chunk * classes);
  using kernels::matmul_scratch;
  const int64_t to_hidden =
      bytes_of(std::max(matmul_scratch(chunk, classes, width, {.transpose_b = true}),
                        matmul_scratch(chunk, width, classes, {.accumulate = true})));
  const int64_t to_table = bytes_of(matmul_scratch(classes, width, chunk, {.transpose_a = true}));
  note_peak(to_hidden);
  make_gradient(table);
  if (bias) make_gradient(*bias);
  note_peak(rows > chunk ? std::max(to_hidden, to_table) : to_table);
  release(logits);
  count({.rest = 3 * product(rows, width, classes)});
  const Value y = fresh(1);
  return record({.inputs = {hidden}, .output = y, .saved = {memory(hidden)}, .ready = gradient});
}

void Rehearsal::make_gradient(Parameter parameter) {
  if (has_gradient_[parameter]) return;
  has_gradient_[parameter] = true;
  gradients_ += tensor_bytes(parameters_[parameter]);
  note_peak();
}

void Rehearsal::receive(Value x, Memory gradient) {
  std::optional<Memory>& sum = tensors_[x].gradient;
  if (!sum) {
    sum = gradient;
    return;
  }
  if (blocks_[*sum].owners > 1) {
    const Memory added = allocate(elements(x));
    release(*sum);
    sum = added;
  }
  release(gradient);
}

void Rehearsal::run(Node& node, Memory gradient) {
  std::vector<std::optional<Memory>> found;
  for (const Value input : node.inputs) {
    const std::optional<Memory>& sum = tensors_[input].gradient;
    if (node.ready) {
      found.push_back(node.ready);
    } else if (node.flow == Flow::alias && elements(input) == elements(node.output)) {
      share(gradient);
      found.push_back(gradient);
    } else if (node.flow == Flow::accumulating && sum && blocks_[*sum].owners == 1) {
      found.emplace_back();
    } else {
      found.push_back(allocate(elements(input)));
    }
  }
  note_peak(node.input_scratch_bytes);
  for (const Parameter parameter : node.parameters) make_gradient(parameter);
  note_peak(node.scratch_bytes);
  count(node.flops);
  for (size_t i = 0; i < found.size(); ++i)
    if (found[i]) receive(node.inputs[i], *found[i]);
}

void Rehearsal::back_to(size_t first) {
  while (nodes_.size() > first) {
    Node node = std::move(nodes_.back());
    nodes_.pop_back();
    const auto gradient = std::exchange(tensors_[node.output].gradient, {});
    if (gradient && node.again) {
      const size_t above = nodes_.size();
      const Value again = node.again(node.inputs[0]);
      share(*gradient);
      tensors_[again].gradient = *gradient;
      back_to(above);
      drop(again);
    } else if (gradient) {
      run(node, *gradient);
    }
    forget(node);
    if (gradient) release(*gradient);
  }
}

void Rehearsal::backward() {
  going_back_ = true;
  tensors_.back().gradient = allocate(1);
  back_to(0);
}

}  // namespace attune::nn::models
