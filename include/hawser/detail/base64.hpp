#pragma once

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
constexpr std::size_t encode_base64(std::span<const std::byte> in, char* out) noexcept {
  char* next = out;
  std::uint32_t group = 0;
  std::size_t left = 0;
  const auto put = [&] {
    for (int shift = 18; shift >= 0; shift -= 6) *next++ = base64_alphabet[group >> shift & 63];
  };
  for (; in.size() >= 3; in = in.subspan(3)) {
    group = std::to_integer<std::uint32_t>(in[0]) << 16 |
            std::to_integer<std::uint32_t>(in[1]) << 8 | std::to_integer<std::uint32_t>(in[2]);
    put();
  }
  left = in.size();
  if (left != 0) {
    group = std::to_integer<std::uint32_t>(in[0]) << 16;
    if (left == 2) group |= std::to_integer<std::uint32_t>(in[1]) << 8;
    put();
    next[-1] = '=';
    if (left == 1) next[-2] = '=';
  }
  return static_cast<std::size_t>(next - out);
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
