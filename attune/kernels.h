#pragma once

#include "../kernels/matmul_precision.h"
#include "../kernels/random.h"
#include "../kernels/simd.h"
#include "../kernels/threads.h"
