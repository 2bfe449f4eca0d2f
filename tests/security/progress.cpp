// Whatever comes, a connection gets on: each event takes bytes, asks for more, or is the last. And
// nothing is told of a frame that breaks the protocol but that it does.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// Takes all events of some bytes; answers how many there were. Fails where one takes no byte.
template <role Role>
std::size_t take_all(basic_connection<Role>& connection, bytes& some) {
  auto events = connection.receive(some);
  std::size_t count = 0;
  std::size_t idle = 0;
  while (const event found = events.next()) {
    ++count;
    // Three events take no byte: the request, the opening and the end.
    const bool takes_none =
        found.kind() == event_kind::open || found.kind() == event_kind::request ||
        found.kind() == event_kind::failed || found.kind() == event_kind::refused;
    if (takes_none) ++idle;
    if (idle > 3) FAIL("it goes round and round");
    if (count > some.size() + 8) FAIL("more events than bytes");
    if (found.is_message() || found.is_piece()) static_cast<void>(connection.send(found));
  }
  if (!events.rest().empty()) FAIL("no event, and bytes are left");
  return count;
}

// A legal conversation, with some bytes changed, dropped, doubled or cut.
bytes spoil(bytes input, seeded& random) {
  for (std::size_t i = random.below(6); i != 0 && !input.empty(); --i) {
    const std::size_t at = random.below(input.size());
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random.below(4)) {
      case 0:
        *place = static_cast<std::byte>(random.below(256));
        break;
      case 1:
        input.erase(place);
        break;
      case 2:
        input.insert(place, static_cast<std::byte>(random.below(256)));
        break;
      default:
        *place ^= static_cast<std::byte>(1U << random.below(8));
    }
  }
  return input;
}

template <role Role>
bytes whole_stream() {
  const std::string head = Role == role::server ? upgrade_request() : upgrade_answer();
  return concat(to_bytes(head), bytes(wire_to{Role}
                                          .text("Hello")
                                          .ping("p")
                                          .text("a", false)
                                          .pong("q")
                                          .last("b")
                                          .binary(bytes(130))
                                          .close(1000, "bye")));
}

template <role Role>
void require_progress(std::size_t rounds, bool has_handshake) {
  seeded random{Role == role::server ? 3U : 5U};
  const bytes good = whole_stream<Role>();
  const std::size_t head = to_text(good).find("\r\n\r\n") + 4;
  for (std::size_t round = 0; round < rounds; ++round) {
    bytes input =
        has_handshake ? good : bytes(good.begin() + static_cast<std::ptrdiff_t>(head), good.end());
    input = round % 10 == 0 ? random.some_bytes(random.below(300)) : spoil(input, random);
    const auto run = [&](basic_connection<Role>& connection) {
      std::size_t count = 0;
      for (bytes part : cut_anywhere(input, random)) {
        count += take_all(connection, part);
        while (connection.has_output()) {
          connection.consume_output(joined(connection.output()).size());
        }
      }
      connection.receive_eof();
      bytes none;
      count += take_all(connection, none);
      // It has come to an end, and what follows changes nothing.
      if (!connection.wants_close() && connection.error() == error::none && !connection.is_open()) {
        connection.abort();
      }
      bytes more = good;
      static_cast<void>(take_all(connection, more));
      if (count > input.size() + 8) FAIL("too many events");
    };
    if (!has_handshake) {
      adopted<Role> at{{.limits = {.max_message_size = 1000},
                        .delivery = round % 2 == 0 ? delivery::whole : delivery::pieces}};
      run(*at.end);
    } else if constexpr (Role == role::server) {
      server_endpoint endpoint{{.answers_http = round % 2 == 0}};
      server_connection connection{endpoint};
      run(connection);
    } else {
      client_endpoint endpoint{{.entropy = sample_nonce()}};
      client_connection connection{endpoint, {.url = "ws://server.example.com/chat"}};
      run(connection);
    }
  }
}

}  // namespace

TEMPLATE_TEST_CASE("whatever comes, each event takes bytes or is the last",
                   "[security][security-progress]", at_server, at_client) {
  require_progress<TestType::self>(is_fast_build ? 20'000 : 4000, false);
  require_progress<TestType::self>(is_fast_build ? 10'000 : 2000, true);
  CHECK(whole_stream<TestType::self>().size() > 200);
}

TEMPLATE_TEST_CASE("no event precedes the failure for a frame that breaks the protocol",
                   "[security][security-no-event-first]", at_server, at_client) {
  static constexpr role self = TestType::self;
  constexpr bool is_wrongly_masked = self == role::client;
  const bytes payload = to_bytes("payload");
  std::vector<bytes> violations{forge({.opcode = 1, .masked = is_wrongly_masked}, payload),
                                forge({.opcode = 9, .masked = is_wrongly_masked}, payload),
                                forge({.opcode = 8, .masked = is_wrongly_masked}, close_body(1000)),
                                wire_to{self}.more("payload"),
                                wire_to{self}.frame(opcode::ping, payload, false),
                                wire_to{self}.frame(opcode::close, close_body(1000), false),
                                wire_to{self}.ping(std::string(126, 'p')),
                                wire_to{self}.close(1005),
                                wire_to{self}.close(1000, "\xFF"),
                                wire_to{self}.frame(opcode::close, "00"_hex),
                                wire_to{self}.text("\xFF"),
                                wire_to{self}.forged({.opcode = 1, .length_size = 8}, payload)};
  for (unsigned rsv = 1; rsv < 8; ++rsv)
    violations.push_back(wire_to{self}.forged({.rsv = rsv}, payload));
  for (const unsigned code : {3U, 7U, 11U, 15U}) {
    violations.push_back(wire_to{self}.forged({.opcode = code}, payload));
  }
  for (const bytes& violation : violations) {
    for (const delivery how : {delivery::whole, delivery::pieces}) {
      adopted<self> at{{.delivery = how}};
      at.end.feed(violation);
      at.end.feed(wire_to{self}.text("after").ping("after").close(1000));
      if (at.end.log().size() != 1 || !at.end.log()[0].starts_with("failed 100")) {
        INFO(to_hex(violation));
        REQUIRE(at.end.log().size() == 1);
        REQUIRE(at.end.log()[0].starts_with("failed 100"));
      }
      // The peer is told, and nothing else.
      const event_log told = read_back<self>(at.end.take_output());
      if (told.size() != 1 || !told[0].starts_with("close 100")) FAIL(to_hex(violation));
    }
  }
  CHECK(violations.size() == 23);
}
