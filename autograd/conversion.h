#pragma once

#include <atomic>

#include "../array/storage.h"

namespace attune::detail {

// When a tensor of this process was last given another dtype in place: what was recorded before may
// find that its operands no longer fit each other.
inline std::atomic<Stamp> latest_conversion{0};

}  // namespace attune::detail
