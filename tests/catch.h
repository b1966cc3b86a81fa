// Catch2 2 (Debian 12) and 3 (Debian 13) under the names of version 3.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>

using Catch::Approx;
#else
#include <catch2/catch.hpp>

namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& text) { return Contains(text); }
inline auto MessageMatches(const StdString::EqualsMatcher& text) {
  return Message(text.m_comparator.m_str);
}
}  // namespace Catch::Matchers
#endif
