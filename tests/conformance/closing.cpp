// RFC 6455 5.5.1, 7.1 and 7.4: close frames, their codes and reasons. Autobahn's group 7.

#include "hawser/connection.hpp"
#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/conversation.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// What RFC 6455 7.4 and the IANA registry of close codes let an endpoint put on the wire.
bool may_stand_on_the_wire(unsigned code) {
  if (code < 1000) return false;  // "Status codes in the range 0-999 are not used."
  if (code <= 1003) return true;
  if (code <= 1006) return false;  // 1004 is reserved, 1005 and 1006 are never sent
  if (code <= 1014) return true;   // 1012 to 1014 were registered later
  if (code <= 2999) return false;  // 1015 is never sent, the others are not assigned
  return code <= 4999;             // libraries and frameworks, and private use
}

std::vector<conversation> orderly_ends(role to) {
  const std::string long_text(256 * 1024, 'B');
  return {
      {"7.1.1 a message, then a close",
       wire_to{to}.text("Hello World!").close(1000),
       {gives_text("Hello World!"), gives_close(1000)}},
      {"7.1.2 two closes", wire_to{to}.close(1000).close(1000), {gives_close(1000)}},
      {"7.1.3 a ping behind the close", wire_to{to}.close(1000).ping(), {gives_close(1000)}},
      {"7.1.4 a text behind the close",
       wire_to{to}.close(1000).text("Hello World!"),
       {gives_close(1000)}},
      {"7.1.5 a close inside a message, and its rest",
       wire_to{to}.text("fragment1", false).close(1000).last("fragment2"),
       {gives_close(1000)}},
      {"7.1.6 256 KiB, a close, a ping",
       wire_to{to}.text(long_text).close(1000).ping(),
       {gives_text(long_text), gives_close(1000)}},
      {"what is no frame behind the close",
       wire_to{to}.close(1000).raw("ff ff ff ff"_hex),
       {gives_close(1000)}},
  };
}

std::vector<conversation> close_payloads(role to) {
  const std::string longest(123, '*');
  return {
      {"7.3.1 empty", wire_to{to}.close(), {gives_close(1005)}},
      {"7.3.2 one byte",
       wire_to{to}.frame(opcode::close, "03"_hex),
       {gives_failure(error::close_payload_size)}},
      {"7.3.3 a code alone", wire_to{to}.close(1000), {gives_close(1000)}},
      {"7.3.4 a reason",
       wire_to{to}.close(1000, "Hello World!"),
       {gives_close(1000, "Hello World!")}},
      {"7.3.5 a reason of 123 bytes",
       wire_to{to}.close(1000, longest),
       {gives_close(1000, longest)}},
      {"7.3.6 a reason of 124 bytes",
       wire_to{to}.close(1000, longest + "*"),
       {gives_failure(error::control_over_125)}},
      {"a reason with a byte of zero",
       wire_to{to}.close(1000, std::string{"a\0b", 3}),
       {gives_close(1000, std::string{"a\0b", 3})}},
      {"a reason of all lengths of code points",
       wire_to{to}.close(3000, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
       {gives_close(3000, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")}},
  };
}

std::vector<conversation> bad_reasons(role to) {
  const outcome failure = gives_failure(error::reason_not_utf8);
  std::vector<conversation> all;
  for (const bad_utf8& bad : every_bad_utf8()) {
    all.push_back({bad.what, wire_to{to}.close(1000, to_text(bad.text)), {failure}});
    all.push_back({"7.5.1 behind good text",
                   wire_to{to}.text("a").close(1000, "\xCE\xBA\xE1\xBD\xB9" + to_text(bad.text)),
                   {gives_text("a"), failure}});
  }
  for (const bytes& cut : every_cut_utf8()) {
    all.push_back({"cut", wire_to{to}.close(1000, "abc" + to_text(cut)), {failure}});
  }
  return all;
}

// 7.7, 7.9 and 7.13: the codes that are tried there, with and without a reason.
std::vector<conversation> tried_codes(role to) {
  std::vector<conversation> all;
  for (const unsigned code : {0U,    999U,  1000U, 1001U, 1002U, 1003U, 1004U, 1005U, 1006U, 1007U,
                              1008U, 1009U, 1010U, 1011U, 1012U, 1013U, 1014U, 1015U, 1016U, 1100U,
                              2000U, 2999U, 3000U, 3999U, 4000U, 4999U, 5000U, 65535U}) {
    for (const std::string_view reason : {"", "a reason"}) {
      all.push_back({"code " + std::to_string(code),
                     wire_to{to}.close(code, reason),
                     {may_stand_on_the_wire(code) ? gives_close(code, reason)
                                                  : gives_failure(error::close_code_invalid)}});
    }
  }
  return all;
}

template <role Role>
void require_every_code() {
  typename basic_connection<Role>::endpoint_type endpoint{};
  for (unsigned code = 0; code <= 0xFFFF; ++code) {
    const bool is_good = may_stand_on_the_wire(code);
    // As it comes.
    {
      auto connection = basic_connection<Role>::adopt(endpoint, {});
      bytes frame = wire_to{Role}.close(code);
      auto events = connection.receive(frame);
      static_cast<void>(events.next());
      const event found = events.next();
      const bool is_as_it_should =
          is_good
              ? found.kind() == event_kind::close && static_cast<unsigned>(found.code()) == code
              : found.kind() == event_kind::failed && found.code() == close_code::protocol_error;
      if (!is_as_it_should || events.next()) FAIL("a close frame with " << code);
    }
    // As it is sent: 1005 stands for no code at all.
    auto connection = basic_connection<Role>::adopt(endpoint, {});
    const error wrong = connection.close(static_cast<close_code>(code));
    if (wrong != (is_good || code == 1005 ? error::none : error::bad_close_code)) {
      FAIL("close with " << code);
    }
    const std::size_t header = Role == role::client ? 6 : 2;
    const std::size_t size = wrong != error::none ? 0 : code == 1005 ? header : header + 2;
    if (joined(connection.output()).size() != size) FAIL("the frame for " << code);
  }
}

template <role Role>
void require_one_close_frame(std::string_view name, void (*act)(logged_connection<Role>&),
                             const event_log& expected) {
  typename basic_connection<Role>::endpoint_type endpoint{};
  logged_connection<Role> end{endpoint, agreement{}};
  end.take_open();
  act(end);
  end.take_output();
  const event_log told = read_back<Role>(end.sent());
  const auto closes = std::count_if(
      told.begin(), told.end(), [](const std::string& line) { return line.starts_with("close"); });
  INFO(name);
  CHECK(closes == 1);
  CHECK(end.log() == expected);
  CHECK(told.back().starts_with("close"));
}

template <role Role>
void require_data_stops_at_close() {
  typename basic_connection<Role>::endpoint_type endpoint{};
  logged_connection<Role> end{endpoint, agreement{}};
  end.take_open();
  REQUIRE(end->begin_text() == error::none);
  REQUIRE(end->append(std::string_view{"a"}) == error::none);
  REQUIRE(end->close(close_code::going_away, "bye") == error::none);
  const bytes sent = end.take_output();
  CHECK(end->send_text("late") == error::not_open);
  CHECK(end->send_binary(bytes{}) == error::not_open);
  CHECK(end->append(std::string_view{"late"}) == error::not_open);
  CHECK(end->finish() == error::not_open);
  CHECK(end->begin_text() == error::not_open);
  CHECK(end->begin_binary() == error::not_open);
  CHECK(end->ping() == error::not_open);
  CHECK(end->pong(bytes{}) == error::not_open);
  CHECK(end->close(close_code::normal) == error::none);  // which does nothing
  CHECK_FALSE(end->has_output());
  CHECK_FALSE(sent.empty());
}

// The answer to a good message stands before the close that answers a bad frame, in the output.
std::vector<conversation> answers_before_failures(role to) {
  return {{"a reserved opcode",
           wire_to{to}.text("Hello").ping("p").forged({.opcode = 5}).text("no"),
           {gives_text("Hello"), gives_ping("p"), gives_failure(error::reserved_opcode)}},
          {"bad text",
           wire_to{to}.text("Hello").text("\xFF"),
           {gives_text("Hello"), gives_failure(error::invalid_utf8)}},
          {"a bad close",
           wire_to{to}.binary("00"_hex).close(1005),
           {gives_binary("00"_hex), gives_failure(error::close_code_invalid)}}};
}

}  // namespace

TEST_CASE("a close frame is answered, and nothing behind it is looked at",
          "[conformance][autobahn-7.1][rfc6455-5.5.1-answer][rfc6455-7.1.4-nothing-after]") {
  require_conversations(orderly_ends);
}

TEST_CASE("a close frame has no payload, or a code and perhaps a reason",
          "[conformance][autobahn-7.3][rfc6455-5.5.1-code][rfc6455-7.1.5-no-status]") {
  require_conversations(close_payloads);
}

TEST_CASE("a close reason that is no UTF-8 fails the connection",
          "[conformance][autobahn-7.5][rfc6455-8.1-reason]") {
  require_conversations(bad_reasons);
}

TEST_CASE("a close code is one that may stand on the wire",
          "[conformance][autobahn-7.7][autobahn-7.9][autobahn-7.13]") {
  require_conversations(tried_codes);
}

TEST_CASE("every number is known for a good or a bad close code",
          "[conformance][rfc6455-7.4-codes][rfc6455-7.4.1-never-sent]") {
  require_every_code<role::server>();
  require_every_code<role::client>();
  CHECK(may_stand_on_the_wire(1000));
}

TEST_CASE("no data follows a close frame", "[conformance][rfc6455-5.5.1-no-data]") {
  require_data_stops_at_close<role::server>();
  require_data_stops_at_close<role::client>();
}

TEST_CASE("each end sends at most one close frame, and it is the last",
          "[conformance][rfc6455-5.5.1-once][rfc6455-7.1.2-start]") {
  const auto both = [](std::string_view name, auto act, const event_log& expected) {
    require_one_close_frame<role::server>(name, act, expected);
    require_one_close_frame<role::client>(name, act, expected);
  };
  both("a local close, twice",
       [](auto& end) {
         REQUIRE(end->close(close_code::normal) == error::none);
         REQUIRE(end->close(close_code::going_away) == error::none);
       },
       {});
  both("both at the same time",
       [](auto& end) {
         using end_type = std::remove_reference_t<decltype(end)>;
         REQUIRE(end->close(close_code::normal) == error::none);
         end.feed(wire_to{end_type::self}.close(1001, "me too"));
       },
       {"close 1001 me too"});
  both("the peer, then this end",
       [](auto& end) {
         using end_type = std::remove_reference_t<decltype(end)>;
         end.feed(wire_to{end_type::self}.close(1001));
         REQUIRE(end->close(close_code::normal) == error::none);
       },
       {"close 1001 "});
  both("a local close, then a violation of the peer",
       [](auto& end) {
         using end_type = std::remove_reference_t<decltype(end)>;
         REQUIRE(end->close(close_code::normal) == error::none);
         end.feed(wire_to{end_type::self}.forged({.opcode = 3}));
       },
       {failure_line(error::reserved_opcode)});
  both("a violation, then a local close",
       [](auto& end) {
         using end_type = std::remove_reference_t<decltype(end)>;
         end.feed(wire_to{end_type::self}.forged({.opcode = 3}));
         REQUIRE(end->close(close_code::normal) == error::none);
       },
       {failure_line(error::reserved_opcode)});
}

TEST_CASE("the answer to a good message goes out before the close that answers a bad frame",
          "[conformance][rfc6455-7.1.7-close]") {
  require_conversations(answers_before_failures);
}

TEST_CASE("the server closes first, and the client waits for it",
          "[conformance][rfc6455-7.1.1-server-first][rfc6455-5.5.1-tcp]") {
  for (const bool server_starts : {true, false}) {
    pair ends;
    ends.open();
    REQUIRE((server_starts ? ends.server->close(close_code::going_away, "bye")
                           : ends.client->close(close_code::going_away, "bye")) == error::none);
    CHECK_FALSE(ends.server->wants_close());
    CHECK_FALSE(ends.client->wants_close());
    ends.run();
    // The server's stream ends first, then the client's.
    CHECK(ends.server.state() == "closing, wants shutdown, clean, 1001 bye");
    CHECK(ends.client.state() == "closing, clean, 1001 bye");
    ends.client.feed_end();
    CHECK(ends.client.state() == "closed, wants close, clean, 1001 bye");
    ends.server.feed_end();
    CHECK(ends.server.state() == "closed, wants shutdown, wants close, clean, 1001 bye");
    CHECK(ends.client.log() == event_log{"close 1001 bye"});
    CHECK(ends.server.log() == event_log{"close 1001 bye"});
  }
}

TEST_CASE("an end that fails shuts down sending, and closes when the peer did",
          "[conformance][rfc6455-7.1.7-fail][rfc6455-7.1.1-linger]") {
  const auto check = [](auto& end, const bytes& bad) {
    end.feed(bad);
    CHECK(end.last_line() == failure_line(error::reserved_opcode));
    CHECK_FALSE(end->wants_shutdown());  // the close frame waits
    end.take_output();
    CHECK(end->wants_shutdown());
    CHECK_FALSE(end->wants_close());
    end.feed_end();
    CHECK(end->wants_close());
    CHECK_FALSE(end->was_clean());
  };
  pair ends;
  ends.open();
  check(ends.server, wire_to{role::server}.forged({.opcode = 3}));
  check(ends.client, wire_to{role::client}.forged({.opcode = 3}));
}

TEST_CASE("an end of the stream without a close frame is abnormal",
          "[conformance][rfc6455-7.1.5-abnormal]") {
  const auto check = [](auto& end) {
    end.feed_end();
    CHECK(end.log() == event_log{"failed 1006 the stream ended without a closing handshake"});
    CHECK(end->close_code() == close_code::abnormal);
    CHECK_FALSE(end->was_clean());
    end.take_output();
    CHECK(end->wants_close());
  };
  pair ends;
  ends.open();
  check(ends.server);
  check(ends.client);
}
