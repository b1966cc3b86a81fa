#pragma once

#include <set>
#include <string>

namespace attune::test {

// The names of the operations that users call, as the headers of autograd/ declare them.
std::set<std::string> public_operations();

}  // namespace attune::test
