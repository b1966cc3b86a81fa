#include "attention_recorder.h"

#include <span>
#include <utility>

#include "../../array/fail.h"

namespace attune {
namespace {

constexpr const char* name = "attention_weights";

thread_local AttentionRecorder* innermost = nullptr;

// The indices counted from 0.
std::vector<int64_t> resolve(const char* what, std::vector<int64_t> indices, int64_t size) {
  for (int64_t& index : indices) {
    if (index < -size || index >= size)
      fail<IndexError>(name, "{} {} does not exist; there are {}", what, index, size);
    if (index < 0) index += size;
  }
  return indices;
}

}  // namespace

AttentionRecord::AttentionRecord(Path path, Array q, Array k, kernels::AttentionMask mask,
                                 double scale)
    : path_(path), q_(std::move(q)), k_(std::move(k)), mask_(std::move(mask)), scale_(scale) {}

Shape AttentionRecord::shape() const {
  Shape shape = q_.shape();
  shape[shape.size() - 1] = k_.size(-2);
  return shape;
}

Tensor AttentionRecord::weights_of(const std::vector<int64_t>& rows,
                                   const std::vector<int64_t>& heads) const {
  return Tensor(kernels::attention_weights(q_, k_, mask_, scale_,
                                           resolve("query", rows, q_.size(-2)),
                                           resolve("head", heads, q_.size(-3))));
}

AttentionStatistics AttentionRecord::statistics(int64_t top) const {
  if (top < 0) fail<ValueError>(name, "the top {} keys; the number must not be negative", top);
  return kernels::attention_statistics(q_, k_, mask_, scale_, top);
}

AttentionRecorder::AttentionRecorder() : outer_(innermost) { innermost = this; }
AttentionRecorder::~AttentionRecorder() { innermost = outer_; }
AttentionRecorder* AttentionRecorder::current() { return innermost; }

AttentionRecorder::Pause::Pause() : outer_(std::exchange(innermost, nullptr)) {}
AttentionRecorder::Pause::~Pause() { innermost = outer_; }

void AttentionRecorder::add(AttentionRecord record) {
  if (outer_) outer_->add(record);
  records_.push_back(std::move(record));
}

}  // namespace attune
