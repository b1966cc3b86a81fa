// Operations refuse what does not fit by a typed error in their name that shows the value, and
// change nothing: inputs, random state, memory, the state of the thread.
#include <iostream>
#include <limits>
#include <set>

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

TEST_CASE("every operation refuses undefined operands in its name") {
  const std::vector<attune::Tensor> undefined(8);
  // Their cases take no tensors, or do something else with them first.
  const std::set<std::string> others = {
      "linspace",         "arange", "to", "rotary_embedding", "scaled_dot_product_attention",
      "attention_weights"};
  std::string faults;
  for (const auto& [family, rows] : all_rows()) {
    if (family == "creation" || family == "inplace") continue;
    for (const OpRow& row : rows)
      for (const OpCase& call : others.contains(row.name) ? std::vector<OpCase>() : row.cases) {
        const auto input = bad<attune::ValueError>([&] { call(undefined); });
        const std::string found = refuse(input, row.name + ": ", "undefined");
        if (!found.empty()) faults += row.name + ": " + found + "\n";
      }
  }
  INFO(faults);
  CHECK(faults.empty());

  using Catch::Matchers::StartsWith;
  const attune::Tensor none, x = some(2, 3);
  CHECK_THROWS_WITH(attune::to(none, attune::float32), StartsWith("to: an undefined"));
  CHECK_THROWS_WITH(attune::rotary_angles(none, {1}), StartsWith("rotary_angles: an undefined"));
  CHECK_THROWS_WITH(attune::scaled_dot_product_attention(none, x, x),
                    StartsWith("scaled_dot_product_attention: an undefined"));
  CHECK_THROWS_WITH(attune::attention_weights(x, none), StartsWith("attention_weights: an und"));
  CHECK_THROWS_WITH(x.add_(none), StartsWith("add_: an undefined"));
  CHECK_THROWS_WITH(none.mul_(2.0), StartsWith("mul_: an undefined"));
}

TEST_CASE("einsum names the term or the letter that does not fit, wherever it stands") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(attune::einsum("ij", {some(2, 3, 4)}), ContainsSubstring("term \"ij\""));
  CHECK_THROWS_WITH(attune::einsum("ij", {some(2)}), ContainsSubstring("term \"ij\""));
  CHECK_THROWS_WITH(attune::einsum("i,i->", {some(2), some(3)}),
                    ContainsSubstring("'i' is both 2 and 3"));
  CHECK_THROWS_WITH(attune::einsum("ij,kj->ik", {some(2, 3), some(2, 4)}),
                    ContainsSubstring("'j' is both 3 and 4"));
  for (const char* equation : {"ij->ik", "ij->ii"})
    CHECK_THROWS_WITH(attune::einsum(equation, {some(2, 3)}),
                      ContainsSubstring("must occur once, and in an operand"));
}

TEST_CASE("padding beyond what can be addressed is refused, on either side") {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_WITH(attune::pad(some(2), {most, 0}), ContainsSubstring("can be addressed"));
  CHECK_THROWS_WITH(attune::pad(some(2), {0, most}), ContainsSubstring("can be addressed"));
}

TEST_CASE("tensors that are longer together than can be addressed are refused by cat") {
  const attune::Tensor x(attune::Array({0, int64_t{1} << 62}, attune::boolean));
  CHECK_THROWS_WITH(attune::cat({x, x}, 1),
                    Catch::Matchers::StartsWith("cat: ") &&
                        Catch::Matchers::ContainsSubstring("can be addressed"));
}

TEST_CASE("a cotangent of another shape or another dtype is refused by name") {
  const attune::Tensor x = some(2, 3).requires_grad_(), y = x * 2.0;
  using Catch::Matchers::ContainsSubstring;
  for (const attune::Tensor& wrong : {some(3, 2), some(3), attune::to(some(2, 3), attune::float32)})
    CHECK_THROWS_WITH(attune::grad({y}, {x}, {wrong}), ContainsSubstring("cotangent"));
}
