// How connections end: by a closing handshake, a failure, a loss, the end of the stream, or because
// this end gives up.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

TEMPLATE_TEST_CASE("a close that must not be sent is refused, and changes nothing",
                   "[connection][closing]", at_server, at_client) {
  adopted<TestType::self> at;
  const std::string long_reason(124, 'r');
  CHECK(at.end->close(close_code::abnormal) == error::bad_close_code);
  CHECK(at.end->close(close_code::tls_handshake_failed) == error::bad_close_code);
  CHECK(at.end->close(close_code::none) == error::bad_close_code);
  CHECK(at.end->close(close_code{999}) == error::bad_close_code);
  CHECK(at.end->close(close_code{5000}) == error::bad_close_code);
  CHECK(at.end->close(close_code::normal, long_reason) == error::reason_too_long);
  CHECK(at.end->close(close_code::no_status, "r") == error::reason_too_long);
  CHECK(at.end->close(close_code::normal, "\xFF") == error::text_not_utf8);
  CHECK(at.end->is_open());
  CHECK_FALSE(at.end->has_output());
  CHECK(at.end->send_text("still open") == error::none);
}

TEMPLATE_TEST_CASE("a close carries its code and reason", "[connection][closing]", at_server,
                   at_client) {
  using row = std::pair<close_code, std::string>;
  for (const auto& [code, reason] :
       {row{close_code::normal, ""}, row{close_code::no_status, ""}, row{close_code{4999}, "r"},
        row{close_code::going_away, std::string(123, 'r')}}) {
    adopted<TestType::self> at;
    REQUIRE(at.end->close(code, reason) == error::none);
    CHECK(read_back<TestType::self>(at.end.take_output()) == event_log{close_line(code, reason)});
    CHECK(at.end.state() == "closing, 0");
  }
}

TEMPLATE_TEST_CASE("what was sent before a close goes out before it", "[connection][closing]",
                   at_server, at_client) {
  adopted<TestType::self> at;
  REQUIRE(at.end->send_text("a") == error::none);
  static_cast<void>(at.end->output());
  at.end->consume_output(0);  // blocked: pings overtake from here on, but never the close
  REQUIRE(at.end->send_text("b") == error::none);
  REQUIRE(at.end->ping(std::string_view{"p"}) == error::none);
  REQUIRE(at.end->close() == error::none);
  at.end.feed(wire_to{TestType::self}.ping("late"));
  const event_log told = read_back<TestType::self>(at.end.take_output());
  REQUIRE(told.size() == 4);
  CHECK(told.back() == "close 1000 ");
}

TEMPLATE_TEST_CASE("messages come in after a local close, until the peer answers",
                   "[connection][closing]", at_server, at_client) {
  adopted<TestType::self> at;
  at.end.react = echo<TestType::self>;
  at.end.feed(wire_to{TestType::self}.text("be", false));
  REQUIRE(at.end->close() == error::none);
  at.end.feed(wire_to{TestType::self}.last("gun").ping("p").text("more").close(1000).text("no"));
  CHECK(at.end.log() ==
        event_log{"text 62 65 67 75 6e", "ping 70", "text 6d 6f 72 65", "close 1000 "});
  CHECK(read_back<TestType::self>(at.end.take_output()) == event_log{"close 1000 "});
  CHECK(at.end->was_clean());
}

TEMPLATE_TEST_CASE("nothing comes after a failure", "[connection][closing]", at_server, at_client) {
  adopted<TestType::self> at;
  at.end.feed(
      wire_to{TestType::self}.text("good").forged({.opcode = 3}).text("no").ping().close(1000));
  at.end.feed(wire_to{TestType::self}.text("no"));
  CHECK(at.end.log() == event_log{"text 67 6f 6f 64", failure_line(error::reserved_opcode)});
  CHECK(at.end->send_text("no") == error::not_open);
  CHECK(at.end->close() == error::none);
  CHECK(at.end->close_code() == close_code::protocol_error);
  CHECK(read_back<TestType::self>(at.end.take_output()) ==
        event_log{close_line(close_code::protocol_error, to_string(error::reserved_opcode))});
}

TEMPLATE_TEST_CASE("the end of the stream at any byte ends the connection, told once",
                   "[connection][closing]", at_server, at_client) {
  static constexpr role self = TestType::self;
  const bytes input = wire_to{self}
                          .text("one")
                          .text("tw", false)
                          .ping("p")
                          .last("o")
                          .binary(bytes(130, std::byte{1}))
                          .close(1000, "bye");
  adopted<self> whole;
  whole.end.feed(input);
  for (std::size_t size = 0; size <= input.size(); ++size) {
    // The end is told with the last bytes, or after them.
    for (const bool is_with_bytes : {true, false}) {
      adopted<self> at;
      if (is_with_bytes) {
        at.end->receive_eof();
        at.end.feed(std::span{input}.first(size));
      } else {
        at.end.feed(std::span{input}.first(size));
        at.end.feed_end();
      }
      at.end.feed("");
      event_log expected = whole.end.log();
      if (size != input.size()) {
        const std::size_t count = at.end.log().size() - 1;
        expected.resize(count);
        expected.push_back(failure_line(error::end_of_stream));
      }
      if (at.end.log() != expected) {
        INFO("after " << size << " bytes");
        REQUIRE(at.end.log() == expected);
      }
      at.end.take_output();
      if (!at.end->wants_close() || at.end->was_clean() != (size == input.size()))
        FAIL("at " << size);
    }
  }
  CHECK(whole.end.log().size() == 5);
}

TEMPLATE_TEST_CASE("the end of the stream before the answer to a close is no clean end",
                   "[connection][closing]", at_server, at_client) {
  adopted<TestType::self> at;
  REQUIRE(at.end->close() == error::none);
  at.end.take_output();
  at.end.feed(wire_to{TestType::self}.text("last"));
  at.end.feed_end();
  CHECK(at.end.log() == event_log{"text 6c 61 73 74", failure_line(error::end_of_stream)});
  CHECK_FALSE(at.end->was_clean());
  CHECK(at.end->wants_close());
}

TEMPLATE_TEST_CASE("abort ends a connection at once, in any state", "[connection][closing]",
                   at_server, at_client) {
  static constexpr role self = TestType::self;
  const std::vector<void (*)(logged_connection<self>&)> states{
      [](auto&) {},
      [](auto& end) { end.feed(wire_to{self}.text("half", false)); },
      [](auto& end) { static_cast<void>(end->send_text("waits")); },
      [](auto& end) { static_cast<void>(end->begin_text()); },
      [](auto& end) { static_cast<void>(end->close()); },
      [](auto& end) { end.feed(wire_to{self}.close(1000)); },
      [](auto& end) { end.feed(wire_to{self}.forged({.opcode = 3})); },
      [](auto& end) { end.feed_end(); },
      [](auto& end) { end->abort(); },
  };
  for (std::size_t i = 0; i < states.size(); ++i) {
    adopted<self> at;
    states[i](at.end);
    const bool had_ended = at.end.has_ended();
    at.end->abort();
    INFO("state " << i);
    CHECK(at.end->wants_close());
    CHECK(at.end->ready_state() == ready_state::closed);
    CHECK(at.end->next_deadline() == time_point::max());
    CHECK(at.end->send_text("no") == error::not_open);
    CHECK(at.end->close() == error::none);
    at.end->on_time(time_point{1});
    at.end.feed(wire_to{self}.text("no"));
    CHECK(at.end.has_ended());
    if (!had_ended) CHECK(at.end.last_line() == failure_line(error::aborted));
  }
}

TEST_CASE("abort ends a connection that is not open yet", "[connection][closing]") {
  pair ends;
  ends.server.feed("GET / HT");
  ends.server->abort(error::transport_failed);
  ends.client->abort();
  CHECK(ends.server->wants_close());
  CHECK(ends.client->wants_close());
  CHECK_FALSE(ends.server->has_output());
  ends.server.feed("TP/1.1\r\n");
  ends.client.feed("HTTP/1.1 101 x\r\n");
  CHECK(ends.server.log() == event_log{opening_failure_line(error::transport_failed)});
  CHECK(ends.client.log() == event_log{opening_failure_line(error::aborted)});
}

TEMPLATE_TEST_CASE("an adapter says why its transport failed", "[connection][closing]", at_server,
                   at_client) {
  adopted<TestType::self> at;
  at.end->abort(error::transport_failed);
  CHECK(at.end->error() == error::transport_failed);
  CHECK(at.end->close_code() == close_code::abnormal);
  at.end.feed("");
  CHECK(at.end.log() == event_log{failure_line(error::transport_failed)});
}

TEMPLATE_TEST_CASE("a transport that fails behind a closing handshake spoils nothing",
                   "[connection][closing]", at_server, at_client) {
  adopted<TestType::self> at;
  at.end.feed(wire_to{TestType::self}.close(1001, "bye"));
  at.end.take_output();
  at.end->abort(error::transport_failed);  // a reset, which is how some peers close
  CHECK(at.end->was_clean());
  CHECK(at.end->error() == error::none);
  CHECK(at.end->close_code() == close_code::going_away);
  CHECK(at.end->wants_close());
}

TEMPLATE_TEST_CASE("an answer to a close that the peer never takes is no clean end",
                   "[connection][closing]", at_server, at_client) {
  adopted<TestType::self> at;
  at.end.feed(wire_to{TestType::self}.close(1000));
  at.end->on_time(time_point{0});
  at.end->on_time(time_point{0} + duration::seconds(5));
  CHECK(at.end->wants_close());
  CHECK_FALSE(at.end->was_clean());
}

// ---- Closing that arrives

TEMPLATE_TEST_CASE("a failing end lets the peer read why, however much it still sends",
                   "[connection][closing]", at_server, at_client) {
  constexpr std::size_t mib = std::size_t{1} << 20;
  adopted<TestType::self> at;
  at.end.feed(wire_to{TestType::self}.forged({.announced = 100 * mib}));
  CHECK(at.end.log() == event_log{failure_line(error::message_too_big)});
  CHECK_FALSE(at.end->wants_shutdown());  // the close frame goes first
  CHECK(read_back<TestType::self>(at.end.take_output()) ==
        event_log{close_line(close_code::message_too_big, to_string(error::message_too_big))});
  CHECK(at.end->wants_shutdown());
  bytes chunk(mib / 16, std::byte{0xFF});
  for (int i = 0; i < 16 * 100; ++i) {
    if (at.end->wants_close()) FAIL("it closes with bytes unread");
    at.end.feed_in_place(chunk);
  }
  CHECK(at.end->ready_state() == ready_state::closing);
  at.end.feed_end();
  CHECK(at.end->wants_close());
  CHECK(at.end.log().size() == 1);
}

TEMPLATE_TEST_CASE("what is dropped after a failure is bounded", "[connection][closing]", at_server,
                   at_client) {
  adopted<TestType::self> at{{.limits = {.max_discard_size = 1000}}};
  at.end.feed("\x83");  // a reserved opcode
  at.end.take_output();
  at.end.feed(std::string(998, 'x'));
  CHECK_FALSE(at.end->wants_close());
  at.end.feed("x");
  CHECK(at.end->wants_close());
}

TEST_CASE("what a client drops while it waits for the server to close is bounded",
          "[connection][closing]") {
  adopted<role::client> at{{.limits = {.max_discard_size = 1000}}};
  at.end.feed(wire_to{role::client}.close(1000));
  at.end.take_output();
  CHECK_FALSE(at.end->wants_close());
  at.end.feed(std::string(999, 'x'));
  CHECK_FALSE(at.end->wants_close());
  at.end.feed("x");
  CHECK(at.end->wants_close());
  CHECK(at.end->was_clean());
}

TEST_CASE("an HTTP error arrives, however much the client still sends", "[connection][closing]") {
  server_endpoint endpoint{{.limits = {.max_discard_size = 100'000}}};
  logged_connection<role::server> server{endpoint};
  server.feed("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
  CHECK(status_of(server.take_output_text()) == "405");
  CHECK(server->wants_shutdown());
  CHECK_FALSE(server->wants_close());
  const std::string body(10'000, 'b');
  for (int i = 0; i < 9; ++i) server.feed(body);
  CHECK_FALSE(server->wants_close());
  server.feed(body);
  CHECK(server->wants_close());
  CHECK(server.log().size() == 1);
}

TEMPLATE_TEST_CASE("a failing end waits for its output to be taken", "[connection][closing]",
                   at_server, at_client) {
  adopted<TestType::self> at;
  REQUIRE(at.end->send_text("before") == error::none);
  at.end.feed(wire_to{TestType::self}.forged({.opcode = 3}));
  at.end.feed_end();
  CHECK_FALSE(at.end->wants_close());
  while (at.end->has_output()) {
    CHECK_FALSE(at.end->wants_shutdown());
    CHECK_FALSE(at.end->wants_close());
    at.end.take_output(1);
  }
  CHECK(at.end->wants_shutdown());
  CHECK(at.end->wants_close());
}

TEST_CASE("both ends may close at the same time", "[connection][closing]") {
  pair ends;
  ends.open();
  REQUIRE(ends.server->close(close_code{4000}, "server") == error::none);
  REQUIRE(ends.client->close(close_code{4001}, "client") == error::none);
  ends.run();
  CHECK(ends.server.log() == event_log{"close 4001 client"});
  CHECK(ends.client.log() == event_log{"close 4000 server"});
  CHECK(ends.server->was_clean());
  CHECK(ends.client->was_clean());
  CHECK(ends.server->wants_shutdown());
}
