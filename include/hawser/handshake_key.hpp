#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/base64.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/sha1.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/simd/sha1_x86.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace hawser::inline v0 {

/// The value of Sec-WebSocket-Key for 16 bytes, which must be random and fresh. RFC 6455 4.1.
[[nodiscard]] constexpr std::array<char, 24> make_key(
    std::span<const std::byte, 16> nonce) noexcept {
  std::array<char, 24> key{};
  detail::encode_base64(nonce, key.data());
  return key;
}

/// True where `key` is the base64 of 16 bytes. The four bits that base64 has too many may be any:
/// widespread clients make keys of 22 random letters and "==". RFC 6455 4.2.1.
[[nodiscard]] constexpr bool is_key(std::string_view key) noexcept {
  if (key.size() != 24 || key[22] != '=' || key[23] != '=') return false;
#if defined(HAWSER_SIMD_X86)
  if (!std::is_constant_evaluated()) {
    const auto are_wrong = [](detail::text_bytes in) {
      return detail::text_bits(detail::is_outside(in | 0x20, 'a', 'z') &
                               detail::is_outside(in, '/', '9') & (in != '+'));
    };
    // Eight of them are looked at twice, and the two "=" are none of the alphabet.
    return are_wrong(detail::load_text(key, 0)) == 0 &&
           are_wrong(detail::load_text(key, 8)) == 0xC000U;
  }
#endif
  for (std::size_t i = 0; i < 22; ++i) {
    if (detail::base64_values[static_cast<unsigned char>(key[i])] == detail::not_base64) {
      return false;
    }
  }
  return true;
}

namespace detail {

// What is hashed for the accept key, but for the key itself, which are the first 24 bytes: it is
// always 60 bytes long, and padded for SHA-1.
inline constexpr std::array<std::byte, 128> accept_blocks = [] {
  std::array<std::byte, 24 + accept_guid.size()> text{};
  for (std::size_t i = 0; i < accept_guid.size(); ++i) {
    text[24 + i] = static_cast<std::byte>(accept_guid[i]);
  }
  return sha1_pad(text, text.size());
}();

// The base64 of the hash of both blocks.
HAWSER_NO_INLINE constexpr void hash_and_encode(const std::array<std::byte, 128>& blocks,
                                                char* out) noexcept {
  std::array<std::uint32_t, 5> h = sha1_start;
  sha1_blocks(h, blocks.data(), 2);
  encode_base64(sha1_digest(h), out);
}

// Writes the 28 characters of make_accept_key.
HAWSER_NO_INLINE constexpr void write_accept_key(std::string_view key, char* out) noexcept {
  // RFC 6455 4.2.2: "concatenating /key/, defined above in step 4 in Section 4.2.2, with the string
  // "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this concatenated value to
  // obtain a 20-byte value and base64-encoding (see Section 4 of [RFC4648]) this 20-byte hash."
  HAWSER_ASSERT(key.size() == 24);
  std::array<std::byte, 128> blocks = accept_blocks;
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < 24; ++i) blocks[i] = static_cast<std::byte>(key[i]);
  } else {
    std::memcpy(blocks.data(), key.data(), 24);
  }
#if defined(HAWSER_SIMD_X86)
  if (!std::is_constant_evaluated() && simd::sha1_x86::is_usable()) {
    simd::sha1_x86::hash_and_encode(sha1_start, blocks.data(), out);
    return;
  }
#endif
  hash_and_encode(blocks, out);
}

}  // namespace detail

/// The value of Sec-WebSocket-Accept for a key of 24 characters. RFC 6455 4.2.2.
[[nodiscard]] constexpr std::array<char, 28> make_accept_key(std::string_view key) noexcept {
  std::array<char, 28> accept{};
  detail::write_accept_key(key, accept.data());
  return accept;
}

}  // namespace hawser::inline v0
