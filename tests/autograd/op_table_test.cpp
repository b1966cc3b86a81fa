#include <iostream>

#include "../catch.h"
#include "op_rows.h"

using namespace attune::test;

TEST_CASE("every operation in the table agrees with PyTorch and with finite differences") {
  Count count;
  std::string faults;
  const auto check = [&](const char* family, const std::vector<OpRow>& rows) {
    for (const auto& fault : check_rows(family, rows, count)) faults += fault + "\n";
  };
  check("activation", activation_rows());
  check("arithmetic", arithmetic_rows());
  check("linalg", linalg_rows());
  check("reduce", reduce_rows());
  std::cout << "operation table: " << count.rows << " rows, " << count.cases << " cases, "
            << count.checks << " checks\n";
  INFO(faults);
  CHECK(faults.empty());
}
