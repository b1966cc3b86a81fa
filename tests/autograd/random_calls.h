#pragma once

#include <functional>
#include <string>
#include <vector>

#include "../random_values.h"

namespace attune::test {

// An operation on random arguments. What it returns is differentiated.
struct RandomCall {
  std::string name;
  std::function<std::vector<Tensor>(Draw&)> call;
};

// A call at least for each overload of each public operation.
std::vector<RandomCall> random_calls();

}  // namespace attune::test
