// Tables of calls that must be refused.
#pragma once

#include <concepts>
#include <iostream>
#include <string>
#include <vector>

#include "catch.h"
#include "refusal.h"

namespace attune::test {

// The error's first words, up to the colon, the call, and what else the error must say.
struct Refusal {
  std::string begins;
  BadInput input;
  std::string says = {};
};
using Refusals = std::vector<Refusal>;

// A call that must throw E.
template <class E>
struct RefusalBy {
  Refusal operator()(std::string begins, std::function<void()> call) const {
    return {std::move(begins), bad<E>(std::move(call))};
  }
  Refusal operator()(std::string begins, std::string says, std::function<void()> call) const {
    return {std::move(begins), bad<E>(std::move(call)), std::move(says)};
  }
};
inline constexpr RefusalBy<ShapeError> shape_error{};
inline constexpr RefusalBy<DTypeError> dtype_error{};
inline constexpr RefusalBy<IndexError> index_error{};
inline constexpr RefusalBy<ValueError> value_error{};
inline constexpr RefusalBy<FormatError> format_error{};
inline constexpr RefusalBy<MemoryError> memory_error{};
inline constexpr RefusalBy<GradError> grad_error{};
inline constexpr RefusalBy<IoError> io_error{};

// Makes every call of the table and checks how it is refused; what content() tells must stay as it
// is.
template <class Content>
requires std::invocable<const Content&>
void check_refusals(const Refusals& refusals, const Content& content) {
  const auto before = content();
  std::string faults;
  for (size_t i = 0; i < refusals.size(); ++i) {
    const auto& [begins, input, says] = refusals[i];
    std::string found = refuse(input, begins + ": ", says);
    if (found.empty() && content() != before) found = "something was changed";
    if (!found.empty()) faults += std::to_string(i) + ", " + begins + ": " + found + "\n";
  }
  INFO(faults);
  CHECK(faults.empty());
}

// The same of several tables; prints how many calls they are.
template <class Content>
requires std::invocable<const Content&>
void check_refusals(const char* of, const std::vector<Refusals>& tables, const Content& content) {
  size_t count = 0;
  for (const Refusals& table : tables) {
    check_refusals(table, content);
    count += table.size();
  }
  std::cout << of << ": " << count << " bad inputs\n";
}

}  // namespace attune::test
