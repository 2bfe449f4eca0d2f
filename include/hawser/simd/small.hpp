#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/simd/scalar.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

// What a few bytes are masked with: inlined, with what every machine of the architecture has.
namespace hawser::inline v0 {
namespace simd {

// The largest size that mask_small takes.
inline constexpr std::size_t max_small_size = 48;

#if defined(HAWSER_SIMD_VECTORS)

using small_vec = std::uint8_t __attribute__((vector_size(16)));
using small_words = std::uint32_t __attribute__((vector_size(16)));
using small_quads = std::uint64_t __attribute__((vector_size(16)));
#if defined(HAWSER_SIMD_X86)
using small_chars = char __attribute__((vector_size(16)));
#endif

HAWSER_ALWAYS_INLINE small_vec load_small(const void* from) noexcept {
  small_vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
HAWSER_ALWAYS_INLINE void store_small(std::byte* to, small_vec value) noexcept {
  __builtin_memcpy(to, &value, sizeof value);
}
// The `count` bytes at `from`, fewer than 16; zeros behind them. No other byte is read.
HAWSER_ALWAYS_INLINE small_vec load_tiny(const std::byte* from, std::size_t count) noexcept {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (count >= 8) {
    low = detail::load<std::uint64_t>(from);
    high = detail::load<std::uint64_t>(from + count - 8) >> 1 >> (127 - 8 * count);
  } else if (count >= 4) {
    low = detail::load<std::uint32_t>(from) |
          std::uint64_t{detail::load<std::uint32_t>(from + count - 4)} << (8 * (count - 4));
  } else {
    for (std::size_t i = 0; i < count; ++i) low |= std::to_integer<std::uint64_t>(from[i]) << 8 * i;
  }
  return reinterpret_cast<small_vec>(small_quads{low, high});
}
HAWSER_ALWAYS_INLINE small_vec splat_small(std::uint32_t key) noexcept {
  return reinterpret_cast<small_vec>(small_words{} + key);
}

HAWSER_ALWAYS_INLINE bool has_high_bit_small(small_vec value) noexcept {
#if defined(HAWSER_SIMD_X86)
  return __builtin_ia32_pmovmskb128(reinterpret_cast<small_chars>(value)) != 0;
#else
  const auto words = reinterpret_cast<small_quads>(value);
  return ((words[0] | words[1]) & 0x8080808080808080U) != 0;
#endif
}

// What mask_small and mask_small_ascii do. Few classes of sizes, in each of which two loads from
// the front and from the end overlap: all is read before anything is written, and each byte is
// written whole, so that who reads a header right behind does not wait for these stores.
template <bool OnlyAscii>
// NOLINTNEXTLINE(readability-function-size): the tree of sizes is one
HAWSER_ALWAYS_INLINE bool run_small(std::byte* to, const std::byte* from, std::size_t size,
                                    std::uint32_t key) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  const std::uint32_t key_at_end = turned(key, size);
  if (size >= 16) {
    const small_vec front = splat_small(key);
    const small_vec back = splat_small(key_at_end);
    // Where the second is not needed it lies somewhere in the bytes, at the same phase of the key.
    const std::size_t offset = ((size < 32 ? size : 32) - 16) & ~std::size_t{3};
    const small_vec first = load_small(from) ^ front;
    const small_vec second = load_small(from + offset) ^ front;
    const small_vec last = load_small(from + size - 16) ^ back;
    if (OnlyAscii && has_high_bit_small(first | second | last)) return false;
    store_small(to + offset, second);
    store_small(to, first);
    store_small(to + size - 16, last);
  } else if (size >= 8) {
    const auto first = detail::load<std::uint64_t>(from) ^ (std::uint64_t{key} << 32 | key);
    const auto last = detail::load<std::uint64_t>(from + size - 8) ^
                      (std::uint64_t{key_at_end} << 32 | key_at_end);
    if (OnlyAscii && ((first | last) & high_bits) != 0) return false;
    detail::store(to, first);
    detail::store(to + size - 8, last);
  } else if (size >= 4) {
    const auto first = detail::load<std::uint32_t>(from) ^ key;
    const auto last = detail::load<std::uint32_t>(from + size - 4) ^ key_at_end;
    if (OnlyAscii && ((first | last) & high_bits) != 0) return false;
    detail::store(to, first);
    detail::store(to + size - 4, last);
  } else if (size != 0) {
    const std::size_t middle = size / 2;
    const auto byte = [&](std::size_t i) {
      return from[i] ^ static_cast<std::byte>(key >> (8 * i) & 0xFFU);
    };
    const std::byte first = byte(0);
    const std::byte second = byte(middle);
    const std::byte last = byte(size - 1);
    if (OnlyAscii && std::to_integer<unsigned>(first | second | last) > 0x7F) return false;
    to[0] = first;
    to[middle] = second;
    to[size - 1] = last;
  }
  return true;
}

// XORs `size` bytes, at most max_small_size, with the key. `to` is `from` or does not overlap it.
HAWSER_ALWAYS_INLINE void mask_small(std::byte* to, const std::byte* from, std::size_t size,
                                     std::uint32_t key) noexcept {
  run_small<false>(to, from, size, key);
}

// Copies `size` bytes, at most max_small_size. They do not overlap.
HAWSER_ALWAYS_INLINE void copy_small(std::byte* to, const std::byte* from,
                                     std::size_t size) noexcept {
  run_small<false>(to, from, size, 0);
}

// As mask_small where only ASCII comes out; else false, and nothing is written.
[[nodiscard]] HAWSER_ALWAYS_INLINE bool mask_small_ascii(std::byte* to, const std::byte* from,
                                                         std::size_t size,
                                                         std::uint32_t key) noexcept {
  return run_small<true>(to, from, size, key);
}

#else

HAWSER_ALWAYS_INLINE void mask_small(std::byte* to, const std::byte* from, std::size_t size,
                                     std::uint32_t key) noexcept {
  scalar::mask(to, from, size, key);
}

HAWSER_ALWAYS_INLINE void copy_small(std::byte* to, const std::byte* from,
                                     std::size_t size) noexcept {
  detail::copy_bytes(to, from, size);
}

[[nodiscard]] HAWSER_ALWAYS_INLINE bool mask_small_ascii(std::byte* to, const std::byte* from,
                                                         std::size_t size,
                                                         std::uint32_t key) noexcept {
  const auto bytes = std::bit_cast<std::array<std::byte, 4>>(key);
  for (std::size_t i = 0; i < size; ++i) {
    if (std::to_integer<unsigned>(from[i] ^ bytes[i % 4]) > 0x7F) return false;
  }
  scalar::mask(to, from, size, key);
  return true;
}

#endif

}  // namespace simd
}  // namespace hawser::inline v0
