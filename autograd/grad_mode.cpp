#include "grad_mode.h"

#include <utility>

namespace attune {
namespace {

thread_local bool recording = true;
thread_local bool checking = false;

}  // namespace

bool grad_enabled() { return recording; }
bool anomaly_enabled() { return checking; }

GradMode::GradMode(bool enabled) : outer_(std::exchange(recording, enabled)) {}
GradMode::~GradMode() { recording = outer_; }

AnomalyMode::AnomalyMode(bool enabled) : outer_(std::exchange(checking, enabled)) {}
AnomalyMode::~AnomalyMode() { checking = outer_; }

}  // namespace attune
