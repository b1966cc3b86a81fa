#pragma once

#include "../kernels/parallel.h"
