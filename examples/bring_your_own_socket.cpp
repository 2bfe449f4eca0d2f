// An echo server over a socket class of one's own: no adapter, just the connection. It serves one
// client and ends; the last line says how.
//
//     bring_your_own_socket [PORT [SECONDS]]
//
// PORT is 9001, or 0 for a free one; SECONDS is how long a silent peer is waited for.

#include "hawser/hawser.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// What yours can do in its own way: move some bytes, or wait for that until a given time. Both
// functions give 0 where the time came first, and nothing where the stream has ended or is broken.
class my_socket {
 public:
  explicit my_socket(int descriptor) : descriptor_{descriptor} {}
  my_socket(const my_socket&) = delete;
  my_socket& operator=(const my_socket&) = delete;
  ~my_socket() { ::close(descriptor_); }

  std::optional<std::size_t> read(std::span<std::byte> to, hawser::time_point deadline) {
    if (!wait(POLLIN, deadline)) return 0;
    const auto size = ::recv(descriptor_, to.data(), to.size(), MSG_DONTWAIT);
    if (size == 0) return std::nullopt;
    return moved(size);
  }
  std::optional<std::size_t> write(std::span<const std::byte> from, hawser::time_point deadline) {
    if (!wait(POLLOUT, deadline)) return 0;
    return moved(::send(descriptor_, from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  void shutdown_send() const { ::shutdown(descriptor_, SHUT_WR); }

 private:
  bool wait(short events, hawser::time_point deadline) const {
    const hawser::time_point now = std::chrono::steady_clock::now();
    const auto left =
        std::clamp((deadline - now).milliseconds_up(), std::int64_t{0}, std::int64_t{60'000});
    ::pollfd entry{descriptor_, events, 0};
    return ::poll(&entry, 1, static_cast<int>(left)) > 0;
  }
  // The system may call a socket ready that is not.
  static std::optional<std::size_t> moved(::ssize_t size) {
    if (size < 0 && errno != EAGAIN && errno != EINTR) return std::nullopt;
    return size < 0 ? 0 : static_cast<std::size_t>(size);
  }

  int descriptor_;
};

// [readme]
void serve(hawser::server_endpoint& endpoint, my_socket& socket) {
  hawser::server_connection peer{endpoint};
  std::array<std::byte, 16384> buffer;

  while (!peer.wants_close()) {
    if (peer.has_output()) {  // first, so that who does not read is not read from
      const auto sent = socket.write(peer.output().front(), peer.next_deadline());
      if (sent) peer.consume_output(*sent);
      if (!sent) peer.abort(hawser::error::transport_failed);
    } else {
      const auto got = socket.read(buffer, peer.next_deadline());
      if (!got) peer.receive_eof();
      auto events = peer.receive(std::span{buffer}.first(got.value_or(0)));
      while (const auto event = events.next()) {
        if (event.is_message()) peer.send(event);
      }
    }
    peer.on_time(std::chrono::steady_clock::now());
    if (peer.wants_shutdown()) socket.shutdown_send();
  }
  std::cout << (peer.was_clean() ? "closed by the client" : to_string(peer.error())) << '\n';
}
// [/readme]

}  // namespace

int main(int argument_count, char** arguments) {
  const std::span options{arguments, static_cast<std::size_t>(argument_count)};
  const int port = options.size() > 1 ? std::atoi(options[1]) : 9001;

  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const place = reinterpret_cast<::sockaddr*>(&address);
  ::socklen_t size = sizeof address;

  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  if (listener < 0 || ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(listener, place, size) != 0 || ::listen(listener, 1) != 0 ||
      ::getsockname(listener, place, &size) != 0) {
    std::perror("cannot listen");
    return 1;
  }
  std::cout << "listening on ws://127.0.0.1:" << ntohs(address.sin_port) << "/\n" << std::flush;

  hawser::server_options wishes{.allowed_hosts = hawser::loopback_hosts()};
  if (options.size() > 2) {
    const std::chrono::duration<double> patience{std::atof(options[2])};
    wishes.timeouts = {patience, patience, patience, patience, patience};
  }
  hawser::server_endpoint endpoint{wishes};
  my_socket socket{::accept(listener, nullptr, nullptr)};
  serve(endpoint, socket);
}
