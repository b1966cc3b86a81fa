// Calls on random arguments: an operation computes or refuses, forward and backward, whatever it is
// given. ATTUNE_RANDOM_CALLS sets how often each is tried.
#include <cstdlib>
#include <iostream>
#include <map>

#include "../catch.h"
#include "../sanitized.h"
#include "public_operations.h"
#include "random_calls.h"

using namespace attune;
using namespace attune::test;

namespace {

uint64_t tries() {
  const char* wanted = std::getenv("ATTUNE_RANDOM_CALLS");
  return wanted ? std::strtoull(wanted, nullptr, 10) : sanitized ? 60 : 300;
}

void differentiate(const std::vector<Tensor>& results) {
  for (const Tensor& y : results)
    if (y.defined() && y.node()) y.backward(ones_like(y), {.retain_graph = true});
}

struct Outcome {
  int computed = 0, refused = 0;
};

}  // namespace

TEST_CASE("an operation on random arguments computes or refuses, and never more") {
  std::map<std::string, Outcome> outcomes;
  int64_t calls = 0, refused = 0;
  const auto table = random_calls();
  for (size_t i = 0; i < table.size(); ++i)
    for (uint64_t n = 0; n < tries(); ++n) {
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
  std::cout << "random calls of operations: " << calls << ", " << refused << " refused\n";
}

TEST_CASE("every operation that a header declares is called on random arguments") {
  std::set<std::string> called;
  for (const RandomCall& call : random_calls()) called.insert(call.name);
  CHECK(called == public_operations());
}
