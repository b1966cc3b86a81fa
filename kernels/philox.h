#pragma once

#include <cstdint>

#include "../array/random.h"

namespace attune::kernels {

// The blocks of a draw from the `first` on, one after another: what philox() gives for each, many
// at a time. words: [count, 4]. On the calling thread.
void philox_blocks(RandomState draw, uint64_t first, int64_t count, uint32_t* words);

}  // namespace attune::kernels
