#pragma once

#include "hawser/detail/base64.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/sha1.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

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
  if (key.size() != 24 || !key.ends_with("==")) return false;
  for (const char c : key.substr(0, 22)) {
    if (detail::base64_values[static_cast<unsigned char>(c)] == detail::not_base64) return false;
  }
  return true;
}

/// The value of Sec-WebSocket-Accept for a key of 24 characters. RFC 6455 4.2.2.
[[nodiscard]] constexpr std::array<char, 28> make_accept_key(std::string_view key) noexcept {
  // RFC 6455 4.2.2: "concatenating /key/, defined above in step 4 in Section 4.2.2, with the string
  // "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this concatenated value to
  // obtain a 20-byte value and base64-encoding (see Section 4 of [RFC4648]) this 20-byte hash."
  HAWSER_ASSERT(key.size() == 24);
  std::array<std::byte, 24 + accept_guid.size()> text{};
  std::size_t size = 0;
  for (const std::string_view part : {key.substr(0, 24), accept_guid}) {
    for (const char c : part) text[size++] = static_cast<std::byte>(c);
  }
  const std::array<std::byte, 20> hash = detail::sha1(std::span{text}.first(size));
  std::array<char, 28> accept{};
  detail::encode_base64(hash, accept.data());
  return accept;
}

}  // namespace hawser::inline v0
