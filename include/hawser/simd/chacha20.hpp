#pragma once

#include "hawser/simd/small.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(HAWSER_SIMD_VECTORS)

// The stream cipher of RFC 8439, four blocks at a time: what a strong key is stretched with.
namespace hawser::inline v0 {
namespace simd {

inline constexpr std::size_t chacha20_key_size = 32;
inline constexpr std::size_t chacha20_stream_size = 256;

struct chacha20_place {
  std::uint32_t counter = 0;
  std::array<std::uint32_t, 3> nonce = {};
};

template <int Bits>
HAWSER_ALWAYS_INLINE small_words rotated_left(small_words words) noexcept {
  return words << Bits | words >> (32 - Bits);
}

// RFC 8439 2.1, in each lane.
HAWSER_ALWAYS_INLINE void quarter_round(small_words& a, small_words& b, small_words& c,
                                        small_words& d) noexcept {
  a += b;
  d = rotated_left<16>(d ^ a);
  c += d;
  b = rotated_left<12>(b ^ c);
  a += b;
  d = rotated_left<8>(d ^ a);
  c += d;
  b = rotated_left<7>(b ^ c);
}

// Writes four blocks of 64 bytes, RFC 8439 2.3. `to` may be where the key lies.
HAWSER_NO_INLINE inline void write_chacha20_stream(
    std::span<std::byte, chacha20_stream_size> to,
    std::span<const std::byte, chacha20_key_size> key, const chacha20_place& place = {}) noexcept {
  std::array<std::uint32_t, 16> first{0x61707865U, 0x3320646EU, 0x79622D32U, 0x6B206574U};
  for (std::size_t i = 0; i < 8; ++i) {
    first[4 + i] = detail::load<std::uint32_t>(key.data() + 4 * i);
  }
  first[12] = place.counter;
  for (std::size_t i = 0; i < 3; ++i) first[13 + i] = place.nonce[i];

  // Lane i of each vector is a word of block i.
  std::array<small_words, 16> start;
  for (std::size_t i = 0; i < 16; ++i) start[i] = small_words{} + first[i];
  start[12] += small_words{0, 1, 2, 3};
  std::array<small_words, 16> state = start;
  for (int round = 0; round < 20; round += 2) {
    quarter_round(state[0], state[4], state[8], state[12]);
    quarter_round(state[1], state[5], state[9], state[13]);
    quarter_round(state[2], state[6], state[10], state[14]);
    quarter_round(state[3], state[7], state[11], state[15]);
    quarter_round(state[0], state[5], state[10], state[15]);
    quarter_round(state[1], state[6], state[11], state[12]);
    quarter_round(state[2], state[7], state[8], state[13]);
    quarter_round(state[3], state[4], state[9], state[14]);
  }
  for (std::size_t i = 0; i < 16; ++i) {
    const small_words words = state[i] + start[i];
    for (std::size_t lane = 0; lane < 4; ++lane) {
      detail::store(to.data() + 64 * lane + 4 * i, words[lane]);
    }
  }
}

}  // namespace simd
}  // namespace hawser::inline v0

#endif
