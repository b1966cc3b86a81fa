#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <attune/autograd.h>

#include "../refusal.h"

namespace attune::test {

// A call of an operation on the inputs of the golden case of the same operation and number.
using OpCase = std::function<Tensor(std::span<const Tensor>)>;

// One operation: everything that is checked of it.
struct OpRow {
  std::string name;
  std::vector<OpCase> cases = {};  // in the order of scripts/make_golden.py
  std::vector<BadInput> bad = {};
  std::string dense_only = {};  // why it refuses other layouts, if it does
  std::string kinks = {};       // why finite differences do not apply, if they do not
};

struct Count {
  int rows = 0, cases = 0, checks = 0;
};

// Checks rows against tests/golden/<family>.safetensors: forward and gradients in both precisions
// and every layout, first and second derivatives against finite differences. Where PyTorch has no
// gradient, neither may we. A fault is a line of the result.
std::vector<std::string> check_rows(const std::string& family, const std::vector<OpRow>& rows,
                                    Count& count);

// Overwrites each input and the output of every case between forward and backward, through the
// tensor, a view, another handle, and Array::write: backward must throw a GradError or give the
// golden gradients.
struct WriteCount {
  int writes = 0, refused = 0;
};
std::vector<std::string> check_writes(const std::string& family, const std::vector<OpRow>& rows,
                                      WriteCount& count);

}  // namespace attune::test
