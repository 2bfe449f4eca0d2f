#pragma once

// The tiers of the kernels, as tests choose them. The library chooses by itself; these do what a
// user cannot.

#include "hawser/simd/dispatch.hpp"

#include <string_view>

namespace support {

// The names of tiers are string literals, so they end with a zero.
inline const char* printable(const hawser::simd::tier& tier) { return tier.name.data(); }

enum class tier_choice {
  taken,
  not_here,  // this machine cannot run it
  unknown    // the architecture has none of that name
};

// From now on the kernels of the tier of that name run.
inline tier_choice take_tier(std::string_view name) {
  for (const hawser::simd::tier& tier : hawser::simd::usable_tiers()) {
    if (tier.name != name) continue;
    hawser::simd::use_tier(tier);
    return tier_choice::taken;
  }
  for (const hawser::simd::tier& tier : hawser::simd::tiers) {
    if (tier.name == name) return tier_choice::not_here;
  }
  return tier_choice::unknown;
}

// Gives back the tier that was in use, at the end of a test that takes others.
class tier_keeper {
 public:
  tier_keeper() = default;
  tier_keeper(const tier_keeper&) = delete;
  tier_keeper& operator=(const tier_keeper&) = delete;
  ~tier_keeper() { hawser::simd::use_tier(before_); }

 private:
  const hawser::simd::tier& before_ = hawser::simd::current_tier();
};

}  // namespace support
