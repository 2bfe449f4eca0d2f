#pragma once

#include "hawser/connection.hpp"
#include "hawser/time.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

/// A WebSocket over any blocking socket: a connection, a socket and the loop that joins them.
///
///     hawser::client_endpoint endpoint;
///     hawser::client_stream<my_socket> peer{endpoint, std::move(socket), {.url = url}};
///     if (peer.open() == hawser::error::none) peer.send_text("hello");
///     while (const hawser::event event = peer.receive()) {
///       if (event.is_message()) show(event.text());
///     }
///     if (!peer.connection().was_clean()) complain(to_string(peer.connection().error()));
///
/// Over TLS: a type whose read_some and write_some are those of the TLS library.
namespace hawser::inline v0 {

/// How a read or a write ended.
enum class io_status : std::uint8_t {
  ok,       ///< Bytes were moved, at least one.
  timeout,  ///< Not one could be moved until the deadline.
  eof,      ///< Reading only: the peer sends no more.
  failed,   ///< The socket is broken in this direction.
};

/// What a read or a write did.
struct io_result {
  std::size_t size = 0;  ///< Bytes that were moved.
  io_status status = io_status::ok;
};

/// How to use a socket of type `Socket`. A type with these members needs no more:
///
///     io_result read_some(std::span<std::byte> to, time_point deadline);
///     io_result write_some(std::span<const std::byte> from, time_point deadline);
///     void shutdown_send();  // optional: the peer is to see the end of the stream
///     void close();          // optional: the connection is over
///     time_point now();      // optional: another clock than std::chrono::steady_clock
///
/// Both functions move at least one byte, or block until `deadline`: time_point::min() is not at
/// all, max() for ever. They may leave the deadline out: then a timeout is noticed as soon as the
/// socket returns by itself, which it must do now and then.
///
/// For a type that has other members, specialize this: read_some and write_some, with the socket in
/// front, and those of the others that can be had.
template <class Socket>
struct socket_traits {
  static io_result read_some(Socket& socket, std::span<std::byte> to, time_point deadline)
    requires requires { socket.read_some(to); } || requires { socket.read_some(to, deadline); }
  {
    if constexpr (requires { socket.read_some(to, deadline); }) {
      return socket.read_some(to, deadline);
    } else {
      return socket.read_some(to);
    }
  }
  static io_result write_some(Socket& socket, std::span<const std::byte> from, time_point deadline)
    requires requires { socket.write_some(from); } ||
             requires { socket.write_some(from, deadline); }
  {
    if constexpr (requires { socket.write_some(from, deadline); }) {
      return socket.write_some(from, deadline);
    } else {
      return socket.write_some(from);
    }
  }
  static void shutdown_send(Socket& socket)
    requires requires { socket.shutdown_send(); }
  {
    socket.shutdown_send();
  }
  static void close(Socket& socket)
    requires requires { socket.close(); }
  {
    socket.close();
  }
  static time_point now(Socket& socket)
    requires requires { socket.now(); }
  {
    return socket.now();
  }
};

/// A type that a stream can read from and write to, by itself or by its socket_traits.
template <class Socket>
concept blocking_socket = requires(Socket& socket, std::span<std::byte> to,
                                   std::span<const std::byte> from, time_point deadline) {
  { socket_traits<Socket>::read_some(socket, to, deadline) } -> std::same_as<io_result>;
  { socket_traits<Socket>::write_some(socket, from, deadline) } -> std::same_as<io_result>;
};

/// A WebSocket connection with its socket: calls block until they are done, or the connection is
/// over.
///
/// `Socket` is a type of sockets, which is moved in and belongs to the stream; or a reference to
/// one, `client_stream<sf::TcpSocket&>`, which outlives it. The endpoint outlives it too. A stream
/// cannot be moved, belongs to one thread at a time, and has 16 KiB for what it reads.
///
/// Every wait ends at the connection's deadlines (see timeouts). A stream that writes does not
/// read: a peer that takes nothing blocks the writer until timeouts.output. Destroying a stream
/// before receive() gave none cuts the connection off.
template <class Socket, role Role, class Extension = no_extension>
  requires blocking_socket<std::remove_reference_t<Socket>>
class basic_stream {
 public:
  using connection_type = basic_connection<Role, Extension>;
  using endpoint_type = basic_endpoint<Role, Extension>;

  /// Waits for a client's request, once receive() is called.
  basic_stream(endpoint_type& endpoint, Socket socket)
    requires(Role == role::server)
      : socket_{std::forward<Socket>(socket)}, connection_{endpoint} {}

  /// Asks a server, once open() or receive() is called. The socket is connected to it already.
  basic_stream(endpoint_type& endpoint, Socket socket, client_request request)
    requires(Role == role::client)
      : socket_{std::forward<Socket>(socket)}, connection_{endpoint, std::move(request)} {}

  basic_stream(const basic_stream&) = delete;
  basic_stream& operator=(const basic_stream&) = delete;
  ~basic_stream() = default;

  // ---- Receiving

  /// Waits for the next event; none (false) where the connection is over and the socket closed.
  /// What an event views lives until the next call.
  [[nodiscard]] event receive() {
    for (bool has_read = false;; has_read = true) {
      const event found = next();
      // What is overdue by now has to wait until the socket was asked: the answer may lie there.
      if (has_read || connection_.next_deadline() == time_point::min()) connection_.on_time(now());
      flush();
      if (found) return found;
      if (is_over()) return next();  // its failure, unless it was told
      read();
    }
  }

  /// Waits for the end of the opening handshake: error::none where it succeeded. It takes the
  /// events up to open, refused or failed; a server that decides on requests takes them by
  /// receive() instead.
  hawser::error open() {
    while (const event found = receive()) {
      if (found.kind() == event_kind::open) break;
    }
    return connection_.error();
  }

  /// Takes what still comes, without looking at it, until the connection is over.
  void drain() {
    while (receive()) {
    }
  }

  // ---- Sending: as the connection's functions of the same names, and writes at once. Where the
  // connection is lost, all return why.

  hawser::error send_text(std::string_view text) {
    return write([&] { return connection_.send_text(text); });
  }
  hawser::error send_binary(byte_view bytes) {
    return write([&] { return connection_.send_binary(bytes); });
  }
  /// Sends a message of the same type and payload as the one that `event` brought.
  hawser::error send(const event& message) {
    return write([&] { return connection_.send(message); });
  }
  hawser::error begin_text() { return connection_.begin_text(); }
  hawser::error begin_binary() { return connection_.begin_binary(); }
  hawser::error append(byte_view part) {
    return write([&] { return connection_.append(part); });
  }
  hawser::error finish(byte_view part = {}) {
    return write([&] { return connection_.finish(part); });
  }
  hawser::error send_text(std::string_view text, const message_options& options)
    requires(Extension::is_used)
  {
    return write([&] { return connection_.send_text(text, options); });
  }
  hawser::error send_binary(byte_view bytes, const message_options& options)
    requires(Extension::is_used)
  {
    return write([&] { return connection_.send_binary(bytes, options); });
  }
  hawser::error ping() {
    return write([&] { return connection_.ping(); });
  }
  hawser::error ping(byte_view payload) {
    return write([&] { return connection_.ping(payload); });
  }
  hawser::error pong(byte_view payload) {
    return write([&] { return connection_.pong(payload); });
  }
  /// Begins the closing handshake. Go on with receive() until it gives none, or call drain().
  hawser::error close(close_code code = close_code::normal, std::string_view reason = {}) {
    return write([&] { return connection_.close(code, reason); });
  }

  /// For everything else: its state, the request and its acceptance, the response. What is queued
  /// there is written by the next call of receive() or of a sending function.
  [[nodiscard]] connection_type& connection() noexcept { return connection_; }
  [[nodiscard]] const connection_type& connection() const noexcept { return connection_; }
  [[nodiscard]] std::remove_reference_t<Socket>& socket() noexcept { return socket_; }

 private:
  using traits = socket_traits<std::remove_reference_t<Socket>>;

  [[nodiscard]] time_point now() {
    if constexpr (requires { traits::now(socket_); }) {
      return traits::now(socket_);
    } else {
      return std::chrono::steady_clock::now();
    }
  }

  // The next event in what was read. The rest is kept, also where memory runs out.
  event next() {
    struct keeper {
      ~keeper() { unparsed = events.rest(); }
      event_cursor<Role, Extension> events;
      std::span<std::byte>& unparsed;
    } keep{connection_.receive(unparsed_), unparsed_};
    return keep.events.next();
  }

  template <class Send>
  hawser::error write(Send send) {
    hawser::error result = send();
    if (result == error::output_full && connection_.has_output()) {
      flush();
      result = send();
    }
    flush();
    if (connection_.error() != error::none) return connection_.error();
    return result == error::none && is_broken_ ? error::transport_failed : result;
  }

  // Writes all that waits, unless the connection is lost meanwhile.
  void flush() {
    while (connection_.has_output() && !connection_.wants_close()) {
      const std::span<const std::byte> front = connection_.output().front();
      io_result done{front.size()};
      if (!is_broken_) done = traits::write_some(socket_, front, connection_.next_deadline());
      // What cannot be sent is dropped, as it would be in the network. Reading goes on: what the
      // peer sent before it left, its close frame above all, has still to be seen.
      if (done.status == io_status::failed) is_broken_ = true;
      connection_.consume_output(done.size);
      if (connection_.has_output()) connection_.on_time(now());
    }
    if (connection_.wants_shutdown() && !is_shut_down_) {
      is_shut_down_ = true;
      if constexpr (requires { traits::shutdown_send(socket_); }) traits::shutdown_send(socket_);
    }
  }

  [[nodiscard]] bool is_over() {
    bool is_over = connection_.wants_close();
    if constexpr (!requires { traits::shutdown_send(socket_); }) {
      // To close is then the only way to let the peer see the end, which it waits for.
      is_over = is_over || (connection_.wants_shutdown() && connection_.was_clean());
    }
    if constexpr (requires { traits::close(socket_); }) {
      if (is_over && !is_closed_) traits::close(socket_);
    }
    is_closed_ = is_closed_ || is_over;
    return is_over;
  }

  // Waits for bytes, for the end of the stream or for the deadline.
  void read() {
    // After the end of the stream, what the connection still waits for cannot come.
    if (is_ended_) return connection_.abort(error::end_of_stream);
    const io_result done = traits::read_some(socket_, buffer_, connection_.next_deadline());
    unparsed_ = std::span{buffer_}.first(done.size);
    if (done.status == io_status::failed && !connection_.was_clean()) {
      connection_.abort(error::transport_failed);
    } else if (done.status != io_status::timeout && done.size == 0) {
      // Some peers end a closed connection by a reset, which is as good an end as any.
      is_ended_ = true;
      connection_.receive_eof();
    }
  }

  Socket socket_;
  connection_type connection_;
  std::span<std::byte> unparsed_;  // in buffer_
  bool is_broken_ = false;         // nothing can be written any more
  bool is_ended_ = false;          // the peer sends no more
  bool is_shut_down_ = false;
  bool is_closed_ = false;
  std::array<std::byte, std::size_t{16} << 10> buffer_;
};

/// The server's end of a WebSocket over a `Socket`.
template <class Socket, class Extension = no_extension>
using server_stream = basic_stream<Socket, role::server, Extension>;

/// The client's end of a WebSocket over a `Socket`.
template <class Socket, class Extension = no_extension>
using client_stream = basic_stream<Socket, role::client, Extension>;

}  // namespace hawser::inline v0
