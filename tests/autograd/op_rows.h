#pragma once

#include <kernels/random.h>

#include <map>

#include "op_table.h"

namespace attune::test {

using In = std::span<const Tensor>;

// The rows of each file of golden values.
std::vector<OpRow> activation_rows();
std::vector<OpRow> arithmetic_rows();
std::vector<OpRow> attention_rows();
std::vector<OpRow> creation_rows();
std::vector<OpRow> edge_rows();
std::vector<OpRow> index_rows();
std::vector<OpRow> inplace_rows();
std::vector<OpRow> linalg_rows();
std::vector<OpRow> loss_rows();
std::vector<OpRow> normalization_rows();
std::vector<OpRow> reduce_rows();
std::vector<OpRow> shape_rows();

// Everything in the table, by file of golden values.
inline std::map<std::string, std::vector<OpRow>> all_rows() {
  return {{"activation", activation_rows()},
          {"arithmetic", arithmetic_rows()},
          {"attention", attention_rows()},
          {"creation", creation_rows()},
          {"edges", edge_rows()},
          {"index", index_rows()},
          {"inplace", inplace_rows()},
          {"linalg", linalg_rows()},
          {"loss", loss_rows()},
          {"normalization", normalization_rows()},
          {"reduce", reduce_rows()},
          {"shape", shape_rows()}};
}

// n copies of one case, for golden inputs that differ in shape only.
inline std::vector<OpCase> times(size_t n, OpCase f) { return std::vector<OpCase>(n, f); }

}  // namespace attune::test
