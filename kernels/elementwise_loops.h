#pragma once

#include <cstddef>
#include <cstdint>

#include "elementwise.h"

namespace attune::kernels {

// The inner loops behind elementwise.h: dense runs of n elements of one dtype, chosen for this CPU.
// The output may be one of the inputs. Null if the operation is not defined for T.
template <class T>
using UnaryLoop = void (*)(const T* x, T* y, size_t n);
template <class T>
using BinaryLoop = void (*)(const T* a, const T* b, T* y, size_t n);

template <class T>
UnaryLoop<T> unary_loop(Unary op);
template <>
UnaryLoop<float> unary_loop<float>(Unary op);
template <>
UnaryLoop<double> unary_loop<double>(Unary op);
template <>
UnaryLoop<int64_t> unary_loop<int64_t>(Unary op);

template <class T>
BinaryLoop<T> binary_loop(Binary op);
template <>
BinaryLoop<float> binary_loop<float>(Binary op);
template <>
BinaryLoop<double> binary_loop<double>(Binary op);
template <>
BinaryLoop<int64_t> binary_loop<int64_t>(Binary op);

}  // namespace attune::kernels
