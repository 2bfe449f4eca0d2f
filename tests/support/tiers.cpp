// With HAWSER_TESTS_TIER=<name> all tests of a program run on the kernels of that tier. The library
// reads no such variable.

#include "support/tiers.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

bool take_tier_of_environment() {
  const char* const name = std::getenv("HAWSER_TESTS_TIER");
  if (name == nullptr) return false;
  switch (support::take_tier(name)) {
    case support::tier_choice::unknown:
      std::fprintf(stderr, "HAWSER_TESTS_TIER: %s is no tier of this architecture\n", name);
      std::_Exit(1);
    case support::tier_choice::not_here:
      std::fprintf(stderr, "HAWSER_TESTS_TIER: this machine cannot run %s\n", name);
      std::_Exit(1);
    case support::tier_choice::taken:
      break;
  }
  std::fprintf(stderr, "kernels: %s\n", name);
  return true;
}

[[maybe_unused]] const bool has_taken_tier = take_tier_of_environment();

}  // namespace
