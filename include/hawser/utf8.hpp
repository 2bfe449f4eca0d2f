#pragma once

#include "hawser/detail/bytes.hpp"
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

/// Where a text stands between two parts of it: what the next byte may be. Four bytes.
class utf8_state {
 public:
  /// True where no code point is cut: the text may end here.
  [[nodiscard]] constexpr bool is_complete() const noexcept { return state_.pending == 0; }

  friend constexpr bool operator==(const utf8_state&, const utf8_state&) = default;

 private:
  friend constexpr std::size_t validate_utf8(utf8_state& state,
                                             std::span<const std::byte> part) noexcept;
  friend constexpr std::size_t unmask_utf8(utf8_state& state, std::byte* to,
                                           std::span<const std::byte> from,
                                           masking_key& key) noexcept;

  simd::scalar::utf8_expectation state_;
};

/// Checks the next part of a text and returns how many of its bytes can stand: all of them, or as
/// many as come before the first impossible byte, after which `state` must not be used again.
///
/// The text may be cut anywhere, inside a code point too; at its end ask `state.is_complete()`.
/// Surrogates, overlong forms and code points over U+10FFFF are refused at their first byte that
/// gives them away. RFC 3629 4.
[[nodiscard]] constexpr std::size_t validate_utf8(utf8_state& state,
                                                  std::span<const std::byte> part) noexcept {
  return std::is_constant_evaluated()
             ? simd::scalar::validate_utf8(state.state_, part.data(), part.size())
             : simd::validate_utf8(state.state_, part.data(), part.size());
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
  if (std::is_constant_evaluated()) {
    simd::scalar::mask(to, from.data(), from.size(), bytes);
    return simd::scalar::validate_utf8(state.state_, to, from.size());
  }
  return simd::unmask_utf8(state.state_, to, from.data(), from.size(), bytes);
}

/// True where the whole is valid UTF-8.
[[nodiscard]] constexpr bool is_utf8(std::span<const std::byte> text) noexcept {
  utf8_state state;
  return validate_utf8(state, text) == text.size() && state.is_complete();
}

/// True where the whole is valid UTF-8.
[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept {
  return is_utf8(std::as_bytes(std::span{text}));
}

}  // namespace hawser::inline v0
