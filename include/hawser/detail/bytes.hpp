#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace hawser::inline v0 {

namespace detail {

template <class T>
concept byte_like =
    std::is_same_v<std::remove_cv_t<T>, std::byte> || std::is_same_v<std::remove_cv_t<T>, char> ||
    std::is_same_v<std::remove_cv_t<T>, unsigned char> ||
    std::is_same_v<std::remove_cv_t<T>, char8_t>;

// Anything contiguous of bytes: arrays, std::array, std::vector, std::string, std::span, views.
template <class Range>
concept byte_range = requires(Range& range) {
  std::data(range);
  std::size(range);
  requires byte_like<std::remove_pointer_t<decltype(std::data(range))>>;
};

template <class Range>
concept writable_byte_range =
    byte_range<Range> &&
    !std::is_const_v<std::remove_pointer_t<decltype(std::data(std::declval<Range&>()))>>;

// Not a string literal, whose size counts a zero that nobody means.
template <class Range>
concept not_a_literal =
    !std::is_array_v<std::remove_reference_t<Range>> ||
    !std::is_same_v<std::remove_cv_t<std::remove_all_extents_t<std::remove_reference_t<Range>>>,
                    char>;

}  // namespace detail

/// Bytes that are read: a view of anything contiguous of `std::byte`, `char`, `unsigned char` or
/// `char8_t`. It owns nothing.
struct byte_view : std::span<const std::byte> {
  constexpr byte_view() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr byte_view(std::span<const std::byte> bytes) noexcept : span{bytes} {}
  constexpr byte_view(const std::byte* data, std::size_t size) noexcept : span{data, size} {}
  byte_view(const void* data, std::size_t size) noexcept
      : span{static_cast<const std::byte*>(data), size} {}

  template <detail::byte_range Range>
    requires detail::not_a_literal<Range>
  // NOLINTNEXTLINE(google-explicit-constructor)
  byte_view(const Range& range) noexcept
      : span{reinterpret_cast<const std::byte*>(std::data(range)), std::size(range)} {}
};

/// Bytes that are written to, or changed in place: like byte_view, but not const.
struct mutable_byte_view : std::span<std::byte> {
  constexpr mutable_byte_view() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr mutable_byte_view(std::span<std::byte> bytes) noexcept : span{bytes} {}
  constexpr mutable_byte_view(std::byte* data, std::size_t size) noexcept : span{data, size} {}
  mutable_byte_view(void* data, std::size_t size) noexcept
      : span{static_cast<std::byte*>(data), size} {}

  template <detail::writable_byte_range Range>
  // NOLINTNEXTLINE(google-explicit-constructor)
  mutable_byte_view(Range&& range) noexcept
      : span{reinterpret_cast<std::byte*>(std::data(range)), std::size(range)} {}
};

/// The same bytes as text. They need not be UTF-8.
[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace detail {

template <class Integer>
[[nodiscard]] inline Integer load(const std::byte* from) noexcept {
  Integer value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class Integer>
inline void store(std::byte* to, Integer value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

// Copies that take no bytes may have null pointers, which std::memcpy must not be given.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t size) noexcept {
  if (size != 0) std::memcpy(to, from, size);
}

// Network byte order, usable in constant expressions; compilers turn both into one instruction.
template <std::size_t Size>
[[nodiscard]] constexpr std::uint64_t load_big_endian(const std::byte* from) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < Size; ++i)
    value = value << 8 | std::to_integer<std::uint64_t>(from[i]);
  return value;
}

template <std::size_t Size>
constexpr void store_big_endian(std::byte* to, std::uint64_t value) noexcept {
  for (std::size_t i = 0; i < Size; ++i) {
    to[i] = static_cast<std::byte>(value >> (8 * (Size - 1 - i)) & 0xFFU);
  }
}

}  // namespace detail

}  // namespace hawser::inline v0
