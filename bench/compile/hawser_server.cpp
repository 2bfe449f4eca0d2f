// The README's server over a socket of one's own.

#include "hawser/hawser.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

class my_socket {
 public:
  std::optional<std::size_t> read(std::span<std::byte> to, hawser::time_point deadline);
  std::optional<std::size_t> write(std::span<const std::byte> from, hawser::time_point deadline);
  void shutdown_send();
};

my_socket accept_one();

void serve(hawser::server_endpoint& endpoint, my_socket& socket) {
  hawser::server_connection peer{endpoint};
  std::array<std::byte, 16384> buffer;

  while (!peer.wants_close()) {
    if (peer.has_output()) {
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
}

int main() {
  hawser::server_endpoint endpoint;
  for (;;) {
    my_socket socket = accept_one();
    serve(endpoint, socket);
  }
}
