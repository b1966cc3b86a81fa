#pragma once

#include "../kernels/parallel.h"
#include "../kernels/simd.h"
