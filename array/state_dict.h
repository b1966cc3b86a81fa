#pragma once

#include <map>
#include <string>

#include "array.h"

namespace attune {

// Arrays by name: the weights of a module, the moments of an optimizer, the content of a file.
using StateDict = std::map<std::string, Array>;

}  // namespace attune
