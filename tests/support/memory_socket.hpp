#pragma once

// A socket in memory, for one thread: a call that would wait lets the peer run first, and where
// nothing comes of that, time passes until the deadline. Nothing waits, nothing reads a clock.

#include "hawser/adapters/socket.hpp"
#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <utility>

namespace support {

class memory_socket {
 public:
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  bytes incoming;               // what can be read
  bytes outgoing;               // what was written
  std::function<void()> peer;   // takes from outgoing, adds to incoming
  std::size_t most = no_limit;  // bytes in one call
  std::size_t room = no_limit;  // bytes in outgoing
  bool is_ended = false;        // behind incoming comes the end of the stream
  bool fails_reading = false;   // behind incoming comes an error
  bool fails_writing = false;
  int shutdowns = 0;
  int closes = 0;
  hawser::time_point time{5'000'000'000};

  hawser::io_result read_some(std::span<std::byte> to, hawser::time_point deadline) {
    const auto can_read = [this] { return !incoming.empty() || is_ended || fails_reading; };
    if (!wait_until(can_read, deadline)) return {0, hawser::io_status::timeout};
    if (incoming.empty()) {
      return {0, fails_reading ? hawser::io_status::failed : hawser::io_status::eof};
    }
    const std::size_t size = std::min({to.size(), incoming.size(), most});
    const auto end = incoming.begin() + static_cast<std::ptrdiff_t>(size);
    std::copy(incoming.begin(), end, to.begin());
    incoming.erase(incoming.begin(), end);
    return {size};
  }

  hawser::io_result write_some(std::span<const std::byte> from, hawser::time_point deadline) {
    const auto can_write = [this] { return outgoing.size() < room || fails_writing; };
    if (!wait_until(can_write, deadline)) return {0, hawser::io_status::timeout};
    if (fails_writing) return {0, hawser::io_status::failed};
    const auto part = from.first(std::min({from.size(), room - outgoing.size(), most}));
    outgoing.insert(outgoing.end(), part.begin(), part.end());
    return {part.size()};
  }

  void shutdown_send() { ++shutdowns; }
  void close() { ++closes; }
  [[nodiscard]] hawser::time_point now() const { return time; }

 private:
  template <class Condition>
  bool wait_until(Condition is_ready, hawser::time_point deadline) {
    if (!is_ready() && peer) peer();
    if (is_ready()) return true;
    if (deadline == hawser::time_point::max()) FAIL("the socket would be waited for for ever");
    time = std::max(time, deadline);
    return false;
  }
};

// A stream over a memory_socket, and its peer: a connection of the other role, which runs whenever
// the stream waits.
template <hawser::role Role>
class stream_and_peer {
 public:
  static constexpr hawser::role other =
      Role == hawser::role::server ? hawser::role::client : hawser::role::server;
  using stream_type = hawser::basic_stream<memory_socket&, Role>;
  using peer_type = hawser::basic_connection<other>;
  using options_type = typename hawser::basic_endpoint<Role>::options_type;

  explicit stream_and_peer(options_type options = {})
      : endpoint_{std::move(options)},
        stream{make<stream_type>(endpoint_, socket)},
        peer{make<peer_type>(peer_endpoint_)} {
    socket.peer = [this] { run_peer(); };
  }

  // What the peer does on each event.
  std::function<void(const hawser::event&)> react;

  // Both are open, and the events that say so were taken.
  void open() {
    REQUIRE(stream.open() == hawser::error::none);
    run_peer();
    REQUIRE(peer.is_open());
    REQUIRE(socket.incoming.empty());
  }

  // The peer takes what came, and what it sends can be read.
  void run_peer() {
    bytes arrived = std::exchange(socket.outgoing, {});
    if (socket.shutdowns != 0) peer.receive_eof();
    auto events = peer.receive(arrived);
    while (const hawser::event found = events.next()) {
      if (react) react(found);
    }
    for (const std::span<const std::byte> part : peer.output()) {
      socket.incoming.insert(socket.incoming.end(), part.begin(), part.end());
    }
    peer.consume_output(peer.output_size());
    peer.on_time(socket.time);
    if (peer.wants_shutdown() || peer.wants_close()) socket.is_ended = true;
  }

 private:
  template <class Made, class... Arguments>
  static Made make(Arguments&... arguments) {
    if constexpr (std::is_constructible_v<Made, Arguments&..., hawser::client_request>) {
      return Made{arguments..., {.url = "ws://localhost:9001/"}};
    } else {
      return Made{arguments...};
    }
  }

  hawser::basic_endpoint<Role> endpoint_;
  hawser::basic_endpoint<other> peer_endpoint_;

 public:
  memory_socket socket;
  stream_type stream;
  peer_type peer;
};

}  // namespace support
