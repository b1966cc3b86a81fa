// Calls on random arguments, which are computed or refused, and never do anything else.
#pragma once

#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "random_values.h"
#include "sanitized.h"

namespace attune::test {

// A call on random arguments. What it returns is differentiated.
struct RandomCall {
  std::string name;
  std::function<std::vector<Tensor>(Draw&)> call;
};

inline std::vector<Tensor> results(Tensor x) { return {std::move(x)}; }
inline std::vector<Tensor> results(std::vector<Tensor> many) { return many; }
inline std::vector<Tensor> results(ValuesAndIndices both) { return {both.values, both.indices}; }

template <class F>
RandomCall custom(std::string name, F f) {
  return {std::move(name), [f](Draw& d) { return results(f(d)); }};
}

inline void differentiate(const std::vector<Tensor>& results) {
  for (const Tensor& y : results)
    if (y.defined() && y.node()) y.backward(ones_like(y), {.retain_graph = true});
}

// Makes every call of the table so often, forward and backward; ATTUNE_RANDOM_CALLS sets another
// number. Each must compute sometimes, and whatever it does not compute must be refused by an error
// of attune's.
inline void check_random_calls(const char* of, const std::vector<RandomCall>& table,
                               uint64_t tries) {
  struct Outcome {
    int computed = 0, refused = 0;
  };
  if (const char* wanted = std::getenv("ATTUNE_RANDOM_CALLS"))
    tries = std::strtoull(wanted, nullptr, 10);
  std::map<std::string, Outcome> outcomes;
  int64_t calls = 0, refused = 0;
  for (size_t i = 0; i < table.size(); ++i)
    for (uint64_t n = 0; n < tries; ++n) {
      const uint64_t seed = (uint64_t{i} << 32) + n;
      Draw draw(seed);
      Outcome& outcome = outcomes[table[i].name];
      ++calls;
      try {
        differentiate(table[i].call(draw));
        ++outcome.computed;
      } catch (const Error&) {
        ++refused;
        ++outcome.refused;
      } catch (const std::exception& e) {
        FAIL_CHECK(table[i].name << " of seed " << seed << ": " << e.what());
      }
    }
  for (const auto& [name, outcome] : outcomes) {
    INFO(name);
    CHECK((outcome.computed > 0 || sanitized));  // which tries too few for the rarest
  }
  std::cout << "random calls of " << of << ": " << calls << ", " << refused << " refused\n";
}

}  // namespace attune::test
