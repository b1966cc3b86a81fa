#pragma once

#include "panels.h"

// For kernels/gemm_f32.cpp: the two inner parts of a float32 product, in AVX-512 or AVX2.
namespace attune::kernels {

// Rows or columns that lie side by side in a panel, which is float[depth][width]: the lanes of one
// vector. 0 where Highway may use no such instructions: then nothing else here may be called.
int64_t f32_panel_width();

// Copies `count` indices from `first`, at `depth` depths from `from`, into panels one behind the
// other. Lanes beyond the count hold zero. panels: aligned to a vector.
void pack_panels(const PanelOperand& x, int64_t first, int64_t count, int64_t from, int64_t depth,
                 float* panels);

// The product of packed rows with packed columns. Each element is one sum over depth, whose order
// depends on nothing but that depth. Meanwhile asks for what is upcoming, as packing waits for
// memory longer than it works.
void multiply_panels(int64_t depth, const Panels<float>& rows, const Panels<float>& columns,
                     const PanelResult& result, const Upcoming& upcoming);

}  // namespace attune::kernels
