#pragma once

#include "hawser/adapters/epoll.hpp"
#include "hawser/adapters/uring.hpp"
#include "support/catch.hpp"
#include "support/loops.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

// Servers and clients on a loop whose handlers a test sets, and peers that are bare sockets.
namespace hawser {

// A handler whose parts a test sets.
template <class Loop, role Role>
struct script {
  struct session {
    int messages = 0;
    std::string name;
  };
  using peer_type = loop_connection<Loop, Role, script, no_extension>;

  void on_open(peer_type& peer) {
    ++opened;
    open(peer);
  }
  void on_message(peer_type& peer, const event& message) {
    ++peer.session().messages;
    received.emplace_back(message.text());
    answer(peer, message);
  }
  void on_drain(peer_type& peer) {
    ++drained;
    drain(peer);
  }
  void on_close(peer_type& peer) {
    ++closed;
    last_code = peer->close_code();
    last_error = peer->error();
    was_clean = peer->was_clean();
    close(peer);
  }
  void on_refused(peer_type& peer) {
    ++refused;
    last_error = peer->error();
  }

  std::function<void(peer_type&)> open = [](peer_type&) {};
  std::function<void(peer_type&, const event&)> answer = [](peer_type&, const event&) {};
  std::function<void(peer_type&)> drain = [](peer_type&) {};
  std::function<void(peer_type&)> close = [](peer_type&) {};
  std::vector<std::string> received;
  int opened = 0;
  int closed = 0;
  int refused = 0;
  int drained = 0;
  close_code last_code = close_code::none;
  error last_error = error::none;
  bool was_clean = false;
};
template <class Loop>
using server_script = script<Loop, role::server>;
template <class Loop>
using client_script = script<Loop, role::client>;

template <class Loop, class Handler = server_script<Loop>>
using server_on = loop_server<Loop, Handler, no_extension>;
template <class Loop, class Handler = client_script<Loop>>
using client_on = loop_client<Loop, Handler, no_extension>;

template <class Loop>
server_script<Loop> echoing() {
  server_script<Loop> echo;
  echo.answer = [](auto& peer, const event& message) { peer->send(message); };
  return echo;
}

template <class Server>
std::string url_of(const Server& server, std::string_view path = "/") {
  return "ws://127.0.0.1:" + std::to_string(server.address().port) + std::string{path};
}

// Turns the loop until `done`, for ten seconds at the most.
template <class Loop>
bool turn_until(Loop& loop, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.poll(duration::milliseconds(50));
  }
  return true;
}

template <class Server>
descriptor connect_raw(const Server& server) {
  opened_socket opened = connect_tcp("127.0.0.1", server.address().port);
  REQUIRE(opened);
  return std::move(opened.socket);
}

inline void write_raw(descriptor& socket, std::string_view text) {
  std::span<const std::byte> rest = std::as_bytes(std::span{text});
  while (!rest.empty()) {
    const io_result wrote = socket.write_some(rest);
    REQUIRE(wrote.status == io_status::ok);
    rest = rest.subspan(wrote.size);
  }
}

inline constexpr std::string_view upgrade =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

inline std::string text_frame(std::string_view text) {
  return std::string{'\x81', static_cast<char>(0x80U | text.size()), '\0', '\0', '\0', '\0'} +
         std::string{text};
}

// As turn_until, where handlers throw.
template <class Loop>
bool turn_past_throws(Loop& loop, const std::function<bool()>& done) {
  for (int thrown = 0; thrown < 100; ++thrown) {
    try {
      return turn_until(loop, done);
    } catch (int) {
      continue;
    }
  }
  return false;
}

// What there is to read without waiting.
inline std::string read_raw(descriptor& socket) {
  std::string got;
  std::array<std::byte, 4096> buffer;
  while (true) {
    const io_result read = socket.read_some(buffer, time_point::min());
    if (read.status != io_status::ok) return got;
    got += as_text(std::span{buffer}.first(read.size));
  }
}

// Cut off by a reset instead of an end.
inline void reset(descriptor socket) {
  const ::linger none{1, 0};
  ::setsockopt(socket.value(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  ::close(socket.release());
}

}  // namespace hawser
