#pragma once

#include "hawser/authority.hpp"
#include "hawser/detail/ascii.hpp"
#include "hawser/error.hpp"
#include "hawser/parsed.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hawser::inline v0 {

/// A ws or wss URI in its parts, as they are written: nothing is decoded or lowered. The views
/// point into the text that was parsed. RFC 6455 3.
struct uri {
  bool secure = false;        ///< The scheme is wss: the connection runs over TLS.
  std::string_view userinfo;  ///< What stands before "@", for append_basic_authorization.
  std::string_view host;      ///< A name, an IPv4 address, or an IPv6 address in its brackets.
  std::uint16_t port = 0;     ///< The given port, or 80 for ws and 443 for wss.
  std::string_view path;      ///< Empty, or from "/" on.
  std::string_view query;     ///< What stands after "?".

  /// The host as a resolver wants it: an IPv6 address without its brackets.
  [[nodiscard]] constexpr std::string_view host_without_brackets() const noexcept {
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  }

  /// True where the port is that of the scheme, so that it is left out of a Host header.
  [[nodiscard]] constexpr bool has_default_port() const noexcept {
    return port == (secure ? 443 : 80);
  }
};

namespace detail {

// RFC 3986 3.3 and 3.4: path-abempty = *( "/" *pchar ), query = *( pchar / "/" / "?" ); the same
// set serves both once the path was cut off at its "?".
[[nodiscard]] constexpr bool is_path_or_query(std::string_view text) noexcept {
  return is_uri_text(text, ":@/?");
}

}  // namespace detail

/// Parses an absolute ws or wss URI; `error::bad_url` for anything else. The scheme may be in any
/// case. The port is 1 to 65535. IPv6 zone identifiers and IPvFuture addresses are refused, as are
/// fragments, and every byte that RFC 3986 does not let stand: spaces, controls, non-ASCII.
/// Userinfo is let through, which RFC 6455 has no place for, but users do. RFC 6455 3, RFC 3986 3.
[[nodiscard]] constexpr parsed<uri> parse_uri(std::string_view text) noexcept {
  constexpr parsed<uri> bad{error::bad_url, {}};
  uri result;

  // RFC 6455 3: ws-URI = "ws:" "//" host [ ":" port ] path [ "?" query ]
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return bad;
  const std::string_view scheme = text.substr(0, scheme_end);
  result.secure = detail::equals_ignoring_case(scheme, "wss");
  if (!result.secure && !detail::equals_ignoring_case(scheme, "ws")) return bad;
  text.remove_prefix(scheme_end + 3);

  // RFC 6455 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT
  // be used on these URIs." A "#" belongs to none of the sets below.
  std::string_view place = text.substr(0, text.find_first_of("/?"));
  text.remove_prefix(place.size());
  if (const std::size_t at = place.rfind('@'); at != std::string_view::npos) {
    result.userinfo = place.substr(0, at);
    if (!detail::is_uri_text(result.userinfo, ":")) return bad;
    place.remove_prefix(at + 1);
  }
  const parsed<authority> host_and_port = parse_authority(place);
  if (!host_and_port) return bad;
  result.host = host_and_port->host;
  result.port = host_and_port->port_or(default_port_of(scheme));

  const std::size_t question_mark = text.find('?');
  result.path = text.substr(0, question_mark);
  if (question_mark != std::string_view::npos) result.query = text.substr(question_mark + 1);
  if (!detail::is_path_or_query(result.path) || !detail::is_path_or_query(result.query)) return bad;
  return {error::none, result};
}

/// Appends what a client asks for: the path, or "/", and the query. RFC 6455 3.
inline void append_resource_name(std::string& out, const uri& from) {
  // RFC 6455 3: "The "resource-name" [...] can be constructed by concatenating the following: o "/"
  // if the path component is empty o the path component o "?" if the query component is non-empty o
  // the query component".
  if (from.path.empty()) {
    out += '/';
  } else {
    out += from.path;
  }
  if (!from.query.empty()) {
    out += '?';
    out += from.query;
  }
}

/// Appends the value of the Host header. RFC 6455 4.1.
inline void append_host(std::string& out, const uri& from) {
  // RFC 6455 4.1: "The request MUST contain a |Host| header field whose value contains /host/ plus
  // optionally ":" followed by /port/ (when not using the default port)."
  out += from.host;
  if (from.has_default_port()) return;
  out += ':';
  out += std::to_string(from.port);
}

/// The path, or "/", and the query, as a string of its own.
[[nodiscard]] inline std::string make_resource_name(const uri& from) {
  std::string out;
  append_resource_name(out, from);
  return out;
}

/// The value of the Host header, as a string of its own.
[[nodiscard]] inline std::string make_host(const uri& from) {
  std::string out;
  append_host(out, from);
  return out;
}

}  // namespace hawser::inline v0
