// Tables of calls on modules that must be refused.
#pragma once

#include <attune/nn.h>

#include <vector>

#include "../refusals.h"

namespace attune::test {

// Everything a module holds: values, whether they train, and whether there are gradients.
inline std::vector<std::vector<double>> content(const nn::Module& module) {
  std::vector<std::vector<double>> all{{static_cast<double>(module.is_training())}};
  for (const auto& [name, array] : module.state_dict())
    all.push_back(Tensor(array).to(float64).to_vector<double>());
  for (const Tensor& x : module.parameters())
    all.push_back(
        {static_cast<double>(x.requires_grad()), static_cast<double>(x.grad().defined())});
  return all;
}

// Makes every call of the tables and checks how it is refused; the module must be what it was.
inline void check_refusals(const char* of, const std::vector<Refusals>& tables,
                           const nn::Module& module) {
  check_refusals(of, tables, [&] { return content(module); });
}

}  // namespace attune::test
