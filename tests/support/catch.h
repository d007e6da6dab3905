// Catch2, version 2 or 3, under one name, with the string matchers that are called differently in the two.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace rexec::test {

using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

inline auto ContainsSubstring(const std::string& part) {
#if defined(CATCH_VERSION_MAJOR) && CATCH_VERSION_MAJOR >= 3
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}

inline auto Contains(const std::string& part) {
  return ContainsSubstring(part);
}

}  // namespace rexec::test
