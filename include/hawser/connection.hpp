#pragma once

#include "hawser/client_handshake.hpp"
#include "hawser/close_payload.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/error.hpp"
#include "hawser/event.hpp"
#include "hawser/message_options.hpp"
#include "hawser/no_extension.hpp"
#include "hawser/outbox.hpp"
#include "hawser/receiver.hpp"
#include "hawser/request.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/sender.hpp"
#include "hawser/server_handshake.hpp"
#include "hawser/sink.hpp"
#include "hawser/timers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace hawser::inline v0 {

template <role Role, class Extension = no_extension>
class event_cursor;

/// What somebody else's HTTP server or client agreed on in an opening handshake.
struct agreement {
  std::string_view subprotocol = {};  ///< Empty: none.
  /// The response's Sec-WebSocket-Extensions; empty: none. Only for connections with an extension,
  /// and what stands there is what it agrees on, or the connection fails.
  std::string_view extensions = {};
};

/// A WebSocket connection without I/O: bytes and time in; events, bytes and deadlines out.
///
/// A turn of its loop, on any kind of socket:
/// 1. read until next_deadline(); give what came to receive() and take its events until there is
///    none; tell the end of the stream by receive_eof(), before the last receive();
/// 2. call on_time() with the time;
/// 3. write output() and tell consume_output() how much was taken;
/// 4. when wants_shutdown(), shut down the sending side of the socket; when wants_close(), close
/// it.
///
/// Any function may be called at any time and in any state, also between two events; only
/// destroying the connection and receive() must wait until the cursor is done. None blocks. A
/// peer's fault is never an exception: only memory::allocate may throw, and `operator new` in a
/// client's opening handshake; the connection then still can be used, or destroyed. It borrows its
/// endpoint and belongs to one thread at a time.
template <role Role, class Extension = no_extension>
class basic_connection {
 public:
  using endpoint_type = basic_endpoint<Role, Extension>;

  /// Waits for a client's request.
  explicit basic_connection(endpoint_type& endpoint)
    requires(Role == role::server)
      : basic_connection{blank{}, endpoint} {}

  /// Asks a server: the request is in output(). Where it cannot be sent (see
  /// write_upgrade_request), error() says why and wants_close() is true at once.
  basic_connection(endpoint_type& endpoint, client_request request)
    requires(Role == role::client);

  /// A connection for which somebody else did the opening handshake. What they read behind it goes
  /// to receive().
  [[nodiscard]] static basic_connection adopt(endpoint_type& endpoint, const agreement& agreed) {
    return basic_connection{blank{}, endpoint, agreed};
  }

  basic_connection(const basic_connection&) = delete;
  basic_connection& operator=(const basic_connection&) = delete;
  ~basic_connection();

  // ---- Bytes in

  /// Takes the bytes that came, which are changed in place; the cursor's next() gives the events in
  /// them. Views in events point into `bytes`, or to memory of the connection.
  [[nodiscard]] event_cursor<Role, Extension> receive(mutable_byte_view bytes) noexcept {
    if (!bytes.empty()) receiver_.hear();
    return {*this, bytes.data(), bytes.data() + bytes.size()};
  }

  /// Asks the processor for the memory that receive() and send() will touch. Changes nothing. A
  /// loop over thousands of connections that calls this a dozen turns ahead or more does not wait
  /// for each of them.
  void prefetch() const noexcept {
#if defined(__GNUC__)
    const auto* const start = reinterpret_cast<const std::byte*>(this);
    __builtin_prefetch(start, 1);
    __builtin_prefetch(start + 31, 1);  // what is hot are the first 32 bytes, in one line or two
#endif
  }

  /// The peer sends no more. Call receive() once more for the event that may follow from it.
  void receive_eof() noexcept {
    eof_ = true;
    receiver_.update_fast_limit(endpoint_->receiving_, false);
  }

  /// Nobody read from the peer so far: that it was not heard is no sign that it is gone. on_time()
  /// counts its silence anew.
  void excuse_silence() noexcept { timers_.hear(); }

  // ---- Bytes out

  /// What is to be sent. It keeps its place until consume_output(), whatever is sent in between.
  [[nodiscard]] output_list output() noexcept { return out_.output(); }
  /// True where something is to be sent.
  [[nodiscard]] bool has_output() const noexcept { return !out_.empty(); }
  /// How many bytes are to be sent, headers and control frames included.
  [[nodiscard]] std::size_t output_size() const noexcept { return out_.size(); }
  /// The first `size` bytes of the last output() were sent; 0: the socket takes none at present.
  void consume_output(std::size_t size) noexcept {
    // Who takes what had to wait for it is there, also while it is not read from.
    if (size != 0 && out_.is_blocked()) receiver_.hear();
    out_.consume(pool(), size);
  }
  /// The first `size` bytes of what was sent to the sink are sent; 0: the socket takes none at
  /// present. The rest waits in output(), before all that is there, and the sink is empty. Call it
  /// before output(); what stands there comes behind the sink.
  void consume_output(sink& from, std::size_t size) {
    HAWSER_ASSERT((from.empty() || from.owner_ == this) && "the sink holds another's frames");
    if (size != from.size_) out_.add_before(pool(), from.bytes(), size);
    from.size_ = 0;
  }

  // ---- Time

  /// Tells the time, of a steady clock: once in each turn of the loop is enough. Fires what is due.
  void on_time(time_point now);
  /// When on_time() should be called at the latest: time_point::min() is at once, max() never.
  [[nodiscard]] time_point next_deadline() const noexcept;

  // ---- Sending: error::none, or why nothing was queued

  /// Sends text, which is UTF-8. Errors: not_open, message_in_progress, text_not_utf8, output_full.
  hawser::error send_text(std::string_view text) {
    return send(opcode::text, std::as_bytes(std::span{text}));
  }
  /// Sends bytes: anything contiguous of them, but no string literal, whose size counts its zero.
  /// Errors: not_open, message_in_progress, output_full.
  hawser::error send_binary(byte_view bytes) { return send(opcode::binary, bytes); }
  /// Sends a message of the same type and payload as the one that `message` brought; where that is
  /// a piece, the same part of one. Errors: as of send_text, and for pieces of append.
  HAWSER_NO_INLINE hawser::error send(const event& message);

  /// As above, by way of a sink, which see; buffered_amount() does not count what is there, and
  /// limits.max_output_size holds for each of the two. To output() goes what finds no room in the
  /// sink, or stands behind something that waits there already, or is compressed.
  hawser::error send_text(std::string_view text, sink& to) {
    const auto payload = std::as_bytes(std::span{text});
    return (!endpoint_->sending_.checks_text || is_utf8(payload)) &&
                   send_to(to, opcode::text, payload)
               ? error::none
               : send_text(text);
  }
  /// The same for bytes.
  hawser::error send_binary(byte_view bytes, sink& to) {
    return send_to(to, opcode::binary, bytes) ? error::none : send_binary(bytes);
  }
  /// The same for a message that came.
  hawser::error send(const event& message, sink& to) {
    const opcode type = message.is_text() ? opcode::text : opcode::binary;
    return message.is_message() && (type == opcode::binary || is_text_checked()) &&
                   send_to(to, type, message.payload())
               ? error::none
               : send(message);
  }

  /// As above, where messages may be compressed, with a choice on this one.
  hawser::error send_text(std::string_view text, const message_options& options)
    requires(Extension::is_used)
  {
    const auto payload = std::as_bytes(std::span{text});
    return is_open() ? sender_.send(out_, opcode::text, payload, endpoint_->sending_, options)
                     : error::not_open;
  }
  /// The same for bytes.
  hawser::error send_binary(byte_view bytes, const message_options& options)
    requires(Extension::is_used)
  {
    return is_open() ? sender_.send(out_, opcode::binary, bytes, endpoint_->sending_, options)
                     : error::not_open;
  }
  /// The same for a message that is begun.
  hawser::error begin_text(const message_options& options)
    requires(Extension::is_used)
  {
    return is_open() ? sender_.begin(opcode::text, options) : error::not_open;
  }
  /// The same for bytes.
  hawser::error begin_binary(const message_options& options)
    requires(Extension::is_used)
  {
    return is_open() ? sender_.begin(opcode::binary, options) : error::not_open;
  }

  /// Begins a text message of which the size need not be known; append() and finish() send it.
  /// Errors: not_open, message_in_progress.
  hawser::error begin_text() { return begin(opcode::text); }
  /// Begins a binary message of which the size need not be known; append() and finish() send it.
  /// Errors: not_open, message_in_progress.
  hawser::error begin_binary() { return begin(opcode::binary); }
  /// Sends the next part of the message, as a complete frame. Errors: not_open, no_message_begun,
  /// text_not_utf8 (the part cannot follow what was sent), output_full.
  hawser::error append(byte_view part) { return append(part, false); }
  /// Sends the last part, which may be empty. Errors: as append.
  hawser::error finish(byte_view part = {}) { return append(part, true); }

  /// Sends a ping that is measured: see round_trip(). None is needed to keep a connection alive:
  /// timeouts.ping does that. Errors: not_open, output_full.
  hawser::error ping();
  /// Sends a ping with a payload of at most 125 bytes. Errors: not_open, control_too_long,
  /// output_full.
  hawser::error ping(byte_view payload) { return send_ping(opcode::ping, payload); }
  /// Sends a pong that nobody asked for, or the answer to a ping where the endpoint does not answer
  /// by itself. Errors: as ping.
  hawser::error pong(byte_view payload) { return send_ping(opcode::pong, payload); }

  /// Begins the closing handshake: what waits is sent, then the close frame; messages still come in
  /// until the peer answers, by the close event. Before the connection is open it gives up. A
  /// second call does nothing. The reason has at most 123 bytes; a code of 4000 to 4999 is the
  /// application's own. Errors: bad_close_code, reason_too_long, text_not_utf8 (the reason).
  hawser::error close(close_code code = close_code::normal, std::string_view reason = {});
  /// Gives up at once, without a closing handshake: wants_close() is true. An adapter whose socket
  /// failed says so by error::transport_failed.
  void abort(hawser::error why = error::aborted) noexcept { lose(why); }

  // ---- The opening handshake of a server

  /// The request: from the request event on, and until the open event is over.
  [[nodiscard]] const hawser::request& request() const noexcept
    requires(Role == role::server)
  {
    static const hawser::request nothing;
    return handshake_ == nullptr ? nothing : handshake_->request();
  }
  /// Opens the connection, with the endpoint's choice of a subprotocol. Errors: as below; the
  /// request then waits still, as where reject() or respond() fails.
  hawser::error accept(header_list headers = {})
    requires(Role == role::server)
  {
    return handshake_ == nullptr ? error::not_deciding
                                 : accept(handshake_->request().subprotocol(), headers);
  }
  /// Opens the connection, with a subprotocol that the client offered, or none. Errors:
  /// not_deciding, bad_subprotocol (it was not offered), bad_header.
  hawser::error accept(std::string_view subprotocol, header_list headers)
    requires(Role == role::server);
  /// Refuses the request, with a line of text for its reason. Errors: not_deciding, bad_header (the
  /// status is not 200 to 599, or has no body).
  hawser::error reject(unsigned status, std::string_view reason)
    requires(Role == role::server);
  /// Answers the request over HTTP. Errors: not_deciding, bad_header.
  hawser::error respond(unsigned status, header_list headers, std::string_view body)
    requires(Role == role::server);

  // ---- The opening handshake of a client

  /// What the server answered.
  [[nodiscard]] hawser::response response() const noexcept
    requires(Role == role::client)
  {
    return handshake_ == nullptr ? hawser::response{} : handshake_->response();
  }
  /// The URL that was asked for.
  [[nodiscard]] std::string_view url() const noexcept
    requires(Role == role::client)
  {
    return handshake_ == nullptr ? std::string_view{} : handshake_->url();
  }

  // ---- State

  /// As a browser's WebSocket tells it.
  [[nodiscard]] hawser::ready_state ready_state() const noexcept;
  /// True between the opening and the closing handshake: messages can be sent.
  [[nodiscard]] bool is_open() const noexcept { return is_opened_ && !is_ending(); }
  /// Payload bytes of messages that were sent and not yet consumed from output().
  [[nodiscard]] std::size_t buffered_amount() const noexcept { return out_.payload_size(); }
  /// The subprotocol that was agreed on; empty: none.
  [[nodiscard]] std::string_view protocol() const noexcept;
  /// The extensions that were agreed on, as they stand in the header; empty: none.
  [[nodiscard]] static std::string_view extensions() noexcept
    requires(!Extension::is_used)
  {
    return {};
  }
  /// The same, in a value whose text() it is.
  [[nodiscard]] auto extensions() const noexcept
    requires(Extension::is_used)
  {
    return agreed_.text();
  }
  /// The duration from the last measured ping to its pong, which the on_time() behind the pong
  /// counts: in the pong event it is still that of the ping before. 0 before the first.
  [[nodiscard]] duration round_trip() const noexcept { return timers_.round_trip(); }
  /// Where the piece of the last event stands in its message.
  [[nodiscard]] piece_position position_of_piece() const noexcept {
    return receiver_.position_of_piece();
  }

  /// True where nothing more will be sent: shut down the sending side of the socket, so that the
  /// peer sees the end, and go on reading. Stays true.
  [[nodiscard]] bool wants_shutdown() const noexcept {
    return out_.empty() &&
           (error_ != error::none || is_answered_ || (Role == role::server && was_clean()));
  }
  /// True where the connection is over: close the socket.
  [[nodiscard]] bool wants_close() const noexcept;

  /// The peer's close code (no_status where its frame had none), or that of the failure; none
  /// before.
  [[nodiscard]] hawser::close_code close_code() const noexcept { return close_code_; }
  /// The peer's reason, as long as the connection lives. Where this end closed first, the peer's
  /// answer may repeat the reason that it was given.
  [[nodiscard]] std::string_view close_reason() const noexcept { return receiver_.close_reason(); }
  /// True where both close frames were exchanged and nothing failed.
  [[nodiscard]] bool was_clean() const noexcept {
    return close_sent_ && close_received_ && error_ == error::none;
  }
  /// Why the connection failed, was refused or was lost; none where it did not.
  [[nodiscard]] hawser::error error() const noexcept { return error_; }

 private:
  friend class event_cursor<Role, Extension>;
  using handshake_type =
      std::conditional_t<Role == role::server, server_handshake, client_handshake>;
  using receiver_type = typename Extension::template receiver<Role>;
  using sender_type = typename Extension::template sender<Role>;

  // Whatever a constructor does after this one is undone by the destructor, should it throw.
  struct blank {
    explicit blank() = default;
  };
  basic_connection(blank, endpoint_type& endpoint) noexcept
      : endpoint_{&endpoint}, receiver_{endpoint.receiving_} {}
  basic_connection(blank, endpoint_type& endpoint, const agreement& agreed);

  [[nodiscard]] detail::block_pool& pool() const noexcept { return endpoint_->pool_; }
  [[nodiscard]] const timeouts& lengths() const noexcept { return endpoint_->options_.timeouts; }
  // No more messages are sent.
  [[nodiscard]] bool is_ending() const noexcept {
    return is_answered_ || close_sent_ || close_received_ || is_over_ || error_ != error::none;
  }
  [[nodiscard]] bool is_deciding() const noexcept
    requires(Role == role::server)
  {
    return handshake_ != nullptr && handshake_->state() == server_handshake::phase::deciding &&
           !is_opened_ && !is_ending();
  }

  HAWSER_NO_INLINE event next(std::byte*& position, std::byte* end);
  [[nodiscard]] event next_unusual(std::byte*& position, std::byte* end);
  [[nodiscard]] event next_opening(std::byte*& position, std::byte* end);
  [[nodiscard]] event next_handshake(std::byte*& position, std::byte* end)
    requires(Role == role::server);
  [[nodiscard]] event next_handshake(std::byte*& position, std::byte* end)
    requires(Role == role::client);
  [[nodiscard]] event next_open(std::byte*& position, std::byte* end);
  [[nodiscard]] event next_frames(std::byte*& position, std::byte* end);
  [[nodiscard]] event next_ended(std::byte*& position, std::byte* end) noexcept;
  void settle() noexcept;
  void set_open() noexcept;
  void answer_ping(const event& ping);
  void answer_close(const event& close);

  void end(hawser::error why) noexcept;
  void fail(hawser::error why);
  void fail_opening(hawser::error why, unsigned status);
  void lose(hawser::error why) noexcept;
  void answer(std::span<const std::byte> text, hawser::error why);
  void choose_protocol(std::string_view subprotocol);
  template <class Found>
  void agree(const Found& found) noexcept;
  void on_opening_time(time_point now);
  void on_open_time(time_point now);

  hawser::error send(opcode type, std::span<const std::byte> payload);
  [[nodiscard]] bool send_to(sink& to, opcode type, std::span<const std::byte> payload);
  // Text that came is UTF-8.
  [[nodiscard]] bool is_text_checked() const noexcept {
    return endpoint_->receiving_.strictness.utf8;
  }
  hawser::error begin(opcode type);
  hawser::error append(byte_view part, bool fin);
  hawser::error send_ping(opcode type, std::span<const std::byte> payload);

  static constexpr std::uint16_t no_protocol = 0xFFFF;
  static constexpr std::uint16_t own_protocol = 0xFFFE;

  // What every turn of the loop touches comes first: with the start of the receiver it is 32 bytes.
  endpoint_type* endpoint_;
  outbox out_;
  sender_type sender_;
  hawser::error error_ = error::none;
  // Bits of bytes: of bools GCC tests each by itself.
  std::uint8_t is_opened_ : 1 = 0;    // the opening handshake is done
  std::uint8_t is_answered_ : 1 = 0;  // the request was answered by anything but an upgrade
  std::uint8_t close_sent_ : 1 = 0;
  std::uint8_t close_received_ : 1 = 0;
  std::uint8_t is_over_ : 1 = 0;          // nothing more is worth waiting for
  std::uint8_t is_open_told_ : 1 = 0;     // the open event came
  std::uint8_t is_settled_ : 1 = 0;       // ... and is over: nothing is left of the handshake
  std::uint8_t is_request_told_ : 1 = 0;  // the request event came
  std::uint8_t is_end_told_ : 1 = 0;      // the failed event came, or there is none to tell
  std::uint8_t eof_ : 1 = 0;
  std::uint8_t pings_ = 0;
  receiver_type receiver_;
  timers timers_;
  std::uint16_t second_ = 0;  // of the budget of control frames
  hawser::close_code close_code_ = close_code::none;
  std::uint16_t protocol_ = no_protocol;
  HAWSER_NO_UNIQUE_ADDRESS typename Extension::agreed agreed_;
  handshake_type* handshake_ = nullptr;
};

/// The events in the bytes that were given to receive(). A plain local: it holds the position.
///
/// Take them until next() gives none; or stop after any of them and keep rest(), to be given to
/// receive() later, which is backpressure. Dropping it with bytes unparsed is a programming error.
template <role Role, class Extension>
class event_cursor {
 public:
  event_cursor(const event_cursor&) = delete;
  event_cursor& operator=(const event_cursor&) = delete;
  ~event_cursor() {
    HAWSER_ASSERT((position_ == end_ || std::uncaught_exceptions() != 0) &&
                  "take the events until there is none, or keep rest()");
  }

  /// The next event; none (false) where the bytes are used up. The event before it is void now.
  [[nodiscard]] HAWSER_ALWAYS_INLINE event next() {
    if (position_ == end_ && connection_->receiver_.is_usual()) return {};
    event found = connection_->receiver_.next_small(position_, end_);
    if (!found) found = connection_->next(position_, end_);
    return found;
  }

  /// The bytes that are not parsed yet. The caller keeps them, and stops using this cursor.
  [[nodiscard]] std::span<std::byte> rest() noexcept {
    std::byte* const begin = std::exchange(position_, end_);
    return {begin, static_cast<std::size_t>(end_ - begin)};
  }

 private:
  friend class basic_connection<Role, Extension>;
  event_cursor(basic_connection<Role, Extension>& connection, std::byte* begin,
               std::byte* end) noexcept
      : connection_{&connection}, position_{begin}, end_{end} {}

  basic_connection<Role, Extension>* connection_;
  std::byte* position_;
  std::byte* end_;
};

/// A connection at the server's end.
using server_connection = basic_connection<role::server>;

/// A connection at the client's end.
using client_connection = basic_connection<role::client>;

}  // namespace hawser::inline v0

#include "hawser/detail/connection_open.ipp"
#include "hawser/detail/connection_opening.ipp"

// What hawser/src.hpp compiles for the connections of an extension; elsewhere with `extern`.
#define HAWSER_INSTANTIATE_CONNECTIONS(how, ...)                  \
  how template class basic_endpoint<role::server, __VA_ARGS__>;   \
  how template class basic_endpoint<role::client, __VA_ARGS__>;   \
  how template class basic_connection<role::server, __VA_ARGS__>; \
  how template class basic_connection<role::client, __VA_ARGS__>

#if defined(HAWSER_HAS_SRC)
namespace hawser::inline v0 {
extern template class receiver<role::server>;
extern template class receiver<role::client>;
extern template class sender<role::server>;
extern template class sender<role::client>;
HAWSER_INSTANTIATE_CONNECTIONS(extern, no_extension);
}  // namespace hawser::inline v0
#endif
