#pragma once

// For .cpp files only: raises typed errors with a formatted message.

#include <fmt/format.h>

#include <utility>

#include "error.h"

namespace attune {

// Throws E("operation (module path): formatted message").
template <class E, class... Args>
[[noreturn]] void fail(const char* operation, fmt::format_string<Args...> format, Args&&... args) {
  throw E(describe_error(operation, fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace attune
