#include "node.h"

#include <utility>

namespace attune {

bool PartialSums::can_be_written(const Tensor& sum) {
  return sum.sole_owner() && sum.array().is_contiguous();
}

std::optional<Array> PartialSums::unpublished(const Tensor& sum) {
  if (!can_be_written(sum)) return {};
  sum.unpublish();
  return sum.array();
}

void PartialSums::publish(const Tensor& sum) { sum.publish(); }

Node::~Node() = default;

void Node::dispose() {
  thread_local bool draining = false;
  thread_local Node* dead = nullptr;
  if (draining) {
    next_dead_ = std::exchange(dead, this);
    return;
  }
  draining = true;
  delete this;
  while (Node* node = dead) {
    dead = node->next_dead_;
    delete node;
  }
  draining = false;
}

}  // namespace attune
