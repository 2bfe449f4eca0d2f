#pragma once

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/loop_turns.hpp"
#include "hawser/connection.hpp"
#include "hawser/detail/bytes.hpp"

#include <algorithm>
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

// Many connections on a loop: what is the same on every one. See epoll.hpp and uring.hpp, which are
// to be included.
namespace hawser::inline v0 {

/// Names a connection for longer than it may live: find() gives it, or null once it is gone.
struct loop_handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  friend constexpr bool operator==(loop_handle, loop_handle) = default;
};

/// How much output of one connection is much, in bytes. It is above `high` until it has fallen to
/// `low`, and then on_drain is called.
struct water_marks {
  std::size_t high = std::size_t{256} << 10;
  std::size_t low = std::size_t{64} << 10;
  /// Above the mark nothing more is read, so that who does not read is not read from: what a server
  /// wants, whose output is mostly answers. What the last read brought is kept meanwhile, which is
  /// at most what the loop receives at once. Where both ends do so, both may wait for each other: a
  /// client reads on.
  bool stops_reading = true;
};

template <class Loop, role Role, class Handler, class Extension>
class loop_connections;

/// How a connection reads and writes on a loop: a base of it, specialized for each loop.
template <class Loop, class Connection>
class loop_stream;

namespace detail {

// Bytes that wait to be parsed, of which those in front were.
struct held_bytes {
  [[nodiscard]] std::span<std::byte> rest() const noexcept {
    return {all.get() + begin, end - begin};
  }

  std::unique_ptr<std::byte[]> all;
  std::size_t capacity = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

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
template <class Loop, role Role, class Handler, class Extension>
class loop_connection final
    : public loop_stream<Loop, loop_connection<Loop, Role, Handler, Extension>> {
 public:
  using connection_type = basic_connection<Role, Extension>;
  using session_type = typename detail::session_of<Handler>::type;
  using group_type = loop_connections<Loop, Role, Handler, Extension>;

  /// The connection itself, to send, close or look at: `peer->send_text("hello")`. What is to be
  /// sent leaves at the end of the loop's turn, or earlier.
  [[nodiscard]] connection_type* operator->() noexcept {
    group_->loop().flush_later(*this);
    return &connection_;
  }

  /// What the handler keeps of it.
  [[nodiscard]] session_type& session() noexcept { return session_; }
  /// A name that outlives it.
  [[nodiscard]] loop_handle handle() const noexcept { return handle_; }
  /// Its socket, which is not to be closed; -1 once it is.
  [[nodiscard]] int descriptor() const noexcept { return socket_.value(); }
  /// The server or client that it belongs to.
  [[nodiscard]] group_type& group() noexcept { return *group_; }

  /// No event comes until resume(), but for the end of the connection. The peer feels it, once the
  /// system's buffers are full. Its silence meanwhile is no reason to ping it, nor to give it up.
  void pause() noexcept { is_paused_ = true; }
  /// Events come again, what came meanwhile first, at the end of the loop's turn.
  void resume() noexcept {
    is_paused_ = false;
    group_->loop().flush_later(*this);
  }

 private:
  friend class loop_connections<Loop, Role, Handler, Extension>;
  friend class loop_stream<Loop, loop_connection>;

  template <class... Arguments>
  loop_connection(group_type& group, loop_handle handle, hawser::descriptor socket,
                  Arguments&&... arguments)
      : connection_{std::forward<Arguments>(arguments)...},
        group_{&group},
        socket_{std::move(socket)},
        handle_{handle} {}

  void on_deadline() override { settle(); }
  void on_flush() override { settle(); }
  void on_retired() override { group_->free(*this); }

  void finish_connect();
  void connect_next();
  void take(std::span<std::byte> bytes);
  void end_reading(int failure);
  void end_stream();
  void process(std::span<std::byte> bytes);
  void process_held();
  void hold(std::span<const std::byte> bytes) noexcept;
  void keep_rest(std::span<std::byte> rest) noexcept;
  void fail_to_write(int failure) noexcept;
  void drop_output() noexcept;
  void write();
  void dispatch(const event& found);
  void settle();
  void shut_down_send();
  [[nodiscard]] time_point next_deadline() const noexcept;
  void tell_end();

  void note_high_output() noexcept {
    if (connection_.output_size() > group_->marks().high) is_above_high_ = true;
  }
  [[nodiscard]] bool has_drained() const noexcept {
    return is_above_high_ && connection_.output_size() <= group_->marks().low;
  }
  // There is something to send, and the socket may take it.
  [[nodiscard]] bool can_write() const noexcept {
    return connection_.has_output() && !is_blocked_ && !is_broken_ && !is_connecting_ &&
           !is_removed_;
  }
  // What came is not to be parsed now. After a failure what comes is dropped, and needs no wait.
  [[nodiscard]] bool is_held_back() noexcept {
    note_high_output();
    if (connection_.error() != error::none) return false;
    return is_paused_ || (is_above_high_ && group_->marks().stops_reading);
  }

  // A peer that got no further than into a message that is too big for us has it to send still.
  [[nodiscard]] bool waits_for_quiet() const noexcept {
    return !has_ended_ && !is_broken_ && !is_shut_down_ && connection_.wants_shutdown() &&
           connection_.error() != error::none &&
           connection_.close_code() == close_code::message_too_big;
  }
  static constexpr duration quiet_length = duration::milliseconds(100);

  // Asks for another turn where a handler, or memory, throws before this one is done.
  struct turn_guard {
    explicit turn_guard(loop_connection& connection) noexcept : self{connection} {}
    turn_guard(const turn_guard&) = delete;
    turn_guard& operator=(const turn_guard&) = delete;
    ~turn_guard() {
      if (!is_done) self.group_->loop().flush_later(self);
    }
    loop_connection& self;
    bool is_done = false;
  };

  connection_type connection_;
  group_type* group_;
  // What came and is not parsed: it is paused, its output is high, or a handler threw. Null where
  // there is none.
  std::unique_ptr<detail::held_bytes> held_;
  hawser::descriptor socket_;
  loop_handle handle_;
  std::uint32_t watched_ = 0;       // the events that the loop watches for
  time_point quiet_at_;             // while it waits for that: when it is
  bool is_connecting_ : 1 = false;  // TCP is
  bool is_removed_ : 1 = false;     // the socket is closed
  bool is_known_ : 1 = false;       // the handler has seen it
  bool is_open_ : 1 = false;        // the open event came
  bool is_end_told_ : 1 = false;
  bool has_received_ : 1 = false;  // since it was settled
  bool has_ended_ : 1 = false;     // the stream has
  bool has_failed_ : 1 = false;    // ... otherwise than it should
  bool is_shut_down_ : 1 = false;
  bool is_blocked_ : 1 = false;  // the socket takes no more at present
  bool is_broken_ : 1 = false;   // ... and never will
  bool is_paused_ : 1 = false;
  bool is_interrupted_ : 1 = false;  // something threw while events were taken
  bool is_above_high_ : 1 = false;   // since the high water mark, until the low one
  // Of a client: the addresses that were not tried yet.
  [[no_unique_address]] std::conditional_t<Role == role::client, detail::address_queue,
                                           detail::no_addresses> addresses_;
  [[no_unique_address]] session_type session_;
};

/// The connections of one server or client: their memory, their handler, their endpoint.
///
/// It goes before its loop, and not from within its handler: there loop().post() a task that
/// destroys it.
template <class Loop, role Role, class Handler, class Extension>
class loop_connections {
 public:
  using connection_type = loop_connection<Loop, Role, Handler, Extension>;
  using endpoint_type = basic_endpoint<Role, Extension>;

  loop_connections(const loop_connections&) = delete;
  loop_connections& operator=(const loop_connections&) = delete;

  [[nodiscard]] Loop& loop() noexcept { return *loop_; }
  [[nodiscard]] Handler& handler() noexcept { return handler_; }
  [[nodiscard]] const water_marks& marks() const noexcept { return marks_; }

  /// How many connections there are, in whatever state.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many of them are in their opening handshake.
  [[nodiscard]] std::size_t handshakes() const noexcept { return handshakes_; }

  /// The connection of that name; null where it is gone.
  [[nodiscard]] connection_type* find(loop_handle handle) noexcept {
    if (handle.index >= slot_count_) return nullptr;
    slot& found = slot_at(handle.index);
    return found.is_used && found.generation == handle.generation ? &found.connection() : nullptr;
  }

  /// Calls `visit` with each connection that is open, as a `connection_type&`: to send to all. It
  /// may send, close and abort.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      slot& each = slot_at(i);
      if (each.is_used && each.connection().connection_.is_open()) visit(each.connection());
    }
  }

 protected:
  loop_connections(Loop& loop, typename endpoint_type::options_type options,
                   const typename Extension::options& extension, const water_marks& marks,
                   Handler handler)
      : loop_{&loop},
        endpoint_{make_endpoint(std::move(options), extension)},
        marks_{marks},
        handler_{std::move(handler)} {}

  ~loop_connections() {
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

  // A new connection on a socket; null where the loop cannot watch it. A client's has none yet.
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
  friend class loop_connection<Loop, Role, Handler, Extension>;

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

  void give_slot(std::uint32_t index) noexcept {
    slot_at(index).next_free = std::exchange(first_free_, index);
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
    give_slot(index);
    on_room();
  }

  Loop* loop_;
  endpoint_type endpoint_;
  water_marks marks_;
  Handler handler_;
  std::vector<std::unique_ptr<slot[]>> chunks_;
  std::uint32_t slot_count_ = 0;
  std::uint32_t first_free_ = no_slot;
  std::size_t size_ = 0;
  std::size_t handshakes_ = 0;
};

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

/// Clients on a loop, with an extension as of loop_server.
template <class Loop, class Handler, class Extension>
class loop_client final : public loop_connections<Loop, role::client, Handler, Extension> {
  using base = loop_connections<Loop, role::client, Handler, Extension>;

 public:
  explicit loop_client(Loop& loop, client_options options = {}, Handler handler = {},
                       const water_marks& marks = {.stops_reading = false},
                       const typename Extension::options& extension = {})
      : base{loop, std::move(options), extension, marks, std::move(handler)} {}

  /// Connects to the host of a ws URL and opens a WebSocket; on_open or on_close tells how it went.
  /// Looking the host up takes as long as the system lets it; its addresses are tried in turn.
  /// There is no TLS here: a wss URL is refused as no_tls. What it returns lives until its
  /// on_close returns.
  loop_connection<Loop, role::client, Handler, Extension>& connect(client_request request);

  /// Closes all connections with code 1001. Go on with poll() until size() is 0.
  void shut_down() { this->close_all(close_code::going_away); }
};

}  // namespace hawser::inline v0

#include "hawser/adapters/loop_connections.ipp"
