// Floods of control frames, and peers that take nothing: what waits is bounded, and the newest pong
// wins.

#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

TEMPLATE_TEST_CASE("a million pings against blocked output wait in bounded memory",
                   "[security][security-ping-flood]", at_server, at_client) {
  constexpr std::uint32_t count = is_fast_build ? 1'000'000 : 100'000;
  adopted<TestType::self> at{{.limits = {.max_control_frames = 0}, .max_kept_memory = 0}};
  REQUIRE(at.end->send_binary(bytes(1000)) == error::none);
  at.end.take_output(1);  // the rest is stuck
  // Each ping has a number of its own.
  bytes ping = wire_to{TestType::self}.ping("0000");
  const std::size_t payload = ping.size() - 4;
  bytes copy = ping;
  const allocation_watch watch;
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::copy(ping.begin(), ping.end(), copy.begin());
    for (unsigned byte = 0; byte < 4; ++byte) {
      // Masked or not, the last bytes tell the pings apart.
      copy[payload + byte] ^= static_cast<std::byte>(i >> (8 * byte) & 0xFFU);
    }
    auto events = at.end->receive(copy);
    if (events.next().kind() != event_kind::ping || events.next()) FAIL("at ping " << i);
    most = std::max(most, at.end->output_size());
  }
  CHECK(most < 8192);
  CHECK(watch.peak() < 16 * 1024);
  at.end.take_output();
  const event_log told = read_back<TestType::self>(at.end.sent());
  // The newest is answered; of the others only a few.
  std::string newest = "0000";
  for (unsigned byte = 0; byte < 4; ++byte) {
    newest[byte] =
        static_cast<char>(newest[byte] ^ static_cast<char>((count - 1) >> (8 * byte) & 0xFFU));
  }
  CHECK(told.back() == "pong " + to_hex(to_bytes(newest)));
  CHECK(told.size() < 400);
}

TEMPLATE_TEST_CASE("a flood of control frames fails with 1008 by default",
                   "[security][security-ping-flood]", at_server, at_client) {
  for (const opcode code : {opcode::ping, opcode::pong}) {
    adopted<TestType::self> at;
    const bytes frame = wire_to{TestType::self}.frame(code, {});
    std::size_t count = 0;
    while (!at.end.has_ended() && count < 5000) {
      at.end.feed(frame);
      at.end.take_output();
      ++count;
    }
    CHECK(count == limits{}.max_control_frames + 1);
    CHECK(at.end->close_code() == close_code::policy_violation);
  }
}

TEMPLATE_TEST_CASE("a peer that pings within its budget is answered for ever",
                   "[security][security-ping-flood]", at_server, at_client) {
  adopted<TestType::self> at;
  simulated_clock clock;
  const bytes ping = wire_to{TestType::self}.ping("p");
  std::size_t pongs = 0;
  for (int second = 0; second < 20; ++second) {
    at.end->on_time(clock.now());
    for (std::uint32_t i = 0; i < limits{}.max_control_frames; ++i) {
      at.end.feed(ping);
      pongs += at.end.take_output().empty() ? 0 : 1;
    }
    at.end.forget_log();
    clock.advance(duration::seconds(1));
  }
  CHECK(at.end->is_open());
  CHECK(pongs == 20 * limits{}.max_control_frames);
}

TEMPLATE_TEST_CASE("a pong finds its way past a full queue of data",
                   "[security][security-control-lane]", at_server, at_client) {
  adopted<TestType::self> at;
  while (at.end->send_binary(bytes(3000)) == error::none) {
  }
  const std::size_t full = at.end->output_size();
  REQUIRE(full > 4'000'000);
  at.end.take_output(1);
  at.end.feed(wire_to{TestType::self}.ping("urgent"));
  // It stands behind what is being sent, not behind all that waits.
  const bytes first = at.end.take_output(10'000);
  const std::string all = to_text(at.end.sent());
  if (TestType::self == role::server) {
    CHECK(all.find("urgent") != std::string::npos);
  } else {
    // A client's pong is masked: it is found by its first bytes.
    CHECK(all.find("\x8A\x86") != std::string::npos);
  }
  CHECK(first.size() == 10'000);
}

TEMPLATE_TEST_CASE("a peer that sends and never reads is given up, with bounded output",
                   "[security][security-slow-reader]", at_server, at_client) {
  adopted<TestType::self> at{{.limits = {.max_output_size = 50'000}}};
  simulated_clock clock;
  const bytes message = wire_to{TestType::self}.binary(bytes(1000));
  std::size_t refused = 0;
  at.end.react = [&](basic_connection<TestType::self>& self, const event& found) {
    if (found.is_message() && self.send(found) == error::output_full) ++refused;
  };
  int second = 0;
  for (; second < 60 && !at.end->wants_close(); ++second) {
    at.end->on_time(clock.now());
    for (int i = 0; i < 100; ++i) at.end.feed(message);
    if (at.end->output_size() > 50'000 + 4096) FAIL("it grows");
    at.end.forget_log();
    clock.advance(duration::seconds(1));
  }
  CHECK(second <= 32);
  CHECK(refused > 1000);
  CHECK(at.end->error() == error::output_timeout);
}
