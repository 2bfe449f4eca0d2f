#pragma once

#include "hawser/adapters/loop_client.hpp"
#include "hawser/adapters/loop_connection.hpp"
#include "hawser/adapters/loop_server.hpp"
#include "hawser/adapters/uring_loop.hpp"
#include "hawser/error.hpp"
#include "hawser/no_extension.hpp"
#include "hawser/outbox.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/version.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

/// Many WebSocket connections in one thread of Linux: servers and clients on a uring_loop. All is
/// as in epoll.hpp, where what a handler may have is described, but for the names:
///
///     struct echo {
///       void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
///     };
///     hawser::uring_loop loop;
///     hawser::uring_server<echo> server{loop, {.port = 9001}};
///     loop.run();
namespace hawser::inline v0 {

/// What the loop received it is given; what it has to send the loop takes at the end of each turn.
template <class Connection>
class loop_stream<uring_loop, Connection> : public uring_source {
 protected:
  ~loop_stream() = default;

  [[nodiscard]] bool begin_watching(uring_loop& loop, int socket, std::uint32_t events) noexcept {
    return loop.watch_stream(*this, socket, events);
  }

  void write_output() noexcept {}

 private:
  [[nodiscard]] Connection& self() noexcept { return static_cast<Connection&>(*this); }

  // It is connected, or the socket takes bytes again, or says why it never will.
  void on_ready(std::uint32_t /*events*/) final {
    if (self().is_removed_) return;
    if (self().is_connecting_) return self().finish_connect();
    self().is_blocked_ = false;
    self().settle();
  }

  void on_received(std::span<std::byte> bytes) final {
    self().take(bytes);
    self().group_->loop().flush_later(self());
  }

  void on_read_end(int failure) final {
    self().end_reading(failure);
    self().group_->loop().flush_later(self());
  }

  [[nodiscard]] output_list output_to_send() noexcept final {
    if (!self().can_write()) return {};
    self().note_high_output();
    return self().connection_.output();
  }

  void on_sent(int result) noexcept final {
    self().connection_.consume_output(result > 0 ? static_cast<std::size_t>(result) : 0);
    if (result == -EAGAIN) self().is_blocked_ = true;
    if (result < 0 && result != -EAGAIN && result != -EINTR) self().fail_to_write(-result);
  }
};

/// One connection on a uring_loop.
template <role Role, class Handler, class Extension = no_extension>
using uring_connection = loop_connection<uring_loop, Role, Handler, Extension>;

/// A server on a uring_loop: see loop_server.
template <class Handler, class Extension = no_extension>
using uring_server = loop_server<uring_loop, Handler, Extension>;

/// Clients on a uring_loop: see loop_client.
template <class Handler, class Extension = no_extension>
using uring_client = loop_client<uring_loop, Handler, Extension>;

}  // namespace hawser::inline v0
