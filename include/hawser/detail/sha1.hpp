#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

// SHA-1 of RFC 3174, for the accept key of the opening handshake and for nothing else: RFC
// 6455 10.8 explains why the weaknesses of SHA-1 do not matter there.
namespace hawser::inline v0 {
namespace detail {

// RFC 3174 6.2: the schedule is kept in 16 words, W(t) over W(t-16).
HAWSER_ALWAYS_INLINE constexpr std::uint32_t sha1_word(std::array<std::uint32_t, 16>& words,
                                                       unsigned t) noexcept {
  std::uint32_t& word = words[t % 16];
  if (t >= 16) {
    word = std::rotl(words[(t + 13) % 16] ^ words[(t + 8) % 16] ^ words[(t + 2) % 16] ^ word, 1);
  }
  return word;
}

// Twenty steps that share a function and a constant. Instead of moving five variables along, each
// step names them one place further.
template <unsigned First, std::uint32_t Constant, class Function>
HAWSER_ALWAYS_INLINE constexpr void sha1_steps(std::array<std::uint32_t, 5>& h,
                                               std::array<std::uint32_t, 16>& words,
                                               Function f) noexcept {
  const auto step = [&](std::uint32_t a, std::uint32_t& b, std::uint32_t c, std::uint32_t d,
                        std::uint32_t& e, unsigned t) {
    e += std::rotl(a, 5) + f(b, c, d) + sha1_word(words, t) + Constant;
    b = std::rotl(b, 30);
  };
  auto [a, b, c, d, e] = h;
  for (unsigned t = First; t < First + 20; t += 5) {
    step(a, b, c, d, e, t);
    step(e, a, b, c, d, t + 1);
    step(d, e, a, b, c, t + 2);
    step(c, d, e, a, b, t + 3);
    step(b, c, d, e, a, t + 4);
  }
  h = {a, b, c, d, e};
}

constexpr void sha1_block(std::array<std::uint32_t, 5>& h, const std::byte* block) noexcept {
  std::array<std::uint32_t, 16> words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = static_cast<std::uint32_t>(load_big_endian<4>(block + 4 * i));
  }
  const auto choose = [](std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return d ^ (b & (c ^ d));
  };
  const auto parity = [](std::uint32_t b, std::uint32_t c, std::uint32_t d) { return b ^ c ^ d; };
  const auto majority = [](std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return (b & c) | (d & (b | c));
  };
  std::array<std::uint32_t, 5> next = h;
  sha1_steps<0, 0x5A827999U>(next, words, choose);
  sha1_steps<20, 0x6ED9EBA1U>(next, words, parity);
  sha1_steps<40, 0x8F1BBCDCU>(next, words, majority);
  sha1_steps<60, 0xCA62C1D6U>(next, words, parity);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += next[i];
}

// The digest of a message that is there as a whole.
[[nodiscard]] constexpr std::array<std::byte, 20> sha1(
    std::span<const std::byte> message) noexcept {
  std::array<std::uint32_t, 5> h{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
  const std::uint64_t size_in_bits = std::uint64_t{message.size()} * 8;
  while (message.size() >= 64) {
    sha1_block(h, message.data());
    message = message.subspan(64);
  }

  // RFC 3174 4: "a "1" followed by m "0"s followed by a 64-bit integer are appended to the end of
  // the message to produce a padded message of length 512 * n."
  std::array<std::byte, 128> tail{};
  std::copy(message.begin(), message.end(), tail.begin());
  tail[message.size()] = std::byte{0x80};
  const std::size_t tail_size = message.size() + 9 <= 64 ? 64 : 128;
  store_big_endian<8>(tail.data() + tail_size - 8, size_in_bits);
  for (std::size_t i = 0; i < tail_size; i += 64) sha1_block(h, tail.data() + i);

  std::array<std::byte, 20> digest{};
  for (std::size_t i = 0; i < h.size(); ++i) store_big_endian<4>(digest.data() + 4 * i, h[i]);
  return digest;
}

}  // namespace detail
}  // namespace hawser::inline v0
