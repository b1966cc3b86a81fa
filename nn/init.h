#pragma once

#include <string_view>

#include "../autograd/tensor.h"

// Initialisers with PyTorch's names and formulas. Each overwrites a floating tensor (DTypeError) in
// place, unrecorded; the random ones with one draw of this thread's random stream.
namespace attune::nn::init {

// ValueError unless the bounds are finite and in order; of the other initialisers too, whose gain
// may make them so.
void uniform_(const Tensor& x, double low = 0, double high = 1);
// ValueError unless both are finite and std is not negative.
void normal_(const Tensor& x, double mean = 0, double std = 1);
// A normal distribution cut off outside of [low, high]. ValueError if that is empty, std is not
// positive, or mean or std is not finite.
void trunc_normal_(const Tensor& x, double mean = 0, double std = 1, double low = -2,
                   double high = 2);
void constant_(const Tensor& x, double value);
void zeros_(const Tensor& x);
void ones_(const Tensor& x);

// By how much a nonlinearity shrinks the deviation of its input: 1 for "linear" and "sigmoid", 5/3
// for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + param²)) for "leaky_relu" with a negative slope of
// param, 3/4 for "selu". ValueError for another.
double calculate_gain(std::string_view nonlinearity, double param = 0.01);

// Glorot and Bengio 2010. x: [out, in, …] (ShapeError below two dimensions).
void xavier_uniform_(const Tensor& x, double gain = 1);
void xavier_normal_(const Tensor& x, double gain = 1);

// He et al. 2015. a: the negative slope of "leaky_relu"; mode: "fan_in" keeps the variance of the
// forward pass, "fan_out" that of the backward. x: [out, in, …] (ShapeError below two dimensions);
// ValueError for an unknown mode or nonlinearity.
void kaiming_uniform_(const Tensor& x, double a = 0, std::string_view mode = "fan_in",
                      std::string_view nonlinearity = "leaky_relu");
void kaiming_normal_(const Tensor& x, double a = 0, std::string_view mode = "fan_in",
                     std::string_view nonlinearity = "leaky_relu");

// gain times a random matrix whose rows (or columns, if there are more rows) are orthonormal. x:
// [rows, …], the others taken as columns (ShapeError below two dimensions). Saxe et al. 2014.
void orthogonal_(const Tensor& x, double gain = 1);

// While it lives, modules that this thread makes have shapes but neither memory nor values, and
// initialisers do nothing: for a loader that checks them against a file and brings the memory
// (Tensor::assign_). Until then, all their values are NaN and cannot be written.
class EmptyWeights {
 public:
  [[nodiscard]] EmptyWeights();
  ~EmptyWeights();
  EmptyWeights(const EmptyWeights&) = delete;
  EmptyWeights& operator=(const EmptyWeights&) = delete;

 private:
  bool outer_;
};

// Memory for a parameter, float32 and uninitialised; one NaN for all under EmptyWeights.
Tensor empty(const Shape& shape);

}  // namespace attune::nn::init
