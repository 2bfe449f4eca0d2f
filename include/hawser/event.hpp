#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/error.hpp"
#include "hawser/rfc6455.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hawser::inline v0 {

/// What happened. Each connection ends with exactly one of close, failed and refused, and with none
/// where this end gave it up before it was open, by close(), reject() or respond().
enum class event_kind : std::uint8_t {
  none,     ///< Nothing more: the input is used up.
  request,  ///< A client asks; decide with accept, reject or respond (server, where it is set up
            ///< so).
  open,     ///< The opening handshake is done: messages can be sent.
  message,  ///< A whole message (delivery whole).
  piece,    ///< A part of a message (delivery in pieces).
  ping,     ///< A ping; its pong is on its way already, unless options.answers_pings is false.
  pong,     ///< A pong.
  close,    ///< The peer's close frame; the answer is on its way already.
  refused,  ///< The server answered the handshake with another status: see response() (client).
  failed,   ///< The connection failed: see error(). What the peer is told is on its way already.
};

/// One thing that happened on a connection. 24 bytes, passed by value.
///
/// What it views (payload, text, reason) lives until the next call of next() or receive(), or until
/// the buffer that was given to receive() is refilled, whichever is first.
class event {
 public:
  constexpr event() = default;

  /// False where there is none.
  [[nodiscard]] constexpr explicit operator bool() const noexcept {
    return kind_ != event_kind::none;
  }
  [[nodiscard]] constexpr event_kind kind() const noexcept { return kind_; }

  /// True for a whole message.
  [[nodiscard]] constexpr bool is_message() const noexcept { return kind_ == event_kind::message; }
  /// True for a part of a message.
  [[nodiscard]] constexpr bool is_piece() const noexcept { return kind_ == event_kind::piece; }
  /// True for a message, or a piece of one, that is text.
  [[nodiscard]] constexpr bool is_text() const noexcept { return (flags_ & text_flag) != 0; }
  /// True for a message, or a piece of one, that is binary.
  [[nodiscard]] constexpr bool is_binary() const noexcept {
    return (is_message() || is_piece()) && !is_text();
  }
  /// True for a piece with which a message begins.
  [[nodiscard]] constexpr bool is_first() const noexcept { return (flags_ & first_flag) != 0; }
  /// True for a piece with which a message ends. It may be empty.
  [[nodiscard]] constexpr bool is_last() const noexcept { return (flags_ & last_flag) != 0; }

  /// The payload of a message, piece, ping or pong.
  [[nodiscard]] constexpr std::span<const std::byte> payload() const noexcept {
    return {data_, size_};
  }
  /// The same as text: valid UTF-8 for a text message; a text piece may end inside a code point.
  [[nodiscard]] std::string_view text() const noexcept { return as_text(payload()); }

  /// The peer's close code, or that with which the connection failed.
  [[nodiscard]] constexpr close_code code() const noexcept { return code_; }
  /// The peer's reason in its close frame: at most 123 bytes of UTF-8.
  [[nodiscard]] std::string_view reason() const noexcept { return as_text(payload()); }

  /// Why the connection failed, or was refused.
  [[nodiscard]] constexpr hawser::error error() const noexcept { return error_; }

 private:
  static constexpr std::uint8_t text_flag = 1;
  static constexpr std::uint8_t first_flag = 2;
  static constexpr std::uint8_t last_flag = 4;

  template <role Role>
  friend class receiver;
  template <role Role, class Codec>
  friend class inflating_receiver;
  template <role Role, class Extension>
  friend class basic_connection;
  template <role Role, class Extension>
  friend class event_cursor;

  constexpr explicit event(event_kind kind) noexcept : kind_{kind} {}
  constexpr event(event_kind kind, std::span<const std::byte> payload,
                  std::uint8_t flags = 0) noexcept
      : data_{payload.data()}, size_{payload.size()}, kind_{kind}, flags_{flags} {}
  constexpr event(event_kind kind, hawser::error error, close_code code) noexcept
      : code_{code}, kind_{kind}, error_{error} {}

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  close_code code_ = close_code::none;
  event_kind kind_ = event_kind::none;
  std::uint8_t flags_ = 0;
  hawser::error error_ = error::none;
};

static_assert(sizeof(event) == 24 || sizeof(void*) != 8);

}  // namespace hawser::inline v0
