#pragma once

namespace attune {

// Whether operations of this thread are recorded.
bool grad_enabled();

// While it lives, this thread records or not, as told.
class GradMode {
 public:
  [[nodiscard]] explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool outer_;
};

// While it lives, this thread records nothing.
class NoGrad : public GradMode {
 public:
  [[nodiscard]] NoGrad() : GradMode(false) {}
};

// While it lives, every operation of this thread, forward and backward, is checked for NaN and Inf,
// or not, as told; the first that makes one throws an AnomalyError that names it and its module
// path. Only where(), masked_fill(), fill_() and copy_() may hand on what they were given. Slow.
class AnomalyMode {
 public:
  [[nodiscard]] explicit AnomalyMode(bool enabled = true);
  ~AnomalyMode();
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;

 private:
  bool outer_;
};

bool anomaly_enabled();

}  // namespace attune
