#pragma once

#include "../autograd/tensor.h"

// Initialisers with PyTorch's names and formulas. Each overwrites a tensor in place, unrecorded,
// with this thread's random stream.
namespace attune::nn::init {

void uniform_(const Tensor& x, double low = 0, double high = 1);
void normal_(const Tensor& x, double mean = 0, double std = 1);
// A normal distribution redrawn until it lies in [low, high].
void trunc_normal_(const Tensor& x, double mean = 0, double std = 1, double low = -2,
                   double high = 2);
void constant_(const Tensor& x, double value);
void zeros_(const Tensor& x);
void ones_(const Tensor& x);

// Glorot and Bengio 2010. x: [out, in, …] (ShapeError below two dimensions).
void xavier_uniform_(const Tensor& x, double gain = 1);
void xavier_normal_(const Tensor& x, double gain = 1);

enum class Fan { in, out };

// He et al. 2015, for a leaky ReLU of this negative slope. x: [out, in, …].
void kaiming_uniform_(const Tensor& x, double negative_slope = 0, Fan fan = Fan::in);
void kaiming_normal_(const Tensor& x, double negative_slope = 0, Fan fan = Fan::in);

// While it lives, modules that this thread makes have shapes but neither memory nor values, and
// initialisers do nothing: for a loader that checks them against a file and brings the memory
// (Tensor::assign_). Such a module cannot run before.
class EmptyWeights {
 public:
  EmptyWeights();
  ~EmptyWeights();
  EmptyWeights(const EmptyWeights&) = delete;
  EmptyWeights& operator=(const EmptyWeights&) = delete;

 private:
  bool outer_;
};

// Memory for a parameter, float32 and uninitialised; none under EmptyWeights.
Tensor empty(const Shape& shape);

}  // namespace attune::nn::init
