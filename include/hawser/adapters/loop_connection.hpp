#pragma once

#include "hawser/adapters/descriptor.hpp"
#include "hawser/connection.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/error.hpp"
#include "hawser/event.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/time.hpp"
#include "hawser/version.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <type_traits>
#include <utility>

// One connection of many on a loop. See epoll.hpp and uring.hpp, which are to be included.
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

}  // namespace hawser::inline v0

#include "hawser/adapters/loop_connection.ipp"
