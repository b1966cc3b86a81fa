#pragma once

#include "op_table.h"

namespace attune::test {

using In = std::span<const Tensor>;

// The rows of each file of golden values.
std::vector<OpRow> activation_rows();
std::vector<OpRow> arithmetic_rows();
std::vector<OpRow> linalg_rows();
std::vector<OpRow> reduce_rows();

}  // namespace attune::test
