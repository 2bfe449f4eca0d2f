#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// The base64 of RFC 4648 4, into memory that the caller gives.
namespace hawser::inline v0 {
namespace detail {

inline constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline constexpr std::uint8_t not_base64 = 0xFF;

inline constexpr std::array<std::uint8_t, 256> base64_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_base64);
  for (std::uint8_t i = 0; i < 64; ++i) {
    values[static_cast<unsigned char>(base64_alphabet[i])] = i;
  }
  return values;
}();

// How many characters encode `size` bytes, padding included.
[[nodiscard]] constexpr std::size_t base64_size(std::size_t size) noexcept {
  return size / 3 * 4 + (size % 3 == 0 ? 0U : 4U);
}

// Writes base64_size(in.size()) characters to `out` and returns how many that were.
HAWSER_NO_INLINE constexpr std::size_t encode_base64(std::span<const std::byte> in,
                                                     char* out) noexcept {
  const std::size_t size = base64_size(in.size());
  const std::byte* from = in.data();
  for (std::size_t left = in.size(); left != 0; out += 4) {
    const std::size_t taken = left < 3 ? left : 3;
    std::uint32_t group = std::to_integer<std::uint32_t>(from[0]) << 16;
    if (taken > 1) group |= std::to_integer<std::uint32_t>(from[1]) << 8;
    if (taken > 2) group |= std::to_integer<std::uint32_t>(from[2]);
    out[0] = base64_alphabet[group >> 18];
    out[1] = base64_alphabet[group >> 12 & 63];
    out[2] = taken > 1 ? base64_alphabet[group >> 6 & 63] : '=';
    out[3] = taken > 2 ? base64_alphabet[group & 63] : '=';
    from += taken;
    left -= taken;
  }
  return size;
}

// What decode_base64 returns for text that is no base64, or does not fit.
inline constexpr std::size_t bad_base64 = static_cast<std::size_t>(-1);

// Writes at most `capacity` bytes to `out` and returns how many, or bad_base64; `out` may then have
// been written to. Strict: padding must be there, and exactly one text decodes to given bytes.
// RFC 4648 3.3: "Implementations MUST reject the encoded data if it contains characters outside the
// base alphabet when interpreting base-encoded data". 3.5 lets decoders "reject an encoding if the
// pad bits have not been set to zero".
[[nodiscard]] constexpr std::size_t decode_base64(std::string_view in, std::byte* out,
                                                  std::size_t capacity) noexcept {
  if (in.size() % 4 != 0) return bad_base64;
  std::size_t padding = 0;
  while (padding < 2 && in.ends_with('=')) {
    in.remove_suffix(1);
    ++padding;
  }
  const std::size_t size = (in.size() + padding) / 4 * 3 - padding;
  if (size > capacity) return bad_base64;

  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : in) {
    const std::uint8_t value = base64_values[static_cast<unsigned char>(c)];
    if (value == not_base64) return bad_base64;
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      *out++ = static_cast<std::byte>(bits >> count & 0xFFU);
    }
  }
  const std::uint32_t pad_bits = bits & ((1U << count) - 1U);
  return pad_bits == 0 ? size : bad_base64;
}

}  // namespace detail
}  // namespace hawser::inline v0
