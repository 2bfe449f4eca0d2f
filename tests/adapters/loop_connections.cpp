#include "hawser/adapters/loop_connections.hpp"

#include "hawser/adapters/epoll.hpp"
#include "hawser/adapters/uring.hpp"
#include "hawser/codecs/zlib.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/loops.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <list>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

using namespace hawser;

namespace {

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

void write_raw(descriptor& socket, std::string_view text) {
  std::span<const std::byte> rest = std::as_bytes(std::span{text});
  while (!rest.empty()) {
    const io_result wrote = socket.write_some(rest);
    REQUIRE(wrote.status == io_status::ok);
    rest = rest.subspan(wrote.size);
  }
}

constexpr std::string_view upgrade =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

std::string text_frame(std::string_view text) {
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
std::string read_raw(descriptor& socket) {
  std::string got;
  std::array<std::byte, 4096> buffer;
  while (true) {
    const io_result read = socket.read_some(buffer, time_point::min());
    if (read.status != io_status::ok) return got;
    got += as_text(std::span{buffer}.first(read.size));
  }
}

// Cut off by a reset instead of an end.
void reset(descriptor socket) {
  const ::linger none{1, 0};
  ::setsockopt(socket.value(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  ::close(socket.release());
}

}  // namespace

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

TEMPLATE_TEST_CASE("connections may be closed and cut off inside any handler", "[loop_connections]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  client_on<TestType> client{loop};
  const auto cut_all = [&](auto&) { server.for_each([](auto& each) { each->abort(); }); };
  const auto connect = [&](int count) {
    for (int i = 0; i < count; ++i) client.connect({.url = url_of(server)});
  };
  SECTION("on open") {
    server.handler().open = [&](auto& peer) {
      if (server.handler().opened == 5) cut_all(peer);
    };
    connect(5);
    CHECK(turn_until(loop, [&] { return server.handler().opened == 5; }));
  }
  SECTION("on message, the one that speaks included") {
    client.handler().open = [&](auto& peer) {
      if (client.handler().opened == 5) {
        peer->send_text("go");
        peer->send_text("not delivered");
      }
    };
    server.handler().answer = [&](auto& peer, const event&) { cut_all(peer); };
    connect(5);
    REQUIRE(turn_until(loop, [&] { return client.handler().closed == 5; }));
    CHECK(server.handler().received == std::vector<std::string>{"go"});
  }
  SECTION("on close") {
    server.handler().open = [&](auto& peer) {
      if (server.handler().opened == 5) peer->abort();
    };
    server.handler().close = cut_all;
    connect(5);
    CHECK(turn_until(loop, [&] { return server.handler().closed != 0; }));
  }
  REQUIRE(turn_until(loop, [&] { return client.size() == 0 && server.size() == 0; }));
  CHECK(server.handler().closed == 5);
  CHECK(client.handler().closed == 5);
}

TEMPLATE_TEST_CASE("who does not read is not read from, and goes on when it reads again",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr std::size_t message_size = 100'000;
  constexpr int message_count = 200;
  TestType loop;
  server_on<TestType> server{loop,
                             {.marks = {.high = 200'000, .low = 50'000},
                              .endpoint = {.limits = {.max_output_size = 400'000}}},
                             echoing<TestType>()};
  client_on<TestType> client{loop, {.limits = {.max_output_size = std::size_t{64} << 20}}};
  loop_connection<TestType, role::client, client_script<TestType>, no_extension>* peer = nullptr;
  client.handler().open = [&](auto& opened) {
    peer = &opened;
    opened.pause();
    for (int i = 0; i < message_count; ++i) {
      CHECK(opened->send_binary(std::string(message_size, 'a')) == error::none);
    }
  };
  client.connect({.url = url_of(server)});
  // The system's buffers fill up, then nothing moves any more.
  std::size_t before = 0;
  auto moved = std::chrono::steady_clock::now();
  REQUIRE(turn_until(loop, [&] {
    const auto now = std::chrono::steady_clock::now();
    if (server.handler().received.size() != before || before == 0) moved = now;
    before = server.handler().received.size();
    return now - moved > std::chrono::milliseconds(300);
  }));
  CHECK(server.handler().received.size() < message_count);
  server.for_each([](auto& each) { CHECK(each->output_size() <= 400'000); });
  REQUIRE(peer != nullptr);
  peer->resume();
  REQUIRE(turn_until(loop, [&] { return client.handler().received.size() == message_count; }));
  CHECK(server.handler().received.size() == message_count);
  CHECK(server.handler().drained >= 1);
}

TEMPLATE_TEST_CASE(
    "a drain comes each time that the output was high, also where the socket takes all",
    "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr int most = 100;
  const std::string part(3000, 'x');
  TestType loop;
  server_on<TestType> server{loop, {.marks = {.high = 2000, .low = 1000}}};
  server.handler().answer = [&](auto& peer, const event&) { peer->send_text(part); };
  server.handler().drain = [&](auto& peer) {
    if (server.handler().drained < most) peer->send_text(part);
  };
  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) { peer->send_text("begin"); };
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return client.handler().received.size() == most; }));
  CHECK(server.handler().drained == most);
}

TEMPLATE_TEST_CASE("a paused connection loses nothing of what came", "[loop_connections]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  client_on<TestType> client{loop};
  server.handler().answer = [](auto& peer, const event&) { peer.pause(); };
  client.handler().open = [](auto& peer) {
    for (int i = 0; i < 20; ++i) peer->send_text("message " + std::to_string(i));
    peer->close();
  };
  client.connect({.url = url_of(server)});
  for (std::size_t i = 1; i <= 20; ++i) {
    REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == i; }));
    loop.poll(duration::milliseconds(1));
    REQUIRE(server.handler().received.size() == i);
    server.for_each([](auto& peer) { peer.resume(); });
  }
  REQUIRE(turn_until(loop, [&] { return client.handler().closed == 1 && server.size() == 0; }));
  CHECK(server.handler().was_clean);
  CHECK(server.handler().received.back() == "message 19");
}

TEMPLATE_TEST_CASE("a paused connection whose peer has gone costs no turns, and keeps what came",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  server.handler().answer = [](auto& peer, const event&) { peer.pause(); };
  descriptor peer = connect_raw(server);
  write_raw(peer, std::string{upgrade} + std::string{"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b", 14});
  REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == 1; }));
  write_raw(peer, std::string{"\x81\x81\0\0\0\0c", 7});
  SECTION("it ended its stream") {
    peer.shutdown_send();
    CHECK(peer);
  }
  SECTION("it closed, and what it is sent is answered by a reset") {
    peer = {};
    server.for_each([](auto& each) { CHECK(each->send_text("are you there?") == error::none); });
  }
  int turns = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < end) {
    loop.poll(duration::milliseconds(50));
    ++turns;
  }
  CHECK(turns < 30);
  const std::size_t before = server.handler().received.size();
  CHECK(before == 1);
  server.handler().answer = [](auto&, const event&) {};
  server.for_each([](auto& each) { each.resume(); });
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().closed == 1);
  if (peer) {
    CHECK(server.handler().received == std::vector<std::string>{"a", "b", "c"});
  }
}

TEMPLATE_TEST_CASE("a connection that is paused outside of its handlers hears nothing more",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  server.for_each([](auto& each) { each.pause(); });
  write_raw(peer, text_frame("a") + text_frame("b"));
  for (int i = 0; i < 5; ++i) loop.poll(duration::milliseconds(10));
  CHECK(server.handler().received.empty());
  server.for_each([](auto& each) { each.resume(); });
  CHECK(turn_until(loop, [&] { return server.handler().received.size() == 2; }));
}

TEMPLATE_TEST_CASE("a connection that is paused after each message keeps the others where they are",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr std::size_t count = 1000;
  TestType loop;
  server_on<TestType> server{loop};
  server.handler().received.reserve(count);
  server.handler().answer = [](auto& peer, const event&) { peer.pause(); };
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text_frame("12345678");
  write_raw(peer, all);
  REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == 1; }));
  const support::allocation_watch watch;
  for (std::size_t i = 2; i <= count; ++i) {
    server.for_each([](auto& each) { each.resume(); });
    REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == i; }));
  }
  CHECK(watch.requested() < 4 * all.size());
}

TEMPLATE_TEST_CASE("a peer that is paused for long is not given up, and is judged anew after it",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop,
                             {.endpoint = {.timeouts = {.ping = duration::milliseconds(40),
                                                        .pong = duration::milliseconds(40)}}}};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  server.for_each([](auto& each) { each.pause(); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
  while (std::chrono::steady_clock::now() < end) loop.poll(duration::milliseconds(50));
  CHECK(server.handler().closed == 0);
  CHECK(read_raw(peer).find("\x89\x01") == std::string::npos);
  server.for_each([](auto& each) { each.resume(); });
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::pong_timeout);
  CHECK(read_raw(peer).find("\x89\x01") != std::string::npos);
}

TEMPLATE_TEST_CASE("what a peer sent before it left is read, though it takes nothing any more",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  for (int i = 0; i < 3; ++i) loop.poll(duration::milliseconds(5));
  CHECK(read_raw(peer).starts_with("HTTP/1.1 101 "));
  server.for_each([](auto& each) { each.pause(); });
  loop.poll(duration{});
  const bool is_clean = GENERATE(true, false);
  const std::string close_frame{"\x88\x82\0\0\0\0\x03\xE8", 8};
  write_raw(peer, text_frame("a") + text_frame("b") + (is_clean ? close_frame : ""));
  peer = {};
  for (int i = 0; i < 3; ++i) {
    // The first is answered by a reset, the others are refused by the system.
    server.for_each([](auto& each) { CHECK(each->send_text("still there?") == error::none); });
    for (int turn = 0; turn < 3; ++turn) loop.poll(duration::milliseconds(5));
  }
  server.for_each([](auto& each) { each.resume(); });
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().received == std::vector<std::string>{"a", "b"});
  CHECK(server.handler().was_clean == is_clean);
  CHECK((server.handler().last_error == error::none) == is_clean);
  CHECK(server.handler().closed == 1);
}

TEMPLATE_TEST_CASE("a handler that throws loses nothing of what came behind it",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  server.handler().answer = [](auto& peer, const event& message) {
    peer->send(message);
    if (message.text() == "throw") throw 1;
  };
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  const std::string last = text_frame("last");
  SECTION("whole messages") { write_raw(peer, text_frame("throw") + text_frame("second") + last); }
  SECTION("a part of one") {
    write_raw(peer, text_frame("throw") + text_frame("second") + last.substr(0, 3));
    int thrown = 0;
    while (thrown == 0) {
      try {
        loop.poll(duration::seconds(10));
      } catch (int) {
        ++thrown;
      }
    }
    write_raw(peer, last.substr(3));
  }
  SECTION("nothing: what it sent leaves nevertheless") {
    write_raw(peer, text_frame("throw"));
    std::string answer;
    REQUIRE(turn_past_throws(loop, [&] {
      answer += read_raw(peer);
      return answer.ends_with("throw");
    }));
    write_raw(peer, text_frame("second") + last);
  }
  REQUIRE(turn_past_throws(loop, [&] { return server.handler().received.size() == 3; }));
  CHECK(server.handler().received == std::vector<std::string>{"throw", "second", "last"});
  CHECK(server.handler().closed == 0);
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

TEMPLATE_TEST_CASE("a connection goes though the handler of its end throws", "[loop_connections]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr int count = 5;
  TestType loop;
  server_on<TestType> server{loop,
                             {.endpoint = {.timeouts = {.ping = duration::milliseconds(50),
                                                        .pong = duration::milliseconds(50)}}}};
  server.handler().close = [](auto&) { throw 1; };
  std::vector<descriptor> peers;
  for (int i = 0; i < count; ++i) {
    peers.push_back(connect_raw(server));
    write_raw(peers.back(), upgrade);
  }
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == count; }));
  enum class end { cut_off, silent_for_as_long, left_by_its_peer };
  const end how = GENERATE(end::cut_off, end::silent_for_as_long, end::left_by_its_peer);
  if (how == end::cut_off) server.for_each([](auto& each) { each->abort(); });
  if (how == end::left_by_its_peer) peers.clear();
  CHECK(turn_past_throws(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().closed == count);
}

TEMPLATE_TEST_CASE("wherever memory runs out, a loop goes on and ends what it can't serve",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  const std::string text(3000, 'x');
  const std::size_t failed = support::for_each_failing_allocation([&](std::size_t n) {
    TestType loop;
    server_on<TestType> server{loop, {}, echoing<TestType>()};
    client_on<TestType> client{loop};
    client.handler().open = [&](auto& peer) {
      peer.pause();
      peer->send_text(text);
      peer->send_text(text);
    };
    client.handler().answer = [&](auto& peer, const event&) {
      if (peer.session().messages == 2) peer->close();
    };
    bool has_failed = false;
    {
      const support::failing_allocation failing{n};
      try {
        client.connect({.url = url_of(server)});
        for (int i = 0; i < 20; ++i) {
          loop.poll(duration::milliseconds(1));
          client.for_each([](auto& peer) { peer.resume(); });
        }
      } catch (const std::bad_alloc&) {
        CHECK(failing.has_failed());
      }
      has_failed = failing.has_failed();
    }
    // There is memory again.
    REQUIRE(turn_until(loop, [&] {
      client.for_each([](auto& peer) {
        peer.resume();
        if (peer->is_open()) peer->close();
      });
      return client.size() == 0 && server.size() == 0;
    }));
    CHECK(server.handshakes() == 0);
    CHECK(client.handshakes() == 0);
    // ... and a new connection is served.
    const int before = client.handler().opened;
    client.handler().open = [](auto&) {};
    client.connect({.url = url_of(server)});
    REQUIRE(turn_until(loop, [&] { return client.handler().opened == before + 1; }));
    client.shut_down();
    REQUIRE(turn_until(loop, [&] { return client.size() == 0 && server.size() == 0; }));
    return has_failed;
  });
  CHECK(failed > 10);
}

TEMPLATE_TEST_CASE("a peer in the middle of a message that is too big may send the rest of it",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr auto closing = duration::seconds(2);
  TestType loop;
  server_on<TestType> server{
      loop, {.endpoint = {.limits = {.max_message_size = 1000}, .timeouts = {.closing = closing}}}};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  loop.poll(duration{});
  CHECK(read_raw(peer).starts_with("HTTP/1.1 101 "));
  write_raw(peer, std::string{"\x82\xFF\0\0\0\0\1\0\0\0\0\0\0\0", 14});
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::message_too_big);
  std::array<std::byte, 512> buffer;
  io_result read{};
  const auto read_close = [&] {
    read = peer.read_some(buffer, time_point::min());
    return read.status != io_status::timeout;
  };
  REQUIRE(turn_until(loop, read_close));
  CHECK(as_text(std::span{buffer}.first(read.size)).substr(2, 2) == "\x03\xF1");

  const auto begin = std::chrono::steady_clock::now();
  const auto past = [&] { return std::chrono::steady_clock::now() - begin; };
  const std::string more(1000, 'x');
  while (past() < std::chrono::milliseconds(400)) {
    write_raw(peer, more);
    loop.poll(duration::milliseconds(10));
    REQUIRE(peer.read_some(buffer, time_point::min()).status == io_status::timeout);
  }
  SECTION("when it is quiet, it sees the end") {
    REQUIRE(turn_until(loop, read_close));
    CHECK(read.status == io_status::eof);
    peer = {};
    CHECK(turn_until(loop, [&] { return server.size() == 0; }));
  }
  SECTION("when it ends, so do we") {
    peer.shutdown_send();
    CHECK(turn_until(loop, [&] { return server.size() == 0; }));
  }
  SECTION("one that goes on for ever is cut off") {
    CHECK(turn_until(loop, [&] {
      static_cast<void>(peer.write_some(std::as_bytes(std::span{more}), time_point::min()));
      return server.size() == 0;
    }));
    CHECK(past() < std::chrono::seconds(8));
  }
}

TEMPLATE_TEST_CASE("a shutdown says 1001 to all and is over in bounded time", "[loop_connections]",
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

TEMPLATE_TEST_CASE("a peer that resets its connection costs nothing but it", "[loop_connections]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop, {}, echoing<TestType>()};
  descriptor middle_of_frame = connect_raw(server);
  write_raw(middle_of_frame, std::string{upgrade} + "\x81\xfe\x10");
  descriptor with_output = connect_raw(server);
  write_raw(with_output, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 2; }));
  server.for_each([](auto& peer) {
    // More than the system takes, so that a write is under way.
    for (int i = 0; i < 3; ++i) peer->send_binary(std::string(1'000'000, 'x'));
  });
  loop.poll(duration::milliseconds(20));
  reset(std::move(middle_of_frame));
  reset(std::move(with_output));
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().closed == 2);
  CHECK(server.handler().last_error == error::transport_failed);
  CHECK(server.handler().last_code == close_code::abnormal);

  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) { peer->send_text("still there?"); };
  client.connect({.url = url_of(server)});
  CHECK(turn_until(loop, [&] { return client.handler().received.size() == 1; }));
}

TEMPLATE_TEST_CASE("a peer that ended its stream still gets what is on its way",
                   "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop, {}, echoing<TestType>()};
  descriptor half_closed = connect_raw(server);
  write_raw(half_closed, std::string{upgrade} + std::string{"\x81\x82\0\0\0\0hi", 8});
  half_closed.shutdown_send();
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::end_of_stream);
  CHECK(read_raw(half_closed).ends_with(std::string{"\x81\x02hi", 4}));
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
}

TEMPLATE_TEST_CASE("a peer that goes silent is pinged, and lost", "[loop_connections]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop,
                             {.endpoint = {.timeouts = {.ping = duration::milliseconds(50),
                                                        .pong = duration::milliseconds(100)}}}};
  descriptor silent = connect_raw(server);
  write_raw(silent, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::pong_timeout);
  const std::string got = read_raw(silent);
  CHECK(got.find("\x89\x01") != std::string::npos);
}

TEMPLATE_TEST_CASE(
    "a thousand half handshakes do not stop working clients, and end at the deadline",
    "[loop_connections]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{
      loop, {.endpoint = {.timeouts = {.opening = duration::seconds(2)}}}, echoing<TestType>()};
  std::vector<descriptor> half;
  for (int i = 0; i < 1000; ++i) {
    half.push_back(connect_raw(server));
    write_raw(half.back(), upgrade.substr(0, static_cast<std::size_t>(i) % (upgrade.size() - 1)));
    if (i % 100 == 0) loop.poll(duration{});
  }
  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) { peer->send_text("0"); };
  client.handler().answer = [](auto& peer, const event&) {
    peer->send_text(std::to_string(peer.session().messages));
  };
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return client.handler().received.size() >= 500; }));
  CHECK(server.handler().opened == 1);
  REQUIRE(turn_until(loop, [&] { return server.handshakes() == 0; }));
  CHECK(server.handler().refused == 1000);
  CHECK(server.handler().last_error == error::opening_timeout);
  CHECK(client.handler().closed == 0);
}

TEMPLATE_TEST_CASE("connections beyond the limits wait until there is room", "[loop_connections]",
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

TEMPLATE_TEST_CASE("accepting goes on when descriptors are to be had again", "[loop_connections]",
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

TEMPLATE_TEST_CASE("a page of another origin is refused, and the log can say why",
                   "[loop_connections]", epoll_loop, uring_loop) {
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

TEMPLATE_TEST_CASE("a server on loopback answers for loopback names only", "[loop_connections]",
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
                   "[loop_connections]", epoll_loop, uring_loop) {
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

TEMPLATE_TEST_CASE("a client tells why it could not connect", "[loop_connections]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  client_on<TestType> client{loop};
  const auto error_of = [&](std::string url) {
    const int before = client.handler().closed;
    client.connect({.url = std::move(url)});
    REQUIRE(turn_until(loop, [&] { return client.handler().closed == before + 1; }));
    CHECK(client.handler().last_code == close_code::abnormal);
    return client.handler().last_error;
  };
  CHECK(error_of("ws://127.0.0.1:1/") == error::transport_failed);
  CHECK(error_of("wss://127.0.0.1:1/") == error::no_tls);
  CHECK(error_of("http://127.0.0.1/") == error::bad_url);
  CHECK(turn_until(loop, [&] { return client.size() == 0; }));
}

TEMPLATE_TEST_CASE("servers in many threads share a port, one loop each",
                   "[loop_connections][threads]", epoll_loop, uring_loop) {
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
