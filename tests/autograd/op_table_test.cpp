#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>

#include "../catch.h"
#include "op_rows.h"

using namespace attune::test;

namespace {

// What the headers declare and the table leaves out, and where it is tested instead.
const std::map<std::string, const char*> elsewhere = {
    {"requires_grad_", "engine_test.cpp: it changes the tape, not values"},
    {"convert_", "engine_test.cpp: it replaces a leaf's memory"},
    {"assign_", "nn/module_test.cpp: likewise"},
};

// Headers in autograd/ops whose functions users do not call.
const std::set<std::string> not_public = {"composite.h", "reduction_shape.h"};

const std::filesystem::path headers = ATTUNE_TEST_DATA "/../../autograd";

// The names with this ending that the header declares with this result, at the start of a line.
std::set<std::string> declared(const std::filesystem::path& header, const std::string& result,
                               const std::string& ending = "") {
  std::ifstream file(header);
  REQUIRE(file);
  const std::regex declaration("^(?:" + result + ") ?(\\w+" + ending + ")\\(.*");
  std::set<std::string> names;
  std::smatch match;
  for (std::string line; std::getline(file, line);)
    if (std::regex_match(line, match, declaration)) names.insert(match[1]);
  return names;
}

std::set<std::string> public_operations() {
  std::set<std::string> names = declared(headers / "tensor.h", "  const Tensor&", "_");
  for (const auto& entry : std::filesystem::directory_iterator(headers / "ops")) {
    const std::string file = entry.path().filename();
    if (entry.path().extension() == ".h" && !not_public.count(file))
      names.merge(declared(entry.path(), "Tensor|ValuesAndIndices|std::vector<Tensor>"));
  }
  return names;
}

}  // namespace

TEST_CASE("every operation in the table agrees with PyTorch and with finite differences") {
  Count count;
  std::string faults;
  for (const auto& [family, rows] : all_rows())
    for (const auto& fault : check_rows(family, rows, count)) faults += fault + "\n";
  std::cout << "operation table: " << count.rows << " rows, " << count.cases << " cases, "
            << count.checks << " checks, " << count.refusals << " of them bad inputs\n";
  INFO(faults);
  CHECK(faults.empty());
}

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
