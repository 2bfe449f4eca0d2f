#pragma once

#include "hawser/authorization.hpp"
#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/extension.hpp"
#include "hawser/header_list.hpp"
#include "hawser/http1_write.hpp"
#include "hawser/negotiation.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/subprotocol.hpp"
#include "hawser/uri.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

// The messages of the opening handshake as HTTP/1.1 text: what the two ends send, around what
// negotiation.hpp makes of what they receive. All functions append to `out`, and leave it as it was
// where they return an error.
namespace hawser::inline v0 {

namespace detail {

[[nodiscard]] constexpr bool has_any(header_list headers,
                                     std::initializer_list<std::string_view> names) noexcept {
  for (const std::string_view name : names) {
    if (headers.find(name) != nullptr) return true;
  }
  return false;
}

// True where an application names a header that the handshake itself is made of, in either
// direction.
[[nodiscard]] HAWSER_NO_INLINE constexpr bool has_handshake_header(header_list headers) noexcept {
  constexpr std::string_view prefix = "Sec-WebSocket-";
  for (const header& field : headers) {
    if (field.name.size() >= prefix.size() &&
        same_ignoring_case(front(field.name, prefix.size()), prefix)) {
      return true;
    }
  }
  return has_any(headers, {"Upgrade", "Connection", "Content-Length", "Transfer-Encoding"});
}

}  // namespace detail

namespace detail {

// As hawser::write_accept, to a request that offers the subprotocol and has this accept key, with
// extensions that were accepted.
[[nodiscard]] inline error write_accept(const text_room& out, const std::array<char, 28>& accept,
                                        std::string_view subprotocol, std::string_view extensions,
                                        header_list headers) {
  if (!headers.empty() && has_handshake_header(headers)) return error::bad_header;

  // RFC 6455 4.2.2: "A Status-Line with a 101 response code as per RFC 2616 [RFC2616]. [...] An
  // |Upgrade| header field with value "websocket" as per RFC 2616 [RFC2616]. A |Connection| header
  // field with value "Upgrade". A |Sec-WebSocket-Accept| header field." And: "if the server does
  // not wish to agree to one of the suggested subprotocols, it MUST NOT send back a
  // |Sec-WebSocket-Protocol| header field in its response."
  const std::array<std::string_view, 7> pieces{
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ",
      std::string_view{accept.data(), accept.size()},
      subprotocol.empty() ? "" : "\r\nSec-WebSocket-Protocol: ",
      subprotocol,
      extensions.empty() ? "" : "\r\nSec-WebSocket-Extensions: ",
      extensions,
      "\r\n",
  };
  return write_message(out, {.before = pieces, .headers = headers});
}

}  // namespace detail

/// Writes the answer that opens the connection, to a request that `classify` found to be an
/// upgrade. `request` are its headers, `subprotocol` is one that they offer, or empty, and
/// `headers` are the application's own.
///
/// Returns `error::bad_subprotocol` where the subprotocol was not offered; `error::bad_header`
/// where the application's headers have a byte that they must not have, or one of Upgrade,
/// Connection, Content-Length, Transfer-Encoding or Sec-WebSocket-anything. RFC 6455 4.2.2.
[[nodiscard]] inline error write_accept(const text_room& out, header_list request,
                                        std::string_view subprotocol, header_list headers = {}) {
  if (!subprotocol.empty() && !is_subprotocol_offered(request, subprotocol)) {
    return error::bad_subprotocol;
  }
  return detail::write_accept(out, make_accept_key(request.value("Sec-WebSocket-Key")), subprotocol,
                              {}, headers);
}

namespace detail {

// An answer over HTTP behind which the connection closes.
struct last_response {
  unsigned status;
  std::string_view own = {};   // header lines of ours
  header_list headers = {};    // the application's
  std::string_view body = {};  // in two parts
  std::string_view body_end = {};
  bool has_upgrade = false;  // there is an Upgrade among the headers
  bool head_only = false;
};

[[nodiscard]] HAWSER_COLD inline error write_last_response(const text_room& out,
                                                           const last_response& answer) {
  const unsigned status = answer.status;
  const std::size_t body_size = answer.body.size() + answer.body_end.size();
  const bool has_no_body = status == 204 || status == 205 || status == 304;
  if (status < 200 || status > 599 || (has_no_body && body_size != 0)) return error::bad_header;

  const decimal digits{status};
  const std::array<std::string_view, 6> before{"HTTP/1.1 ",           digits.text(), " ",
                                               reason_phrase(status), "\r\n",        answer.own};
  // RFC 9112 9.3: "A server that does not support persistent connections MUST send the "close"
  // connection option in every response message that does not have a 1xx (Informational) status
  // code." RFC 9110 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option in the
  // Connection header field".
  const decimal size{body_size};
  const std::array<std::string_view, 7> after{"Content-Length: ",
                                              size.text(),
                                              "\r\n",
                                              "Connection: close",
                                              answer.has_upgrade ? ", Upgrade\r\n\r\n" : "\r\n\r\n",
                                              answer.body,
                                              answer.body_end};
  // RFC 9110 8.6: "A server MUST NOT send a Content-Length header field in any response with a
  // status code of 1xx (Informational) or 204 (No Content)." On a 304 it would tell of another
  // response.
  const std::size_t first = status == 204 || status == 304 ? 3 : 0;
  const std::size_t last = answer.head_only ? 5 : 7;
  return write_message(out, {.before = before,
                             .headers = answer.headers,
                             .after = std::span{after}.subspan(first, last - first)});
}

}  // namespace detail

/// Writes an answer over HTTP: to a plain request, or to an upgrade that the application rejects.
/// The connection closes after it. With `head_only`, for HEAD, the body is counted but not written.
///
/// Returns `error::bad_header` where the status is not 200 to 599, a 204, 205 or 304 has a body, or
/// the headers have a byte that they must not have, or one of Connection, Content-Length or
/// Transfer-Encoding.
[[nodiscard]] inline error write_response(const text_room& out, unsigned status,
                                          header_list headers, std::string_view body,
                                          bool head_only = false) {
  if (detail::has_any(headers, {"Connection", "Content-Length", "Transfer-Encoding"})) {
    return error::bad_header;
  }
  return detail::write_last_response(out, {.status = status,
                                           .headers = headers,
                                           .body = body,
                                           .has_upgrade = headers.find("Upgrade") != nullptr,
                                           .head_only = head_only});
}

/// Writes the refusal of a request with `status` and `reason`, which is the body's one line of
/// text, in UTF-8. A 405 names the methods that are allowed, a 426 the protocol and version that
/// are spoken here. With `head_only`, for HEAD, the body is not written. `error::bad_header` where
/// the status is not 200 to 599, or goes with no body.
[[nodiscard]] inline error write_refusal(const text_room& out, unsigned status,
                                         std::string_view reason, bool head_only = false) {
  // RFC 9110 15.5.6: "The origin server MUST generate an Allow header field in a 405 response
  // containing a list of the target resource's currently supported methods." 15.5.22: "The server
  // MUST send an Upgrade header field in a 426 response to indicate the required protocol(s)". RFC
  // 6455 4.4: the server "MUST respond with a |Sec-WebSocket-Version| header field (or multiple
  // |Sec-WebSocket-Version| header fields) containing all versions it is willing to use."
  std::string_view own = "Content-Type: text/plain; charset=utf-8\r\n";
  if (status == 405) own = "Content-Type: text/plain; charset=utf-8\r\nAllow: GET, HEAD\r\n";
  if (status == 426) {
    own =
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Upgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\n";
    static_assert(protocol_version == "13");
  }
  return detail::write_last_response(out, {.status = status,
                                           .own = own,
                                           .body = reason,
                                           .body_end = "\n",
                                           .has_upgrade = status == 426,
                                           .head_only = head_only});
}

/// Writes the refusal of a request that failed with `why`: the status that http_status_for gives,
/// and the reason in words.
inline void write_refusal(const text_room& out, error why, bool head_only = false) {
  const error e = write_refusal(out, http_status_for(why), to_string(why), head_only);
  HAWSER_ASSERT(e == error::none);
  static_cast<void>(e);
}

/// What a client's request holds beyond the URI. A view.
struct upgrade_options {
  std::string_view origin = {};  ///< For Origin, which browsers send; empty: none.
  std::span<const std::string> subprotocols = {};  ///< To offer, in the order of preference.
  header_list headers = {};                        ///< The application's own.
  std::string_view extensions = {};  ///< To offer: the value of a header; empty: none.
};

namespace detail {

[[nodiscard]] constexpr error check_upgrade_options(const upgrade_options& options) noexcept {
  const header_list headers = options.headers;
  const std::size_t origins = headers.count("Origin") + (options.origin.empty() ? 0U : 1U);
  if (origins > 1 || headers.find("Host") != nullptr || has_handshake_header(headers)) {
    return error::bad_header;
  }
  return check_subprotocols_to_offer(options.subprotocols);
}

[[nodiscard]] inline std::string join(std::span<const std::string> tokens) {
  std::string list;
  for (const std::string& token : tokens) {
    if (!list.empty()) list += ", ";
    list += token;
  }
  return list;
}

}  // namespace detail

namespace detail {

// Writes a request with at most 9 fields of our own, and those of the application behind them.
[[nodiscard]] inline error write_request(const text_room& out, std::string_view target,
                                         header_list own, header_list others) {
  if (!may_write_target(target) || !may_write(own)) return error::bad_header;
  std::array<std::string_view, 3 + 4 * 9> before{"GET ", target, " HTTP/1.1\r\n"};
  std::size_t pieces = 3;
  for (const header& field : own) {
    for (const std::string_view piece :
         {field.name, std::string_view{": "}, field.value, std::string_view{"\r\n"}}) {
      before[pieces++] = piece;
    }
  }
  return write_message(out, {.before = std::span{before}.first(pieces), .headers = others});
}

}  // namespace detail

/// Writes the request of a client that opens a connection to `to`, with a `key` of make_key.
/// Userinfo of the URI becomes an Authorization, unless the application's headers have one.
///
/// Returns `error::bad_url` where `to` has no host or its userinfo cannot be sent;
/// `error::bad_subprotocol` unless the subprotocols are distinct tokens; `error::bad_header` where
/// a header has a byte that it must not have, the key is none, or the application's headers have
/// one that the handshake is made of: Host, Upgrade, Connection, Content-Length, Transfer-Encoding,
/// Sec-WebSocket-anything, a second Origin. RFC 6455 4.1.
[[nodiscard]] inline error write_upgrade_request(const text_room& out, const uri& to,
                                                 std::string_view key,
                                                 const upgrade_options& options = {}) {
  if (to.host.empty()) return error::bad_url;
  if (!is_key(key)) return error::bad_header;
  if (const error e = detail::check_upgrade_options(options); e != error::none) return e;

  const std::string host = make_host(to);
  const std::string subprotocols = detail::join(options.subprotocols);
  std::string authorization;
  const bool has_own = options.headers.find("Authorization") != nullptr;
  if (!to.userinfo.empty() && !has_own) {
    const error e = append_basic_authorization(authorization, to.userinfo);
    if (e != error::none) return e;
  }

  // RFC 6455 4.1: "The request MUST contain a |Host| header field [...] an |Upgrade| header field
  // whose value MUST include the "websocket" keyword [...] a |Connection| header field whose value
  // MUST include the "Upgrade" token [...] a header field with the name |Sec-WebSocket-Key| [...] a
  // header field with the name |Sec-WebSocket-Version|. The value of this header field MUST be 13."
  std::array<header, 9> fields{{{"Host", host},
                                {"Upgrade", "websocket"},
                                {"Connection", "Upgrade"},
                                {"Sec-WebSocket-Key", key},
                                {"Sec-WebSocket-Version", protocol_version}}};
  std::size_t count = 5;
  if (!options.origin.empty()) fields[count++] = {"Origin", options.origin};
  if (!subprotocols.empty()) fields[count++] = {detail::subprotocol_header, subprotocols};
  if (!options.extensions.empty()) {
    fields[count++] = {detail::extensions_header, options.extensions};
  }
  if (!authorization.empty()) fields[count++] = {"Authorization", authorization};
  return detail::write_request(out, make_resource_name(to),
                               std::span<const header>{fields}.first(count), options.headers);
}

}  // namespace hawser::inline v0
