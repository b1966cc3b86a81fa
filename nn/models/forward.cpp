#include "forward.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../autograd/checkpoint.h"
#include "../../autograd/ops/broadcast.h"
#include "../../autograd/ops/compare.h"
#include "../../autograd/ops/creation.h"
#include "../../autograd/ops/join.h"
#include "../../autograd/ops/reduce.h"
#include "../../autograd/ops/shape.h"

namespace attune::nn::models {
namespace {

// The number of tokens before the padding of each row; none if padding stands elsewhere.
std::optional<std::vector<int64_t>> lengths_of(const Tensor& keep) {
  const std::vector<bool> visible = keep.to_vector<bool>();
  const auto width = keep.size(1);
  std::vector<int64_t> lengths;
  for (auto row = visible.begin(); row != visible.end(); row += width) {
    const auto end = std::find(row, row + width, false);
    if (std::find(end, row + width, true) != row + width) return {};
    lengths.push_back(end - row);
  }
  return lengths;
}

}  // namespace

Tensor real_tokens(const char* operation, const Tensor& attention_mask) {
  if (is_floating(attention_mask.dtype()) &&
      !all(logical_or(attention_mask == 0, attention_mask == 1)).item<bool>())
    fail<ValueError>(operation,
                     "the mask holds other numbers than 0 and 1, as what is added to scores would; "
                     "give 1 or true for each token that is not padding");
  return to(attention_mask, boolean);
}

Mask padding_mask(const Tensor& attention_mask, const Tensor& input_ids) {
  if (!attention_mask.defined()) return {};
  if (attention_mask.shape() != input_ids.shape())
    fail<ShapeError>("attention_mask", "is {}, the tokens are {}",
                     to_string(attention_mask.shape()), to_string(input_ids.shape()));
  const Tensor keep = real_tokens("attention_mask", attention_mask);
  // Lengths let the attention skip what they hide.
  if (keep.size(1) > 0)
    if (const auto lengths = lengths_of(keep)) return Mask::padding(*lengths);
  return Mask::keep(reshape(keep, {keep.size(0), 1, 1, keep.size(1)}));
}

Tensor positions_of(const char* model, const Tensor& input_ids, const ForwardOptions& options,
                    int64_t longest) {
  if (input_ids.dim() != 2 || input_ids.size(1) > longest)
    fail<ShapeError>(model, "tokens are {}; the model takes [B, T] with T at most {}",
                     to_string(input_ids.shape()), longest);
  const Tensor& given = options.position_ids;
  if (!given.defined()) return arange(input_ids.size(1));
  return given.dim() == 2 && given.size(0) == 1 ? select(given, 0, 0) : given;
}

KvCache::Entry keys_and_values(const LayerContext& context, const Tensor& k, const Tensor& v) {
  if (!context.cache) return {k, v, context.mask};
  KvCache::Entry entry = context.cache->append(context.layer, k, v, context.last_only);
  entry.mask = entry.mask & context.mask;
  return entry;
}

Tensor run_block(const Module& model, std::function<Tensor(const Tensor&)> block, const Tensor& x) {
  const bool again = model.is_gradient_checkpointing() && model.is_training();
  return again ? checkpoint(std::move(block), x) : block(x);
}

Tensor leaving(const Tensor& x, const LayerContext& context) {
  if (!context.last_only || x.size(-2) == 1 || x.size(0) == 0) return x;
  std::vector<Tensor> last;
  for (const int64_t count : context.cache->counts())
    last.push_back(narrow(select(x, 0, std::ssize(last)), -2, count - 1, 1));
  return stack(last);
}

std::vector<Tensor> all_weights(const AttentionRecorder& recorder) {
  std::vector<Tensor> weights;
  for (const AttentionRecord& record : recorder.records()) weights.push_back(record.weights_of());
  return weights;
}

}  // namespace attune::nn::models
