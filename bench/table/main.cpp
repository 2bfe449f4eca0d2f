// Measures every question that needs no network, and prints the table. README.md says how to read
// it.
//
//     table [--quick] [--only TEXT] [--tier NAME] [--csv FILE]

#include "hawser/simd/dispatch.hpp"
#include "table/questions.hpp"
#include "table/report.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace {

// Makes hawser use the kernels of that name; false where the processor has them not.
bool use_tier(std::string_view name) {
  for (const hawser::simd::tier& each : hawser::simd::usable_tiers()) {
    if (each.name != name) continue;
    hawser::simd::use_tier(each);
    return true;
  }
  return false;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::span all{arguments, static_cast<std::size_t>(argument_count)};
  bench::effort effort;
  std::string_view only;
  std::string_view kernels;
  std::FILE* csv = nullptr;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const std::string_view option = all[i];
    const bool has_value = i + 1 < all.size();
    if (option == "--quick") {
      effort = {.rounds = 9, .round_milliseconds = 0.5};
    } else if (option == "--only" && has_value) {
      only = all[++i];
    } else if (option == "--tier" && has_value) {
      kernels = all[++i];
      if (!use_tier(kernels)) {
        std::fprintf(stderr, "this machine has no tier %s\n", all[i]);
        return EXIT_FAILURE;
      }
    } else if (option == "--csv" && has_value) {
      csv = std::fopen(all[++i], "w");
      if (csv == nullptr) {
        std::perror(all[i]);
        return EXIT_FAILURE;
      }
    } else {
      std::fprintf(stderr, "usage: %s [--quick] [--only TEXT] [--tier NAME] [--csv FILE]\n",
                   all[0]);
      return EXIT_FAILURE;
    }
  }
  bench::report out{effort, only, kernels, csv};
  bench::ask_mask(out);
  bench::ask_utf8(out);
  bench::ask_frames(out);
  if (csv != nullptr) std::fclose(csv);
}
