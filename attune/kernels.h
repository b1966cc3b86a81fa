#pragma once

#include "../kernels/matmul_precision.h"
#include "../kernels/parallel.h"
#include "../kernels/simd.h"
