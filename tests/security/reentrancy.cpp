// Anything may be called at any time, also between two events of one read: nothing that an event
// views, nor the connection, breaks by it.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// Does something, one of all that there is.
template <role Role>
void do_something(basic_connection<Role>& connection, const event& found, seeded& random,
                  simulated_clock& clock) {
  switch (random.below(20)) {
    case 0:
      static_cast<void>(connection.close(close_code{4000}, "bye"));
      break;
    case 1:
      connection.abort();
      break;
    case 2:
      static_cast<void>(connection.ping());
      break;
    case 3:
      static_cast<void>(connection.ping(
          found.payload().first(std::min<std::size_t>(found.payload().size(), 125))));
      break;
    case 4:
      static_cast<void>(connection.begin_text());
      break;
    case 5:
      static_cast<void>(connection.append(found.payload()));
      break;
    case 6:
      static_cast<void>(connection.finish(found.payload()));
      break;
    case 7:
      clock.advance(duration::seconds(static_cast<std::int64_t>(random.below(3))));
      connection.on_time(clock.now());
      break;
    case 8:
      connection.receive_eof();
      break;
    case 9:
    case 10:
    case 11: {
      const bytes all = joined(connection.output());
      connection.consume_output(all.empty() ? 0 : random.below(all.size() + 1));
      break;
    }
    case 12:
      if constexpr (Role == role::server) static_cast<void>(connection.reject(403, found.text()));
      break;
    case 13:
      if constexpr (Role == role::server) static_cast<void>(connection.respond(200, {}, "page"));
      break;
    case 14:
    case 15:
    case 16:
      if constexpr (Role == role::server) static_cast<void>(connection.accept());
      break;
    default:
      if (found.is_message() || found.is_piece()) static_cast<void>(connection.send(found));
  }
}

template <role Role>
bytes stream() {
  const std::string head = Role == role::server ? upgrade_request() : upgrade_answer();
  wire_to frames{Role};
  for (int i = 0; i < 6; ++i) {
    frames.text("Hello").ping("ping").text("fr", false).pong("pong").last("ag").binary(bytes(300));
  }
  return concat(to_bytes(head), bytes(frames.close(1000, "bye").text("late")));
}

template <role Role>
std::size_t act_between_events(std::uint64_t seed) {
  seeded random{seed};
  simulated_clock clock;
  const delivery how = seed % 2 == 0 ? delivery::whole : delivery::pieces;
  std::unique_ptr<typename basic_connection<Role>::endpoint_type> endpoint;
  std::unique_ptr<basic_connection<Role>> connection;
  if constexpr (Role == role::server) {
    endpoint = std::make_unique<server_endpoint>(
        server_options{.delivery = how, .max_kept_memory = 0, .decides_upgrades = true});
    connection = std::make_unique<server_connection>(*endpoint);
  } else {
    endpoint = std::make_unique<client_endpoint>(
        client_options{.delivery = how, .entropy = sample_nonce(), .max_kept_memory = 0});
    connection = std::make_unique<client_connection>(
        *endpoint, client_request{.url = "ws://server.example.com/chat"});
  }
  connection->on_time(clock.now());
  const bytes input = stream<Role>();
  std::size_t count = 0;
  for (bytes part : cut_anywhere(input, random)) {
    auto events = connection->receive(part);
    for (;;) {
      const event found = events.next();
      if (!found) break;
      ++count;
      const std::string text{found.text()};
      const std::string reason{connection->close_reason()};
      for (std::size_t i = random.below(4); i != 0; --i)
        do_something(*connection, found, random, clock);
      // What the event views is as it was.
      if (text != found.text()) FAIL("a view changed, seed " << seed);
      if (random.below(30) == 0) {
        // The reader stops here for ever; the connection may go.
        static_cast<void>(events.rest());
        return count;
      }
    }
  }
  return count;
}

}  // namespace

TEMPLATE_TEST_CASE("anything may be done between two events", "[security][security-reentrancy]",
                   at_server, at_client) {
  const std::uint64_t rounds = is_fast_build ? 20'000 : 3000;
  std::size_t count = 0;
  for (std::uint64_t seed = 0; seed < rounds; ++seed)
    count += act_between_events<TestType::self>(seed);
  CHECK(count > rounds);
}

TEMPLATE_TEST_CASE("nothing is told of the bytes behind an abort between two events",
                   "[security][security-reentrancy]", at_server, at_client) {
  adopted<TestType::self> at;
  at.end.react = [](basic_connection<TestType::self>& self, const event& found) {
    if (found.text() == "second") self.abort();
  };
  at.end.feed(wire_to{TestType::self}.text("first").text("second").text("third").close(1000));
  CHECK(at.end.log() == event_log{"text " + to_hex(to_bytes("first")),
                                  "text " + to_hex(to_bytes("second")),
                                  failure_line(error::aborted)});
}

TEST_CASE("a request may be decided in its event, and frames behind it in the same read are told",
          "[security][security-reentrancy]") {
  server_endpoint endpoint{{.decides_upgrades = true}};
  logged_connection<role::server> server{endpoint};
  server.react = [](server_connection& self, const event& found) {
    if (found.kind() == event_kind::request) CHECK(self.accept() == error::none);
    if (found.kind() == event_kind::open) CHECK(self.send_text("welcome") == error::none);
    if (found.is_message()) CHECK(self.close() == error::none);
  };
  server.feed(
      concat(to_bytes(upgrade_request().text()), bytes(wire_to{role::server}.text("a").text("b"))));
  CHECK(server.log() == event_log{"upgrade GET /chat", "open", "text 61", "text 62"});
}
