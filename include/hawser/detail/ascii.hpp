#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

// The character classes of RFC 9110 5.6 and comparisons without a locale, all constexpr.
namespace hawser::inline v0 {
namespace detail {

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// The value of a hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The first `size` bytes of a text that has so many: substr would look, and throw.
[[nodiscard]] constexpr std::string_view front(std::string_view text, std::size_t size) noexcept {
  text.remove_suffix(text.size() - size);
  return text;
}

// Classes of characters, each of which has the letters and digits, and others.
enum char_class : std::uint8_t {
  token_char = 1,   // RFC 9110 5.6.2: tchar
  uri_char = 2,     // RFC 3986 2.3 and 2.2: unreserved and sub-delims
  scheme_char = 4,  // RFC 3986 3.1
};

// The classes of each, a bit each.
inline constexpr std::array<std::uint8_t, 256> char_classes = [] {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&](std::string_view others, char_class which) {
    for (const char c : others) {
      classes[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(which);
    }
  };
  for (const char_class each : {token_char, uri_char, scheme_char}) {
    add("abcdefghijklmnopqrstuvwxyz", each);
    add("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", each);
  }
  add("!#$%&'*+-.^_`|~", token_char);
  add("-._~!$&'()*+,;=", uri_char);
  add("+-.", scheme_char);
  return classes;
}();

[[nodiscard]] constexpr bool is_in(char_class which, char c) noexcept {
  return (char_classes[static_cast<unsigned char>(c)] & which) != 0;
}

[[nodiscard]] constexpr bool is_token_char(char c) noexcept { return is_in(token_char, c); }

#if defined(HAWSER_SIMD_X86)
// A test of sixteen bytes: all bits of those are set for which it holds.
using text_bytes = signed char __attribute__((vector_size(16)));

[[nodiscard]] HAWSER_ALWAYS_INLINE text_bytes load_text(std::string_view text,
                                                        std::size_t at) noexcept {
  text_bytes bytes;
  std::memcpy(&bytes, text.data() + at, sizeof bytes);
  return bytes;
}

// A bit for each, the first in the lowest.
[[nodiscard]] HAWSER_ALWAYS_INLINE unsigned text_bits(text_bytes test) noexcept {
  using mask = char __attribute__((vector_size(16)));
  return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<mask>(test)));
}

// True for bytes below `from` and above `to`, taken as numbers without a sign. The range is moved
// to where one comparison tells.
[[nodiscard]] HAWSER_ALWAYS_INLINE text_bytes is_outside(text_bytes in, char from,
                                                         char to) noexcept {
  using unsigned_bytes = unsigned char __attribute__((vector_size(16)));
  const auto moved = reinterpret_cast<unsigned_bytes>(in) + static_cast<unsigned char>(0x80 - from);
  return reinterpret_cast<text_bytes>(moved) > static_cast<signed char>(to - from - 0x80);
}
#endif

// Skips letters, digits, "-" and "." in whole steps and returns how many those were: nearly all of
// the names of headers and of hosts. What stands there may be one, too.
[[nodiscard]] HAWSER_ALWAYS_INLINE constexpr std::size_t skip_usual(
    [[maybe_unused]] std::string_view text) noexcept {
  std::size_t i = 0;
#if defined(HAWSER_SIMD_X86)
  if (std::is_constant_evaluated()) return 0;
  for (; text.size() - i >= 16; i += 16) {
    const text_bytes in = load_text(text, i);
    const text_bytes no_letter = is_outside(in | 0x20, 'a', 'z');
    const text_bytes no_digit = is_outside(in, '-', '9') | (in == '/');
    const unsigned bits = text_bits(no_letter & no_digit);
    if (bits != 0) return i + static_cast<std::size_t>(std::countr_zero(bits));
  }
#endif
  return i;
}

// The same, of which there is one copy.
[[nodiscard]] HAWSER_NO_INLINE constexpr std::size_t count_usual(std::string_view text) noexcept {
  return skip_usual(text);
}

// How many bytes at the front are those of a token.
[[nodiscard]] constexpr std::size_t count_token(std::string_view text) noexcept {
  std::size_t i = count_usual(text);
  while (i < text.size() && is_token_char(text[i])) ++i;
  return i;
}

[[nodiscard]] HAWSER_NO_INLINE constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && count_token(text) == text.size();
}

// Visible ASCII but for "#": the bytes of a request target. How many of the text at the front are
// such.
[[nodiscard]] HAWSER_NO_INLINE constexpr std::size_t count_target(std::string_view text) noexcept {
  std::size_t i = 0;
#if defined(HAWSER_SIMD_X86)
  if (!std::is_constant_evaluated()) {
    for (; text.size() - i >= 16; i += 16) {
      const text_bytes in = load_text(text, i);
      // Bytes from 0x80 on are negative.
      if (text_bits((in < '!') | (in == '\x7F') | (in == '#')) != 0) break;
    }
  }
#endif
  while (i < text.size() && text[i] > ' ' && text[i] < '\x7F' && text[i] != '#') ++i;
  return i;
}

// RFC 9110 5.5: field-vchar, space and tab; obs-text (0x80 to 0xFF) is let through where told to.
[[nodiscard]] constexpr bool is_field_char(char c) noexcept {
  const auto code = static_cast<unsigned char>(c);
  return code == '\t' || (code >= 0x20 && code < 0x7F);
}

// Eight letters at once.
[[nodiscard]] constexpr std::uint64_t to_lower(std::uint64_t text) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101U;
  // The highest bit of each byte tells of it: nothing carries into the next.
  const std::uint64_t low = text & each * 0x7F;
  const std::uint64_t from_a = low + each * (0x80 - 'A');
  const std::uint64_t behind_z = low + each * (0x7F - 'Z');
  return text | (from_a & ~behind_z & ~text & each * 0x80) >> 2;
}

// Of two texts of one size. Not inlined: with a literal it would be as many comparisons as that has
// letters, wherever it stands.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool same_ignoring_case(std::string_view a,
                                                                 std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (std::is_constant_evaluated() || size < 8) {
    for (std::size_t i = 0; i < size; ++i) {
      if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
  }
  // Words, the last of which overlaps the one before.
  for (std::size_t i = 0;;) {
    std::uint64_t one = 0;
    std::uint64_t other = 0;
    std::memcpy(&one, a.data() + i, 8);
    std::memcpy(&other, b.data() + i, 8);
    if (one != other && to_lower(one) != to_lower(other)) return false;
    if (i == size - 8) return true;
    i = i + 8 < size - 8 ? i + 8 : size - 8;
  }
}

[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && same_ignoring_case(a, b);
}

// RFC 9110 5.6.3: without spaces and tabs at both ends.
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// RFC 9110 5.6.1: takes the next element that is not empty off a comma-separated list, and returns
// it trimmed; empty where there is none. Commas in quoted strings are not known here: the lists
// that are read with this are of tokens.
[[nodiscard]] HAWSER_COLD constexpr std::string_view next_element(std::string_view& list) noexcept {
  std::string_view element;
  while (!list.empty() && element.empty()) {
    std::size_t comma = 0;
    while (comma < list.size() && list[comma] != ',') ++comma;
    element = trim(front(list, comma));
    list.remove_prefix(comma < list.size() ? comma + 1 : comma);
  }
  return element;
}

// True where the list has `token`, in any case.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool list_has_token(std::string_view list,
                                                             std::string_view token) noexcept {
  if (equals_ignoring_case(list, token)) return true;
  for (;;) {
    const std::string_view element = next_element(list);
    if (element.empty()) return false;
    if (equals_ignoring_case(element, token)) return true;
  }
}

// Calls `visit` for each of them until it returns false; true if it never did.
template <class Visitor>
constexpr bool for_each_element(std::string_view list, Visitor&& visit) {
  for (;;) {
    const std::string_view element = next_element(list);
    if (element.empty()) return true;
    if (!visit(element)) return false;
  }
}

}  // namespace detail
}  // namespace hawser::inline v0
