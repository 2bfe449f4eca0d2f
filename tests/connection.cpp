// The connection: messages in and out, what events view, reading that stops and goes on. Its other
// tests are beside this one: connection_*.cpp.

#include "hawser/connection.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

static_assert(sizeof(server_connection) <= 128, "two cache lines a connection");
static_assert(sizeof(client_connection) <= 128);
static_assert(sizeof(event) == 24 || sizeof(void*) != 8);
static_assert(!std::is_copy_constructible_v<server_connection>);
static_assert(!std::is_copy_assignable_v<client_connection>);

bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// The bytes of a whole conversation as they come to one end: the handshake and all kinds of frames.
bytes whole_stream(role to) {
  const std::string head = to == role::server
                               ? upgrade_request().with("Sec-WebSocket-Protocol", "a, chat").text()
                               : upgrade_answer().with("Sec-WebSocket-Protocol", "chat").text();
  return concat(to_bytes(head), bytes(wire_to{to}
                                          .text("Hello")
                                          .ping("p1")
                                          .text("fr\xC3", false)
                                          .ping("p2")
                                          .more("\xA9")
                                          .more("")
                                          .last("es")
                                          .binary(bytes(200, std::byte{7}))
                                          .pong("unasked")
                                          .text("")
                                          .close(4000, "over")
                                          .text("never seen")));
}

template <role Role>
event_log run_whole_stream(const chunks& parts) {
  counting_entropy entropy;
  using connection = basic_connection<Role>;
  std::unique_ptr<typename connection::endpoint_type> endpoint;
  std::unique_ptr<logged_connection<Role>> end;
  if constexpr (Role == role::server) {
    endpoint = std::make_unique<server_endpoint>(
        server_options{.entropy = entropy.source(), .subprotocols = {"chat"}});
    end = std::make_unique<logged_connection<Role>>(*endpoint);
  } else {
    endpoint = std::make_unique<client_endpoint>(client_options{.entropy = sample_nonce()});
    end = std::make_unique<logged_connection<Role>>(
        *endpoint, client_request{.url = "ws://server.example.com/chat", .subprotocols = {"chat"}});
  }
  end->react = echo<Role>;
  for (const bytes& part : parts) {
    end->feed(part);
    end->take_output();
  }
  event_log log = end->log();
  log.push_back(to_hex(end->sent()));
  log.push_back(end->state());
  return log;
}

}  // namespace

TEST_CASE("two ends talk", "[connection]") {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    pair ends{{.server = {.subprotocols = {"chat"}},
               .request = {.url = "ws://localhost:9001/x?y=1", .subprotocols = {"other", "chat"}}}};
    ends.step = step;
    ends.server.react = echo<role::server>;
    ends.run();
    CHECK(ends.server.log() == event_log{"open chat"});
    CHECK(ends.client.log() == event_log{"open chat"});
    CHECK(ends.server->protocol() == "chat");
    CHECK(ends.client->protocol() == "chat");
    CHECK(ends.server->extensions().empty());
    CHECK(ends.client->url() == "ws://localhost:9001/x?y=1");

    REQUIRE(ends.client->send_text("hello") == error::none);
    REQUIRE(ends.client->send_binary("00 ff"_hex) == error::none);
    REQUIRE(ends.server->send_text("unasked") == error::none);
    ends.run();
    CHECK(ends.server.log() == event_log{"open chat", "text 68 65 6c 6c 6f", "binary 00 ff"});
    CHECK(ends.client.log() == event_log{"open chat", "text 75 6e 61 73 6b 65 64",
                                         "text 68 65 6c 6c 6f", "binary 00 ff"});
    REQUIRE(ends.client->close(close_code{4001}, "done") == error::none);
    ends.run();
    CHECK(ends.server.last_line() == "close 4001 done");
    CHECK(ends.client.last_line() == "close 4001 done");
    CHECK(ends.server->was_clean());
    CHECK(ends.client->was_clean());
  }
}

TEMPLATE_TEST_CASE("a whole conversation is the same however its bytes are cut", "[connection]",
                   at_server, at_client) {
  static constexpr role self = TestType::self;
  const event_log log = require_same_at_every_split(whole_stream(self), run_whole_stream<self>);
  const bytes big(200, std::byte{7});
  CHECK(event_log{log.begin(), log.end() - 2} ==
        event_log{"open chat", "text 48 65 6c 6c 6f", "ping 70 31", "ping 70 32",
                  "text 66 72 c3 a9 65 73", "binary " + describe(big), "pong 75 6e 61 73 6b 65 64",
                  "text ", "close 4000 over"});
  CHECK(log.back() == (self == role::server ? "closing, wants shutdown, clean, 4000 over"
                                            : "closing, clean, 4000 over"));
}

TEMPLATE_TEST_CASE("an adopted connection is open", "[connection]", at_server, at_client) {
  using connection = basic_connection<TestType::self>;
  typename connection::endpoint_type endpoint{};
  logged_connection<TestType::self> plain{endpoint, agreement{}};
  CHECK(plain->is_open());
  CHECK(plain->ready_state() == ready_state::open);
  CHECK(plain->send_text("at once") == error::none);
  plain.feed(wire_to{TestType::self}.text("left over"));
  CHECK(plain.log() == event_log{"open", "text " + to_hex(to_bytes("left over"))});
  CHECK(plain->protocol().empty());

  std::string name = "graphql-transport-ws";
  logged_connection<TestType::self> named{endpoint, agreement{.subprotocol = name}};
  name.assign(name.size(), 'x');
  named.feed("");
  CHECK(named.log() == event_log{"open graphql-transport-ws"});
  CHECK(named->protocol() == "graphql-transport-ws");
  named.feed(wire_to{TestType::self}.text("a"));
  CHECK(named->protocol() == "graphql-transport-ws");
}

TEST_CASE("connections that are prefetched some turns ahead answer as ever", "[connection]") {
  server_endpoint endpoint;
  std::deque<server_connection> all;
  for (int i = 0; i < 50; ++i) all.emplace_back(endpoint);
  for (const server_connection& each : all) each.prefetch();  // also before it is open
  for (std::size_t turn = 0; turn < 3; ++turn) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i + 6 < all.size()) all[i + 6].prefetch();
      bytes in = turn == 0 ? to_bytes(upgrade_request().text())
                           : bytes(wire_to{role::server}.text(std::to_string(i)));
      auto events = all[i].receive(in);
      while (const event found = events.next()) {
        if (found.is_message()) CHECK(all[i].send(found) == error::none);
      }
      const bytes sent = to_bytes(as_text(all[i].output().front()));
      all[i].consume_output(sent.size());
      if (turn != 0) CHECK(sent == bytes(wire_to{role::client}.text(std::to_string(i))));
    }
  }
}

TEST_CASE("an adopted server connection has the endpoint's subprotocol", "[connection]") {
  server_endpoint endpoint{{.subprotocols = {"a", "b"}}};
  logged_connection<role::server> end{endpoint, agreement{.subprotocol = "b"}};
  end.feed("");
  CHECK(end.log() == event_log{"open b"});
  CHECK(end->protocol().data() == endpoint.options().subprotocols[1].data());
}

// ---- Views

TEMPLATE_TEST_CASE("a message that lies whole in the bytes is a view of them", "[connection]",
                   at_server, at_client) {
  adopted<TestType::self> at;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{125}, std::size_t{126}, std::size_t{70'000}}) {
    bytes input = wire_to{TestType::self}.binary(bytes(size, std::byte{1})).text("behind");
    auto events = at.end->receive(input);
    const event found = events.next();
    REQUIRE(found.is_message());
    CHECK(found.payload().size() == size);
    CHECK(lies_in(found.payload(), input));
    const event behind = events.next();
    CHECK(behind.text() == "behind");
    CHECK_FALSE(events.next());
  }
}

TEMPLATE_TEST_CASE("what an event views lives until the next one", "[connection]", at_server,
                   at_client) {
  adopted<TestType::self> at;
  const std::string payload(1000, 'x');
  const bytes input = wire_to{TestType::self}
                          .text(payload)
                          .ping("ping")
                          .text(payload.substr(0, 500), false)
                          .last(payload.substr(500))
                          .close(1000, "reason");
  // Cut inside every frame: what is told lies in memory of the connection.
  for (std::size_t at_byte = 0; at_byte <= input.size(); at_byte += 3) {
    adopted<TestType::self> fresh;
    const chunks parts = cut(input, {at_byte});
    std::vector<std::string> told;
    for (bytes part : parts) {
      auto events = fresh.end->receive(part);
      while (const event found = events.next()) {
        // What is sent in between moves nothing.
        static_cast<void>(fresh.end->send_text(payload));
        static_cast<void>(fresh.end->ping());
        told.emplace_back(found.text());
      }
    }
    if (told != std::vector<std::string>{payload, "ping", payload, "reason"})
      FAIL("at " << at_byte);
    if (fresh.end->close_reason() != "reason") FAIL("the reason, at " << at_byte);
  }
  CHECK(at.end->is_open());
}

TEMPLATE_TEST_CASE("the close reason lives as long as the connection", "[connection]", at_server,
                   at_client) {
  adopted<TestType::self> at;
  const std::string reason(123, 'r');
  at.end.feed(wire_to{TestType::self}.close(1001, reason));  // in memory that is gone by now
  at.end.feed(wire_to{TestType::self}.text("dropped"));
  CHECK(at.end->close_reason() == reason);
  CHECK(at.end->close_code() == close_code::going_away);
}

// ---- Reading that stops

TEMPLATE_TEST_CASE("reading may stop after any event and go on later", "[connection]", at_server,
                   at_client) {
  static constexpr role self = TestType::self;
  const bytes input = wire_to{self}
                          .text("one")
                          .ping("two")
                          .text("th", false)
                          .pong("p")
                          .last("ree")
                          .binary(bytes(300, std::byte{4}))
                          .text("five")
                          .close(1000);
  adopted<self> whole;
  whole.end.feed(input);

  // The reader takes one event of each receive, and the bytes move in between.
  for (const std::size_t cut_at : {std::size_t{0}, std::size_t{5}, std::size_t{20}, input.size()}) {
    adopted<self> slow;
    bytes kept;
    for (const bytes& part : cut(input, {cut_at})) {
      kept.insert(kept.end(), part.begin(), part.end());
      for (;;) {
        const std::unique_ptr<std::byte[]> moved{new std::byte[kept.size()]};
        std::copy(kept.begin(), kept.end(), moved.get());
        auto events = slow.end->receive({moved.get(), kept.size()});
        const event found = events.next();
        if (found) slow.end.note(found);
        const auto rest = events.rest();
        kept.assign(rest.begin(), rest.end());
        if (!found) break;
      }
      if (!kept.empty()) FAIL("bytes are left where there is no event");
    }
    CHECK(slow.end.log() == whole.end.log());
    CHECK(slow.end.state() == whole.end.state());
  }
}

TEST_CASE("reading may stop in the opening handshake", "[connection]") {
  server_endpoint endpoint{{.decides_upgrades = true}};
  logged_connection<role::server> server{endpoint};
  bytes input =
      concat(to_bytes(upgrade_request().text()), bytes(wire_to{role::server}.text("early")));
  auto first = server->receive(input);
  REQUIRE(first.next().kind() == event_kind::request);
  const std::span<std::byte> rest = first.rest();
  CHECK(rest.size() == bytes(wire_to{role::server}.text("early")).size());
  REQUIRE(server->accept() == error::none);
  auto second = server->receive(rest);
  REQUIRE(second.next().kind() == event_kind::open);
  CHECK(second.next().text() == "early");
  CHECK_FALSE(second.next());
}

TEMPLATE_TEST_CASE("an empty receive tells nothing new", "[connection]", at_server, at_client) {
  adopted<TestType::self> at;
  at.end.feed(wire_to{TestType::self}.text("a", false));
  for (int i = 0; i < 10; ++i) at.end.feed("");
  CHECK(at.end.log().empty());
  at.end.feed(wire_to{TestType::self}.last("b"));
  CHECK(at.end.log() == event_log{"text 61 62"});
}

// ---- What is asked of it

TEST_CASE("a connection that was not opened yet has nothing to tell", "[connection]") {
  pair ends;
  CHECK(ends.server->ready_state() == ready_state::connecting);
  CHECK(ends.client->ready_state() == ready_state::connecting);
  CHECK_FALSE(ends.server->is_open());
  CHECK(ends.server->error() == error::none);
  CHECK(ends.server->close_code() == close_code::none);
  CHECK(ends.server->close_reason().empty());
  CHECK(ends.server->request().target().empty());
  CHECK(ends.server->request().method().empty());
  CHECK(ends.client->response().status == 0);
  CHECK(ends.server->protocol().empty());
  CHECK(ends.client->protocol().empty());
  CHECK(ends.server->round_trip() == duration{});
  CHECK(ends.server->buffered_amount() == 0);
  CHECK(ends.client->buffered_amount() == 0);  // the request is no payload
  CHECK(ends.client->has_output());
  CHECK_FALSE(ends.server->has_output());
  CHECK(ends.server->output_size() == 0);
}

TEST_CASE("nothing can be sent before the connection is open", "[connection]") {
  pair ends;
  const auto check = [](auto& end) {
    CHECK(end->send_text("x") == error::not_open);
    CHECK(end->send_binary(bytes{}) == error::not_open);
    CHECK(end->begin_text() == error::not_open);
    CHECK(end->append(bytes{}) == error::not_open);
    CHECK(end->finish() == error::not_open);
    CHECK(end->ping() == error::not_open);
    CHECK(end->ping(bytes{}) == error::not_open);
    CHECK(end->pong(bytes{}) == error::not_open);
  };
  check(ends.server);
  check(ends.client);
}

TEST_CASE("a connection may be destroyed in any state", "[connection]") {
  const bytes stream = whole_stream(role::server);
  for (std::size_t size = 0; size <= stream.size(); ++size) {
    server_endpoint endpoint{{.subprotocols = {"chat"}}};
    logged_connection<role::server> server{endpoint};
    server.react = echo<role::server>;
    server.feed(std::span{stream}.first(size));
    if (server.has_ended() != server->was_clean()) FAIL("at " << size);
  }
  const bytes answer = whole_stream(role::client);
  for (std::size_t size = 0; size <= answer.size(); ++size) {
    client_endpoint endpoint{{.entropy = sample_nonce()}};
    logged_connection<role::client> client{
        endpoint, {.url = "ws://server.example.com/chat", .subprotocols = {"chat"}}};
    client.feed(std::span{answer}.first(size));
    if (client.has_ended() != client->was_clean()) FAIL("at " << size);
  }
  CHECK(stream.size() > 400);
}

TEST_CASE("many connections share an endpoint", "[connection]") {
  server_endpoint endpoint{{.subprotocols = {"chat"}}};
  std::vector<std::unique_ptr<logged_connection<role::server>>> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(std::make_unique<logged_connection<role::server>>(endpoint));
  const bytes stream = whole_stream(role::server);
  // One byte to each in turn: nothing of one is seen by another.
  for (const std::byte& byte : stream) {
    for (auto& each : all) each->feed({&byte, 1});
  }
  for (auto& each : all) CHECK(each->log() == all.front()->log());
  CHECK(all.front()->last_line() == "close 4000 over");
}

// ---- Relaxed rules

TEST_CASE("rules that an endpoint relaxes are relaxed", "[connection]") {
  server_endpoint endpoint{{.strictness = {.mask_direction = false,
                                           .minimal_length = false,
                                           .length_below_2_63 = false,
                                           .reserved_bits = false,
                                           .reserved_opcodes = false,
                                           .control_size = false,
                                           .control_fin = false,
                                           .close_codes = false,
                                           .utf8 = false}}};
  logged_connection<role::server> server{endpoint, agreement{}};
  server.take_open();
  server.feed(forge({.opcode = 1}, to_bytes("unmasked")));
  server.feed(forge({.opcode = 1, .length_size = 8}, to_bytes("long")));
  server.feed(forge({.rsv = 7, .opcode = 1}, to_bytes("rsv")));
  server.feed(forge({.opcode = 3}, to_bytes("skipped")));
  server.feed(forge({.fin = false, .opcode = 9}, to_bytes("ping")));
  server.feed(forge({.opcode = 9}, bytes(300, std::byte{'p'})));
  server.feed(forge({.opcode = 1}, "ff fe"_hex));
  server.feed(forge({.opcode = 8}, close_body(1005, "\xFF")));
  CHECK(server.log() ==
        event_log{"text " + to_hex(to_bytes("unmasked")), "text " + to_hex(to_bytes("long")),
                  "text 72 73 76", "ping " + to_hex(to_bytes("ping")),
                  "ping " + to_hex(bytes(300, std::byte{'p'})), "text ff fe", "close 1005 \xFF"});
  // What is sent is by the RFC still: 125 bytes in a pong, no code 1005 in a close frame.
  const bytes sent = server.take_output();
  CHECK(sent.size() == 2 + 4 + 2 + 125 + 2);
  CHECK(to_hex(std::span{sent}.last(2)) == "88 00");
}
