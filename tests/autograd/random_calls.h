#pragma once

#include <vector>

#include "../random_calls.h"

namespace attune::test {

// A call at least for each overload of each public operation.
std::vector<RandomCall> random_calls();

}  // namespace attune::test
