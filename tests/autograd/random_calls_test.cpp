// Calls on random arguments: an operation computes or refuses, forward and backward, whatever it is
// given.
#include "random_calls.h"
#include "public_operations.h"

using namespace attune;
using namespace attune::test;

TEST_CASE("an operation on random arguments computes or refuses, and never more") {
  check_random_calls("operations", random_calls(), sanitized ? 60 : 300);
}

TEST_CASE("every operation that a header declares is called on random arguments") {
  std::set<std::string> called;
  for (const RandomCall& call : random_calls()) called.insert(call.name);
  CHECK(called == public_operations());
}
