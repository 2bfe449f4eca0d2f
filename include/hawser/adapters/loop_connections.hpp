#pragma once

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/loop_connection.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/error.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <sys/epoll.h>
#include <utility>
#include <vector>

// What servers and clients on a loop have in common. See loop_server.hpp and loop_client.hpp.
namespace hawser::inline v0 {

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
    return found.is_used() && found.generation == handle.generation ? &found.connection() : nullptr;
  }

  /// Calls `visit` with each connection that is open, as a `connection_type&`: to send to all. It
  /// may send, close and abort.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (std::uint32_t i = 0; i < slot_count_; ++i) {
      slot& each = slot_at(i);
      if (each.is_used() && each.connection().connection_.is_open()) visit(each.connection());
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
      if (!each.is_used()) continue;
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
      if (each.is_used()) each.connection()->close(code);
    }
  }

 private:
  friend class loop_connection<Loop, Role, Handler, Extension>;

  // Where a connection lives: its place and generation outlive it.
  struct slot {
    [[nodiscard]] bool is_used() const noexcept { return generation % 2 != 0; }
    [[nodiscard]] connection_type& connection() noexcept {
      return *std::launder(reinterpret_cast<connection_type*>(storage.data()));
    }
    void destroy() noexcept {
      connection().~connection_type();
      ++generation;
    }

    alignas(connection_type) std::array<std::byte, sizeof(connection_type)> storage;
    std::uint32_t generation = 0;  // odd while there is one
    std::uint32_t next_free = 0;
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

template <class Loop, role Role, class Handler, class Extension>
template <class... Arguments>
auto loop_connections<Loop, Role, Handler, Extension>::add(descriptor socket,
                                                           Arguments&&... arguments)
    -> connection_type* {
  const std::uint32_t index = take_slot();
  slot& taken = slot_at(index);
  const int number = socket.value();
  // Given back where there is no connection in the end.
  struct giver {
    ~giver() {
      if (!is_taken) self.give_slot(index);
    }
    loop_connections& self;
    std::uint32_t index;
    bool is_taken = false;
  } rest{*this, index};
  auto* made = new (taken.storage.data())
      connection_type(*this, loop_handle{index, taken.generation + 1}, std::move(socket), endpoint_,
                      std::forward<Arguments>(arguments)...);
  ++taken.generation;  // there is one
  made->watched_ = EPOLLIN;
  if (Role == role::server && !made->begin_watching(*loop_, number, made->watched_)) {
    taken.destroy();
    return nullptr;
  }
  rest.is_taken = true;
  ++size_;
  ++handshakes_;
  loop_->set_deadline(*made, made->connection_.next_deadline());
  return made;
}

}  // namespace hawser::inline v0
