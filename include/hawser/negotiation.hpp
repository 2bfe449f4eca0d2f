#pragma once

#include "hawser/authority.hpp"
#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/request_fields.hpp"
#include "hawser/error.hpp"
#include "hawser/extension.hpp"
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

namespace detail {

[[nodiscard]] constexpr error check_version(const request_fields& fields) noexcept {
  // RFC 6455 11.3.5: "The |Sec-WebSocket-Version| header field MUST NOT appear more than once in an
  // HTTP request."
  if (fields.count(request_fields::version) > 1) return error::repeated_header;
  // RFC 6455 4.2.1: "A |Sec-WebSocket-Version| header field, with a value of 13."
  return fields.value(request_fields::version) == protocol_version ? error::none
                                                                   : error::bad_version;
}

// Null are the default policy, and the header of a request without Origin.
[[nodiscard]] constexpr bool is_origin_good(const origin_policy* policy, const header* origin,
                                            const authority& host) noexcept {
  if (origin == nullptr) return policy == nullptr || policy->allow_absent;
  return policy == nullptr
             ? is_origin_allowed(origin_policy::rule::same_host, {}, origin->value, host)
             : is_origin_allowed(policy->allow, policy->origins, origin->value, host);
}

[[nodiscard]] constexpr error check_policy(const request_fields& fields, const authority& host,
                                           const handshake_rules& rules) noexcept {
  // RFC 6454 7.3: "The user agent MUST NOT include more than one Origin header field in any HTTP
  // request."
  if (fields.count(request_fields::origin) > 1) return error::repeated_header;
  // RFC 6455 10.2: "If the origin indicated is unacceptable to the server, then it SHOULD respond
  // to the WebSocket handshake with a reply containing HTTP 403 Forbidden status code."
  if (!is_origin_good(rules.origins, fields.find(request_fields::origin), host)) {
    return error::origin_refused;
  }
  if (!is_host_allowed(rules.allowed_hosts, host.host)) return error::host_refused;
  if (fields.count(request_fields::protocol) != 0) {
    const error wrong = check_offered_subprotocols(fields.all());
    if (wrong != error::none) return wrong;
  }
  // What most browsers offer is well-formed.
  constexpr std::string_view usual_offer = "permessage-deflate; client_max_window_bits";
  const std::size_t count = fields.count(request_fields::extensions);
  if (count == 0 || (count == 1 && fields.value(request_fields::extensions) == usual_offer)) {
    return error::none;
  }
  return check_extensions(fields.all());
}

}  // namespace detail

/// Checks the version that a request asks for. RFC 6455 4.2.1 and 4.4.
[[nodiscard]] constexpr error check_version(header_list headers) noexcept {
  return detail::check_version(detail::request_fields{headers});
}

/// Checks what `rules` say on a request to `host`: its Origin, its host, and the subprotocols and
/// extensions that it offers. RFC 6455 4.2.2 and 9.1.
[[nodiscard]] constexpr error check_policy(header_list headers, const authority& host,
                                           const handshake_rules& rules) noexcept {
  return detail::check_policy(detail::request_fields{headers}, host, rules);
}

/// What a server chose, as a client understands it.
struct choice {
  hawser::error error = error::none;
  const std::string* subprotocol = nullptr;  ///< An element of what was offered; null: none.
};

/// Checks what the response chose of what was offered. With `offers_extensions` those are not
/// looked at; otherwise none was offered. RFC 6455 4.1.
[[nodiscard]] constexpr choice check_choice(header_list headers,
                                            std::span<const std::string> offered,
                                            bool offers_extensions = false) noexcept {
  // RFC 6455 4.1: "If the response includes a |Sec-WebSocket-Extensions| header field and this
  // header field indicates the use of an extension that was not present in the client's handshake
  // (the server has indicated an extension not requested by the client), the client MUST _Fail the
  // WebSocket Connection_."
  // A field that names none is malformed: 9.1.
  if (!offers_extensions && headers.count(detail::extensions_header) != 0) {
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
  std::string_view key;                     ///< Of an upgrade.
  std::array<char, 28> accept_key{};        ///< Of an upgrade: make_accept_key(key).
  std::string_view origin;                  ///< Of an upgrade; empty where there is none.
  const std::string* subprotocol = nullptr;  ///< Selected among rules.subprotocols; null: none.
};

namespace detail {

// True for a request that wants, or tries, to become a WebSocket: one that lost its Upgrade on the
// way through a proxy is better told so than answered as any other.
[[nodiscard]] constexpr bool is_upgrade_attempt(const request_fields& fields) noexcept {
  return fields.find(request_fields::key) != nullptr ||
         fields.find(request_fields::version) != nullptr ||
         fields.has_token(request_fields::upgrade, "websocket");
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
[[nodiscard]] constexpr error check_host(const request_fields& fields, unsigned version_minor,
                                         const request_target& target, authority& host) noexcept {
  // RFC 9112 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
  // request message that lacks a Host header field and to any request message that contains more
  // than one Host header field line or a Host header field with an invalid field value."
  const std::size_t count = fields.count(request_fields::host);
  if (count > 1) return error::repeated_header;
  if (count == 0) {
    host = target.place;
    return version_minor == 0 ? error::none : error::missing_host;
  }
  if (const error e = read_authority(fields.value(request_fields::host), host); e != error::none) {
    host = {};
    return e;
  }
  // RFC 9112 3.2: "If the target URI includes an authority component, then a client MUST send a
  // field value for Host that is identical to that authority component".
  const bool is_same = !target.is_absolute() ||
                       is_same_authority(target.place, host, default_port_of(target.scheme));
  return is_same ? error::none : error::bad_host;
}

// A body that is not read would be taken for frames, or for the next request by a proxy between.
[[nodiscard]] constexpr error check_no_body(const request_fields& fields) noexcept {
  if (fields.count(request_fields::transfer_encoding) != 0) return error::unexpected_body;
  const std::size_t count = fields.count(request_fields::content_length);
  if (count > 1) return error::repeated_header;
  return count == 0 || fields.value(request_fields::content_length) == "0" ? error::none
                                                                           : error::unexpected_body;
}

[[nodiscard]] constexpr error check_upgrade(const request_fields& fields) noexcept {
  // RFC 6455 4.2.1: "An |Upgrade| header field containing the value "websocket", treated as an
  // ASCII case-insensitive value. A |Connection| header field that includes the token "Upgrade",
  // treated as an ASCII case-insensitive value."
  if (!fields.has_token(request_fields::upgrade, "websocket")) return error::missing_upgrade;
  return fields.has_token(request_fields::connection, "Upgrade") ? error::none
                                                                 : error::missing_connection;
}

[[nodiscard]] constexpr error check_key(const request_fields& fields) noexcept {
  // RFC 6455 11.3.1: "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an
  // HTTP request." A request has no Sec-WebSocket-Accept at all: 11.3.3.
  const std::size_t count = fields.count(request_fields::key);
  if (count > 1 || fields.count(request_fields::accept) != 0) return error::repeated_header;
  if (count == 0) return error::missing_key;
  // RFC 6455 4.2.1: "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of
  // [RFC4648]) value that, when decoded, is 16 bytes in length."
  return is_key(fields.value(request_fields::key)) ? error::none : error::bad_key;
}

// What any request must be.
[[nodiscard]] constexpr error check_request(const request_view& request,
                                            const request_fields& fields,
                                            classified_request& result) noexcept {
  const error wrong_target = read_target(request.target, result.target);
  if (wrong_target != error::none) result.target = {};
  const error wrong_host = check_host(fields, request.version_minor, result.target, result.host);
  if (const error e = check_method(request, result.kind); e != error::none) return e;
  if (wrong_target != error::none) return wrong_target;
  return wrong_host == error::none ? check_no_body(fields) : wrong_host;
}

// What an upgrade must be beyond that.
[[nodiscard]] constexpr error check_handshake(const request_fields& fields,
                                              const handshake_rules& rules,
                                              classified_request& result) noexcept {
  if (const error e = check_upgrade(fields); e != error::none) return e;
  if (const error e = check_version(fields); e != error::none) return e;
  if (const error e = check_key(fields); e != error::none) return e;
  // The hash takes long and hinders nothing: what follows can be done at the same time.
  write_accept_key(fields.value(request_fields::key), result.accept_key.data());
  const error e = check_policy(fields, result.host, rules);
  if (e != error::none) result.accept_key = {};
  return e;
}

// As hawser::classify, into a result that is default-made.
HAWSER_NO_INLINE constexpr void classify(const request_view& request, const handshake_rules& rules,
                                         classified_request& result) noexcept {
  const request_fields fields{request.headers};
  result.kind = is_upgrade_attempt(fields) ? request_kind::upgrade : request_kind::plain;
  result.error = check_request(request, fields, result);
  if (result.error != error::none) return;

  if (result.kind == request_kind::plain) {
    if (!is_host_allowed(rules.allowed_hosts, result.host.host)) result.error = error::host_refused;
    return;
  }
  result.error = check_handshake(fields, rules, result);
  if (result.error != error::none) return;
  result.key = fields.value(request_fields::key);
  result.origin = fields.value(request_fields::origin);
  if (fields.count(request_fields::protocol) != 0) {
    result.subprotocol = select_subprotocol(request.headers, rules.subprotocols);
  }
}

}  // namespace detail

/// Tells an upgrade from a plain request, and checks either against HTTP/1.1, RFC 6455 and `rules`.
///
/// An upgrade is a request that names websocket in Upgrade, or has a key or version of a WebSocket.
/// Anything else is plain: GET or HEAD, in HTTP/1.0 or 1.1, perhaps with an Upgrade to something
/// else, which is ignored. Neither may have a body. Of several faults the first is told, from the
/// request line to the policy. Sec-WebSocket-Extensions must be well-formed; all that it offers is
/// declined where nobody looks at it.
[[nodiscard]] constexpr classified_request classify(const request_view& request,
                                                    const handshake_rules& rules) noexcept {
  classified_request result;
  detail::classify(request, rules, result);
  return result;
}

/// Checks a server's answer to the upgrade that was asked for with `key` and the subprotocols
/// `offered`. `error::handshake_refused` where its status is not 101, whatever else it holds.
/// Extensions are
/// as in check_choice. RFC 6455 4.1.
[[nodiscard]] constexpr choice check_response(const response_view& response, std::string_view key,
                                              std::span<const std::string> offered,
                                              bool offers_extensions = false) noexcept {
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
  return check_choice(headers, offered, offers_extensions);
}

}  // namespace hawser::inline v0
