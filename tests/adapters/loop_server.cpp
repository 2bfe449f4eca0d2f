#include "hawser/adapters/loop_server.hpp"

#include "support/catch.hpp"
#include "support/loop_script.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

using namespace hawser;

TEMPLATE_TEST_CASE("a shutdown says 1001 to all and is over in bounded time", "[loop_server]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop,
                             {.endpoint = {.timeouts = {.closing = duration::milliseconds(200)}}}};
  client_on<TestType> client{loop};
  for (int i = 0; i < 10; ++i) client.connect({.url = url_of(server)});
  descriptor silent = connect_raw(server);
  write_raw(silent, upgrade);
  descriptor half = connect_raw(server);
  write_raw(half, "GET / HT");
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 11 && server.size() == 12; }));
  server.shut_down();
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().closed == 11);
  REQUIRE(turn_until(loop, [&] { return client.size() == 0; }));
  CHECK(client.handler().closed == 10);
  CHECK(client.handler().last_code == close_code::going_away);
  CHECK(client.handler().was_clean);
  CHECK(read_raw(half).starts_with("HTTP/1.1 503 "));
  CHECK(read_raw(silent).ends_with(std::string{"\x88\x02\x03\xE9", 4}));
  CHECK_FALSE(connect_tcp("127.0.0.1", server.address().port));
}

TEMPLATE_TEST_CASE("connections beyond the limits wait until there is room", "[loop_server]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  client_on<TestType> client{loop};
  SECTION("of connections") {
    server_on<TestType> server{loop, {.max_connections = 3}};
    for (int i = 0; i < 7; ++i) client.connect({.url = url_of(server)});
    std::size_t most = 0;
    server.handler().open = [&](auto& peer) {
      most = std::max(most, server.size());
      peer->close();
    };
    REQUIRE(turn_until(loop, [&] { return client.handler().closed == 7; }));
    CHECK(most <= 3);
    CHECK(server.handler().opened == 7);
  }
  SECTION("of handshakes") {
    server_on<TestType> server{
        loop,
        {.max_handshakes = 2, .endpoint = {.timeouts = {.opening = duration::milliseconds(300)}}}};
    std::vector<descriptor> half;
    for (int i = 0; i < 5; ++i) half.push_back(connect_raw(server));
    client.connect({.url = url_of(server)});
    std::size_t most = 0;
    REQUIRE(turn_until(loop, [&] {
      most = std::max(most, server.handshakes());
      return server.handler().opened == 1;
    }));
    CHECK(most == 2);
    CHECK(server.handler().refused >= 4);
  }
}

TEMPLATE_TEST_CASE("accepting goes on when descriptors are to be had again", "[loop_server]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  client_on<TestType> client{loop};
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  descriptor waiting = connect_raw(server);
  write_raw(waiting, upgrade);

  ::rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  ::rlimit none = before;
  none.rlim_cur = 3;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  int turns = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < end) {
    loop.poll(duration::milliseconds(50));
    ++turns;
  }
  const int opened_without = server.handler().opened;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);

  CHECK(opened_without == 1);
  CHECK(turns < 60);  // it does not spin
  CHECK(turn_until(loop, [&] { return server.handler().opened == 2; }));
}

TEMPLATE_TEST_CASE("a page of another origin is refused, and the log can say why", "[loop_server]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  client_on<TestType> client{loop};
  client.connect({.url = url_of(server), .origin = "https://evil.example"});
  REQUIRE(turn_until(loop, [&] { return client.handler().closed == 1 && server.size() == 0; }));
  CHECK(server.handler().refused == 1);
  CHECK(server.handler().opened == 0);
  CHECK(server.handler().last_error == error::origin_refused);
  CHECK(client.handler().last_error == error::handshake_refused);
}

TEMPLATE_TEST_CASE("a server on loopback answers for loopback names only", "[loop_server]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  descriptor rebound = connect_raw(server);
  std::string request{upgrade};
  request.replace(request.find("127.0.0.1"), 9, "evil.example");
  write_raw(rebound, request);
  REQUIRE(turn_until(loop, [&] { return server.handler().refused == 1; }));
  CHECK(server.handler().last_error == error::host_refused);
  rebound.shutdown_send();
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(read_raw(rebound).starts_with("HTTP/1.1 421 "));
}

namespace {

// Decides on requests, the second one later.
template <class Loop>
struct deciding {
  using peer_type = loop_connection<Loop, role::server, deciding, no_extension>;
  void on_request(peer_type& peer) {
    if (!peer->request().is_upgrade()) {
      peer->respond(200, {{"Content-Type", "text/plain"}}, "a page");
    } else if (peer->request().path() == "/later") {
      later = peer.handle();
    } else if (peer->request().path() == "/no") {
      peer->reject(404, "nothing here");
    } else {
      peer->accept();
    }
  }
  void on_open(peer_type& peer) { peer->send_text("welcome"); }
  loop_handle later;
};

}  // namespace

TEMPLATE_TEST_CASE("a handler decides on requests, at once or later, and serves pages",
                   "[loop_server]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType, deciding<TestType>> server{loop};
  client_on<TestType> client{loop};
  client.connect({.url = url_of(server, "/yes")});
  client.connect({.url = url_of(server, "/no")});
  REQUIRE(turn_until(
      loop, [&] { return client.handler().received.size() == 1 && client.handler().closed == 1; }));
  CHECK(client.handler().last_error == error::handshake_refused);

  client.connect({.url = url_of(server, "/later")});
  REQUIRE(turn_until(loop, [&] { return server.find(server.handler().later) != nullptr; }));
  loop.poll(duration::milliseconds(20));
  CHECK(client.handler().opened == 1);
  (*server.find(server.handler().later))->accept();
  REQUIRE(turn_until(loop, [&] { return client.handler().received.size() == 2; }));

  descriptor browser = connect_raw(server);
  write_raw(browser, "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string page;
  REQUIRE(turn_until(loop, [&] {
    page += read_raw(browser);
    return page.ends_with("\r\n\r\na page");
  }));
  CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
}

TEMPLATE_TEST_CASE("servers in many threads share a port, one loop each", "[loop_server][threads]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr int thread_count = 3;
  constexpr int client_count = 60;
  std::list<TestType> loops;
  std::list<server_on<TestType>> servers;
  std::uint16_t port = 0;
  for (int i = 0; i < thread_count; ++i) {
    loops.emplace_back();
    servers.emplace_back(loops.back(), loop_server_options{.port = port, .shares_port = true},
                         echoing<TestType>());
    port = servers.back().address().port;
  }
  std::vector<std::thread> threads;
  for (TestType& each : loops) threads.emplace_back([&each] { each.run(); });

  TestType loop;
  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) { peer->send_text("0"); };
  client.handler().answer = [](auto& peer, const event&) {
    if (peer.session().messages == 20) {
      peer->close();
    } else {
      peer->send_text(std::to_string(peer.session().messages));
    }
  };
  for (int i = 0; i < client_count; ++i) client.connect({.url = url_of(servers.front())});
  const bool is_done = turn_until(loop, [&] { return client.handler().closed == client_count; });

  auto server = servers.begin();
  for (TestType& each : loops) {
    each.post([&each, &served = *server++] {
      served.shut_down();
      each.stop();
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(is_done);
  CHECK(client.handler().was_clean);
  int opened = 0;
  int busy = 0;
  for (auto& each : servers) {
    opened += each.handler().opened;
    busy += each.handler().opened != 0;
  }
  CHECK(opened == client_count);
  CHECK(busy >= 2);  // the system spreads them
}
