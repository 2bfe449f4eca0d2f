#include "hawser/adapters/loop_connections.hpp"

#include "hawser/codecs/zlib.hpp"
#include "support/catch.hpp"
#include "support/loop_script.hpp"

#include <optional>
#include <string>
#include <vector>

using namespace hawser;

TEMPLATE_TEST_CASE("a client and a server on one loop exchange messages and close cleanly",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop, {}, echoing<TestType>()};
  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) {
    peer->send_text("hello");
    peer->send_binary(std::string(300'000, 'x'));
  };
  client.handler().answer = [](auto& peer, const event&) {
    if (peer.session().messages == 2) peer->close(close_code{4000}, "enough");
  };
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return client.handler().closed == 1 && server.size() == 0; }));
  CHECK(client.handler().received == std::vector<std::string>{"hello", std::string(300'000, 'x')});
  CHECK(client.handler().was_clean);
  CHECK(server.handler().closed == 1);
  CHECK(server.handler().last_code == close_code{4000});
  CHECK(server.handler().was_clean);
  CHECK(server.handshakes() == 0);
}

TEMPLATE_TEST_CASE("a handle finds its connection while it lives, and no other after",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  client_on<TestType> client{loop};
  loop_handle first{};
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  server.for_each([&](auto& peer) { first = peer.handle(); });
  REQUIRE(server.find(first) != nullptr);
  server.find(first)->session().name = "first";
  (*server.find(first))->close();
  REQUIRE(turn_until(loop, [&] { return server.size() == 0 && client.size() == 0; }));
  CHECK(server.find(first) == nullptr);
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 2; }));
  loop_handle second{};
  server.for_each([&](auto& peer) { second = peer.handle(); });
  CHECK(second.index == first.index);  // the place is used again
  CHECK_FALSE(second == first);
  CHECK(server.find(first) == nullptr);
  CHECK(server.find(second)->session().name.empty());
  CHECK(server.find({12345, 1}) == nullptr);
}

TEMPLATE_TEST_CASE("a task that a handler posts may destroy the server", "[loop_connections]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  std::optional<server_on<TestType>> server;
  server.emplace(loop);
  std::vector<descriptor> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(connect_raw(*server));
    write_raw(peers.back(), upgrade);
  }
  REQUIRE(turn_until(loop, [&] { return server->handler().opened == 3; }));
  server->handler().answer = [&](auto& peer, const event& message) {
    peer->send(message);
    loop.post([&] { server.reset(); });
  };
  // While others have something to say, too.
  for (descriptor& peer : peers) write_raw(peer, text_frame("end"));
  REQUIRE(turn_until(loop, [&] { return !server; }));
  for (int i = 0; i < 3; ++i) loop.poll(duration::milliseconds(1));
  // The loop goes on with another.
  server.emplace(loop);
  descriptor peer = connect_raw(*server);
  write_raw(peer, upgrade);
  CHECK(turn_until(loop, [&] { return server->handler().opened == 1; }));
}

namespace {

struct compressed_echo {
  void on_open(auto& peer) { agreed = peer->extensions().text(); }
  void on_message(auto& peer, const hawser::event& message) {
    if (peer->send(message) != hawser::error::none) FAIL("not sent");
  }
  std::string agreed;
};

struct compressed_asking {
  void on_open(auto& peer) { peer->send_text(text, {.compress = hawser::compression::always}); }
  void on_message(auto& peer, const hawser::event& message) {
    answer = message.text();
    peer->close();
  }
  void on_close(auto& peer) { peer.group().loop().stop(); }
  std::string text = std::string(100000, 'x');
  std::string answer;
};

}  // namespace

TEMPLATE_TEST_CASE("servers and clients on a loop may compress", "[loop_connections]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  loop_server<TestType, compressed_echo, zlib_deflate> server{
      loop, {}, {}, {.settings = {.window_bits = 10}}};
  loop_client<TestType, compressed_asking, zlib_deflate> client{loop};
  client.connect({.url = "ws://127.0.0.1:" + std::to_string(server.address().port)});
  loop.run();
  CHECK((client.handler().answer == client.handler().text));
  CHECK(server.handler().agreed == "permessage-deflate; client_max_window_bits=12");
}
