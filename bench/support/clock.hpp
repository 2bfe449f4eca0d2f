#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bench {

/// Ticks of the finest clock there is, for what takes less than a microsecond. Work that was begun
/// before the call is done when it returns.
inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  _mm_lfence();
  const std::uint64_t now = __rdtsc();
  _mm_lfence();
  return now;
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

/// Nanoseconds in a tick, and how many ticks two calls in a row lie apart.
struct clock_facts {
  double nanoseconds_per_tick = 1;
  double ticks_of_a_call = 0;
};

/// Measured once, which takes 20 ms.
const clock_facts& clock();

}  // namespace bench
