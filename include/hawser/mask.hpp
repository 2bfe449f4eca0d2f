#pragma once

#include "hawser/simd/dispatch.hpp"
#include "hawser/simd/scalar.hpp"
#include "hawser/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace hawser::inline v0 {

/// The four bytes with which a client masks a frame. RFC 6455 5.3.
class masking_key {
 public:
  constexpr masking_key() = default;

  /// From the four bytes as they stand on the wire.
  [[nodiscard]] static constexpr masking_key from_bytes(const std::byte* bytes) noexcept {
    return masking_key{
        std::bit_cast<std::uint32_t>(std::array{bytes[0], bytes[1], bytes[2], bytes[3]})};
  }

  /// From a number whose bytes in memory are those of the wire: what a source of entropy gives.
  [[nodiscard]] static constexpr masking_key from_memory(std::uint32_t bytes) noexcept {
    return masking_key{bytes};
  }

  /// The four bytes as they stand on the wire.
  constexpr void to_bytes(std::byte* bytes) const noexcept {
    const auto stored = std::bit_cast<std::array<std::byte, 4>>(bytes_);
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = stored[i];
  }

  /// The key for what follows after `count` bytes of payload.
  [[nodiscard]] constexpr masking_key rotated(std::size_t count) const noexcept {
    return masking_key{simd::turned(bytes_, count)};
  }

  /// The bytes as they lie in memory.
  [[nodiscard]] constexpr std::uint32_t memory() const noexcept { return bytes_; }

  friend constexpr bool operator==(masking_key, masking_key) = default;

 private:
  constexpr explicit masking_key(std::uint32_t bytes) noexcept : bytes_{bytes} {}

  std::uint32_t bytes_ = 0;
};

/// Masks or unmasks a payload, or a part of it, in place; returns the key for the part that
/// follows. Touches no byte outside the span, which may have any size and alignment. RFC 6455 5.3.
constexpr masking_key mask(std::span<std::byte> payload, masking_key key) noexcept {
  if (std::is_constant_evaluated()) {
    simd::scalar::mask(payload.data(), payload.data(), payload.size(), key.memory());
  } else {
    simd::mask(payload.data(), payload.data(), payload.size(), key.memory());
  }
  return key.rotated(payload.size());
}

/// Masks or unmasks while it copies: `to` has room for `from.size()` bytes and does not overlap it.
/// Returns the key for the part that follows.
constexpr masking_key mask_copy(std::byte* to, std::span<const std::byte> from,
                                masking_key key) noexcept {
  if (std::is_constant_evaluated()) {
    simd::scalar::mask(to, from.data(), from.size(), key.memory());
  } else {
    simd::mask(to, from.data(), from.size(), key.memory());
  }
  return key.rotated(from.size());
}

}  // namespace hawser::inline v0
