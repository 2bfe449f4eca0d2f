#pragma once

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/epoll_loop.hpp"
#include "hawser/adapters/loop_client.hpp"
#include "hawser/adapters/loop_connection.hpp"
#include "hawser/adapters/loop_server.hpp"
#include "hawser/error.hpp"
#include "hawser/no_extension.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/time.hpp"
#include "hawser/version.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/epoll.h>
#include <sys/socket.h>

/// Many WebSocket connections in one thread of Linux: servers and clients on an epoll_loop.
///
///     struct echo {
///       void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
///     };
///     hawser::epoll_loop loop;
///     hawser::epoll_server<echo> server{loop, {.port = 9001}};
///     loop.run();
///
/// A handler is any type with some of these members; `peer` is an epoll_connection, `peer->` the
/// WebSocket connection. It lives until its on_close or on_refused returns: for later keep
/// `peer.handle()`, and ask `peer.group().find(handle)`.
///
/// - `struct session`: what it keeps of each connection, in `peer.session()`.
/// - `on_request(auto& peer)`: decide: `peer->accept()`, `reject()` or `respond()`, now or later.
/// - `on_open(auto& peer)`.
/// - `on_message(auto& peer, const event& message)`: a message, or a piece of one. What it views
///   lives until the handler returns.
/// - `on_ping(auto& peer, const event& ping)`: it is answered already, if endpoint.answers_pings.
/// - `on_pong(auto& peer, const event& pong)`.
/// - `on_drain(auto& peer)`: the output has fallen from the high to the low water mark.
/// - `on_close(auto& peer)`: once, last; see `peer->close_code()`, `was_clean()`, `error()`. It
///   comes for whatever on_request or on_open was called for, plain HTTP included.
/// - `on_refused(auto& peer)`: a server's, for all others; for a log: `peer->error()`, and where a
///   request was read, `peer->request()`.
///
/// In any of them any connection may be used, closed, aborted or asked for. What handlers throw
/// passes through epoll_loop::poll.
namespace hawser::inline v0 {

/// Reads when the loop says that there is something, and writes at the end of each turn.
template <class Connection>
class loop_stream<epoll_loop, Connection> : public epoll_source {
 protected:
  ~loop_stream() = default;

  [[nodiscard]] bool begin_watching(epoll_loop& loop, int socket, std::uint32_t events) noexcept {
    return loop.watch(*this, socket, events);
  }

  // All that waits, as far as the socket takes it, in one call for each 64 blocks.
  void write_output() {
    auto& self = static_cast<Connection&>(*this);
    while (self.can_write()) {
      const io_result sent = self.socket_.write_some(self.connection_.output(), time_point::min());
      self.connection_.consume_output(sent.size);
      if (sent.status == io_status::timeout) self.is_blocked_ = true;
      if (sent.status == io_status::failed) return self.fail_to_write(errno);
    }
  }

 private:
  void on_ready(std::uint32_t events) final {
    auto& self = static_cast<Connection&>(*this);
    if (self.is_removed_) return;
    if (self.is_connecting_) return self.finish_connect();
    if ((events & EPOLLOUT) != 0) self.is_blocked_ = false;
    // An error shows in the read.
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read(self, events);
    self.settle();
  }

  static void read(Connection& self, std::uint32_t events) {
    epoll_loop& loop = self.group_->loop();
    if (self.has_ended_) {
      // It is gone in both directions, which epoll would say again and again.
      if ((events & (EPOLLERR | EPOLLHUP)) != 0) loop.unwatch(self, self.socket_.value());
      return;
    }
    const std::span<std::byte> buffer = loop.receive_buffer();
    const auto size = ::recv(self.socket_.value(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) return self.take(buffer.first(static_cast<std::size_t>(size)));
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    self.end_reading(size < 0 ? errno : 0);
  }
};

/// One connection on an epoll_loop.
template <role Role, class Handler, class Extension = no_extension>
using epoll_connection = loop_connection<epoll_loop, Role, Handler, Extension>;

/// A server on an epoll_loop: see loop_server.
template <class Handler, class Extension = no_extension>
using epoll_server = loop_server<epoll_loop, Handler, Extension>;

/// Clients on an epoll_loop: see loop_client.
template <class Handler, class Extension = no_extension>
using epoll_client = loop_client<epoll_loop, Handler, Extension>;

}  // namespace hawser::inline v0
