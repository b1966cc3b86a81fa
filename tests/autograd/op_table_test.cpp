#include <iostream>
#include <map>
#include <set>

#include "../catch.h"
#include "op_rows.h"
#include "public_operations.h"

using namespace attune::test;

namespace {

// What the headers declare and the table leaves out, and where it is tested instead.
const std::map<std::string, const char*> elsewhere = {
    {"requires_grad_", "engine_test.cpp: it changes the tape, not values"},
    {"convert_", "engine_test.cpp: it replaces a leaf's memory"},
    {"assign_", "nn/module_test.cpp: likewise"},
};

}  // namespace

TEST_CASE("every operation in the table agrees with PyTorch and with finite differences") {
  Count count;
  std::string faults;
  for (const auto& [family, rows] : all_rows())
    for (const auto& fault : check_rows(family, rows, count)) faults += fault + "\n";
  std::cout << "operation table: " << count.rows << " rows, " << count.cases << " cases, "
            << count.checks << " checks\n";
  INFO(faults);
  CHECK(faults.empty());
}

TEST_CASE("every operation that a header declares has a row in the table") {
  std::set<std::string> rows;
  for (const auto& [family, list] : all_rows())
    for (const OpRow& row : list) rows.insert(row.name);
  const std::set<std::string> names = public_operations();
  CHECK(names.size() > 100);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(rows.count(name) + elsewhere.count(name) == 1);
  }
  for (const std::string& row : rows) {
    INFO(row);
    CHECK(names.count(row) == 1);
  }
}
