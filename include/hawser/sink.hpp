#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/rfc6455.hpp"

#include <cstddef>
#include <span>

namespace hawser::inline v0 {

/// Where connections put the frames of one turn, instead of each into memory of its own: one for
/// all connections of a loop. Memory that every turn writes to stays in the cache.
///
/// Send to it, write bytes() to the socket, and tell the connection's consume_output() how much was
/// taken: the rest waits in its output(), and the sink is empty for the next connection. Then write
/// output() as ever, where has_output(): handshakes, pings, pongs, close frames and compressed
/// messages go there only.
///
/// Frames of one connection at a time stand in it: while they do, others send to their own
/// output(). It borrows its room.
class sink {
 public:
  /// Holds no more than `room` does: 16 KiB is a usual size.
  explicit sink(mutable_byte_view room) noexcept : room_{room} {}
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;

  /// The frames that were sent to it since it was empty, all by one connection.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return room_.first(size_); }
  /// True where nothing was.
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  template <role Role, class Extension>
  friend class basic_connection;

  std::span<std::byte> room_;
  std::size_t size_ = 0;
  const void* owner_ = nullptr;  // whose frames they are
};

}  // namespace hawser::inline v0
