// echo_client over the socket of SFML: a type that hawser does not know, and that nobody has to
// change. Its socket_traits say how to use it; the stream is the same.
//
//     sfml_echo_client URL [TEXT]
//
// Sends back every message until the server closes. With a TEXT it sends that, prints the answer,
// and closes. Exit status 0 after a clean close; otherwise 1, and a line that says why.

#include "hawser/adapters/socket.hpp"
#include "hawser/hawser.hpp"

#include <SFML/Network.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>

// SFML's sockets know no deadlines, but do not block where they are told so; then a selector can
// wait for bytes to read. Nothing waits for room to write: asking each millisecond does.
template <>
struct hawser::socket_traits<sf::TcpSocket> {
  static io_result read_some(sf::TcpSocket& socket, std::span<std::byte> to, time_point deadline) {
    sf::SocketSelector selector;
    selector.add(socket);
    io_result result;
    while (true) {
      const sf::Socket::Status status = socket.receive(to.data(), to.size(), result.size);
      if (status != sf::Socket::NotReady) return {result.size, status_for(status)};
      const std::int64_t left = microseconds_until(deadline);
      if (left <= 0) return {0, io_status::timeout};
      static_cast<void>(selector.wait(sf::microseconds(left)));
    }
  }

  static io_result write_some(sf::TcpSocket& socket, std::span<const std::byte> from,
                              time_point deadline) {
    io_result result;
    while (true) {
      const sf::Socket::Status status = socket.send(from.data(), from.size(), result.size);
      if (result.size != 0) return {result.size, io_status::ok};
      if (status != sf::Socket::NotReady) return {0, io_status::failed};
      if (microseconds_until(deadline) <= 0) return {0, io_status::timeout};
      sf::sleep(sf::milliseconds(1));
    }
  }

  static void close(sf::TcpSocket& socket) { socket.disconnect(); }

 private:
  static io_status status_for(sf::Socket::Status status) {
    if (status == sf::Socket::Done) return io_status::ok;
    return status == sf::Socket::Disconnected ? io_status::eof : io_status::failed;
  }
  static std::int64_t microseconds_until(time_point deadline) {
    const time_point now = std::chrono::steady_clock::now();
    return std::min((deadline - now).milliseconds_up() * 1000, std::int64_t{60'000'000});
  }
};

namespace {

int fail(std::string_view why) {
  std::cerr << "sfml_echo_client: " << why << '\n';
  return 1;
}

int echo(const std::string& url, std::string_view first) {
  const hawser::parsed<hawser::uri> to = hawser::parse_uri(url);
  if (!to || to->secure) return fail("not a ws URL");
  sf::TcpSocket socket;
  if (socket.connect(std::string{to->host_without_brackets()}, to->port, sf::seconds(10)) !=
      sf::Socket::Done) {
    return fail("cannot connect");
  }
  socket.setBlocking(false);

  hawser::client_endpoint endpoint{
      {.limits = {.max_message_size = 64 << 20, .max_output_size = 65 << 20}}};
  hawser::client_stream<sf::TcpSocket&> server{endpoint, socket, {.url = url}};
  if (server.open() == hawser::error::none && !first.empty()) server.send_text(first);
  while (const hawser::event event = server.receive()) {
    if (!event.is_message()) continue;
    if (first.empty()) {
      server.send(event);
    } else {
      std::cout << event.text() << '\n';
      server.close();
    }
  }
  return server.connection().was_clean() ? 0 : fail(to_string(server.connection().error()));
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count == 2 || argument_count == 3) {
    return echo(arguments[1], argument_count == 3 ? arguments[2] : "");
  }
  std::cerr << "sfml_echo_client URL [TEXT]\n";
  return 2;
}
