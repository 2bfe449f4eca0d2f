// What time does to a connection: deadlines, silence, and a loop that sleeps until next_deadline().

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

constexpr duration nanosecond{1};

bool is_ping(const bytes& sent) { return !sent.empty() && sent[0] == std::byte{0x89}; }

constexpr duration seconds(std::int64_t count) { return duration::seconds(count); }

// A connection and a clock that tells it the time.
template <role Role>
class timed {
 public:
  using endpoint_type = typename basic_connection<Role>::endpoint_type;

  timed() : timed{timeouts{}} {}
  explicit timed(const timeouts& lengths, limits most = {})
      : endpoint_{{.limits = most, .timeouts = lengths}}, end{endpoint_, agreement{}} {
    end.take_open();
    pass({});
  }

  void pass(duration length) {
    clock.advance(length);
    end->on_time(clock.now());
  }

  // Time passes up to the last nanosecond before `length` is over, in steps, and nothing happens;
  // then the last nanosecond passes.
  void pass_exactly(duration length) {
    const std::string before = end.state();
    const time_point due = clock.now() + length;
    constexpr std::int64_t steps = 40;
    for (std::int64_t i = 0; i < steps; ++i) {
      pass(duration{length.nanoseconds() / steps - 1});
      if (end.state() != before || end->has_output() != had_output)
        FAIL("too early, in step " << i);
    }
    clock.advance(due - clock.now());
    clock.advance(duration{-1});
    pass({});
    if (end.state() != before || end->has_output() != had_output) FAIL("a nanosecond too early");
    pass(nanosecond);
  }

  // A loop that sleeps until next_deadline(), for `length`: how often it woke up.
  template <class Turn>
  std::size_t sleep_for(duration length, Turn turn) {
    const time_point stop = clock.now() + length;
    std::size_t turns = 0;
    while (clock.now() < stop && !end->wants_close()) {
      const time_point deadline = end->next_deadline();
      if (deadline == time_point::max()) break;
      clock.advance_to(deadline);
      if (++turns > 10'000) FAIL("a busy loop");
      end->on_time(clock.now());
      turn();
    }
    return turns;
  }

 private:
  endpoint_type endpoint_;

 public:
  logged_connection<Role> end;
  simulated_clock clock;
  bool had_output = false;
};

}  // namespace

// ---- Opening

TEST_CASE("a server drops who says nothing in 10 seconds, without a word", "[connection][time]") {
  server_endpoint endpoint{};
  logged_connection<role::server> server{endpoint};
  simulated_clock clock;
  CHECK(server->next_deadline() == time_point::min());
  server->on_time(clock.now());
  CHECK(server->next_deadline() == clock.now() + seconds(10));
  clock.advance(seconds(10));
  clock.advance(duration{-1});
  server->on_time(clock.now());
  CHECK(server.state() == "connecting, 0");
  clock.advance(nanosecond);
  server->on_time(clock.now());
  CHECK(server->wants_close());
  CHECK_FALSE(server->has_output());
  CHECK(server->next_deadline() == time_point::max());
  server.feed("");
  CHECK(server.log() == event_log{opening_failure_line(error::opening_timeout)});
}

TEST_CASE("the deadline of the opening handshake is absolute, however the head drips",
          "[connection][time]") {
  server_endpoint endpoint{};
  logged_connection<role::server> server{endpoint};
  simulated_clock clock;
  const std::string request = upgrade_request().with("X", std::string(1000, 'x'));
  server->on_time(clock.now());
  for (int i = 0; i < 100; ++i) {
    clock.advance(duration::milliseconds(100));
    CHECK(server.state() == "connecting, 0");
    server.feed(request.substr(static_cast<std::size_t>(i), 1));
    server->on_time(clock.now());
  }
  CHECK(status_of(server.take_output_text()) == "408");
  CHECK(server->wants_shutdown());
  server.feed("");
  CHECK(server.log() == event_log{opening_failure_line(error::opening_timeout)});
}

TEST_CASE("an undecided request gets 503 at the deadline", "[connection][time]") {
  server_endpoint endpoint{{.decides_upgrades = true}};
  logged_connection<role::server> server{endpoint};
  simulated_clock clock;
  server->on_time(clock.now());
  server.feed(upgrade_request().text());
  CHECK(server.log() == event_log{"upgrade GET /chat"});
  clock.advance(seconds(10));
  clock.advance(duration{-1});
  server->on_time(clock.now());
  CHECK_FALSE(server->has_output());
  clock.advance(nanosecond);
  server->on_time(clock.now());
  const std::string answer = server.take_output_text();
  CHECK(status_of(answer) == "503");
  CHECK(has_line(answer, "Connection: close"));
  CHECK(server->accept() == error::not_deciding);
  CHECK(server->reject(404, "late") == error::not_deciding);
  server.feed("");
  CHECK(server.last_line() == opening_failure_line(error::opening_timeout));
  // Then it is lingering for 5 seconds at the most.
  CHECK_FALSE(server->wants_close());
  server->on_time(clock.now());
  clock.advance(seconds(5));
  server->on_time(clock.now());
  CHECK(server->wants_close());
}

TEST_CASE("a client gives up where no answer comes in 10 seconds", "[connection][time]") {
  client_endpoint endpoint{};
  logged_connection<role::client> client{endpoint, {.url = "ws://a.example"}};
  simulated_clock clock;
  client->on_time(clock.now());
  client.take_output();
  client.feed("HTTP/1.1 ");
  client->on_time(clock.now());
  CHECK(client->next_deadline() == clock.now() + seconds(10));
  clock.advance(seconds(10));
  client->on_time(clock.now());
  CHECK(client->wants_close());
  client.feed("101 Switching");
  CHECK(client.log() == event_log{opening_failure_line(error::opening_timeout)});
}

TEST_CASE("the opening takes as long as it wants where its timeout is off", "[connection][time]") {
  pair ends{{.server = {.timeouts = {.opening = {}}}, .client = {.timeouts = {.opening = {}}}}};
  ends.tick({});
  ends.client.take_output();
  for (int i = 0; i < 100; ++i) ends.tick(seconds(3600));
  CHECK(ends.server.state() == "connecting, 0");
  CHECK(ends.client.state() == "connecting, 0");
  CHECK(ends.server->next_deadline() == time_point::max());
  CHECK(ends.client->next_deadline() == time_point::max());
}

// ---- Open

TEMPLATE_TEST_CASE("25 seconds of silence bring a ping, 20 more the end", "[connection][time]",
                   at_server, at_client) {
  timed<TestType::self> at;
  at.pass_exactly(seconds(25));
  REQUIRE(at.end->has_output());
  CHECK(is_ping(at.end.take_output()));
  at.pass_exactly(seconds(20));
  CHECK(at.end->wants_close());
  CHECK(at.end->error() == error::pong_timeout);
  at.end.feed("");
  CHECK(at.end.log() == event_log{failure_line(error::pong_timeout)});
}

TEMPLATE_TEST_CASE("every byte of the peer puts off the ping", "[connection][time]", at_server,
                   at_client) {
  timed<TestType::self> at;
  const bytes message = wire_to{TestType::self}.text("a message that comes very slowly");
  for (const std::byte byte : message) {
    at.pass(seconds(24));
    at.end.feed({&byte, 1});
    at.pass({});
  }
  CHECK_FALSE(at.end->has_output());
  CHECK(at.end.log().size() == 1);
  at.pass_exactly(seconds(25));
  CHECK(at.end->has_output());
}

TEMPLATE_TEST_CASE("what this end sends does not put off the ping", "[connection][time]", at_server,
                   at_client) {
  timed<TestType::self> at;
  for (int i = 0; i < 24; ++i) {
    at.pass(seconds(1));
    REQUIRE(at.end->send_text("x") == error::none);
    at.end.take_output();
  }
  at.pass_exactly(seconds(1));
  CHECK(is_ping(at.end.take_output()));
}

TEMPLATE_TEST_CASE("any byte after a ping keeps the connection, the pong or not",
                   "[connection][time]", at_server, at_client) {
  timed<TestType::self> at;
  at.pass(seconds(25));
  at.end.take_output();
  at.pass(seconds(19));
  const bytes frame = wire_to{TestType::self}.text("a");
  at.end.feed({frame.data(), 1});
  at.pass({});
  at.pass(seconds(19));
  CHECK(at.end->is_open());
  at.pass(seconds(6));  // 25 of silence again
  CHECK(is_ping(at.end.take_output()));
  at.pass_exactly(seconds(20));
  CHECK(at.end->error() == error::pong_timeout);
}

TEMPLATE_TEST_CASE("silence that is excused brings no ping, and is counted anew",
                   "[connection][time]", at_server, at_client) {
  timed<TestType::self> at;
  for (int i = 0; i < 10; ++i) {
    at.pass(seconds(24));
    at.end->excuse_silence();
    at.pass({});
  }
  CHECK_FALSE(at.end->has_output());
  at.pass_exactly(seconds(25));
  CHECK(is_ping(at.end.take_output()));
  at.pass(seconds(19));
  at.end->excuse_silence();  // the pong may lie where nobody read it
  at.pass({});
  at.pass_exactly(seconds(25));
  CHECK(is_ping(at.end.take_output()));
  at.pass_exactly(seconds(20));
  CHECK(at.end->error() == error::pong_timeout);
}

TEMPLATE_TEST_CASE("an application that pings does not keep a dead peer alive",
                   "[connection][time]", at_server, at_client) {
  timed<TestType::self> at;
  int second = 0;
  for (; second < 200 && !at.end->wants_close(); ++second) {
    if (second % 10 == 0) static_cast<void>(at.end->ping());
    at.end.take_output();
    at.pass(seconds(1));
  }
  CHECK(second <= 46);
  CHECK(at.end->error() == error::pong_timeout);
}

TEMPLATE_TEST_CASE(
    "without a ping timeout nothing is ever sent, without a pong timeout nothing lost",
    "[connection][time]", at_server, at_client) {
  timed<TestType::self> quiet{{.ping = {}, .pong = {}}};
  quiet.pass(seconds(1'000'000));
  CHECK_FALSE(quiet.end->has_output());
  CHECK(quiet.end->is_open());
  CHECK(quiet.end->next_deadline() == time_point::max());

  timed<TestType::self> patient{{.pong = {}}};
  patient.pass(seconds(25));
  patient.end.take_output();
  patient.pass(seconds(1'000'000));
  CHECK(patient.end->is_open());
}

TEST_CASE("the round trip of a ping is measured", "[connection][time]") {
  pair ends;
  ends.open();
  ends.tick({});
  CHECK(ends.client->round_trip() == duration{});
  REQUIRE(ends.client->ping() == error::none);
  ends.tick({});
  ends.carry_to_server();
  ends.tick(duration::milliseconds(30));
  ends.carry_to_client();
  ends.tick(duration::milliseconds(12));
  CHECK(ends.client->round_trip() == duration::milliseconds(42));
  CHECK(ends.client.log().size() == 1);  // the pong

  // A ping with a payload of the application's own is not measured.
  REQUIRE(ends.client->ping(std::string_view{"mine"}) == error::none);
  ends.tick(duration::milliseconds(500));
  ends.run();
  ends.tick(duration::milliseconds(500));
  CHECK(ends.client->round_trip() == duration::milliseconds(42));
  // Nor is a pong that nobody asked for.
  REQUIRE(ends.server->pong(bytes{std::byte{1}}) == error::none);
  ends.run();
  ends.tick(duration::milliseconds(500));
  CHECK(ends.client->round_trip() == duration::milliseconds(42));
}

TEST_CASE("the round trip of a ping that goes out by itself is measured", "[connection][time]") {
  pair ends{{.client = {.timeouts = {.ping = {}}}}};
  ends.open();
  ends.tick({});
  ends.tick(seconds(25));
  ends.carry_to_client();
  ends.tick(duration::milliseconds(7));
  ends.carry_to_server();
  ends.tick({});
  CHECK(ends.server->round_trip() == duration::milliseconds(7));
}

TEST_CASE("a ping that follows a pong in the same turn measures no wrong time",
          "[connection][time]") {
  pair ends;
  ends.open();
  ends.tick({});
  // The pong is told, and the next ping sent, before the time is.
  ends.client.react = [](client_connection& client, const event& found) {
    if (found.kind() == event_kind::pong) static_cast<void>(client.ping());
  };
  REQUIRE(ends.client->ping() == error::none);
  for (int turn = 0; turn < 20; ++turn) {
    ends.tick({});
    ends.carry_to_server();
    ends.carry_to_client();
    ends.tick(duration::milliseconds(50));
    // Each is measured from the turn in which it was sent, which is this one or the one before.
    CHECK(ends.client->round_trip() >= duration::milliseconds(50));
    CHECK(ends.client->round_trip() <= duration::milliseconds(51));
    // Other bytes in between.
    REQUIRE(ends.server->send_text("x") == error::none);
    ends.carry_to_client();
    ends.tick(duration::milliseconds(1));
  }
}

TEST_CASE("pings that overlap are measured from the first", "[connection][time]") {
  pair ends;
  ends.open();
  ends.tick({});
  ends.clock.advance(duration::milliseconds(1));
  REQUIRE(ends.client->ping() == error::none);
  ends.tick({});
  ends.tick(duration::milliseconds(30));
  REQUIRE(ends.client->ping() == error::none);
  ends.carry_to_server();
  ends.tick(duration::milliseconds(30));
  ends.carry_to_client();
  ends.tick({});
  CHECK(ends.client->round_trip() == duration::milliseconds(60));
}

// ---- Closing

TEMPLATE_TEST_CASE("a closing handshake that is not answered in 5 seconds is given up",
                   "[connection][time]", at_server, at_client) {
  timed<TestType::self> at;
  REQUIRE(at.end->close() == error::none);
  at.end.take_output();
  CHECK(at.end->next_deadline() == time_point::min());
  at.pass({});
  CHECK(at.end->next_deadline() == at.clock.now() + seconds(5));
  at.pass_exactly(seconds(5));
  CHECK(at.end->wants_close());
  CHECK(at.end->error() == error::closing_timeout);
  CHECK_FALSE(at.end->was_clean());
  at.end.feed("");
  CHECK(at.end.log() == event_log{failure_line(error::closing_timeout)});
}

TEMPLATE_TEST_CASE("messages of the peer do not put off the closing deadline", "[connection][time]",
                   at_server, at_client) {
  timed<TestType::self> at;
  REQUIRE(at.end->close() == error::none);
  at.end.take_output();
  at.pass({});
  for (int i = 0; i < 5; ++i) {
    at.pass(seconds(1));
    at.end.feed(wire_to{TestType::self}.text("still here"));
  }
  CHECK(at.end->wants_close());
  CHECK(at.end->error() == error::closing_timeout);
}

TEST_CASE("a client waits 5 seconds for the server to close the stream", "[connection][time]") {
  timed<role::client> at;
  at.end.feed(wire_to{role::client}.close(1000));
  at.end.take_output();
  at.pass({});
  at.pass_exactly(seconds(5));
  CHECK(at.end.state() == "closed, wants close, clean, 1000");
}

TEMPLATE_TEST_CASE("after a failure the end waits 5 seconds for the end of the stream",
                   "[connection][time]", at_server, at_client) {
  timed<TestType::self> at;
  at.end.feed(wire_to{TestType::self}.forged({.opcode = 3}));
  at.end.take_output();
  CHECK(at.end->wants_shutdown());
  at.pass({});
  at.pass_exactly(seconds(5));
  CHECK(at.end->wants_close());
  CHECK(at.end->error() == error::reserved_opcode);
}

TEMPLATE_TEST_CASE("a peer that sends on after a failure does not put off the end",
                   "[connection][time]", at_server, at_client) {
  timed<TestType::self> at;
  at.end.feed(wire_to{TestType::self}.forged({.opcode = 3}));
  at.end.take_output();
  at.pass({});
  for (int i = 0; i < 5; ++i) {
    at.pass(seconds(1));
    at.end.feed(std::string(1000, 'x'));
  }
  CHECK(at.end->wants_close());
}

// ---- Output

TEMPLATE_TEST_CASE("a peer that takes nothing for 30 seconds is given up", "[connection][time]",
                   at_server, at_client) {
  timed<TestType::self> at;
  REQUIRE(at.end->send_text("hello") == error::none);
  at.had_output = true;
  CHECK(at.end->next_deadline() == time_point::min());
  at.pass({});
  // It sends, which does not help.
  for (int i = 0; i < 29; ++i) {
    at.pass(seconds(1));
    at.end.feed(wire_to{TestType::self}.text("x"));
    at.end->consume_output(0);
    REQUIRE(at.end->send_text("more") == error::none);
  }
  at.pass_exactly(seconds(1));
  CHECK(at.end->wants_close());
  CHECK(at.end->error() == error::output_timeout);
}

TEMPLATE_TEST_CASE("one byte that is taken counts as progress", "[connection][time]", at_server,
                   at_client) {
  timed<TestType::self> at{{.ping = {}}};
  REQUIRE(at.end->send_text("hello, hello") == error::none);
  at.pass({});
  for (int i = 0; i < 10; ++i) {
    at.pass(seconds(29));
    CHECK(at.end.take_output(1).size() == 1);
    at.pass({});
  }
  CHECK(at.end->is_open());
  at.pass(seconds(30));
  CHECK(at.end->error() == error::output_timeout);
}

TEMPLATE_TEST_CASE("output may wait for ever where its timeout is off", "[connection][time]",
                   at_server, at_client) {
  timed<TestType::self> at{{.ping = {}, .output = {}}};
  REQUIRE(at.end->send_text("hello") == error::none);
  at.pass(seconds(1'000'000));
  CHECK(at.end->is_open());
}

// ---- A loop that sleeps until next_deadline()

TEMPLATE_TEST_CASE("an hour of idle time takes few turns of a loop", "[connection][time]",
                   at_server, at_client) {
  timed<TestType::self> at;
  const std::size_t turns = at.sleep_for(seconds(3600), [&] {
    // The peer answers pings, and is silent otherwise.
    const bytes sent = at.end.take_output();
    if (!sent.empty()) {
      typename basic_connection<peer_of(TestType::self)>::endpoint_type other{};
      logged_connection<peer_of(TestType::self)> peer{other, agreement{}};
      peer.take_open();
      peer.feed(sent);
      at.end.feed(peer.take_output());
    }
  });
  CHECK(at.end->is_open());
  CHECK(turns >= 3600 / 25);
  CHECK(turns <= 3 * 3600 / 25);
}

TEMPLATE_TEST_CASE("a loop that sleeps comes to an end where the peer is dead",
                   "[connection][time]", at_server, at_client) {
  for (const bool takes_output : {true, false}) {
    timed<TestType::self> at;
    REQUIRE(at.end->send_text("x") == error::none);
    const std::size_t turns = at.sleep_for(seconds(3600), [&] {
      if (takes_output) at.end.take_output();
    });
    CHECK(at.end->wants_close());
    CHECK(turns <= 8);
    CHECK(at.end->error() == (takes_output ? error::pong_timeout : error::output_timeout));
  }
}

TEMPLATE_TEST_CASE("a loop that sleeps comes to an end in every way to close", "[connection][time]",
                   at_server, at_client) {
  static constexpr role self = TestType::self;
  const std::vector<void (*)(logged_connection<self>&)> ways{
      [](auto& end) { static_cast<void>(end->close()); },
      [](auto& end) { end.feed(wire_to{self}.close(1000)); },
      [](auto& end) { end.feed(wire_to{self}.forged({.opcode = 3})); },
      [](auto& end) { end.feed_end(); },
      [](auto& end) { end->abort(); },
      [](auto& end) {
        static_cast<void>(end->ping());
        end.feed(wire_to{self}.forged({.opcode = 3}));
      },
      [](auto& end) {
        static_cast<void>(end->close());
        end.feed(wire_to{self}.forged({.opcode = 3}));
      },
      [](auto& end) {
        static_cast<void>(end->close());
        end.feed_end();
      },
      [](auto& end) {
        end.feed(wire_to{self}.close(1000));
        end.feed_end();
      },
  };
  for (const bool takes_output : {true, false}) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      timed<self> at;
      ways[i](at.end);
      const std::size_t turns = at.sleep_for(seconds(3600), [&] {
        if (takes_output) at.end.take_output();
      });
      INFO("way " << i << ", output taken: " << takes_output);
      if (takes_output) at.end.take_output();
      CHECK(at.end->wants_close());
      CHECK(turns <= 6);
      CHECK(at.clock.now() < simulated_clock{}.now() + seconds(31));
    }
  }
}

TEST_CASE("a loop that sleeps comes to an end where the handshake does not", "[connection][time]") {
  server_endpoint endpoint{{.decides_upgrades = true}};
  for (const std::string& begun :
       {std::string{}, std::string{"GET"}, upgrade_request().text(), std::string{"\x16\x03"}}) {
    logged_connection<role::server> server{endpoint};
    simulated_clock clock;
    server.feed(begun);
    std::size_t turns = 0;
    while (!server->wants_close()) {
      clock.advance_to(server->next_deadline());
      server->on_time(clock.now());
      server.feed("");
      server.take_output();
      REQUIRE(++turns <= 8);
    }
    CHECK(clock.now() <= simulated_clock{}.now() + seconds(15));
  }
}

TEST_CASE("nothing happens where time goes back, or is told again", "[connection][time]") {
  timed<role::server> at;
  for (int i = 0; i < 100; ++i) at.end->on_time(at.clock.now());
  at.end->on_time(at.clock.now() + duration::seconds(-100));
  CHECK(at.end->is_open());
  CHECK_FALSE(at.end->has_output());
  at.pass_exactly(seconds(25));
  CHECK(at.end->has_output());
}

TEST_CASE("any clock will do: one that starts at 0, and one far from it", "[connection][time]") {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-5'000'000'000},
                                   std::numeric_limits<std::int64_t>::max() / 2}) {
    server_endpoint endpoint{};
    logged_connection<role::server> server{endpoint, agreement{}};
    server.take_open();
    const time_point begin{start};
    server->on_time(begin);
    server->on_time(begin + duration{seconds(25).nanoseconds() - 1});
    CHECK_FALSE(server->has_output());
    server->on_time(begin + seconds(25));
    CHECK(server->has_output());
  }
}

TEST_CASE("the budget of control frames is renewed each second", "[connection][time]") {
  timed<role::server> at{timeouts{}, limits{.max_control_frames = 10}};
  for (int second = 0; second < 5; ++second) {
    for (int i = 0; i < 10; ++i) at.end.feed(wire_to{role::server}.ping());
    at.end.take_output();
    CHECK(at.end->is_open());
    at.pass(seconds(1));
  }
  for (int i = 0; i < 11; ++i) at.end.feed(wire_to{role::server}.ping());
  CHECK(at.end->error() == error::too_many_control_frames);
}
