#pragma once

#include "hawser/authority.hpp"
#include "hawser/detail/ascii.hpp"
#include "hawser/error.hpp"
#include "hawser/handshake_key.hpp"
#include "hawser/header_list.hpp"
#include "hawser/origin.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/subprotocol.hpp"
#include "hawser/target.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

// The opening handshake as pure functions over header lists. What HTTP of every version has in
// common stands first: check_version, check_policy and check_choice; HTTP/2 and 3 name the host in
// ":authority", and have neither Upgrade nor a key. What HTTP/1.1 asks beyond that is classify and
// check_response. RFC 6455 4, RFC 8441 5.
namespace hawser::inline v0 {

/// A request in HTTP/1.1's parts. A view: of a request that was parsed, mostly.
struct request_view {
  std::string_view method = {};  ///< Case matters.
  std::string_view target = {};  ///< As it stands in the request line.
  unsigned version_minor = 1;    ///< Of HTTP/1.
  header_list headers = {};
};

/// The head of a response in HTTP/1.1's parts. A view.
struct response_view {
  unsigned status = 0;
  unsigned version_minor = 1;  ///< Of HTTP/1.
  header_list headers = {};
};

/// What a server lets in. A view: what it refers to lives elsewhere, in an endpoint for example.
struct handshake_rules {
  const origin_policy* origins = nullptr;  ///< Null: the default policy, same host and port.
  std::span<const std::string> allowed_hosts = {};  ///< For is_host_allowed; empty: any.
  std::span<const std::string> subprotocols = {};   ///< Supported ones, for select_subprotocol.
};

/// Checks the version that a request asks for. RFC 6455 4.2.1 and 4.4.
[[nodiscard]] constexpr error check_version(header_list headers) noexcept {
  // RFC 6455 11.3.5: "The |Sec-WebSocket-Version| header field MUST NOT appear more than once in an
  // HTTP request."
  const std::size_t count = headers.count("Sec-WebSocket-Version");
  if (count > 1) return error::repeated_header;
  // RFC 6455 4.2.1: "A |Sec-WebSocket-Version| header field, with a value of 13."
  return headers.value("Sec-WebSocket-Version") == protocol_version ? error::none
                                                                    : error::bad_version;
}

namespace detail {

// Null are the default policy, and the header of a request without Origin.
[[nodiscard]] constexpr bool is_origin_good(const origin_policy* policy, const header* origin,
                                            const authority& host) noexcept {
  if (origin == nullptr) return policy == nullptr || policy->allow_absent;
  return policy == nullptr ? is_origin_of_host(*parse_origin(origin->value), host)
                           : is_origin_allowed(*policy, origin->value, host);
}

}  // namespace detail

/// Checks what `rules` say on a request to `host`: its Origin, its host and the subprotocols that
/// it offers. RFC 6455 4.2.2.
[[nodiscard]] constexpr error check_policy(header_list headers, const authority& host,
                                           const handshake_rules& rules) noexcept {
  // RFC 6454 7.3: "The user agent MUST NOT include more than one Origin header field in any HTTP
  // request."
  if (headers.count("Origin") > 1) return error::repeated_header;
  // RFC 6455 10.2: "If the origin indicated is unacceptable to the server, then it SHOULD respond
  // to the WebSocket handshake with a reply containing HTTP 403 Forbidden status code."
  if (!detail::is_origin_good(rules.origins, headers.find("Origin"), host)) {
    return error::origin_refused;
  }
  if (!is_host_allowed(rules.allowed_hosts, host.host)) return error::host_refused;
  return check_offered_subprotocols(headers);
}

/// What a server chose, as a client understands it.
struct choice {
  hawser::error error = error::none;
  const std::string* subprotocol = nullptr;  ///< An element of what was offered; null: none.
};

/// Checks what the response chose of what was offered. No extension is offered. RFC 6455 4.1.
[[nodiscard]] constexpr choice check_choice(header_list headers,
                                            std::span<const std::string> offered) noexcept {
  // RFC 6455 4.1: "If the response includes a |Sec-WebSocket-Extensions| header field and this
  // header field indicates the use of an extension that was not present in the client's handshake
  // (the server has indicated an extension not requested by the client), the client MUST _Fail the
  // WebSocket Connection_."
  const auto stop = [](std::string_view) { return false; };
  if (!headers.for_each_element("Sec-WebSocket-Extensions", stop)) {
    return {error::extension_not_offered};
  }

  // RFC 6455 11.3.4: "The |Sec-WebSocket-Protocol| header field MUST NOT appear more than once in
  // an HTTP response."
  const std::size_t count = headers.count(detail::subprotocol_header);
  if (count == 0) return {};
  if (count > 1) return {error::repeated_header};
  // RFC 6455 4.1: "If the response includes a |Sec-WebSocket-Protocol| header field and this header
  // field indicates the use of a subprotocol that was not present in the client's handshake (the
  // server has indicated a subprotocol not requested by the client), the client MUST _Fail the
  // WebSocket Connection_."
  for (const std::string& subprotocol : offered) {
    if (subprotocol == headers.value(detail::subprotocol_header)) {
      return {error::none, &subprotocol};
    }
  }
  return {error::subprotocol_not_offered};
}

/// What a request wants.
enum class request_kind : std::uint8_t {
  plain,    ///< An answer over HTTP, which closes the connection.
  upgrade,  ///< A WebSocket connection.
};

/// What a server makes of a request. Views point into the request, or are literals.
struct classified_request {
  hawser::error error = error::none;        ///< Why it is refused; see http_status_for.
  request_kind kind = request_kind::plain;  ///< With an error, what it looked like.
  request_target target;                    ///< Its path and query.
  authority host;                           ///< The Host; empty where an HTTP/1.0 request has none.
  std::string_view key;                     ///< Of an upgrade, for make_accept_key.
  std::string_view origin;                  ///< Of an upgrade; empty where there is none.
  const std::string* subprotocol = nullptr;  ///< Selected among rules.subprotocols; null: none.
};

namespace detail {

// True for a request that wants, or tries, to become a WebSocket: one that lost its Upgrade on the
// way through a proxy is better told so than answered as any other.
[[nodiscard]] constexpr bool is_upgrade_attempt(header_list headers) noexcept {
  return headers.has_token("Upgrade", "websocket") ||
         headers.find("Sec-WebSocket-Key") != nullptr ||
         headers.find("Sec-WebSocket-Version") != nullptr;
}

[[nodiscard]] constexpr error check_method(const request_view& request,
                                           request_kind kind) noexcept {
  // RFC 6455 4.2.1: "An HTTP/1.1 or higher GET request"
  const bool is_known =
      request.method == "GET" || (kind == request_kind::plain && request.method == "HEAD");
  if (!is_known) return error::bad_method;
  return kind == request_kind::upgrade && request.version_minor == 0 ? error::bad_http_version
                                                                     : error::none;
}

// Finds out which host a request is for.
[[nodiscard]] constexpr error check_host(const request_view& request, const request_target& target,
                                         authority& host) noexcept {
  // RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
  // request message that lacks a Host header field and to any request message that contains more
  // than one Host header field line or a Host header field with an invalid field value."
  const std::size_t count = request.headers.count("Host");
  if (count > 1) return error::repeated_header;
  if (count == 0) {
    host = target.place;
    return request.version_minor == 0 ? error::none : error::missing_host;
  }
  const parsed<authority> given = parse_authority(request.headers.value("Host"));
  if (!given) return given.error;
  host = *given;
  // RFC 9112 3.2: "If the target URI includes an authority component, then a client MUST send a
  // field value for Host that is identical to that authority component".
  const bool is_same = !target.is_absolute() ||
                       is_same_authority(target.place, host, default_port_of(target.scheme));
  return is_same ? error::none : error::bad_host;
}

// A body that is not read would be taken for frames, or for the next request by a proxy between.
[[nodiscard]] constexpr error check_no_body(header_list headers) noexcept {
  if (headers.find("Transfer-Encoding") != nullptr) return error::unexpected_body;
  const std::size_t count = headers.count("Content-Length");
  if (count > 1) return error::repeated_header;
  return count == 0 || headers.value("Content-Length") == "0" ? error::none
                                                              : error::unexpected_body;
}

[[nodiscard]] constexpr error check_upgrade(header_list headers) noexcept {
  // RFC 6455 4.2.1: "An |Upgrade| header field containing the value "websocket", treated as an
  // ASCII case-insensitive value. A |Connection| header field that includes the token "Upgrade",
  // treated as an ASCII case-insensitive value."
  if (!headers.has_token("Upgrade", "websocket")) return error::missing_upgrade;
  if (!headers.has_token("Connection", "Upgrade")) return error::missing_connection;
  return error::none;
}

[[nodiscard]] constexpr error check_key(header_list headers) noexcept {
  // RFC 6455 11.3.1: "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an
  // HTTP request." A request has no Sec-WebSocket-Accept at all: 11.3.3.
  const std::size_t count = headers.count("Sec-WebSocket-Key");
  if (count > 1 || headers.find("Sec-WebSocket-Accept") != nullptr) return error::repeated_header;
  if (count == 0) return error::missing_key;
  // RFC 6455 4.2.1: "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of
  // [RFC4648]) value that, when decoded, is 16 bytes in length."
  return is_key(headers.value("Sec-WebSocket-Key")) ? error::none : error::bad_key;
}

// The first of the errors that is one. All are computed, and all are cheap.
[[nodiscard]] constexpr error first_error(std::initializer_list<error> errors) noexcept {
  for (const error each : errors) {
    if (each != error::none) return each;
  }
  return error::none;
}

}  // namespace detail

/// Tells an upgrade from a plain request, and checks either against HTTP/1.1, RFC 6455 and `rules`.
///
/// An upgrade is a request that names websocket in Upgrade, or has a key or version of a WebSocket.
/// Anything else is plain: GET or HEAD, in HTTP/1.0 or 1.1, perhaps with an Upgrade to something
/// else, which is ignored. Neither may have a body. Of several faults the first is told, from the
/// request line to the policy. Sec-WebSocket-Extensions is not looked at, which declines all.
[[nodiscard]] constexpr classified_request classify(const request_view& request,
                                                    const handshake_rules& rules) noexcept {
  const header_list headers = request.headers;
  classified_request result;
  result.kind = detail::is_upgrade_attempt(headers) ? request_kind::upgrade : request_kind::plain;
  const parsed<request_target> target = parse_target(request.target);
  result.target = *target;
  result.error = detail::first_error({detail::check_method(request, result.kind), target.error,
                                      detail::check_host(request, *target, result.host),
                                      detail::check_no_body(headers)});
  if (result.error != error::none) return result;

  if (result.kind == request_kind::plain) {
    if (!is_host_allowed(rules.allowed_hosts, result.host.host)) result.error = error::host_refused;
    return result;
  }
  result.error =
      detail::first_error({detail::check_upgrade(headers), check_version(headers),
                           detail::check_key(headers), check_policy(headers, result.host, rules)});
  if (result.error != error::none) return result;
  result.key = headers.value("Sec-WebSocket-Key");
  result.origin = headers.value("Origin");
  result.subprotocol = select_subprotocol(headers, rules.subprotocols);
  return result;
}

/// Checks a server's answer to the upgrade that was asked for with `key` and the subprotocols
/// `offered`. `error::handshake_refused` where its status is not 101, whatever else it holds.
/// RFC 6455 4.1.
[[nodiscard]] constexpr choice check_response(const response_view& response, std::string_view key,
                                              std::span<const std::string> offered) noexcept {
  // RFC 6455 4.1: "If the status code received from the server is not 101, the client handles the
  // response per HTTP [RFC2616] procedures."
  if (response.status != 101) return {error::handshake_refused};
  if (response.version_minor == 0) return {error::bad_http_version};
  const header_list headers = response.headers;

  // RFC 6455 4.1: "If the response lacks an |Upgrade| header field or the |Upgrade| header field
  // contains a value that is not an ASCII case-insensitive match for the value "websocket", the
  // client MUST _Fail the WebSocket Connection_."
  const bool is_websocket = headers.count("Upgrade") == 1 &&
                            detail::equals_ignoring_case(headers.value("Upgrade"), "websocket");
  if (!is_websocket) return {error::missing_upgrade};
  // RFC 6455 4.1: "If the response lacks a |Connection| header field or the |Connection| header
  // field doesn't contain a token that is an ASCII case-insensitive match for the value "Upgrade",
  // the client MUST _Fail the WebSocket Connection_."
  if (!headers.has_token("Connection", "Upgrade")) return {error::missing_connection};

  // RFC 6455 11.3.3: "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP
  // response."
  if (headers.count("Sec-WebSocket-Accept") > 1) return {error::repeated_header};
  // RFC 6455 4.1: "If the response lacks a |Sec-WebSocket-Accept| header field or the
  // |Sec-WebSocket-Accept| contains a value other than the base64-encoded SHA-1 of [...], the
  // client MUST _Fail the WebSocket Connection_."
  const std::array<char, 28> accept = make_accept_key(key);
  if (headers.value("Sec-WebSocket-Accept") != std::string_view{accept.data(), accept.size()}) {
    return {error::accept_mismatch};
  }
  return check_choice(headers, offered);
}

}  // namespace hawser::inline v0
