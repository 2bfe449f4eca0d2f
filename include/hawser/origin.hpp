#pragma once

#include "hawser/authority.hpp"
#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/parsed.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A page of any site may open a WebSocket to any server, and the browser sends that server's
// cookies along: nothing but the server's look at Origin and Host stands between (CWE-1385).
namespace hawser::inline v0 {

/// Where the script came from that opens a connection, as a browser tells it. RFC 6454.
struct origin {
  std::string_view scheme;  ///< Empty for "null", the origin that is like no other.
  std::string_view host;    ///< As in authority.
  std::uint16_t port = 0;   ///< The given port, or the scheme's; 0 where neither is known.

  [[nodiscard]] constexpr bool is_null() const noexcept { return scheme.empty(); }
};

namespace detail {

// As parse_origin; writes to `to`, also where it returns an error.
[[nodiscard]] HAWSER_NO_INLINE constexpr error read_origin(std::string_view text,
                                                           origin& to) noexcept {
  if (text == "null") return error::none;
  // RFC 3986 3.1: scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
  std::size_t size = 0;
  while (size < text.size() && is_in(scheme_char, text[size])) ++size;
  if (size == 0 || !is_alpha(text[0]) || !has_scheme_end(text, size)) return error::origin_refused;
  authority place;
  if (read_authority({text.data() + size + 3, text.size() - size - 3}, place) != error::none)
    return error::origin_refused;
  to.scheme = front(text, size);
  to.host = place.host;
  to.port = place.has_port() ? place.port : default_port_of(to.scheme);
  return error::none;
}

}  // namespace detail

/// Parses `scheme "://" host [ ":" port ]` or "null"; `error::origin_refused` for anything else: a
/// path or a final slash, userinfo, several origins, an empty value. RFC 6454 6.2 and 7.1.
[[nodiscard]] constexpr parsed<origin> parse_origin(std::string_view text) noexcept {
  return detail::parsed_by<origin>(detail::read_origin, text);
}

/// True where scheme, host and port are the same; two "null" are not. RFC 6454 5.
[[nodiscard]] constexpr bool is_same_origin(const origin& a, const origin& b) noexcept {
  return !a.is_null() && !b.is_null() && detail::equals_ignoring_case(a.scheme, b.scheme) &&
         detail::equals_ignoring_case(a.host, b.host) && a.port == b.port;
}

/// Which origins a server lets open a connection. The default is safe where cookies or the network
/// say who somebody is: only pages that this very host and port served.
struct origin_policy {
  enum class rule : std::uint8_t {
    same_host,  ///< The Origin's host and port are those of the Host header.
    listed,     ///< The Origin is one of `origins`.
    any,        ///< Whatever the Origin is: for servers that trust nothing but the messages.
  };

  rule allow = rule::same_host;
  /// Serialized origins, as "https://example.com" or "http://[::1]:8080": exact, there are no
  /// patterns. Scheme and host are compared without regard to case, and the scheme's own port may
  /// stand or not. "null" lets in every sandboxed page and local file.
  std::vector<std::string> origins{};
  /// Lets in a request without Origin, under any rule: browsers always send one, programs that are
  /// no browser seldom do, and could write what they like.
  bool allow_absent = true;

  /// The policy of a list: `origin_policy::listed({"https://example.com"})`.
  [[nodiscard]] static origin_policy listed(std::vector<std::string> origins) {
    return {rule::listed, std::move(origins)};
  }

  /// The policy that lets in everybody.
  [[nodiscard]] static origin_policy any() { return {rule::any}; }
};

/// The first entry of the policy's list that is no serialized origin, and so would never match
/// ("example.com", "https://example.com/"); null where all are good. For a check at start-up.
[[nodiscard]] constexpr const std::string* find_bad_origin(const origin_policy& policy) noexcept {
  for (const std::string& entry : policy.origins) {
    if (!parse_origin(entry)) return &entry;
  }
  return nullptr;
}

/// True where the Origin's host and port are those of a Host header. The default port of both is
/// that of the Origin's scheme, because a server behind a TLS terminator does not know its own
/// scheme. False for "null", and for schemes other than http, https, ws and wss.
[[nodiscard]] constexpr bool is_origin_of_host(const origin& from, const authority& host) noexcept {
  const std::uint16_t default_port = default_port_of(from.scheme);
  return default_port != 0 && is_same_authority({from.host, from.port}, host, default_port);
}

namespace detail {

[[nodiscard]] HAWSER_COLD constexpr bool is_origin_listed(std::span<const std::string> origins,
                                                          const origin& from) noexcept {
  for (const std::string& entry : origins) {
    const parsed<origin> allowed = parse_origin(entry);
    if (!allowed) continue;
    if (from.is_null() ? allowed->is_null() : is_same_origin(from, *allowed)) return true;
  }
  return false;
}

// As hawser::is_origin_allowed, for a policy with this rule and list.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool is_origin_allowed(
    origin_policy::rule allow, std::span<const std::string> origins, std::string_view value,
    const authority& host) noexcept {
  if (allow == origin_policy::rule::any) return true;
  origin from;
  if (read_origin(value, from) != error::none) return false;
  return allow == origin_policy::rule::same_host ? is_origin_of_host(from, host)
                                                 : is_origin_listed(origins, from);
}

}  // namespace detail

/// True where the policy lets in a request with this Origin header. One that is malformed passes
/// under `any` only. A request without the header is `policy.allow_absent`'s affair. RFC 6455 10.2.
[[nodiscard]] constexpr bool is_origin_allowed(const origin_policy& policy, std::string_view value,
                                               const authority& host) noexcept {
  return detail::is_origin_allowed(policy.allow, policy.origins, value, host);
}

/// True where `host` is one of `allowed`, or `allowed` is empty. Entries are hosts without a port,
/// compared without regard to case and otherwise exactly. Against DNS rebinding: a page of
/// evil.example whose name is made to resolve to this machine still sends its own name in Host.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool is_host_allowed(std::span<const std::string> allowed,
                                                              std::string_view host) noexcept {
  for (const std::string& entry : allowed) {
    if (detail::equals_ignoring_case(entry, host)) return true;
  }
  return allowed.empty();
}

/// The names of this machine for itself: the hosts that a server on a loopback address answers for.
[[nodiscard]] HAWSER_NO_INLINE inline std::vector<std::string> loopback_hosts() {
  return {"localhost", "127.0.0.1", "[::1]"};
}

}  // namespace hawser::inline v0
