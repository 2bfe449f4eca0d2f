#pragma once

#include "hawser/authority.hpp"
#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/parsed.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hawser::inline v0 {

/// What a request asks for, in its parts. Nothing is decoded, and dot segments are not resolved.
/// The views point into the target that was parsed; an absent path is a literal "/".
struct request_target {
  std::string_view scheme;  ///< http, https, ws or wss of an absolute-form; else empty.
  authority place;          ///< The host and port of an absolute-form; else empty.
  std::string_view path;    ///< From "/" on.
  std::string_view query;   ///< What stands after "?"; empty where nothing does.

  /// True where the target names a host, as requests to a proxy do.
  [[nodiscard]] constexpr bool is_absolute() const noexcept { return !scheme.empty(); }
};

namespace detail {

[[nodiscard]] constexpr std::size_t find_or_end(std::string_view text, char a, char b) noexcept {
  std::size_t i = 0;
  while (i < text.size() && text[i] != a && text[i] != b) ++i;
  return i;
}

// Takes the scheme and host of an absolute-form off `target`.
[[nodiscard]] HAWSER_COLD constexpr error read_absolute(std::string_view& target,
                                                        request_target& to) noexcept {
  const std::size_t scheme_end = find_or_end(target, ':', ':');
  to.scheme = front(target, scheme_end);
  if (!has_scheme_end(target, scheme_end) || default_port_of(to.scheme) == 0) {
    return error::bad_target;
  }
  target.remove_prefix(scheme_end + 3);
  const std::string_view place = front(target, find_or_end(target, '/', '?'));
  target.remove_prefix(place.size());
  return read_authority(place, to.place) == error::none ? error::none : error::bad_target;
}

// As parse_target; writes to `to`, also where it returns an error.
[[nodiscard]] HAWSER_NO_INLINE constexpr error read_target(std::string_view target,
                                                           request_target& to) noexcept {
  if (count_target(target) != target.size()) return error::bad_target;
  if (!target.starts_with('/') && read_absolute(target, to) != error::none) {
    return error::bad_target;
  }
  const std::size_t path_size = find_or_end(target, '?', '?');
  to.path = path_size == 0 ? std::string_view{"/"} : front(target, path_size);
  if (path_size < target.size()) {
    to.query = {target.data() + path_size + 1, target.size() - path_size - 1};
  }
  return error::none;
}

}  // namespace detail

/// Parses an origin-form ("/chat?x=1") or an absolute-form ("ws://example.com/chat?x=1", and http,
/// https and wss alike); `error::bad_target` for anything else: "*", "example.com:443", userinfo, a
/// fragment, spaces, controls, bytes from 0x7F on. Other visible characters that RFC 3986 wants
/// percent-encoded are let through, because browsers send some as they are ("|" and "[" in a
/// query). RFC 9112 3.2, RFC 6455 4.2.1.
[[nodiscard]] constexpr parsed<request_target> parse_target(std::string_view target) noexcept {
  return detail::parsed_by<request_target>(detail::read_target, target);
}

/// The path of a target; empty where the target is malformed.
[[nodiscard]] constexpr std::string_view target_path(std::string_view target) noexcept {
  return parse_target(target)->path;
}

/// The query of a target, without its "?"; empty where there is none.
[[nodiscard]] constexpr std::string_view target_query(std::string_view target) noexcept {
  return parse_target(target)->query;
}

/// The value of the first `name=value` among the parts of a query that "&" separates, as it stands:
/// for its bytes call decode_percent. Empty where there is none. Case matters.
[[nodiscard]] constexpr std::string_view query_value(std::string_view query,
                                                     std::string_view name) noexcept {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const std::size_t equals = part.find('=');
    if (part.substr(0, equals) != name) continue;
    return equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
  }
  return {};
}

}  // namespace hawser::inline v0
