#pragma once

#include "../array/array.h"
#include "bf16_panels.h"

// For kernels/gemm.cpp.
namespace attune::kernels {

// A weight, the right operand of products, in bfloat16 panels. weight: float32 [k, n], described by
// `columns` as well. Packed at the first call and kept with the weight's storage until that is
// written or freed, so that inference packs each weight once. Of views that share a storage, such
// as a joint projection's parts, each is kept while all together take no more than the storage
// itself. Thread-safe. Needs has_bf16_panels().
Array packed_weight(const Array& weight, const PanelOperand& columns);

}  // namespace attune::kernels
