// Holds the kernels of one tier against loops over single bytes. Neither Catch2 nor exceptions, so
// that it runs wherever a compiler goes: on the build's machine, under an emulator, in WebAssembly.

#include "kernels/failures.hpp"
#include "kernels/masking.hpp"
#include "kernels/text.hpp"
#include "support/tiers.hpp"

#include <cstdio>
#include <string_view>

namespace {

constexpr int is_not_here = 77;

int print_usage() {
  std::printf(
      "usage: kernels TIER [--chosen]\n"
      "Tests the kernels of that tier; with --chosen the library must have chosen it by itself.\n"
      "Ends with %d where this machine cannot run it.\n",
      is_not_here);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const bool must_be_chosen = argc == 3 && argv[2] == std::string_view{"--chosen"};
  if (argc != 2 && !must_be_chosen) return print_usage();
  const std::string_view name = argv[1];

  const hawser::simd::tier& chosen = hawser::simd::current_tier();
  if (must_be_chosen && chosen.name != name) {
    std::printf("the library chose %s, not %s\n", support::printable(chosen), argv[1]);
    return 1;
  }
  switch (support::take_tier(name)) {
    case support::tier_choice::unknown:
      std::printf("%s is no tier of this architecture\n", argv[1]);
      return 1;
    case support::tier_choice::not_here:
      std::printf("this machine cannot run %s\n", argv[1]);
      return is_not_here;
    case support::tier_choice::taken:
      break;
  }

  failures found;
  check_masking(found);
  check_text(found);
  found.expect(hawser::simd::current_tier().name == name, "the tier stayed in use", {});
  std::printf("kernels: %s, %zu checks, %zu failed\n",
              support::printable(hawser::simd::current_tier()), found.checked(), found.failed());
  return found.failed() == 0 ? 0 : 1;
}
