#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// The grammar of Sec-WebSocket-Extensions, of which a handshake may carry several that are one
// list. Every function takes time that grows with the size of the text, and no memory.
//
// RFC 6455 9.1, with the white space of RFC 2616 between any two words:
//
//     extension-list = 1#extension
//     extension = extension-token *( ";" extension-param )
//     extension-param = token [ "=" (token | quoted-string) ]
namespace hawser::inline v0 {

/// A parameter of an extension. A view of the header.
struct extension_parameter {
  std::string_view name;
  std::string_view value = {};  ///< As it stands, between its quotes if it has some.
  bool has_value = false;

  /// Calls `visit` with each character of the value, without the backslashes of a quoted one.
  template <class Visitor>
  constexpr void for_each_character(Visitor&& visit) const {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\\') ++i;
      visit(value[i]);
    }
  }

  /// True where it has this value.
  [[nodiscard]] constexpr bool has_value_of(std::string_view expected) const noexcept {
    std::size_t size = 0;
    bool is_same = has_value;
    for_each_character([&](char c) {
      is_same = is_same && size < expected.size() && expected[size] == c;
      ++size;
    });
    return is_same && size == expected.size();
  }
};

/// An extension that is offered or accepted. A view of the header.
struct extension {
  std::string_view name;             ///< Case matters.
  std::string_view parameters = {};  ///< All of them, for for_each_parameter.
};

namespace detail {

inline constexpr std::string_view extensions_header = "Sec-WebSocket-Extensions";

constexpr void skip_space(std::string_view& text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// Takes `c` and the white space around it off the front, where it stands there.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool take_separator(std::string_view& text,
                                                             char c) noexcept {
  skip_space(text);
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  skip_space(text);
  return true;
}

// Empty where there is none.
[[nodiscard]] HAWSER_NO_INLINE constexpr std::string_view take_token(
    std::string_view& text) noexcept {
  const std::string_view token = front(text, count_token(text));
  text.remove_prefix(token.size());
  return token;
}

// Takes a quoted string, and gives what stands between its quotes; empty where it is wrong.
// RFC 6455 9.1: "When using the quoted-string syntax variant, the value after quoted-string
// unescaping MUST conform to the 'token' ABNF."
[[nodiscard]] HAWSER_NO_INLINE constexpr std::string_view take_quoted_token(
    std::string_view& text) noexcept {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') {
    if (text[end] == '\\') ++end;
    if (end == text.size() || !is_token_char(text[end])) return {};
    ++end;
  }
  if (end >= text.size()) return {};
  const std::string_view value = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return value;
}

// False where there is no parameter, or a wrong one.
[[nodiscard]] constexpr bool take_parameter(std::string_view& text,
                                            extension_parameter& found) noexcept {
  found = {.name = take_token(text)};
  if (found.name.empty()) return false;
  if (!take_separator(text, '=')) return true;
  found.has_value = true;
  const bool is_quoted = !text.empty() && text.front() == '"';
  found.value = is_quoted ? take_quoted_token(text) : take_token(text);
  return !found.value.empty();
}

enum class taken : std::uint8_t { nothing, one, wrong };

// Takes the next extension off a list.
[[nodiscard]] constexpr taken take_extension(std::string_view& list, extension& found) noexcept {
  while (take_separator(list, ',')) {
  }
  if (list.empty()) return taken::nothing;
  found.name = take_token(list);
  if (found.name.empty()) return taken::wrong;
  skip_space(list);
  const std::string_view behind_name = list;
  extension_parameter parameter;
  while (take_separator(list, ';')) {
    if (!take_parameter(list, parameter)) return taken::wrong;
  }
  found.parameters = behind_name.substr(0, behind_name.size() - list.size());
  return list.empty() || list.front() == ',' ? taken::one : taken::wrong;
}

}  // namespace detail

/// Calls `visit` with each parameter of an extension that for_each_extension gave, until it returns
/// false; true if it never did.
template <class Visitor>
constexpr bool for_each_parameter(const extension& of, Visitor&& visit) {
  std::string_view rest = of.parameters;
  extension_parameter parameter;
  while (detail::take_separator(rest, ';') && detail::take_parameter(rest, parameter)) {
    if (!visit(parameter)) return false;
  }
  return true;
}

/// Calls `visit` with each extension that the headers offer or accept, in their order, until it
/// returns false. `error::bad_extension_list` where one of those that were looked at is malformed;
/// see check_extensions.
template <class Visitor>
[[nodiscard]] constexpr error for_each_extension(header_list headers, Visitor&& visit) {
  for (const header& field : headers) {
    if (!detail::equals_ignoring_case(field.name, detail::extensions_header)) continue;
    std::string_view list = field.value;
    extension found;
    bool has_any = false;
    for (;;) {
      const detail::taken result = detail::take_extension(list, found);
      if (result == detail::taken::nothing && has_any) break;
      if (result != detail::taken::one) return error::bad_extension_list;
      has_any = true;
      if (!visit(static_cast<const extension&>(found))) return error::none;
    }
  }
  return error::none;
}

/// Checks all of the Sec-WebSocket-Extensions fields: `error::bad_extension_list` where one of them
/// is malformed, or has no element. No field at all is fine.
///
/// RFC 6455 9.1: "If a value is received by either the client or the server during negotiation that
/// does not conform to the ABNF below, the recipient of such malformed data MUST immediately _Fail
/// the WebSocket Connection_."
[[nodiscard]] HAWSER_COLD constexpr error check_extensions(header_list headers) noexcept {
  return for_each_extension(headers, [](const extension&) { return true; });
}

}  // namespace hawser::inline v0
