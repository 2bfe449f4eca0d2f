// The smaller programs of the README, as they stand there, against each other.

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/epoll.hpp"
#include "hawser/adapters/socket.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/hawser.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <thread>
#include <utility>

namespace {

// Echoes until the server closes; true where that was clean.
bool run_client(hawser::descriptor socket, const std::string& url) {
  hawser::client_endpoint endpoint;
  // [readme client]
  hawser::client_stream<hawser::descriptor> peer{endpoint, std::move(socket), {.url = url}};
  while (const hawser::event event = peer.receive()) {
    if (event.is_message()) peer.send(event);
  }
  // [/readme]
  return peer.connection().was_clean();
}

// [readme handler]
struct echo {
  void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
};
// [/readme]

// Answers every message by the same, compressed where that is agreed on, and a secret, which is
// not.
struct answering {
  void on_message(auto& peer, const hawser::event& message) {
    const std::string_view answer = message.text();
    const std::string_view token = "token";
    // [readme message_options]
    peer->send_text(answer);
    peer->send_text(token, {.secret = true});
    // [/readme]
  }
};

// Asks the echo client something, and closes when it has answered.
struct asking {
  void on_open(auto& peer) { peer->send_text("echo this"); }
  void on_message(auto& peer, const hawser::event& message) {
    answer += message.text();
    peer->close();
  }
  void on_close(auto& peer) { peer.group().loop().stop(); }
  std::string answer;
};

}  // namespace

TEST_CASE("the README's client echoes until the server closes", "[readme]") {
  hawser::epoll_loop loop;
  hawser::epoll_server<asking> server{loop};
  const std::uint16_t port = server.address().port;
  bool was_clean = false;
  std::thread client{[&] {
    hawser::opened_socket opened = hawser::connect_tcp("127.0.0.1", port);
    if (!opened) return;
    was_clean = run_client(std::move(opened.socket), "ws://127.0.0.1:" + std::to_string(port));
  }};
  loop.run();
  server.shut_down();
  while (server.size() != 0) loop.poll(hawser::duration::milliseconds(50));
  client.join();
  CHECK(server.handler().answer == "echo this");
  CHECK(was_clean);
}

TEST_CASE("the README's epoll server echoes", "[readme]") {
  hawser::epoll_loop loop;
  hawser::epoll_server<echo> server{loop, {.port = 0}};
  hawser::epoll_client<asking> client{loop};
  client.connect({.url = "ws://127.0.0.1:" + std::to_string(server.address().port)});
  loop.run();
  CHECK(client.handler().answer == "echo this");
}

TEST_CASE("the README's server compresses", "[readme]") {
  hawser::epoll_loop loop;
  // [readme compression]
  hawser::zlib::server_endpoint endpoint{{}, hawser::deflate_presets::small};
  hawser::zlib::server_connection peer{endpoint};
  // [/readme]
  CHECK_FALSE(peer.is_open());
  hawser::epoll_server<answering, hawser::zlib_deflate> server{loop};
  hawser::epoll_client<asking, hawser::zlib_deflate> client{loop};
  client.connect({.url = "ws://127.0.0.1:" + std::to_string(server.address().port)});
  loop.run();
  CHECK(client.handler().answer.starts_with("echo this"));  // the secret may come with it
}

TEST_CASE("the README's tick reaches all", "[readme]") {
  struct slow_socket {
    std::size_t write(std::span<const std::byte> bytes) {
      const std::size_t taken = std::min(bytes.size(), most);
      got += hawser::as_text(bytes.first(taken));
      return taken;
    }
    std::size_t most = 0;
    std::string got;
  };
  struct player {
    explicit player(hawser::server_endpoint& endpoint)
        : connection{hawser::server_connection::adopt(endpoint, {})} {}
    hawser::server_connection connection;
    slow_socket socket;
  };
  hawser::server_endpoint endpoint;
  std::deque<player> players;
  for (std::size_t i = 0; i < 10; ++i) {
    players.emplace_back(endpoint).socket.most = i;
    static_cast<void>(players.back().connection.receive({}).next());
  }
  std::array<std::byte, 64> room;
  hawser::sink sink{room};
  const std::string state = "state";
  // [readme tick]
  for (std::size_t i = 0; i < players.size(); ++i) {
    if (i + 6 < players.size()) players[i + 6].connection.prefetch();
    auto& [connection, socket] = players[i];
    connection.send_binary(state, sink);
    connection.consume_output(sink, socket.write(sink.bytes()));
  }
  // [/readme]
  for (auto& [connection, socket] : players) {
    for (const auto part : connection.output()) socket.got += hawser::as_text(part);
    CHECK(socket.got == "\x82\x05state");
    connection.consume_output(connection.output_size());
  }
}
