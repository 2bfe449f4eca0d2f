#pragma once

#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The vocabulary of RFC 6455: names and numbers, no behaviour.
namespace hawser::inline v0 {

/// Which end of a connection one is. RFC 6455 1.3.
enum class role : std::uint8_t { server, client };

/// The other end.
[[nodiscard]] constexpr role peer_of(role self) noexcept {
  return self == role::server ? role::client : role::server;
}

/// What a frame carries. RFC 6455 5.2; 3 to 7 and 11 to 15 are reserved.
enum class opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// True for close, ping and pong and for the reserved control opcodes 11 to 15. RFC 6455 5.5.
[[nodiscard]] constexpr bool is_control(opcode code) noexcept {
  return (static_cast<unsigned>(code) & 0x8U) != 0;
}

/// True for the opcodes that RFC 6455 5.2 leaves undefined.
[[nodiscard]] constexpr bool is_reserved(opcode code) noexcept {
  return (static_cast<unsigned>(code) & 0x7U) > 2;
}

/// Why a connection was closed. RFC 6455 7.4.1 and the IANA registry; 3000 to 3999 are registered
/// by libraries and frameworks, 4000 to 4999 are an application's own.
enum class close_code : std::uint16_t {
  none = 0,                     ///< Not closed yet.
  normal = 1000,                ///< The purpose is fulfilled.
  going_away = 1001,            ///< A server stops, a page is left.
  protocol_error = 1002,        ///< The peer broke the protocol.
  unsupported_data = 1003,      ///< A type of message that this end does not take.
  no_status = 1005,             ///< A close frame without a code. Never on the wire.
  abnormal = 1006,              ///< The connection ended without a close frame. Never on the wire.
  invalid_payload = 1007,       ///< Text that is not UTF-8, or the like.
  policy_violation = 1008,      ///< A rule of this end, when no other code fits.
  message_too_big = 1009,       ///< A message beyond what this end takes.
  mandatory_extension = 1010,   ///< The client needed an extension that it did not get.
  internal_error = 1011,        ///< Something failed at this end.
  service_restart = 1012,       ///< The server restarts.
  try_again_later = 1013,       ///< The server is overloaded.
  bad_gateway = 1014,           ///< A gateway got a bad answer.
  tls_handshake_failed = 1015,  ///< TLS could not be set up. Never on the wire.
};

/// The numbers that a browser's `WebSocket.readyState` has.
enum class ready_state : std::uint8_t { connecting = 0, open = 1, closing = 2, closed = 3 };

/// How received data messages reach the application.
enum class delivery : std::uint8_t {
  whole,   ///< One event a message.
  pieces,  ///< One event for each part of a message, as it arrives.
};

/// The largest payload of a close, ping or pong frame, in bytes. RFC 6455 5.5.
inline constexpr std::size_t max_control_payload_size = 125;

/// The largest reason of a close frame, in bytes of UTF-8: the code takes two. RFC 6455 5.5.1.
inline constexpr std::size_t max_close_reason_size = 123;

/// The largest header of a frame, in bytes: 2, 8 of length, 4 of masking key. RFC 6455 5.2.
inline constexpr std::size_t max_frame_header_size = 14;

/// The only version of the protocol. RFC 6455 4.1.
inline constexpr std::string_view protocol_version = "13";

/// What a server appends to the key before it hashes it. RFC 6455 1.3.
inline constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

}  // namespace hawser::inline v0
