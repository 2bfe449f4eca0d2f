#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/parsed.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hawser::inline v0 {

/// A host and perhaps a port, as a Host header, a URI or an Origin names them.
struct authority {
  std::string_view host;   ///< A name, an IPv4 address, or an IPv6 address in its brackets.
  std::uint16_t port = 0;  ///< 1 to 65535; 0 where none was given.

  [[nodiscard]] constexpr bool has_port() const noexcept { return port != 0; }

  /// The port, or `default_port` where none was given.
  [[nodiscard]] constexpr std::uint16_t port_or(std::uint16_t default_port) const noexcept {
    return has_port() ? port : default_port;
  }
};

/// The port of a scheme, in any case, that serves WebSocket: 80 for http and ws, 443 for https and
/// wss, 0 for any other. RFC 6455 3, RFC 9110 4.2.
[[nodiscard]] HAWSER_NO_INLINE constexpr std::uint16_t default_port_of(
    std::string_view scheme) noexcept {
  using detail::equals_ignoring_case;
  if (equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "ws")) return 80;
  if (equals_ignoring_case(scheme, "https") || equals_ignoring_case(scheme, "wss")) return 443;
  return 0;
}

namespace detail {

// Unreserved characters, sub-delims, those of `extra`, and "%" before two hexadecimal digits. All
// of them are visible ASCII.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool is_uri_text(std::string_view text,
                                                          std::string_view extra) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_in(uri_char, text[i])) continue;
    if (text[i] == '%') {
      // RFC 3986 2.1: pct-encoded = "%" HEXDIG HEXDIG
      if (text.size() - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
        return false;
      }
      i += 2;
    } else if (extra.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// True where the scheme ends at `at`.
[[nodiscard]] constexpr bool has_scheme_end(std::string_view text, std::size_t at) noexcept {
  return text.size() - at >= 3 && text[at] == ':' && text[at + 1] == '/' && text[at + 2] == '/';
}

// RFC 3986 3.2.2: four numbers from 0 to 255 without leading zeros.
[[nodiscard]] HAWSER_COLD constexpr bool is_ipv4(std::string_view text) noexcept {
  for (int octet = 1;; ++octet) {
    std::size_t size = 0;
    unsigned value = 0;
    while (size < text.size() && size < 3 && is_digit(text[size])) {
      value = value * 10 + static_cast<unsigned>(text[size] - '0');
      ++size;
    }
    if (size == 0 || value > 255 || (size > 1 && text.front() == '0')) return false;
    text.remove_prefix(size);
    if (octet == 4) return text.empty();
    if (text.empty() || text.front() != '.') return false;
    text.remove_prefix(1);
  }
}

// RFC 3986 3.2.2: eight groups of one to four hexadecimal digits; "::" stands once at most, for one
// or more groups of zeros; the last two groups may be an IPv4 address.
[[nodiscard]] HAWSER_COLD constexpr bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool is_compressed = false;
  if (text.starts_with("::")) {
    is_compressed = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  for (;;) {
    std::size_t size = 0;
    while (size < text.size() && size < 4 && hex_value(text[size]) >= 0) ++size;
    if (size == 0) return false;
    if (size < text.size() && text[size] == '.') {
      if (!is_ipv4(text)) return false;
      groups += 2;
      break;
    }
    ++groups;
    text.remove_prefix(size);
    if (text.empty()) break;
    if (text.front() != ':') return false;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (is_compressed) return false;
      is_compressed = true;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  return is_compressed ? groups <= 7 : groups == 8;
}

// RFC 3986 3.2.2: host, without IPvFuture and without the zone identifiers of RFC 6874, which mean
// nothing to another machine. RFC 9110 4.2.1: the empty host is refused.
[[nodiscard]] HAWSER_COLD constexpr bool is_unusual_host(std::string_view host) noexcept {
  if (host.starts_with('[')) {
    return host.ends_with(']') && is_ipv6({host.data() + 1, host.size() - 2});
  }
  return is_uri_text(host, {});
}

}  // namespace detail

namespace detail {

// As parse_authority; writes to `to`, also where it returns an error.
[[nodiscard]] HAWSER_NO_INLINE constexpr error read_authority(std::string_view text,
                                                              authority& to) noexcept {
  std::size_t colon = count_usual(text);
  while (colon < text.size() && is_in(uri_char, text[colon])) ++colon;
  bool is_host = colon != 0;
  if (colon < text.size() && text[colon] != ':') {
    if (text[0] == '[') {
      while (colon < text.size() && text[colon] != ']') ++colon;
    }
    while (colon < text.size() && text[colon] != ':') ++colon;
    is_host = is_unusual_host(front(text, colon));
  }
  to.host = front(text, colon);
  to.port = 0;
  if (!is_host) return error::bad_host;
  if (text.size() - colon < 2) return error::none;

  // RFC 3986 3.2.3: port = *DIGIT
  std::uint32_t port = 0;
  while (++colon < text.size()) {
    if (!is_digit(text[colon])) return error::bad_host;
    port = port * 10 + static_cast<std::uint32_t>(text[colon] - '0');
    if (port > 0xFFFF) return error::bad_host;
  }
  to.port = static_cast<std::uint16_t>(port);
  return port == 0 ? error::bad_host : error::none;
}

}  // namespace detail

/// Parses `host [":" port]`, the grammar of a Host header, and nothing around it: no userinfo, no
/// space. `error::bad_host` where it is malformed. A port is 1 to 65535; an empty one, as in
/// "example.com:", is none. RFC 9110 7.2, RFC 3986 3.2.2 and 3.2.3.
[[nodiscard]] constexpr parsed<authority> parse_authority(std::string_view text) noexcept {
  return detail::parsed_by<authority>(detail::read_authority, text);
}

/// True where both name the same host and port: hosts without regard to case, but otherwise exactly
/// ("example.com." is not "example.com"); a port that is not given is `default_port`.
[[nodiscard]] constexpr bool is_same_authority(const authority& a, const authority& b,
                                               std::uint16_t default_port) noexcept {
  return detail::equals_ignoring_case(a.host, b.host) &&
         a.port_or(default_port) == b.port_or(default_port);
}

}  // namespace hawser::inline v0
