#include "hawser/adapters/uring_loop.hpp"

#include "hawser/adapters/uring.hpp"
#include "support/catch.hpp"
#include "support/loops.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace hawser;

namespace {

// Counts what it gets, and sends it back.
struct counting {
  void on_open(auto&) { ++opened; }
  void on_message(auto& peer, const event& message) {
    ++received;
    peer->send(message);
  }
  void on_close(auto&) { ++closed; }
  int opened = 0;
  int received = 0;
  int closed = 0;
};

struct counting_each {
  struct session {
    int received = 0;
  };
  void on_open(auto&) { ++opened; }
  void on_message(auto& peer, const event&) { ++peer.session().received; }
  int opened = 0;
};

constexpr std::string_view upgrade =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view message{"\x81\x82\0\0\0\0hi", 8};

descriptor connect_raw(std::uint16_t port) {
  opened_socket opened = connect_tcp("127.0.0.1", port);
  REQUIRE(opened);
  return std::move(opened.socket);
}
void write_raw(descriptor& socket, std::string_view text) {
  REQUIRE(socket.write_some(std::as_bytes(std::span{text})).size == text.size());
}

template <class Done>
bool turn_until(uring_loop& loop, Done done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done() && std::chrono::steady_clock::now() < end) loop.poll(duration::milliseconds(50));
  return done();
}

// A descriptor that is watched as it is.
class watched final : public uring_source {
 public:
  watched(uring_loop& loop, int descriptor, std::uint32_t wanted) : loop_{loop} {
    REQUIRE(loop.watch(*this, descriptor, wanted));
  }
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;
  ~watched() { loop_.remove(*this, -1); }

  int ready = 0;
  std::uint32_t events = 0;

 private:
  void on_ready(std::uint32_t what) override {
    ++ready;
    events = what;
  }
  void on_deadline() override {}
  void on_flush() override {}
  void on_retired() override {}

  uring_loop& loop_;
};

}  // namespace

TEST_CASE("more connections may speak at once than there are buffers", "[uring_loop]") {
  if (!runs_here<uring_loop>()) return;
  constexpr int count = 2 * uring_loop::receive_buffer_count + 10;
  uring_loop loop;
  uring_server<counting> server{loop};
  std::vector<descriptor> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(connect_raw(server.address().port));
    write_raw(clients.back(), upgrade);
    if (i % 64 == 0) loop.poll(duration{});
  }
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == count; }));
  for (int round = 1; round <= 3; ++round) {
    for (descriptor& each : clients) write_raw(each, message);
    REQUIRE(turn_until(loop, [&] { return server.handler().received == round * count; }));
  }
  CHECK(server.handler().closed == 0);
}

TEST_CASE("where all speak all the time, all are heard", "[uring_loop]") {
  if (!runs_here<uring_loop>()) return;
  constexpr int count = 4 * uring_loop::receive_buffer_count;
  uring_loop loop;
  loop_server<uring_loop, counting_each, no_extension> server{loop, {}};
  std::vector<descriptor> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(connect_raw(server.address().port));
    write_raw(clients.back(), upgrade);
    if (i % 64 == 0) loop.poll(duration{});
  }
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == count; }));
  // Each has always more to say than it was heard.
  const std::string large = std::string{"\x82\xFE\x07\xD0\0\0\0\0", 8} + std::string(2000, 'x');
  std::vector<std::size_t> written(count, 0);
  for (int turn = 0; turn < 60; ++turn) {
    for (std::size_t i = 0; i < count; ++i) {
      for (int part = 0; part < 4; ++part) {
        const auto rest = std::as_bytes(std::span{large}).subspan(written[i]);
        const std::size_t size = clients[i].write_some(rest, time_point::min()).size;
        written[i] = (written[i] + size) % large.size();
      }
    }
    loop.poll(duration{});
    loop.poll(duration{});
  }
  int heard = 0;
  int least = 1'000'000;
  server.for_each([&](auto& peer) {
    heard += peer.session().received;
    least = std::min(least, peer.session().received);
  });
  CHECK(least > heard / count / 5);
}

TEST_CASE("sources that go while bytes come give the buffers back", "[uring_loop]") {
  if (!runs_here<uring_loop>()) return;
  uring_loop loop;
  for (int round = 0; round < 40; ++round) {
    uring_server<counting> server{loop};
    std::vector<descriptor> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(connect_raw(server.address().port));
      write_raw(clients.back(), upgrade);
    }
    REQUIRE(turn_until(loop, [&] { return server.handler().opened == 20; }));
    for (descriptor& each : clients) write_raw(each, message);
    // The server goes here, with what is on its way to it.
  }
  uring_server<counting> last{loop};
  descriptor client = connect_raw(last.address().port);
  write_raw(client, upgrade);
  write_raw(client, message);
  CHECK(turn_until(loop, [&] { return last.handler().received == 1; }));
}

TEST_CASE("a loop and its servers may be destroyed when the loop's thread has ended",
          "[uring_loop][threads]") {
  if (!runs_here<uring_loop>()) return;
  auto loop = std::make_unique<uring_loop>();
  auto server = std::make_unique<uring_server<counting>>(*loop);
  std::thread thread{[&] { loop->run(); }};
  std::vector<descriptor> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(connect_raw(server->address().port));
    write_raw(clients.back(), upgrade);
    std::array<std::byte, 512> answer;
    REQUIRE(clients.back().read_some(answer).status == io_status::ok);
  }
  loop->stop();
  thread.join();
  CHECK(server->handler().opened == 20);
  for (descriptor& each : clients) write_raw(each, message);
  server.reset();
  loop.reset();
  for (descriptor& each : clients) {
    std::array<std::byte, 512> nothing;
    CHECK(each.read_some(nothing).status != io_status::ok);
  }
}

TEST_CASE("a loop that never turned takes its servers with it", "[uring_loop]") {
  if (!runs_here<uring_loop>()) return;
  uring_loop loop;
  {
    const uring_server<counting> server{loop};
    CHECK(loop.next_deadline() == time_point::min());  // the kernel is to be told of it
  }
  CHECK(loop.next_deadline() == time_point::max());
}

TEST_CASE("a source that goes on being ready is told so each time, and costs no turn else",
          "[uring_loop]") {
  if (!runs_here<uring_loop>()) return;
  uring_loop loop;
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  {
    watched reader{loop, pipe[0], EPOLLIN};
    loop.poll(duration{});
    CHECK(reader.ready == 0);
    REQUIRE(::write(pipe[1], "x", 1) == 1);
    REQUIRE(turn_until(loop, [&] { return reader.ready == 3; }));
    loop.change(reader, pipe[0], 0);
    for (int i = 0; i < 5; ++i) loop.poll(duration::milliseconds(5));
    const int before = reader.ready;
    CHECK(before <= 4);
    for (int i = 0; i < 5; ++i) loop.poll(duration::milliseconds(5));
    CHECK(reader.ready == before);
    loop.change(reader, pipe[0], EPOLLIN);
    CHECK(turn_until(loop, [&] { return reader.ready > before; }));
  }
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("a descriptor that cannot be watched is an error of its source, once", "[uring_loop]") {
  if (!runs_here<uring_loop>()) return;
  uring_loop loop;
  const watched closed{loop, 1'000'000, EPOLLIN};
  for (int i = 0; i < 5; ++i) loop.poll(duration::milliseconds(5));
  CHECK(closed.ready == 1);
  CHECK(closed.events == EPOLLERR);
}

TEST_CASE("a connection whose peer ended the stream is gone without another event",
          "[uring_loop]") {
  if (!runs_here<uring_loop>()) return;
  uring_loop loop;
  uring_server<counting> server{loop};
  for (int round = 1; round <= 30; ++round) {
    descriptor client = connect_raw(server.address().port);
    write_raw(client, upgrade);
    REQUIRE(turn_until(loop, [&] { return server.handler().opened == round; }));
    client = {};
    // Turns that wait for long, of which none may be in vain.
    const auto begin = std::chrono::steady_clock::now();
    while (server.size() != 0) loop.poll(duration::seconds(20));
    REQUIRE(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  }
}
