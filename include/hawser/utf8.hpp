#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/mask.hpp"
#include "hawser/simd/dispatch.hpp"
#include "hawser/simd/scalar.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace hawser::inline v0 {

/// Where a text stands between two parts of it: what the next byte may be. One byte.
class utf8_state {
 public:
  /// True where no code point is cut: the text may end here.
  [[nodiscard]] constexpr bool is_complete() const noexcept { return leading_ == 0; }

  friend constexpr bool operator==(const utf8_state&, const utf8_state&) = default;

 private:
  friend constexpr std::size_t validate_utf8(utf8_state& state,
                                             std::span<const std::byte> part) noexcept;
  friend constexpr std::size_t unmask_utf8(utf8_state& state, std::byte* to,
                                           std::span<const std::byte> from,
                                           masking_key& key) noexcept;

  // The byte that begins the code point that is cut, or another that asks the same of what follows;
  // 0: none is cut.
  std::uint8_t leading_ = 0;
};

/// Checks the next part of a text and returns how many of its bytes can stand: all of them, or as
/// many as come before the first impossible byte, after which `state` must not be used again.
///
/// The text may be cut anywhere, inside a code point too; at its end ask `state.is_complete()`.
/// Surrogates, overlong forms and code points over U+10FFFF are refused at their first byte that
/// gives them away. RFC 3629 4.
[[nodiscard]] constexpr std::size_t validate_utf8(utf8_state& state,
                                                  std::span<const std::byte> part) noexcept {
  if (!std::is_constant_evaluated()) {
    return simd::validate_utf8(state.leading_, part.data(), part.size());
  }
  auto next = simd::scalar::after_leading_byte(state.leading_);
  const std::size_t valid = simd::scalar::validate_utf8(next, part.data(), part.size());
  state.leading_ = simd::scalar::leading_byte_for(next);
  return valid;
}

/// Unmasks the next part of a text and checks it in the same pass: what mask_copy to `to` and then
/// validate_utf8 do. `to` is `from.data()`, or has room for `from.size()` bytes and does not
/// overlap them. All bytes are unmasked, whatever they are; `key` is then the one for the part that
/// follows.
[[nodiscard]] constexpr std::size_t unmask_utf8(utf8_state& state, std::byte* to,
                                                std::span<const std::byte> from,
                                                masking_key& key) noexcept {
  const std::uint32_t bytes = key.memory();
  key = key.rotated(from.size());
  if (!std::is_constant_evaluated()) {
    return simd::unmask_utf8(state.leading_, to, from.data(), from.size(), bytes);
  }
  simd::scalar::mask(to, from.data(), from.size(), bytes);
  return validate_utf8(state, {to, from.size()});
}

/// True where the whole is valid UTF-8.
[[nodiscard]] constexpr bool is_utf8(std::span<const std::byte> text) noexcept {
  if (!std::is_constant_evaluated()) return simd::is_utf8(text.data(), text.size());
  utf8_state state;
  return validate_utf8(state, text) == text.size() && state.is_complete();
}

/// Unmasks a whole text and checks it in the same pass. False where it is not UTF-8, and it is as
/// it was.
[[nodiscard]] HAWSER_ALWAYS_INLINE constexpr bool unmask_text(std::span<std::byte> text,
                                                              masking_key key) noexcept {
  if (!std::is_constant_evaluated()) {
    return simd::unmask_text(text.data(), text.size(), key.memory());
  }
  simd::scalar::mask(text.data(), text.data(), text.size(), key.memory());
  if (is_utf8(text)) return true;
  simd::scalar::mask(text.data(), text.data(), text.size(), key.memory());
  return false;
}

/// True where the whole is valid UTF-8.
[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept {
  return is_utf8(std::as_bytes(std::span{text}));
}

}  // namespace hawser::inline v0
