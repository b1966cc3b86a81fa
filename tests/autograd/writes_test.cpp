// In-place writes between the forward and the backward pass, over the whole table of operations;
// the ways to write that modules, optimizers and loaders have are in tests/nn/writes_test.cpp.
#include <iostream>

#include "../catch.h"
#include "op_rows.h"

using namespace attune::test;

TEST_CASE("backward never uses a value that was overwritten: it refuses, or did not need it") {
  WriteCount count;
  std::string faults;
  for (const auto& [family, rows] : all_rows())
    for (const auto& fault : check_writes(family, rows, count)) faults += fault + "\n";
  std::cout << "operation table: " << count.writes << " writes between forward and backward, "
            << count.refused << " refused\n";
  INFO(faults);
  CHECK(faults.empty());
  CHECK(count.refused > 0);
}
