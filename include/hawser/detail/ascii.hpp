#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
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

// Letters, digits, and other characters.
class char_set {
 public:
  constexpr explicit char_set(std::string_view others) noexcept {
    for (std::size_t i = 0; i < has_.size(); ++i) {
      const auto c = static_cast<char>(i);
      has_[i] = is_alpha(c) || is_digit(c) || others.find(c) != std::string_view::npos;
    }
  }

  [[nodiscard]] constexpr bool has(char c) const noexcept {
    return has_[static_cast<unsigned char>(c)];
  }

 private:
  std::array<bool, 256> has_{};
};

// RFC 9110 5.6.2: tchar.
inline constexpr char_set token_chars{"!#$%&'*+-.^_`|~"};
[[nodiscard]] constexpr bool is_token_char(char c) noexcept { return token_chars.has(c); }

[[nodiscard]] HAWSER_NO_INLINE constexpr bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

// RFC 9110 5.5: field-vchar, space and tab; obs-text (0x80 to 0xFF) is let through where told to.
[[nodiscard]] constexpr bool is_field_char(char c) noexcept {
  const auto code = static_cast<unsigned char>(c);
  return code == '\t' || (code >= 0x20 && code < 0x7F);
}

// Of two texts of one size. Not inlined: with a literal it would be as many comparisons as that has
// letters, wherever it stands. Most texts are written in the usual case.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool same_ignoring_case(std::string_view a,
                                                                 std::string_view b) noexcept {
  if (!std::is_constant_evaluated() && a.size() >= 4) {
    // Words, the last of which overlaps the one before.
    const std::size_t last = a.size() - 4;
    std::size_t i = 0;
    while (i < last && std::memcmp(a.data() + i, b.data() + i, 4) == 0) i += 4;
    if (i >= last && std::memcmp(a.data() + last, b.data() + last, 4) == 0) return true;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
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
[[nodiscard]] HAWSER_NO_INLINE constexpr std::string_view next_element(
    std::string_view& list) noexcept {
  std::string_view element;
  while (!list.empty() && element.empty()) {
    std::size_t comma = 0;
    while (comma < list.size() && list[comma] != ',') ++comma;
    element = trim(list.substr(0, comma));
    list.remove_prefix(comma < list.size() ? comma + 1 : comma);
  }
  return element;
}

// True where the list has `token`, in any case.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool list_has_token(std::string_view list,
                                                             std::string_view token) noexcept {
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
