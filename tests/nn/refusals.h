// A table of calls on modules that must be refused.
#pragma once

#include <attune/nn.h>

#include <string>
#include <vector>

#include "../catch.h"
#include "../refusal.h"

namespace attune::test {

// The error's first words, up to the colon, and the call.
struct Refusal {
  std::string begins;
  BadInput input;
};
using Refusals = std::vector<Refusal>;

template <class F>
Refusal shape_error(std::string begins, F call) {
  return {std::move(begins), bad<ShapeError>(std::move(call))};
}
template <class F>
Refusal dtype_error(std::string begins, F call) {
  return {std::move(begins), bad<DTypeError>(std::move(call))};
}
template <class F>
Refusal index_error(std::string begins, F call) {
  return {std::move(begins), bad<IndexError>(std::move(call))};
}
template <class F>
Refusal value_error(std::string begins, F call) {
  return {std::move(begins), bad<ValueError>(std::move(call))};
}

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

// Makes every call of the table and checks how it is refused; the module must be what it was.
inline void check_refusals(const Refusals& refusals, const nn::Module& module) {
  const auto before = content(module);
  std::string faults;
  for (size_t i = 0; i < refusals.size(); ++i) {
    std::string found = refuse(refusals[i].input, refusals[i].begins + ": ");
    if (found.empty() && content(module) != before) found = "the module was changed";
    if (!found.empty())
      faults += std::to_string(i) + ", " + refusals[i].begins + ": " + found + "\n";
  }
  INFO(faults);
  CHECK(faults.empty());
}

}  // namespace attune::test
