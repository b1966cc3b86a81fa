#include <attune/kernels.h>

#include <iostream>

#include "../catch.h"
#include "op_rows.h"

using namespace attune::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// Puts back the instruction set that kernels use by themselves.
struct BestTarget {
  ~BestTarget() { attune::set_simd_target(attune::simd_targets().front()); }
};

}  // namespace

TEST_CASE("every instruction set gives PyTorch's values, in every layout") {
  const BestTarget after;
  for (const std::string& target : attune::simd_targets()) {
    attune::set_simd_target(target);
    Count count;
    std::string faults;
    for (const auto& [family, rows] : all_rows())
      for (const auto& fault : check_rows(family, rows, count)) faults += fault + "\n";
    std::cout << target << ": " << count.checks << " checks\n";
    INFO(target << "\n" << faults);
    CHECK(faults.empty());
  }
}

TEST_CASE("instruction sets are told apart") {
  const BestTarget after;
  const auto targets = attune::simd_targets();
  REQUIRE(!targets.empty());
  if (targets.size() == 1) return;
  // Sums in lanes of another width are rounded in another order.
  attune::manual_seed(1);
  const attune::Tensor x = attune::randn({100003}, attune::float64);
  attune::set_simd_target(targets.front());
  const double best = sum(x).item<double>();
  attune::set_simd_target(targets.back());
  const double last = sum(x).item<double>();
  CHECK(last != best);
  CHECK_THROWS_WITH(attune::set_simd_target("MMX"),
                    ContainsSubstring("set_simd_target") && ContainsSubstring(targets.front()));
}
