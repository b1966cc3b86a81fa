#pragma once

#include <string>
#include <vector>

#include "../../array/scope.h"
#include "../../kernels/attention_weights.h"
#include "../tensor.h"

namespace attune {

using kernels::AttentionStatistics;

// One call of scaled_dot_product_attention: enough to say what it attended to, in memory that grows
// with T, not T². Weights are recomputed on request, without dropout.
class AttentionRecord {
 public:
  AttentionRecord(Path path, Array q, Array k, kernels::AttentionMask mask, double scale);

  // The module it was called in: "h.3.attn".
  const std::string& path() const { return *path_; }
  // [..., H, Tq, Tk]: what all weights together would be.
  Shape shape() const;
  // The weights of chosen queries and heads, all where none are named: [..., heads, rows, Tk]. Rows
  // sum to 1, or are 0 where a query has nothing to attend to. Negative numbers count from the end;
  // IndexError if they do not exist.
  Tensor weights_of(const std::vector<int64_t>& rows = {},
                    const std::vector<int64_t>& heads = {}) const;
  // Entropy, distance and where the weight lies, of every head; and of every query the `top` keys
  // with most weight. ValueError if top is negative.
  AttentionStatistics statistics(int64_t top = 0) const;

 private:
  Path path_;
  Array q_, k_;
  kernels::AttentionMask mask_;
  double scale_;
};

// While it lives, every scaled_dot_product_attention of this thread is recorded, in whatever model
// it runs:
//
//   AttentionRecorder recorder;
//   model(tokens);
//   for (const AttentionRecord& layer : recorder.records())
//     fmt::print("{} {}\n", layer.path(), to_string(layer.statistics().entropy));
//
// It keeps the queries and keys alive. Where recorders nest, each gets every call while it lives,
// and they share the memory: a model that is asked for output_attentions has one of its own. What a
// checkpoint computes again in backward is no call.
class AttentionRecorder {
 public:
  [[nodiscard]] AttentionRecorder();
  ~AttentionRecorder();
  AttentionRecorder(const AttentionRecorder&) = delete;
  AttentionRecorder& operator=(const AttentionRecorder&) = delete;

  const std::vector<AttentionRecord>& records() const { return records_; }
  void clear() { records_.clear(); }

  // For attention of your own: the innermost recorder of this thread, or null.
  static AttentionRecorder* current();
  // Records a call here and in the recorders around this one.
  void add(AttentionRecord record);

  // While it lives, the recorders around it get nothing: for what is computed again.
  class Pause {
   public:
    [[nodiscard]] Pause();
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    AttentionRecorder* outer_;
  };

 private:
  AttentionRecorder* outer_;
  std::vector<AttentionRecord> records_;
};

}  // namespace attune
