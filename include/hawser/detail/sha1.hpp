#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

// SHA-1 of RFC 3174, for the accept key of the opening handshake and for nothing else: RFC
// 6455 10.8 explains why the weaknesses of SHA-1 do not matter there.
namespace hawser::inline v0 {
namespace detail {

// Twenty steps that share a function and a constant. RFC 3174 6.2: the schedule is kept in 16
// words, W(t) over W(t-16).
template <class Function>
HAWSER_ALWAYS_INLINE constexpr void sha1_steps(std::array<std::uint32_t, 5>& h,
                                               std::array<std::uint32_t, 16>& words, unsigned first,
                                               std::uint32_t constant, Function f) noexcept {
  std::uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (unsigned t = first; t < first + 20; ++t) {
    std::uint32_t& word = words[t % 16];
    if (t >= 16) {
      word = std::rotl(words[(t + 13) % 16] ^ words[(t + 8) % 16] ^ words[(t + 2) % 16] ^ word, 1);
    }
    const std::uint32_t next = std::rotl(a, 5) + f(b, c, d) + e + word + constant;
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  h = {a, b, c, d, e};
}

HAWSER_NO_INLINE constexpr void sha1_block(std::array<std::uint32_t, 5>& h,
                                           const std::byte* block) noexcept {
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
  sha1_steps(next, words, 0, 0x5A827999U, choose);
  sha1_steps(next, words, 20, 0x6ED9EBA1U, parity);
  sha1_steps(next, words, 40, 0x8F1BBCDCU, majority);
  sha1_steps(next, words, 60, 0xCA62C1D6U, parity);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += next[i];
}

constexpr void sha1_blocks(std::array<std::uint32_t, 5>& h, const std::byte* blocks,
                           std::size_t count) noexcept {
  for (; count != 0; --count, blocks += 64) sha1_block(h, blocks);
}

inline constexpr std::array<std::uint32_t, 5> sha1_start{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU,
                                                         0x10325476U, 0xC3D2E1F0U};

constexpr std::array<std::byte, 20> sha1_digest(const std::array<std::uint32_t, 5>& h) noexcept {
  std::array<std::byte, 20> digest{};
  for (std::size_t i = 0; i < h.size(); ++i) store_big_endian<4>(digest.data() + 4 * i, h[i]);
  return digest;
}

// The last blocks: one or two, the second of which is zero where it is not needed. `end` are the
// bytes behind the last whole block of a message of `size` bytes.
constexpr std::array<std::byte, 128> sha1_pad(std::span<const std::byte> end,
                                              std::uint64_t size) noexcept {
  // RFC 3174 4: "a "1" followed by m "0"s followed by a 64-bit integer are appended to the end of
  // the message to produce a padded message of length 512 * n."
  std::array<std::byte, 128> blocks{};
  for (std::size_t i = 0; i < end.size(); ++i) blocks[i] = end[i];
  blocks[end.size()] = std::byte{0x80};
  store_big_endian<8>(blocks.data() + (end.size() + 9 <= 64 ? 56 : 120), size * 8);
  return blocks;
}

// The digest of a message that is there as a whole.
[[nodiscard]] constexpr std::array<std::byte, 20> sha1(
    std::span<const std::byte> message) noexcept {
  std::array<std::uint32_t, 5> h = sha1_start;
  sha1_blocks(h, message.data(), message.size() / 64);
  const std::span<const std::byte> end = message.last(message.size() % 64);
  sha1_blocks(h, sha1_pad(end, message.size()).data(), end.size() + 9 <= 64 ? 1 : 2);
  return sha1_digest(h);
}

}  // namespace detail
}  // namespace hawser::inline v0
