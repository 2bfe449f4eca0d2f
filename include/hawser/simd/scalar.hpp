#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

// The kernels in plain C++: a machine word at a time, exact in their bounds, and byte by byte in
// constant expressions. They are what every other instruction set is held against.
namespace hawser::inline v0 {
namespace simd {

// The key, whose bytes lie in memory as on the wire, for what stands `count` bytes further on.
[[nodiscard]] constexpr std::uint32_t turned(std::uint32_t key, std::size_t count) noexcept {
  const auto bits = static_cast<int>(8 * (count % 4));
  return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

namespace scalar {

// XORs `size` bytes with the key, whose bytes lie in memory as on the wire. `to` is `from` or does
// not overlap it.
constexpr void mask(std::byte* to, const std::byte* from, std::size_t size,
                    std::uint32_t key) noexcept {
  std::size_t i = 0;
  if (!std::is_constant_evaluated()) {
    const std::uint64_t wide = std::uint64_t{key} << 32 | key;
    for (; i + 32 <= size; i += 32) {
      const auto a = detail::load<std::uint64_t>(from + i) ^ wide;
      const auto b = detail::load<std::uint64_t>(from + i + 8) ^ wide;
      const auto c = detail::load<std::uint64_t>(from + i + 16) ^ wide;
      const auto d = detail::load<std::uint64_t>(from + i + 24) ^ wide;
      detail::store(to + i, a);
      detail::store(to + i + 8, b);
      detail::store(to + i + 16, c);
      detail::store(to + i + 24, d);
    }
    for (; i + 8 <= size; i += 8) {
      detail::store(to + i, detail::load<std::uint64_t>(from + i) ^ wide);
    }
    if (i + 4 <= size) {
      detail::store(to + i, detail::load<std::uint32_t>(from + i) ^ key);
      i += 4;
    }
  }
  const auto bytes = std::bit_cast<std::array<std::byte, 4>>(key);
  for (; i < size; ++i) to[i] = from[i] ^ bytes[i % 4];
}

// What the next byte of a text may be: anything that begins a code point, or one of `pending`
// continuation bytes, the first of which lies between `lowest` and `highest`.
struct utf8_expectation {
  std::uint8_t pending = 0;
  std::uint8_t lowest = 0x80;
  std::uint8_t highest = 0xBF;

  friend constexpr bool operator==(const utf8_expectation&, const utf8_expectation&) = default;
};

// What must follow a byte that begins a code point of two bytes or more; `pending` is 0 for a byte
// that begins none. RFC 3629 4 has the table.
[[nodiscard]] constexpr utf8_expectation after_leading_byte(std::uint8_t byte) noexcept {
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte < 0xF0) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte < 0xF4) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {};
}

// A byte that asks the same of those behind it; 0: none.
[[nodiscard]] constexpr std::uint8_t leading_byte_for(const utf8_expectation& next) noexcept {
  switch (next.pending) {
    case 0:
      return 0;
    case 1:
      return 0xC2;
    case 2:
      return next.lowest == 0xA0 ? 0xE0 : next.highest == 0x9F ? 0xED : 0xE1;
    default:
      return next.lowest == 0x90 ? 0xF0 : next.highest == 0x8F ? 0xF4 : 0xF1;
  }
}

// How many bytes of ASCII lie at the front, in whole words.
[[nodiscard]] inline std::size_t skip_ascii_words(const std::byte* text,
                                                  std::size_t size) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  std::size_t i = 0;
  for (; i + 16 <= size; i += 16) {
    const auto both =
        detail::load<std::uint64_t>(text + i) | detail::load<std::uint64_t>(text + i + 8);
    if ((both & high_bits) != 0) return i;
  }
  if (i + 8 <= size && (detail::load<std::uint64_t>(text + i) & high_bits) == 0) i += 8;
  return i;
}

// The number of bytes before the first that cannot stand, or `size`.
[[nodiscard]] constexpr std::size_t validate_utf8(utf8_expectation& next, const std::byte* text,
                                                  std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = std::to_integer<std::uint8_t>(text[i]);
    if (next.pending != 0) {
      if (byte < next.lowest || byte > next.highest) return i;
      next = {static_cast<std::uint8_t>(next.pending - 1), 0x80, 0xBF};
    } else if (byte < 0x80) {
      if (!std::is_constant_evaluated()) {
        const std::size_t skipped = skip_ascii_words(text + i, size - i);
        if (skipped != 0) i += skipped - 1;
      }
    } else {
      next = after_leading_byte(byte);
      if (next.pending == 0) return i;
    }
  }
  return size;
}

}  // namespace scalar
}  // namespace simd
}  // namespace hawser::inline v0
