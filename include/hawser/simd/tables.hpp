#pragma once

#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace hawser::inline v0 {
namespace simd {

// Which two neighbours cannot stand in UTF-8, by three of their four halves: a pair is wrong where
// one bit is set in all three entries. Each table stands four times, for the widest vector.
struct utf8_pair_tables {
  // What is right only where a third or fourth byte must stand.
  static constexpr std::uint8_t two_continuations = 0x80;

  std::array<std::uint8_t, 64> first_high{};
  std::array<std::uint8_t, 64> first_low{};
  std::array<std::uint8_t, 64> second_high{};

  constexpr utf8_pair_tables() noexcept {
    // Halves as sets: bit n stands for n. RFC 3629 4.
    constexpr std::uint16_t any = 0xFFFF, continuation = 0x0F00;
    add(0x01, 0xF000, any, 0xF0FF);           // a leading byte, and what continues nothing
    add(0x02, 0x00FF, any, continuation);     // ASCII, and what continues it
    add(0x04, 0x1000, 0x0003, continuation);  // C0, C1: overlong
    add(0x08, 0x4000, 0x0001, 0x0300);        // E0 80..9F: overlong
    add(0x10, 0x4000, 0x2000, 0x0C00);        // ED A0..BF: surrogates
    add(0x20, 0x8000, 0xFFF0, 0x0E00);        // F4 90..BF and more: over U+10FFFF
    add(0x40, 0x8000, 0xFFE1, 0x0100);        // F0 80..8F: overlong; F5 80..8F: over U+10FFFF
    add(two_continuations, 0x0F00, any, continuation);
  }

 private:
  constexpr void add(std::uint8_t bit, std::uint16_t first_highs, std::uint16_t first_lows,
                     std::uint16_t second_highs) noexcept {
    for (std::size_t i = 0; i < 64; ++i) {
      const auto half = static_cast<unsigned>(i % 16);
      if ((first_highs >> half & 1U) != 0) first_high[i] |= bit;
      if ((first_lows >> half & 1U) != 0) first_low[i] |= bit;
      if ((second_highs >> half & 1U) != 0) second_high[i] |= bit;
    }
  }
};

inline constexpr utf8_pair_tables utf8_tables;

// The largest bytes at the end of a text that cut no code point.
inline constexpr std::array<std::uint8_t, 64> utf8_ends = [] {
  std::array<std::uint8_t, 64> ends{};
  ends.fill(0xFF);
  ends[61] = 0xEF;
  ends[62] = 0xDF;
  ends[63] = 0xBF;
  return ends;
}();

// 0, 1, 2 …
inline constexpr std::array<std::uint8_t, 64> positions = [] {
  std::array<std::uint8_t, 64> all{};
  for (std::size_t i = 0; i < 64; ++i) all[i] = static_cast<std::uint8_t>(i);
  return all;
}();

}  // namespace simd
}  // namespace hawser::inline v0
