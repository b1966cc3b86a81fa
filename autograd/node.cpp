#include "node.h"

#include <utility>

namespace attune {

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
