#pragma once

#include "hawser/version.hpp"

#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

namespace hawser::inline v0 {
namespace simd {

// What this machine can do beyond the baseline of its architecture, and the operating system keeps
// the registers for.
struct cpu_features {
  bool avx2 = false;
  bool avx512 = false;  // F, BW and VL
  bool sha = false;     // with SSSE3 and SSE4.1
};

#if defined(__x86_64__) && defined(__GNUC__)

[[nodiscard]] inline cpu_features detect_cpu() noexcept {
  constexpr auto has = [](unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; };
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return {};
  const bool has_sse41 = has(c, bit_SSSE3 | bit_SSE4_1);
  // Which registers the operating system keeps when it switches: bits 1 and 2 are those of AVX,
  // 5 to 7 those of AVX-512.
  std::uint32_t kept = 0;
  if (has(c, bit_OSXSAVE)) {
    std::uint32_t high = 0;
    // Volatile, or a compiler may move it to where it is not known to be there.
    __asm__ volatile("xgetbv" : "=a"(kept), "=d"(high) : "c"(0));
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return {};
  return {
      .avx2 = has(kept, 0x06U) && has(b, bit_AVX2),
      .avx512 = has(kept, 0xE6U) && has(b, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_BMI2),
      .sha = has_sse41 && has(b, bit_SHA)};
}

#else

[[nodiscard]] inline cpu_features detect_cpu() noexcept { return {}; }

#endif

}  // namespace simd
}  // namespace hawser::inline v0
