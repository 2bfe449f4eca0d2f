#pragma once

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/epoll_loop.hpp"
#include "hawser/connection.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

/// Many WebSocket connections in one thread of Linux: servers and clients on an epoll_loop.
///
///     struct echo {
///       void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
///     };
///     hawser::epoll_loop loop;
///     hawser::epoll_server<echo> server{loop, {.port = 9001}};
///     loop.run();
///
/// A handler is any type with some of these members; `peer` is an epoll_connection:
///
/// - `struct session`: what it keeps of each connection, in `peer.session()`.
/// - `on_request(auto& peer)`: decide: `peer->accept()`, `reject()` or `respond()`, now or later.
/// - `on_open(auto& peer)`.
/// - `on_message(auto& peer, const event& message)`: a message, or a piece of one.
/// - `on_ping(auto& peer, const event& ping)`: it is answered already.
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

/// Names a connection for longer than it may live: find() gives it, or null once it is gone.
struct epoll_handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  friend constexpr bool operator==(epoll_handle, epoll_handle) = default;
};

/// How much output of one connection is much, in bytes. It is above `high` until it has fallen to
/// `low`, and then on_drain is called.
struct water_marks {
  std::size_t high = std::size_t{256} << 10;
  std::size_t low = std::size_t{64} << 10;
  /// Above the mark nothing more is read, so that who does not read is not read from: what a server
  /// wants, whose output is mostly answers. What the last read brought is kept meanwhile, which is
  /// at most epoll_loop::receive_buffer_size. Where both ends do so, both may wait for each other:
  /// a client reads on.
  bool stops_reading = true;
};

template <role Role, class Handler, class Extension = no_extension>
class epoll_connections;

namespace detail {

struct no_session {};
struct no_addresses {};

struct address_queue {
  address_list all;
  const ::addrinfo* next = nullptr;
};

template <class Handler>
struct session_of {
  using type = no_session;
};
template <class Handler>
  requires requires { typename Handler::session; }
struct session_of<Handler> {
  using type = typename Handler::session;
};

}  // namespace detail

/// One connection on a loop.
template <role Role, class Handler, class Extension = no_extension>
class epoll_connection final : public epoll_source {
 public:
  using connection_type = basic_connection<Role, Extension>;
  using session_type = typename detail::session_of<Handler>::type;
  using group_type = epoll_connections<Role, Handler, Extension>;

  /// The connection itself, to send, close or look at: `peer->send_text("hello")`. What is to be
  /// sent leaves at the end of the loop's turn, or earlier.
  [[nodiscard]] connection_type* operator->() noexcept {
    group_->loop().flush_later(*this);
    return &connection_;
  }

  /// What the handler keeps of it.
  [[nodiscard]] session_type& session() noexcept { return session_; }
  /// A name that outlives it.
  [[nodiscard]] epoll_handle handle() const noexcept { return handle_; }
  /// Its socket, which is not to be closed; -1 once it is.
  [[nodiscard]] int descriptor() const noexcept { return socket_.value(); }
  /// The server or client that it belongs to.
  [[nodiscard]] group_type& group() noexcept { return *group_; }

  /// Reads nothing more until resume(). The peer feels it, once the system's buffers are full.
  void pause() noexcept { is_paused_ = true; }
  void resume() noexcept {
    is_paused_ = false;
    group_->loop().flush_later(*this);
  }

 private:
  friend class epoll_connections<Role, Handler, Extension>;

  template <class... Arguments>
  epoll_connection(group_type& group, epoll_handle handle, hawser::descriptor socket,
                   Arguments&&... arguments)
      : connection_{std::forward<Arguments>(arguments)...},
        group_{&group},
        socket_{std::move(socket)},
        handle_{handle} {}

  void on_ready(std::uint32_t events) override;
  void on_deadline() override { settle(); }
  void on_flush() override { settle(); }
  void on_retired() override { group_->free(*this); }

  void finish_connect();
  void connect_next();
  void read();
  void process(std::span<std::byte> bytes);
  void process_held();
  void dispatch(const event& found);
  void write();
  void settle();
  void tell_end();

  void note_high_output() noexcept {
    if (connection_.output_size() > group_->marks().high) is_above_high_ = true;
  }
  [[nodiscard]] bool has_drained() const noexcept {
    return is_above_high_ && connection_.output_size() <= group_->marks().low;
  }
  // What came is not to be parsed now.
  [[nodiscard]] bool is_held_back() noexcept {
    note_high_output();
    return is_paused_ || (is_above_high_ && group_->marks().stops_reading);
  }

  connection_type connection_;
  group_type* group_;
  // What came and is not parsed: it is paused, or its output is high. Null where there is none.
  std::unique_ptr<std::vector<std::byte>> held_;
  hawser::descriptor socket_;
  epoll_handle handle_;
  std::uint32_t watched_ = 0;       // the events that epoll watches for
  bool is_connecting_ : 1 = false;  // TCP is
  bool is_removed_ : 1 = false;     // the socket is closed
  bool is_known_ : 1 = false;       // the handler has seen it
  bool is_open_ : 1 = false;        // the open event came
  bool is_end_told_ : 1 = false;
  bool has_ended_ : 1 = false;  // the stream has
  bool is_shut_down_ : 1 = false;
  bool is_blocked_ : 1 = false;  // the socket takes no more at present
  bool is_paused_ : 1 = false;
  bool is_above_high_ : 1 = false;  // since the high water mark, until the low one
  // Of a client: the addresses that were not tried yet.
  [[no_unique_address]] std::conditional_t<Role == role::client, detail::address_queue,
                                           detail::no_addresses> addresses_;
  [[no_unique_address]] session_type session_;
};

/// The connections of one server or client: their memory, their handler, their endpoint.
template <role Role, class Handler, class Extension>
class epoll_connections {
 public:
  using connection_type = epoll_connection<Role, Handler, Extension>;
  using endpoint_type = basic_endpoint<Role, Extension>;

  epoll_connections(const epoll_connections&) = delete;
  epoll_connections& operator=(const epoll_connections&) = delete;

  [[nodiscard]] epoll_loop& loop() noexcept { return *loop_; }
  [[nodiscard]] Handler& handler() noexcept { return handler_; }
  [[nodiscard]] const water_marks& marks() const noexcept { return marks_; }

  /// How many connections there are, in whatever state.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many of them are in their opening handshake.
  [[nodiscard]] std::size_t handshakes() const noexcept { return handshakes_; }

  /// The connection of that name; null where it is gone.
  [[nodiscard]] connection_type* find(epoll_handle handle) noexcept {
    if (handle.index >= slot_count_) return nullptr;
    slot& found = slot_at(handle.index);
    return found.is_used && found.generation == handle.generation ? &found.connection() : nullptr;
  }

  /// Calls `visit` with each connection that is open.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      slot& each = slot_at(i);
      if (each.is_used && each.connection().connection_.is_open()) visit(each.connection());
    }
  }

 protected:
  epoll_connections(epoll_loop& loop, typename endpoint_type::options_type options,
                    const typename Extension::options& extension, const water_marks& marks,
                    Handler handler)
      : loop_{&loop},
        endpoint_{make_endpoint(std::move(options), extension)},
        marks_{marks},
        handler_{std::move(handler)} {}

  ~epoll_connections() {
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      slot& each = slot_at(i);
      if (!each.is_used) continue;
      loop_->remove(each.connection(), each.connection().descriptor());
      each.destroy();
    }
  }

  [[nodiscard]] static endpoint_type make_endpoint(
      typename endpoint_type::options_type options,
      [[maybe_unused]] const typename Extension::options& extension) {
    if constexpr (Extension::is_used) {
      return endpoint_type{std::move(options), extension};
    } else {
      return endpoint_type{std::move(options)};
    }
  }

  [[nodiscard]] endpoint_type& endpoint() noexcept { return endpoint_; }

  // A new connection on a socket; null where epoll refuses to watch it. A client's has none yet.
  template <class... Arguments>
  connection_type* add(descriptor socket, Arguments&&... arguments);

  // Connects a client to the first of the addresses that answers; where there are none, fails.
  static void start(connection_type& made, detail::address_list addresses, error otherwise) {
    made.addresses_ = {std::move(addresses), nullptr};
    made.addresses_.next = made.addresses_.all.get();
    made.is_connecting_ = true;
    if (made.addresses_.next == nullptr) made.connection_.abort(otherwise);
    made.connect_next();
  }

  /// Closes all: a server says why, `going_away`.
  void close_all(close_code code) {
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      slot& each = slot_at(i);
      if (each.is_used) each.connection()->close(code);
    }
  }

 private:
  friend class epoll_connection<Role, Handler, Extension>;

  // Where a connection lives: its place and generation outlive it.
  struct slot {
    [[nodiscard]] connection_type& connection() noexcept {
      return *std::launder(reinterpret_cast<connection_type*>(storage.data()));
    }
    void destroy() noexcept {
      connection().~connection_type();
      is_used = false;
      ++generation;
    }

    alignas(connection_type) std::array<std::byte, sizeof(connection_type)> storage;
    std::uint32_t generation = 1;
    std::uint32_t next_free = 0;
    bool is_used = false;
  };
  static constexpr std::uint32_t slots_in_chunk = 64;
  static constexpr std::uint32_t no_slot = 0xFFFFFFFF;

  [[nodiscard]] slot& slot_at(std::uint32_t index) noexcept {
    return chunks_[index / slots_in_chunk][index % slots_in_chunk];
  }
  [[nodiscard]] std::uint32_t take_slot() {
    if (first_free_ == no_slot) {
      if (slot_count_ % slots_in_chunk == 0) {
        chunks_.push_back(std::unique_ptr<slot[]>{new slot[slots_in_chunk]});
      }
      return slot_count_++;
    }
    return std::exchange(first_free_, slot_at(first_free_).next_free);
  }

  // Something ended: there may be room for another connection.
  virtual void on_room() {}

  void end_handshake() {
    --handshakes_;
    on_room();
  }

  // The socket is closed at once, the memory is free when the turn is over.
  void remove(connection_type& gone) {
    gone.is_removed_ = true;
    loop_->forget(gone, gone.descriptor());
    gone.socket_.close();
    loop_->retire(gone);
  }
  void free(connection_type& gone) {
    const std::uint32_t index = gone.handle_.index;
    if (!gone.is_open_) --handshakes_;
    --size_;
    slot_at(index).destroy();
    slot_at(index).next_free = std::exchange(first_free_, index);
    on_room();
  }

  epoll_loop* loop_;
  endpoint_type endpoint_;
  water_marks marks_;
  Handler handler_;
  std::vector<std::unique_ptr<slot[]>> chunks_;
  std::uint32_t slot_count_ = 0;
  std::uint32_t first_free_ = no_slot;
  std::size_t size_ = 0;
  std::size_t handshakes_ = 0;
};

/// What an epoll_server needs to know.
struct epoll_server_options {
  std::string host = "127.0.0.1";         ///< Empty: every address of this machine.
  std::uint16_t port = 0;                 ///< 0: a free one, see epoll_server::address().
  bool shares_port = false;               ///< SO_REUSEPORT: one server a thread, all on one port.
  std::size_t max_connections = 100'000;  ///< Beyond, new ones wait in the system's queue.
  std::size_t max_handshakes = 4096;      ///< Of them in their opening handshake; likewise.
  water_marks marks = {};
  /// Where allowed_hosts is empty and the address is a loopback one, it becomes loopback_hosts().
  server_options endpoint = {};
};

/// A server on a loop. With an extension, zlib_deflate for example, its connections have that.
template <class Handler, class Extension = no_extension>
class epoll_server final : public epoll_connections<role::server, Handler, Extension>,
                           private epoll_source {
  using base = epoll_connections<role::server, Handler, Extension>;

 public:
  using extension_options = typename Extension::options;

  /// Listens. Throws std::runtime_error where it cannot, and what() says why.
  explicit epoll_server(epoll_loop& loop, const epoll_server_options& options = {},
                        Handler handler = {}, const extension_options& extension = {});
  ~epoll_server() { stop_listening(); }
  epoll_server(const epoll_server&) = delete;
  epoll_server& operator=(const epoll_server&) = delete;

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
  static descriptor open(const epoll_server_options& options) {
    opened_socket opened = listen_tcp(options.host, options.port, options.shares_port);
    if (!opened) {
      throw std::system_error{
          std::make_error_code(std::errc::address_not_available),
          options.host + ':' + std::to_string(options.port) + ": " + opened.failure};
    }
    return std::move(opened.socket);
  }
  epoll_server(epoll_loop& loop, const epoll_server_options& options, Handler handler,
               const extension_options& extension, descriptor listener);

  std::size_t max_connections_;
  std::size_t max_handshakes_;
  descriptor listener_;
  local_address address_;
  bool is_listening_ = true;
};

/// Clients on a loop, with an extension as of epoll_server.
template <class Handler, class Extension = no_extension>
class epoll_client final : public epoll_connections<role::client, Handler, Extension> {
  using base = epoll_connections<role::client, Handler, Extension>;

 public:
  explicit epoll_client(epoll_loop& loop, client_options options = {}, Handler handler = {},
                        const water_marks& marks = {.stops_reading = false},
                        const typename Extension::options& extension = {})
      : base{loop, std::move(options), extension, marks, std::move(handler)} {}

  /// Connects to the host of a ws URL and opens a WebSocket; on_open or on_close tells how it went.
  /// Looking the host up takes as long as the system lets it; its addresses are tried in turn.
  /// There is no TLS here: a wss URL is refused as bad_url.
  epoll_connection<role::client, Handler, Extension>& connect(client_request request);

  /// Closes all connections.
  void shut_down() { this->close_all(close_code::going_away); }
};

}  // namespace hawser::inline v0

#include "hawser/adapters/epoll.ipp"
