#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace attune {

// The vector instruction sets that the kernels are compiled for and this processor has, by
// Highway's names ("AVX2"), best first. Kernels use the best unless told otherwise.
std::vector<std::string> simd_targets();

// Makes the kernels of this process use one of simd_targets(): to compare results, or to reproduce
// those of an older processor (which also needs OPENBLAS_CORETYPE). Not while kernels run.
// ValueError for a name that is not among them.
void set_simd_target(std::string_view name);

}  // namespace attune
