// RFC 6455 5.5.2 and 5.5.3: ping and pong. Autobahn's group 2.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/conversation.hpp"
#include "support/pair.hpp"

#include <cstddef>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

const std::string longest(125, '\xFE');

std::vector<conversation> single_pings(role to) {
  std::string binary;
  for (const int byte : {0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF}) {
    binary.push_back(static_cast<char>(byte));
  }
  return {
      {"2.1 empty", wire_to{to}.ping(), {gives_ping()}},
      {"2.2 small text", wire_to{to}.ping("Hello, world!"), {gives_ping("Hello, world!")}},
      {"2.3 binary that is no UTF-8", wire_to{to}.ping(binary), {gives_ping(binary)}},
      {"2.4 of 125 bytes", wire_to{to}.ping(longest), {gives_ping(longest)}},
      {"2.5 of 126 bytes",
       wire_to{to}.ping(longest + "x"),
       {gives_failure(error::control_over_125)}},
      {"2.6 of 125 bytes, twice",
       wire_to{to}.ping(longest).ping(longest),
       {gives_ping(longest), gives_ping(longest)}},
  };
}

std::vector<conversation> unasked_pongs(role to) {
  return {
      {"2.7 empty", wire_to{to}.pong(), {gives_pong()}},
      {"2.8 with a payload", wire_to{to}.pong("unsolicited"), {gives_pong("unsolicited")}},
      {"2.9 before a ping",
       wire_to{to}.pong("unsolicited").ping("ping"),
       {gives_pong("unsolicited"), gives_ping("ping")}},
      {"of 125 bytes", wire_to{to}.pong(longest), {gives_pong(longest)}},
      {"of 126 bytes", wire_to{to}.pong(longest + "x"), {gives_failure(error::control_over_125)}},
  };
}

std::vector<conversation> ten_pings(role to) {
  wire_to wire{to};
  std::vector<outcome> outcomes;
  for (int i = 0; i < 10; ++i) {
    const std::string payload = "payload-" + std::to_string(i);
    wire.ping(payload);
    outcomes.push_back(gives_ping(payload));
  }
  return {{"2.10 and 2.11", wire, outcomes}};
}

std::vector<conversation> long_control_frames(role to) {
  std::vector<conversation> all;
  for (const unsigned opcode : {8U, 9U, 10U}) {
    for (const std::size_t length_size : {2U, 8U}) {
      for (const std::uint64_t length : {0U, 5U, 126U, 65535U}) {
        all.push_back({"opcode " + std::to_string(opcode) + ", length " + std::to_string(length),
                       wire_to{to}.forged(
                           {.opcode = opcode, .length_size = length_size, .announced = length}),
                       {gives_failure(error::control_over_125)}});
      }
    }
  }
  return all;
}

template <role Role>
void require_no_pong_after_close() {
  typename basic_connection<Role>::endpoint_type endpoint{};
  logged_connection<Role> end{endpoint, agreement{}};
  end.take_open();
  REQUIRE(end->close() == error::none);
  end.take_output();
  end.feed(wire_to{Role}.ping("late").text("still").ping());
  CHECK(end.log() == event_log{"ping 6c 61 74 65", "text 73 74 69 6c 6c", "ping "});
  CHECK(end.take_output().empty());
}

}  // namespace

TEST_CASE("a ping is answered by a pong with the same payload",
          "[conformance][autobahn-2][rfc6455-5.5.2-pong][rfc6455-5.5.3-same]"
          "[rfc6455-5.5.2-soon]") {
  require_conversations(single_pings);
  require_conversations(ten_pings);
}

TEST_CASE("a pong that nobody asked for is told and not answered",
          "[conformance][autobahn-2][rfc6455-5.5.3-unsolicited]") {
  require_conversations(unasked_pongs);
}

TEST_CASE("a control frame has at most 125 bytes, whatever form its length has",
          "[conformance][rfc6455-5.5-size]") {
  require_conversations(long_control_frames);
}

TEST_CASE("no pong is sent behind a close frame", "[conformance][rfc6455-5.5.2-after-close]") {
  require_no_pong_after_close<role::server>();
  require_no_pong_after_close<role::client>();
}

TEST_CASE("a control frame to be sent has at most 125 bytes",
          "[conformance][rfc6455-5.5-size-sent]") {
  pair ends;
  ends.open();
  CHECK(ends.server->ping(longest) == error::none);
  CHECK(ends.server->ping(longest + "x") == error::control_too_long);
  CHECK(ends.client->pong(longest) == error::none);
  CHECK(ends.client->pong(longest + "x") == error::control_too_long);
  ends.run();
  CHECK(ends.client.log().size() == 1);
  CHECK(ends.server.log().size() == 2);  // the pong, and the answer to the ping
}

TEST_CASE("pings go both ways at the same time", "[conformance][rfc6455-5.5.2-pong]") {
  pair ends;
  ends.open();
  for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
    ends.step = step;
    ends.server.forget_log();
    ends.client.forget_log();
    REQUIRE(ends.server->ping(std::string_view{"from server"}) == error::none);
    REQUIRE(ends.client->ping(std::string_view{"from client"}) == error::none);
    ends.run();
    const std::string from_server = to_hex(to_bytes("from server"));
    const std::string from_client = to_hex(to_bytes("from client"));
    CHECK(ends.server.log() == event_log{"ping " + from_client, "pong " + from_server});
    CHECK(ends.client.log() == event_log{"ping " + from_server, "pong " + from_client});
  }
}
