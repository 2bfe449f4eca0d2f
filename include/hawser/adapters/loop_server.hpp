#pragma once

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/loop_connections.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/time.hpp"
#include "hawser/version.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/epoll.h>
#include <system_error>
#include <utility>

// A server on a loop. See epoll.hpp and uring.hpp, which are to be included.
namespace hawser::inline v0 {

/// What a loop_server needs to know.
struct loop_server_options {
  std::string host = "127.0.0.1";         ///< Empty: every address of this machine.
  std::uint16_t port = 0;                 ///< 0: a free one, see loop_server::address().
  bool shares_port = false;               ///< SO_REUSEPORT: one server a thread, all on one port.
  std::size_t max_connections = 100'000;  ///< Beyond, new ones wait in the system's queue.
  std::size_t max_handshakes = 4096;      ///< Of them in their opening handshake; likewise.
  water_marks marks = {};
  /// Where allowed_hosts is empty and the address is a loopback one, it becomes loopback_hosts().
  server_options endpoint = {};
};

/// A server on a loop. With an extension, zlib_deflate for example, its connections have that.
template <class Loop, class Handler, class Extension>
class loop_server final : public loop_connections<Loop, role::server, Handler, Extension>,
                          private Loop::source_type {
  using base = loop_connections<Loop, role::server, Handler, Extension>;

 public:
  using extension_options = typename Extension::options;

  /// Listens. Throws std::runtime_error where it cannot, and what() says why.
  explicit loop_server(Loop& loop, const loop_server_options& options = {}, Handler handler = {},
                       const extension_options& extension = {});
  ~loop_server() { stop_listening(); }
  loop_server(const loop_server&) = delete;
  loop_server& operator=(const loop_server&) = delete;

  /// Where it listens.
  [[nodiscard]] const local_address& address() const noexcept { return address_; }

  /// Takes no more connections and closes those that are there with code 1001. Each has the closing
  /// timeout for it: go on with poll() until size() is 0.
  void shut_down() {
    stop_listening();
    this->close_all(close_code::going_away);
  }

 private:
  void on_ready(std::uint32_t events) override;
  void on_deadline() override { update_listening(); }
  void on_flush() override {}
  void on_retired() override {}
  void on_room() override { update_listening(); }

  [[nodiscard]] bool has_room() const noexcept {
    return this->size() < max_connections_ && this->handshakes() < max_handshakes_;
  }
  void update_listening() {
    const bool listens = listener_ && has_room();
    if (listens == is_listening_) return;
    is_listening_ = listens;
    if (listener_) this->loop().change(*this, listener_.value(), listens ? EPOLLIN : 0U);
  }
  void stop_listening() noexcept {
    if (!listener_) return;
    this->loop().remove(*this, listener_.value());
    listener_ = {};
    is_listening_ = false;
  }
  static server_options prepare(server_options options, const local_address& address) {
    if (address.is_loopback && options.allowed_hosts.empty()) {
      options.allowed_hosts = loopback_hosts();
    }
    if constexpr (requires(Handler& handler, typename base::connection_type& peer) {
                    handler.on_request(peer);
                  }) {
      options.decides_upgrades = options.answers_http = true;
    }
    return options;
  }
  static descriptor open(const loop_server_options& options) {
    opened_socket opened = listen_tcp(options.host, options.port, options.shares_port);
    if (!opened) {
      throw std::system_error{
          std::make_error_code(std::errc::address_not_available),
          options.host + ':' + std::to_string(options.port) + ": " + opened.failure};
    }
    return std::move(opened.socket);
  }
  loop_server(Loop& loop, const loop_server_options& options, Handler handler,
              const extension_options& extension, descriptor listener);

  std::size_t max_connections_;
  std::size_t max_handshakes_;
  descriptor listener_;
  local_address address_;
  bool is_listening_ = true;
};

template <class Loop, class Handler, class Extension>
loop_server<Loop, Handler, Extension>::loop_server(Loop& loop, const loop_server_options& options,
                                                   Handler handler,
                                                   const extension_options& extension)
    : loop_server{loop, options, std::move(handler), extension, open(options)} {}

template <class Loop, class Handler, class Extension>
loop_server<Loop, Handler, Extension>::loop_server(Loop& loop, const loop_server_options& options,
                                                   Handler handler,
                                                   const extension_options& extension,
                                                   descriptor listener)
    : base{loop, prepare(options.endpoint, address_of(listener)), extension, options.marks,
           std::move(handler)},
      max_connections_{options.max_connections},
      max_handshakes_{options.max_handshakes},
      listener_{std::move(listener)},
      address_{address_of(listener_)} {
  if (!loop.watch(*this, listener_.value(), EPOLLIN)) {
    throw std::system_error{errno, std::system_category(), "cannot watch the listener"};
  }
}

template <class Loop, class Handler, class Extension>
void loop_server<Loop, Handler, Extension>::on_ready(std::uint32_t /*events*/) {
  constexpr int most_at_once = 64;  // then the others' turn
  for (int i = 0; i < most_at_once && listener_ && has_room(); ++i) {
    descriptor accepted = accept_tcp(listener_, time_point::min());
    if (!accepted) {
      if (errno == EAGAIN) return;
      // Out of descriptors or memory: the connections wait, and asking at once would find the same.
      is_listening_ = false;
      this->loop().change(*this, listener_.value(), 0);
      this->loop().set_deadline(*this, this->loop().now() + duration::milliseconds(100));
      return;
    }
    this->add(std::move(accepted));
  }
  update_listening();
}

}  // namespace hawser::inline v0
