// Operations refuse what does not fit by a typed error in their name that shows the value, and
// change nothing: inputs, random state, memory, the state of the thread.
#include <iostream>

#include "../catch.h"
#include "op_rows.h"

using namespace attune::test;

TEST_CASE("every operation refuses its bad inputs in its name, and leaves all as it was") {
  int count = 0;
  std::string faults;
  for (const auto& [family, rows] : all_rows())
    for (const OpRow& row : rows)
      for (const BadInput& input : row.bad) {
        ++count;
        const std::string found = refuse(input, row.name + ": ");
        if (!found.empty()) faults += row.name + ": " + found + "\n";
      }
  std::cout << "operations: " << count << " bad inputs\n";
  INFO(faults);
  CHECK(faults.empty());
}

TEST_CASE("einsum names the term or the letter that does not fit, wherever it stands") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(attune::einsum("ij", {some(2, 3, 4)}), ContainsSubstring("term \"ij\""));
  CHECK_THROWS_WITH(attune::einsum("ij", {some(2)}), ContainsSubstring("term \"ij\""));
  CHECK_THROWS_WITH(attune::einsum("i,i->", {some(2), some(3)}),
                    ContainsSubstring("'i' is both 2 and 3"));
  CHECK_THROWS_WITH(attune::einsum("ij,kj->ik", {some(2, 3), some(2, 4)}),
                    ContainsSubstring("'j' is both 3 and 4"));
}
