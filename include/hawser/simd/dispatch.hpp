#pragma once

#include "hawser/simd/cpu.hpp"
#include "hawser/simd/neon.hpp"
#include "hawser/simd/scalar.hpp"
#include "hawser/simd/small.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/simd/wasm.hpp"
#include "hawser/simd/x86.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// Which kernels run: those of the best tier that this machine has, found out at their first use.
namespace hawser::inline v0 {
namespace simd {

// The kernels of one instruction set.
struct tier {
  std::string_view name;
  // As scalar::mask, for more than max_small_size bytes.
  void (*mask)(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) noexcept;
  // Unmasks `size` bytes, which are not 0, and returns whether they can stand behind a code point
  // that begins with `leading` and is cut there; `leading` 0: behind none. Does not look at what
  // the last byte asks of those that follow, nor whether there can be any.
  bool (*unmask_utf8)(std::uint8_t leading, std::byte* to, const std::byte* from, std::size_t size,
                      std::uint32_t key) noexcept;
  // The same without unmasking.
  bool (*validate_utf8)(std::uint8_t leading, const std::byte* text, std::size_t size) noexcept;
};

// Two passes, near enough for the second to find in the cache what the first wrote.
template <void (*Mask)(std::byte*, const std::byte*, std::size_t, std::uint32_t) noexcept>
bool mask_then_check(std::uint8_t leading, std::byte* to, const std::byte* from, std::size_t size,
                     std::uint32_t key) noexcept {
  constexpr std::size_t step = 4096;
  scalar::utf8_expectation next = scalar::after_leading_byte(leading);
  bool stands = true;
  for (std::size_t i = 0; i < size; i += step) {
    const std::size_t part = size - i < step ? size - i : step;
    if (part > max_small_size) {
      Mask(to + i, from + i, part, key);
    } else {
      mask_small(to + i, from + i, part, key);
    }
    stands = stands && scalar::validate_utf8(next, to + i, part) == part;
  }
  return stands;
}

inline bool check_bytewise(std::uint8_t leading, const std::byte* text, std::size_t size) noexcept {
  scalar::utf8_expectation next = scalar::after_leading_byte(leading);
  return scalar::validate_utf8(next, text, size) == size;
}

inline void mask_by_words(std::byte* to, const std::byte* from, std::size_t size,
                          std::uint32_t key) noexcept {
  scalar::mask(to, from, size, key);
}

// All that this architecture has, the best one first.
inline constexpr tier tiers[] = {
#if defined(HAWSER_SIMD_X86)
    {"avx512", avx512::mask, avx512::unmask_utf8, avx512::validate_utf8},
    {"avx2", avx2::mask, avx2::unmask_utf8, avx2::validate_utf8},
    {"sse2", sse2::mask, mask_then_check<sse2::mask>, check_bytewise},
#elif defined(HAWSER_SIMD_NEON)
    {"neon", neon::mask, neon::unmask_utf8, neon::validate_utf8},
#elif defined(HAWSER_SIMD_WASM)
    {"wasm", wasm::mask, wasm::unmask_utf8, wasm::validate_utf8},
#endif
    {"scalar", mask_by_words, mask_then_check<mask_by_words>, check_bytewise},
};

// Those that this machine can run.
[[nodiscard]] inline std::span<const tier> usable_tiers() noexcept {
#if defined(HAWSER_SIMD_X86)
  const cpu_features cpu = detect_cpu();
  return std::span{tiers}.subspan(cpu.avx512 ? 0 : cpu.avx2 ? 1 : 2);
#else
  return tiers;
#endif
}

// The tier in use: none before the first use. Threads that meet here store the same.
inline const tier* tier_in_use = nullptr;

// Takes another tier into use, which must be a usable one: for tests and benchmarks.
inline void use_tier(const tier& wanted) noexcept {
#if defined(__GNUC__)
  __atomic_store_n(&tier_in_use, &wanted, __ATOMIC_RELAXED);
#else
  tier_in_use = &wanted;
#endif
}

[[nodiscard]] HAWSER_NO_INLINE inline const tier& choose_tier() noexcept {
  const tier& best = usable_tiers().front();
  use_tier(best);
  return best;
}

[[nodiscard]] inline const tier& current_tier() noexcept {
#if defined(__GNUC__)
  const tier* const in_use = __atomic_load_n(&tier_in_use, __ATOMIC_RELAXED);
#else
  const tier* const in_use = tier_in_use;
#endif
  return in_use != nullptr ? *in_use : choose_tier();
}

// XORs `size` bytes with the key, whose bytes lie in memory as on the wire. `to` is `from` or does
// not overlap it.
inline void mask(std::byte* to, const std::byte* from, std::size_t size,
                 std::uint32_t key) noexcept {
  if (size <= max_small_size) {
    mask_small(to, from, size, key);
  } else {
    current_tier().mask(to, from, size, key);
  }
}

// Below this the call of a kernel costs more than it gains.
inline constexpr std::size_t smallest_utf8 = 16;

// What is known behind a text that can stand; none pending and `false` where its last byte cannot.
struct utf8_end {
  bool stands;
  scalar::utf8_expectation next;
};

[[nodiscard]] inline utf8_end utf8_end_of(const std::byte* end) noexcept {
  const auto last = std::to_integer<std::uint8_t>(end[-1]);
  if (last < 0x80) return {true, {}};
  if (last >= 0xC0) {
    const scalar::utf8_expectation next = scalar::after_leading_byte(last);
    return {next.pending != 0, next};
  }
  const auto second = std::to_integer<std::uint8_t>(end[-2]);
  const auto third = std::to_integer<std::uint8_t>(end[-3]);
  if (second >= 0xF0) return {true, {2, 0x80, 0xBF}};
  if (second >= 0xE0 || (second < 0xC0 && third >= 0xF0)) return {true, {1, 0x80, 0xBF}};
  return {true, {}};
}

// As scalar::validate_utf8.
[[nodiscard]] inline std::size_t validate_utf8(scalar::utf8_expectation& next,
                                               const std::byte* text, std::size_t size) noexcept {
  if (size >= smallest_utf8 &&
      current_tier().validate_utf8(scalar::leading_byte_for(next), text, size)) {
    const utf8_end end = utf8_end_of(text + size);
    if (end.stands) {
      next = end.next;
      return size;
    }
  }
  return scalar::validate_utf8(next, text, size);  // which byte it was
}

// Unmasks all, and returns what scalar::validate_utf8 says of the result.
[[nodiscard]] inline std::size_t unmask_utf8(scalar::utf8_expectation& next, std::byte* to,
                                             const std::byte* from, std::size_t size,
                                             std::uint32_t key) noexcept {
  if (size < smallest_utf8) {
    mask_small(to, from, size, key);
  } else if (current_tier().unmask_utf8(scalar::leading_byte_for(next), to, from, size, key)) {
    const utf8_end end = utf8_end_of(to + size);
    if (end.stands) {
      next = end.next;
      return size;
    }
  }
  return scalar::validate_utf8(next, to, size);
}

}  // namespace simd
}  // namespace hawser::inline v0
