// The scripts of hostile peers once more, with memory that runs out at the n-th allocation, for all
// n: nothing crashes, nothing is lost, and nobody can keep a connection by it.

#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// What the test needs by itself is made before memory is short.
struct script {
  std::string what;
  bytes input;
  std::size_t step = 1;
};

// Gives the input, and goes on where memory runs out; in between it answers, and time passes.
template <role Role>
void play(basic_connection<Role>& connection, std::span<std::byte> input, std::size_t step) {
  const auto survive = [](auto act) {
    try {
      act();
    } catch (const std::bad_alloc&) {
    }
  };
  std::int64_t now = 0;
  for (std::size_t at = 0; at < input.size(); at += step) {
    auto events = connection.receive(input.subspan(at, std::min(step, input.size() - at)));
    bool is_done = false;
    while (!is_done) {
      survive([&] {
        while (const event found = events.next()) {
          survive([&] {
            if (found.is_message()) static_cast<void>(connection.send(found));
            if constexpr (Role == role::server) {
              if (found.kind() == event_kind::request) static_cast<void>(connection.accept());
            }
          });
        }
        is_done = true;
      });
    }
    // The peer takes little of what is sent.
    if (at % 7 == 0)
      connection.consume_output(std::min<std::size_t>(connection.output().front().size(), 3));
    survive([&] { connection.on_time(time_point{now += 1'000'000}); });
  }
  connection.receive_eof();
  for (int i = 0; i < 3; ++i) {
    survive([&] {
      auto events = connection.receive({});
      while (events.next()) {
      }
    });
    survive([&] { static_cast<void>(connection.close()); });
    survive([&] { connection.on_time(time_point{now += 20'000'000'000}); });
  }
  connection.on_time(time_point{now += 60'000'000'000});
  if (!connection.wants_close()) FAIL("the connection stays");
}

template <class Make>
std::size_t replay(const script& each, Make make) {
  bytes room = each.input;
  return for_each_failing_allocation([&](std::size_t n) {
    std::copy(each.input.begin(), each.input.end(), room.begin());
    const allocation_watch watch;
    bool has_failed = false;
    {
      const failing_allocation failing{n};
      try {
        make(room, each.step);
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    if (watch.live() != 0) FAIL("bytes are lost: " << each.what << ", allocation " << n);
    return has_failed;
  });
}

std::vector<script> handshakes() {
  std::string flood = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 120; ++i) flood += "X: y\r\n";
  return {{"a flood of headers", to_bytes(flood), 11},
          {"a head without end", to_bytes("GET /" + std::string(20'000, 'x')), 501},
          {"half a head", to_bytes(upgrade_request().text().substr(0, 60)), 7},
          {"a bad key", to_bytes(upgrade_request().replaced("Sec-WebSocket-Key", "x").text()), 13},
          {"plain HTTP", to_bytes(plain_request().text()), 9},
          {"what is no HTTP", "16 03 01 02"_hex, 1},
          {"much behind the request",
           concat(to_bytes(upgrade_request().text()), bytes(5000, std::byte{'x'})), 997},
          {"frames behind the request",
           concat(to_bytes(upgrade_request().text()),
                  bytes(wire_to{role::server}.text("Hello").ping("p").forged({.opcode = 3}))),
           17}};
}

std::vector<script> frames_to(role self) {
  return {
      {"tiny fragments and cut pings",
       concat(bytes(wire_to{self}.text("a", false)),
              repeat(40, bytes(wire_to{self}.more("b").ping("ping").more("")))),
       1},
      {"a message that grows and breaks", wire_to{self}.text(std::string(3000, 'x') + "\xFF"), 100},
      {"many messages that are echoed to nobody",
       repeat(30, bytes(wire_to{self}.binary(bytes(900)))), 911},
      {"a flood of pings", repeat(200, bytes(wire_to{self}.ping(std::string(60, 'p')))), 99},
      {"a cut close with a reason", wire_to{self}.close(1000, std::string(123, 'r')), 1},
      {"a violation behind messages",
       wire_to{self}.text("a").binary(bytes(700)).forged({.rsv = 1}).text("no"), 50}};
}

}  // namespace

TEST_CASE("hostile handshakes, with memory that runs out", "[security][security-out-of-memory]") {
  for (const script& each : handshakes()) {
    for (const bool decides : {false, true}) {
      const std::size_t count = replay(each, [&](std::span<std::byte> input, std::size_t step) {
        server_endpoint endpoint{{.max_kept_memory = 0,
                                  .subprotocols = {},
                                  .decides_upgrades = decides,
                                  .answers_http = decides}};
        server_connection connection{endpoint};
        play(connection, input, step);
      });
      INFO(each.what);
      CHECK(count >= 2);
    }
  }
}

TEST_CASE("hostile answers, with memory that runs out", "[security][security-out-of-memory]") {
  const std::vector<script> answers{
      {"a refusal with a long body",
       to_bytes("HTTP/1.1 500 x\r\nX: y\r\n\r\n" + std::string(20'000, 'b')), 701},
      {"chunks",
       to_bytes("HTTP/1.1 404 x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nzz"), 3},
      {"a wrong accept", to_bytes(upgrade_answer().replaced("Sec-WebSocket-Accept", "x").text()),
       29},
      {"a head without end", to_bytes("HTTP/1.1 101 " + std::string(20'000, 'x')), 997}};
  for (const script& each : answers) {
    const std::size_t count = replay(each, [](std::span<std::byte> input, std::size_t step) {
      client_endpoint endpoint{{.entropy = sample_nonce(), .max_kept_memory = 0}};
      client_connection connection{endpoint, {.url = "ws://server.example.com/chat"}};
      play(connection, input, step);
    });
    INFO(each.what);
    CHECK(count >= 3);
  }
}

TEMPLATE_TEST_CASE("hostile frames, with memory that runs out",
                   "[security][security-out-of-memory]", at_server, at_client) {
  for (const script& each : frames_to(TestType::self)) {
    const std::size_t count = replay(each, [](std::span<std::byte> input, std::size_t step) {
      typename basic_connection<TestType::self>::endpoint_type endpoint{{.max_kept_memory = 0}};
      auto connection = basic_connection<TestType::self>::adopt(endpoint, {});
      play(connection, input, step);
    });
    INFO(each.what);
    CHECK(count >= 2);
  }
}
