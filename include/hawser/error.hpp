#pragma once

#include "hawser/rfc6455.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hawser::inline v0 {

/// What went wrong, exactly: for logs and tests. One byte; `none` is zero.
///
/// Four families, told apart by `is_misuse`, `is_violation`, `is_refusal` and `is_loss`: what the
/// caller did wrong (returned by the call, nothing was written), what the peer did wrong (the
/// connection fails with a close code or an HTTP status), a handshake that one side refused by
/// policy, and a connection that was lost.
enum class error : std::uint8_t {
  none,

  // Misuse: returned by the call that was wrong; the connection goes on.
  not_open,             ///< No message can be sent before open or after close.
  not_deciding,         ///< No request waits to be accepted, rejected or answered.
  message_in_progress,  ///< A message was begun and not finished: only control frames may be sent.
  no_message_begun,     ///< append or finish without begin.
  control_too_long,     ///< A ping or pong payload over 125 bytes.
  reason_too_long,      ///< A close reason over 123 bytes.
  bad_close_code,       ///< A close code that must not be sent.
  text_not_utf8,        ///< Text to be sent is not UTF-8.
  output_full,          ///< limits.max_output_size would be passed; nothing was queued.
  bad_header,           ///< A header, path or status to be sent has a byte that it must not have.
  bad_subprotocol,      ///< A subprotocol to be sent is no token, or was not offered.
  bad_url,              ///< The URL is not a valid ws or wss URL.
  no_tls,               ///< The URL is a wss URL, and the adapter has no TLS.

  // Violations in frames: close code 1002 unless said.
  reserved_bits,            ///< RSV1 to RSV3 without an extension.
  reserved_opcode,          ///< An opcode that RFC 6455 does not define.
  frame_not_masked,         ///< A server got an unmasked frame.
  frame_masked,             ///< A client got a masked frame.
  length_not_minimal,       ///< A length in more bytes than it needs.
  length_too_large,         ///< A 64-bit length with its highest bit set.
  control_fragmented,       ///< A control frame without FIN.
  control_over_125,         ///< A control frame with more than 125 bytes.
  nothing_to_continue,      ///< A continuation frame without a message.
  message_unfinished,       ///< A new message inside a fragmented one.
  close_payload_size,       ///< A close frame with a payload of one byte.
  close_code_invalid,       ///< A close frame with a code that must not be on the wire.
  reason_not_utf8,          ///< A close frame whose reason is not UTF-8: 1007.
  invalid_utf8,             ///< A text message that is not UTF-8: 1007.
  bad_compressed_data,      ///< A compressed message that cannot be inflated: 1007.
  frame_too_big,            ///< limits.max_frame_size: 1009.
  message_too_big,          ///< limits.max_message_size: 1009.
  too_many_fragments,       ///< limits.max_fragments: 1008.
  ratio_too_high,           ///< deflate_options.max_ratio: 1008.
  too_many_control_frames,  ///< limits.max_control_frames: 1008.

  // Violations in HTTP: status 400 unless said.
  bad_request_line,         ///< The request line is malformed.
  bad_status_line,          ///< The status line is malformed.
  bad_http_version,         ///< Not HTTP/1.1: 505.
  bad_method,               ///< Not GET (nor HEAD without an upgrade): 405.
  bad_target,               ///< The target is neither origin-form nor absolute-form.
  bad_line_ending,          ///< A bare CR or LF.
  bad_header_name,          ///< A header name that is no token, or a space before the colon.
  bad_header_value,         ///< A control byte in a header value.
  folded_header,            ///< A header continued on the next line (obs-fold).
  head_too_large,           ///< limits.max_head_size: 431.
  too_many_headers,         ///< limits.max_headers: 431.
  missing_host,             ///< No Host header.
  repeated_header,          ///< A header that must stand once stands twice.
  bad_host,                 ///< A Host header that is no host and port, or not the target's.
  unexpected_body,          ///< A body on a request that must have none.
  missing_upgrade,          ///< No "websocket" in Upgrade: 426.
  missing_connection,       ///< No "Upgrade" in Connection.
  missing_key,              ///< No Sec-WebSocket-Key.
  bad_key,                  ///< A Sec-WebSocket-Key that is not 16 bytes in base64.
  bad_version,              ///< Sec-WebSocket-Version is not 13: 426.
  bad_subprotocol_list,     ///< Sec-WebSocket-Protocol is no list of distinct tokens.
  too_much_early_data,      ///< limits.max_early_size, before the request was decided.
  accept_mismatch,          ///< Sec-WebSocket-Accept is missing or not the key's.
  subprotocol_not_offered,  ///< The server chose a subprotocol that was not offered.
  extension_not_offered,    ///< The server chose an extension that was not offered.
  bad_extension_list,       ///< Sec-WebSocket-Extensions is malformed.
  extension_repeated,       ///< The server chose an extension twice.
  parameter_unknown,        ///< A parameter that the server's extension does not have.
  parameter_repeated,       ///< A parameter of the server's extension stands twice.
  parameter_invalid,        ///< A value that a parameter of the extension must not have.
  parameters_not_offered,   ///< The server's parameters are not what was offered.

  // Refusals.
  origin_refused,     ///< The Origin is not one that this server accepts: 403.
  host_refused,       ///< The Host is not one that this server answers for: 421.
  rejected,           ///< The application rejected the request.
  handshake_refused,  ///< The server answered the handshake with another status than 101.

  // Losses: close code 1006.
  end_of_stream,     ///< The stream ended before the closing handshake.
  opening_timeout,   ///< timeouts.opening passed before the connection was open.
  closing_timeout,   ///< timeouts.closing passed before the peer closed.
  pong_timeout,      ///< timeouts.pong passed after a ping, and nothing came.
  output_timeout,    ///< timeouts.output passed, and the peer took nothing.
  transport_failed,  ///< The adapter's socket reported an error.
  aborted,           ///< This end gave up.
};

/// True where the caller was wrong: the call did nothing and the connection goes on.
[[nodiscard]] constexpr bool is_misuse(error e) noexcept {
  return e > error::none && e < error::reserved_bits;
}

/// True where the peer broke RFC 6455, HTTP or one of this end's limits.
[[nodiscard]] constexpr bool is_violation(error e) noexcept {
  return e >= error::reserved_bits && e < error::origin_refused;
}

/// True where a valid opening handshake was turned down.
[[nodiscard]] constexpr bool is_refusal(error e) noexcept {
  return e >= error::origin_refused && e < error::end_of_stream;
}

/// True where the connection ended without a closing handshake: time, transport or end of stream.
[[nodiscard]] constexpr bool is_loss(error e) noexcept { return e >= error::end_of_stream; }

/// The close code that tells a peer of `e` on an open connection. RFC 6455 7.4.1.
[[nodiscard]] constexpr close_code close_code_for(error e) noexcept {
  switch (e) {
    case error::none:
      return close_code::normal;
    case error::reason_not_utf8:
    case error::invalid_utf8:
    case error::bad_compressed_data:
      return close_code::invalid_payload;
    case error::frame_too_big:
    case error::message_too_big:
      return close_code::message_too_big;
    case error::too_many_fragments:
    case error::ratio_too_high:
    case error::too_many_control_frames:
      return close_code::policy_violation;
    default:
      return is_violation(e) ? close_code::protocol_error : close_code::abnormal;
  }
}

/// The HTTP status with which a server answers a request that fails with `e`. RFC 9110 15.
[[nodiscard]] constexpr unsigned http_status_for(error e) noexcept {
  switch (e) {
    case error::bad_method:
      return 405;
    case error::bad_http_version:
      return 505;
    case error::head_too_large:
    case error::too_many_headers:
      return 431;
    case error::missing_upgrade:
    case error::bad_version:
      return 426;
    case error::unexpected_body:
      return 413;
    case error::origin_refused:
      return 403;
    case error::host_refused:
      return 421;
    case error::opening_timeout:
      return 408;
    default:
      return 400;
  }
}

namespace detail {

// One for each error, in their order.
inline constexpr std::string_view error_texts[] = {
    "no error",
    "the connection is not open",
    "no request waits for a decision",
    "a message was begun and not finished",
    "no message was begun",
    "a control frame carries at most 125 bytes",
    "a close reason has at most 123 bytes",
    "this close code must not be sent",
    "the text to send is not valid UTF-8",
    "the output is full",
    "a header to send has a byte that it must not have",
    "the subprotocol is no token or was not offered",
    "not a valid ws or wss URL",
    "a wss URL needs TLS, which this adapter does not have",
    "a reserved bit is set without an extension",
    "the opcode is reserved",
    "a frame from a client must be masked",
    "a frame from a server must not be masked",
    "the length is not in its shortest form",
    "the highest bit of the length is set",
    "a control frame must not be fragmented",
    "a control frame is longer than 125 bytes",
    "a continuation frame without a message to continue",
    "a new message inside a fragmented one",
    "a close frame with a payload of one byte",
    "a close code that must not be on the wire",
    "the close reason is not valid UTF-8",
    "a text message is not valid UTF-8",
    "a compressed message cannot be inflated",
    "the frame is larger than the limit",
    "the message is larger than the limit",
    "the message has more fragments than the limit",
    "the message inflates to more times its size than the limit",
    "more control frames than the limit",
    "the request line is malformed",
    "the status line is malformed",
    "the HTTP version is not 1.1",
    "the method is not GET",
    "the request target is malformed",
    "a line must end with CR LF",
    "a header name is malformed",
    "a header value has a control byte",
    "a header is folded over several lines",
    "the head is larger than the limit",
    "there are more headers than the limit",
    "the Host header is missing",
    "a header that must stand once is repeated",
    "the Host header is malformed or is not the target's",
    "the request must not have a body",
    "the Upgrade header does not name websocket",
    "the Connection header does not name Upgrade",
    "the Sec-WebSocket-Key header is missing",
    "Sec-WebSocket-Key is not 16 bytes in base64",
    "Sec-WebSocket-Version is not 13",
    "Sec-WebSocket-Protocol is not a list of distinct tokens",
    "too many bytes came before the request was answered",
    "Sec-WebSocket-Accept does not match the key",
    "the server chose a subprotocol that was not offered",
    "the server chose an extension that was not offered",
    "Sec-WebSocket-Extensions is malformed",
    "the server chose an extension twice",
    "the server's extension has a parameter that is not known",
    "a parameter of the server's extension is repeated",
    "a parameter of the server's extension has a value that it must not have",
    "the server's parameters of an extension are not what was offered",
    "the Origin is not allowed",
    "the Host is not one of this server's",
    "the application rejected the request",
    "the server refused the handshake",
    "the stream ended without a closing handshake",
    "the opening handshake took too long",
    "the closing handshake took too long",
    "the peer did not answer a ping",
    "the peer took no output",
    "the transport failed",
    "this end gave up",
};
static_assert(std::size(error_texts) == static_cast<std::size_t>(error::aborted) + 1);

}  // namespace detail

/// `e` in plain words, for logs, close reasons and HTTP bodies. At most 123 bytes of ASCII.
[[nodiscard]] constexpr std::string_view to_string(error e) noexcept {
  const auto place = static_cast<std::size_t>(e);
  return place < std::size(detail::error_texts) ? detail::error_texts[place] : "unknown error";
}

}  // namespace hawser::inline v0
