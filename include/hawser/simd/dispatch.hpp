#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/simd/cpu.hpp"
#include "hawser/simd/neon.hpp"
#include "hawser/simd/scalar.hpp"
#include "hawser/simd/small.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/simd/wasm.hpp"
#include "hawser/simd/x86.hpp"
#include "hawser/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// Which kernels run: those of the best tier that this machine has, found out at their first use.
namespace hawser::inline v0 {
namespace simd {

// Parts of a text of fewer bytes are not worth the call of a kernel: which code point is cut behind
// them is found out byte by byte.
inline constexpr std::size_t smallest_utf8 = 16;

// The kernels of one instruction set.
struct tier {
  std::string_view name;
  // As scalar::mask, for more than max_small_size bytes.
  void (*mask)(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) noexcept;
  // Unmasks `size` bytes, or only looks at them where `to` is null; returns whether they can stand
  // behind a code point that begins with `leading` and is cut there; `leading` 0: behind none. With
  // `whole` the text must end there. Else nobody looks at what the last byte asks of those that
  // follow, nor whether there can be any.
  bool (*check_utf8)(std::uint8_t leading, std::byte* to, const std::byte* from, std::size_t size,
                     std::uint32_t key, bool whole) noexcept;
};

// As scalar::validate_utf8, with the state as one byte: a leading byte that asks the same of what
// follows, or 0 for nothing. It is a byte and no struct, as it is written and read again within few
// cycles.
[[nodiscard]] HAWSER_NO_INLINE inline std::size_t validate_bytewise(std::uint8_t& leading,
                                                                    const std::byte* text,
                                                                    std::size_t size) noexcept {
  scalar::utf8_expectation next = scalar::after_leading_byte(leading);
  const std::size_t valid = scalar::validate_utf8(next, text, size);
  leading = scalar::leading_byte_for(next);
  return valid;
}

// XORs `size` bytes with the key, whose bytes lie in memory as on the wire, by Mask where they are
// more than max_small_size. `to` is `from` or does not overlap it.
template <void (*Mask)(std::byte*, const std::byte*, std::size_t, std::uint32_t) noexcept>
void mask_any(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) noexcept {
  if (size <= max_small_size) {
    mask_small(to, from, size, key);
  } else {
    Mask(to, from, size, key);
  }
}

// Two passes, near enough for the second to find in the cache what the first wrote.
template <void (*Mask)(std::byte*, const std::byte*, std::size_t, std::uint32_t) noexcept>
bool mask_then_check(std::uint8_t leading, std::byte* to, const std::byte* from, std::size_t size,
                     std::uint32_t key, bool whole) noexcept {
  constexpr std::size_t step = 4096;
  bool stands = true;
  for (std::size_t part = 0; size != 0; size -= part, from += part) {
    part = size < step ? size : step;
    const std::byte* text = from;
    if (to != nullptr) {
      mask_any<Mask>(to, from, part, key);
      text = to;
      to += part;
    }
    stands = stands && validate_bytewise(leading, text, part) == part;
  }
  return stands && (!whole || leading == 0);
}

inline void mask_by_words(std::byte* to, const std::byte* from, std::size_t size,
                          std::uint32_t key) noexcept {
  scalar::mask(to, from, size, key);
}

#if defined(HAWSER_SIMD_X86)
inline constexpr tier avx512_tier{"avx512", avx512::mask, avx512::check_utf8};
inline constexpr tier avx2_tier{"avx2", avx2::mask, avx2::check_utf8};
inline constexpr tier sse2_tier{"sse2", sse2::mask, mask_then_check<sse2::mask>};
#elif defined(HAWSER_SIMD_NEON)
inline constexpr tier neon_tier{"neon", neon::mask, neon::check_utf8};
#elif defined(HAWSER_SIMD_WASM)
inline constexpr tier wasm_tier{"wasm", wasm::mask, wasm::check_utf8};
#endif
inline constexpr tier scalar_tier{"scalar", mask_by_words, mask_then_check<mask_by_words>};

// The best that this machine can run.
[[nodiscard]] inline const tier& best_tier() noexcept {
#if defined(HAWSER_SIMD_X86)
  const cpu_features cpu = detect_cpu();
  return cpu.avx512 ? avx512_tier : cpu.avx2 ? avx2_tier : sse2_tier;
#elif defined(HAWSER_SIMD_NEON)
  return neon_tier;
#elif defined(HAWSER_SIMD_WASM)
  return wasm_tier;
#else
  return scalar_tier;
#endif
}

// All that this architecture has, the best one first: for tests and benchmarks.
inline constexpr tier tiers[] = {
#if defined(HAWSER_SIMD_X86)
    avx512_tier,
    avx2_tier,
    sse2_tier,
#elif defined(HAWSER_SIMD_NEON)
    neon_tier,
#elif defined(HAWSER_SIMD_WASM)
    wasm_tier,
#endif
    scalar_tier,
};

// Those of them that this machine can run.
[[nodiscard]] inline std::span<const tier> usable_tiers() noexcept {
  std::span<const tier> usable = tiers;
  while (usable.front().name != best_tier().name) usable = usable.subspan(1);
  return usable;
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

// A template, so that hawser/src.hpp can compile it, and with it all kernels.
template <class = void>
[[nodiscard]] HAWSER_NO_INLINE const tier& choose_tier() noexcept {
  use_tier(best_tier());
  return best_tier();
}
#if defined(HAWSER_HAS_SRC)
extern template const tier& choose_tier<>() noexcept;
#endif

[[nodiscard]] inline const tier& current_tier() noexcept {
#if defined(__GNUC__)
  const tier* const in_use = __atomic_load_n(&tier_in_use, __ATOMIC_RELAXED);
#else
  const tier* const in_use = tier_in_use;
#endif
  return in_use != nullptr ? *in_use : choose_tier<>();
}

// The same by the kernel in use.
inline void mask(std::byte* to, const std::byte* from, std::size_t size,
                 std::uint32_t key) noexcept {
  if (size <= max_small_size) {
    mask_small(to, from, size, key);
  } else {
    current_tier().mask(to, from, size, key);
  }
}

// The last four bytes of a text of which `end` is the end, as they lie in memory.
[[nodiscard]] inline std::uint32_t last_four(const std::byte* end) noexcept {
  return detail::load<std::uint32_t>(end - 4);
}

inline constexpr std::uint8_t cannot_stand = 0xFF;

// What a text asks by its last four bytes, of which all but the last are known to stand.
[[nodiscard]] inline std::uint8_t leading_behind(std::uint32_t last_four) noexcept {
  const auto bytes = std::bit_cast<std::array<std::uint8_t, 4>>(last_four);
  if (bytes[3] < 0x80) return 0;
  if (bytes[3] >= 0xC0) {
    // One byte for all that ask the same, so that equal states compare equal.
    const scalar::utf8_expectation next = scalar::after_leading_byte(bytes[3]);
    return next.pending != 0 ? scalar::leading_byte_for(next) : cannot_stand;
  }
  if (bytes[2] >= 0xF0) return scalar::leading_byte_for({2, 0x80, 0xBF});
  if (bytes[2] >= 0xE0 || (bytes[2] < 0xC0 && bytes[1] >= 0xF0)) {
    return scalar::leading_byte_for({1, 0x80, 0xBF});
  }
  return 0;
}

// Returns how many bytes can stand behind a text that asks for what follows `leading`. Where all
// can, `leading` becomes what the text asks for at its new end.
[[nodiscard]] inline std::size_t validate_utf8(std::uint8_t& leading, const std::byte* text,
                                               std::size_t size) noexcept {
  if (size >= smallest_utf8 && current_tier().check_utf8(leading, nullptr, text, size, 0, false)) {
    const std::uint8_t behind = leading_behind(last_four(text + size));
    if (behind != cannot_stand) {
      leading = behind;
      return size;
    }
  }
  return validate_bytewise(leading, text, size);  // which byte it was
}

// Unmasks all, and then does what validate_utf8 does.
[[nodiscard]] inline std::size_t unmask_utf8(std::uint8_t& leading, std::byte* to,
                                             const std::byte* from, std::size_t size,
                                             std::uint32_t key) noexcept {
  if (size < smallest_utf8) {
    if (leading == 0 && mask_small_ascii(to, from, size, key)) return size;
    mask_small(to, from, size, key);
    return validate_bytewise(leading, to, size);
  }
  // Read before the kernel writes: a byte of a wide store is there only once the store is done.
  const std::uint32_t last = last_four(from + size) ^ turned(key, size);
  if (current_tier().check_utf8(leading, to, from, size, key, false)) {
    const std::uint8_t behind = leading_behind(last);
    if (behind != cannot_stand) {
      leading = behind;
      return size;
    }
  }
  return validate_bytewise(leading, to, size);
}

// True where the whole text is UTF-8.
[[nodiscard]] inline bool is_utf8(const std::byte* text, std::size_t size) noexcept {
  return current_tier().check_utf8(0, nullptr, text, size, 0, true);
}

// Undoes a mask, or what check_utf8 did to what was no UTF-8. Never is.
[[nodiscard]] HAWSER_COLD inline bool mask_again(std::byte* text, std::size_t size,
                                                 std::uint32_t key) noexcept {
  mask(text, text, size, key);
  return false;
}

// Unmasks a whole text that is UTF-8; else false, and the bytes are as they were.
[[nodiscard]] HAWSER_ALWAYS_INLINE bool unmask_text(std::byte* text, std::size_t size,
                                                    std::uint32_t key) noexcept {
  return (size <= max_small_size && mask_small_ascii(text, text, size, key)) ||
         current_tier().check_utf8(0, text, text, size, key, true) || mask_again(text, size, key);
}

}  // namespace simd
}  // namespace hawser::inline v0
