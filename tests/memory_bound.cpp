// The most heap of a connection, measured under peers that try to make it grow, against the
// formula.

#include "hawser/memory_bound.hpp"

#include "hawser/codecs/zlib.hpp"
#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/deflating.hpp"
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

// So small that the fixed parts of the formula are no excuse, and one in the middle.
constexpr limits small{.max_head_size = 2048,
                       .max_headers = 20,
                       .max_early_size = 512,
                       .max_refusal_size = 1024,
                       .max_message_size = 4096,
                       .max_output_size = 8192};
constexpr limits middle{.max_message_size = 100'000, .max_output_size = 300'000};

static_assert(max_connection_bytes(limits{}) >
              limits{}.max_message_size + limits{}.max_output_size);
static_assert(max_connection_bytes(limits{}) < 16U << 20);
static_assert(max_connection_bytes(small) < max_connection_bytes(middle));
// Whatever the limits are, the sum does not overflow.
static_assert(max_connection_bytes({.max_message_size = UINT64_MAX}) == SIZE_MAX);
static_assert(max_connection_bytes({.max_output_size = SIZE_MAX}) == SIZE_MAX);
static_assert(max_connection_bytes({.max_head_size = SIZE_MAX, .max_headers = SIZE_MAX}) ==
              SIZE_MAX);
static_assert(max_connection_bytes({.max_early_size = SIZE_MAX / 2}) == SIZE_MAX);
static_assert(max_connection_bytes({.max_refusal_size = SIZE_MAX / 3}) == SIZE_MAX);
static_assert(max_connection_bytes({.max_head_size = SIZE_MAX / 256,
                                    .max_headers = SIZE_MAX,
                                    .max_early_size = SIZE_MAX / 32,
                                    .max_refusal_size = SIZE_MAX / 32,
                                    .max_message_size = SIZE_MAX / 32,
                                    .max_output_size = SIZE_MAX / 32}) > SIZE_MAX / 2);
static_assert(max_connection_bytes<zlib_codec>({.max_message_size = UINT64_MAX}, {}) == SIZE_MAX);

// The most heap at once, above what was there before, while `act` runs. Nothing of the test's own
// is counted: it makes its inputs before, and reads them in place.
template <class Act>
std::size_t peak_of(Act act) {
  const allocation_watch watch;
  act();
  return watch.peak();
}

template <role Role>
void feed(basic_connection<Role>& connection, std::span<std::byte> part) {
  auto events = connection.receive(part);
  while (events.next()) {
  }
}

template <role Role>
void feed_copies(basic_connection<Role>& connection, std::span<const std::byte> frame,
                 std::span<std::byte> room, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::copy(frame.begin(), frame.end(), room.begin());
    feed(connection, room.first(frame.size()));
  }
}

struct measured {
  std::string what;
  std::size_t peak = 0;
};

// All adversaries of an open connection.
template <role Role>
std::vector<measured> attack_open(const limits& most) {
  std::vector<measured> all;
  typename basic_connection<Role>::endpoint_type endpoint{{.limits = most, .max_kept_memory = 0}};
  bytes room(most.max_message_size + 100);
  const auto attack = [&](std::string what, auto act) {
    auto connection = basic_connection<Role>::adopt(endpoint, {});
    feed(connection, {});
    const std::size_t peak = peak_of([&] { act(connection); });
    all.push_back({std::move(what), peak});
  };

  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
    const bytes first = wire_to{Role}.binary(bytes(size), false);
    const bytes more = wire_to{Role}.more(bytes(size));
    const std::size_t count = size == 0 ? 10'000 : most.max_message_size / size;
    attack("fragments of " + std::to_string(size), [&](auto& connection) {
      feed_copies(connection, first, room, 1);
      feed_copies(connection, more, room, count);
    });
  }
  const bytes whole = wire_to{Role}.binary(bytes(most.max_message_size));
  for (const std::size_t step : {std::size_t{1}, std::size_t{700}, whole.size() - 1}) {
    attack("a message in reads of " + std::to_string(step), [&](auto& connection) {
      std::copy(whole.begin(), whole.end(), room.begin());
      for (std::size_t at = 0; at < whole.size(); at += step) {
        feed(connection, std::span{room}.subspan(at, std::min(step, whole.size() - at)));
      }
    });
  }
  const bytes begun = wire_to{Role}.binary(bytes(most.max_message_size), false);
  const bytes ping = wire_to{Role}.ping(std::string(125, 'p'));
  attack("a cut ping behind a whole message that does not end", [&](auto& connection) {
    feed_copies(connection, begun, room, 1);
    std::copy(ping.begin(), ping.end(), room.begin());
    for (std::size_t i = 0; i < ping.size(); ++i) feed(connection, std::span{room}.subspan(i, 1));
  });
  for (const std::size_t size : {0U, 1U, 125U, 2000U, 2100U, 3000U, 4000U, 4096U, 5000U, 40'000U}) {
    const bytes payload(size);
    attack("blocked output of messages of " + std::to_string(size), [&](auto& connection) {
      while (connection.send_binary(payload) == error::none) {
        connection.consume_output(0);
      }
    });
    attack("the same, and a flood of pings while a part is taken", [&](auto& connection) {
      for (int i = 0; i < 300; ++i) {
        while (connection.send_binary(payload) == error::none) {
        }
        feed_copies(connection, ping, room, 3);
        for (const auto part : connection.output()) {
          connection.consume_output(part.size() - part.size() / 2);
          break;
        }
        connection.on_time(time_point{i * 1'000'000'000LL});
      }
    });
  }
  const bytes echo_input =
      wire_to{Role}.binary(bytes(std::min<std::size_t>(2100, most.max_message_size)));
  attack("echoes that nobody takes, and a message that does not end", [&](auto& connection) {
    for (std::size_t i = 0; i < 2 * most.max_output_size / echo_input.size(); ++i) {
      std::copy(echo_input.begin(), echo_input.end(), room.begin());
      auto events = connection.receive(std::span{room}.first(echo_input.size()));
      while (const event found = events.next()) static_cast<void>(connection.send(found));
    }
    feed_copies(connection, begun, room, 1);
    feed_copies(connection, ping, room, 50);
  });
  return all;
}

// Adversaries before a server connection is open.
std::vector<measured> attack_opening(const limits& most) {
  std::vector<measured> all;
  server_endpoint endpoint{{.limits = most, .max_kept_memory = 0, .decides_upgrades = true}};
  const auto attack = [&](std::string what, std::string head, const bytes& early) {
    bytes frames = early;
    const std::size_t peak = peak_of([&] {
      server_connection connection{endpoint};
      for (char& c : head) feed(connection, std::as_writable_bytes(std::span{&c, 1}));
      for (std::byte& byte : frames) feed(connection, {&byte, 1});
      connection.on_time(time_point{0});
      if (connection.request().is_upgrade()) static_cast<void>(connection.accept());
      feed(connection, {});
      connection.on_time(time_point{0} + duration::seconds(20));
    });
    all.push_back({std::move(what), peak});
  };
  const std::string good = upgrade_request();
  attack("a whole head", good, {});
  attack("half a head", good.substr(0, good.size() / 2), {});
  attack("one long header",
         upgrade_request().with("X", std::string(most.max_head_size - good.size() - 7, 'x')), {});
  attack("a long target that does not end", "GET /" + std::string(most.max_head_size, 'x'), {});
  std::string many = good.substr(0, good.size() - 2);
  for (std::size_t i = 6; i < most.max_headers; ++i) many += "a:\r\n";
  attack("as many headers as may be", many + "\r\n", {});
  attack("more headers than may be", many + "a:\r\na:\r\na:\r\n\r\n", {});
  attack("as much as may come early", good,
         wire_to{role::server}.binary(bytes(most.max_early_size - 8)));
  attack("more than may come early", good, bytes(most.max_early_size + 1));
  return all;
}

std::vector<measured> attack_client_opening(const limits& most) {
  std::vector<measured> all;
  client_endpoint endpoint{{.limits = most, .entropy = sample_nonce(), .max_kept_memory = 0}};
  const auto attack = [&](std::string what, std::string answer) {
    // Its own request is no peer's doing.
    client_connection connection{endpoint, {.url = "ws://server.example.com/chat"}};
    const std::size_t peak = peak_of([&] {
      for (char& c : answer) feed(connection, std::as_writable_bytes(std::span{&c, 1}));
    });
    all.push_back({std::move(what), peak});
  };
  const http_message refusal{"HTTP/1.1 500 x"};
  attack("a body without end", refusal.text() + std::string(2 * most.max_refusal_size, 'b'));
  attack("a large head and body",
         refusal.with("X", std::string(most.max_head_size - 30, 'x')).text() +
             std::string(2 * most.max_refusal_size, 'b'));
  attack("a head without end", "HTTP/1.1 500 " + std::string(2 * most.max_head_size, 'x'));
  attack(
      "interim answers",
      http_message{"HTTP/1.1 103 x"}.with("X", std::string(most.max_head_size - 30, 'x')).text() +
          refusal.text());
  return all;
}

// The most heap of a connection that compresses, and in the middle of a message of either
// direction.
template <role Role>
std::size_t peak_of_compressing(const limits& most, const deflate_options& options, delivery how) {
  const std::string text = json(most.max_message_size == 0 ? 100'000 : most.max_message_size);
  bytes message = wire_to{Role}.deflated(compressed(text), false, false);
  bytes bomb = wire_to{Role}.deflated(compressed(std::string(200'000, 'x'), 9), false, false);
  std::size_t worst = 0;
  for (bytes* const input : {&message, &bomb}) {
    basic_endpoint<Role, zlib_deflate> endpoint{
        {.limits = most, .delivery = how, .max_kept_memory = 0}, options};
    const std::size_t peak = peak_of([&] {
      auto connection = basic_connection<Role, zlib_deflate>::adopt(
          endpoint, {.extensions = "permessage-deflate"});
      auto events = connection.receive(*input);
      while (events.next()) {
      }
      connection.begin_text();
      connection.append(bytes_of(std::string_view{text}.substr(0, 100)));
    });
    worst = std::max(worst, peak);
  }
  return worst;
}

void require_below(const std::vector<measured>& all, const limits& most) {
  const std::size_t bound = max_connection_bytes(most);
  for (const measured& each : all) {
    INFO(each.what << ": " << each.peak << " of " << bound);
    CHECK(each.peak <= bound);
  }
}

std::size_t worst(const std::vector<measured>& all) {
  std::size_t most = 0;
  for (const measured& each : all) most = std::max(most, each.peak);
  return most;
}

}  // namespace

TEST_CASE("no peer makes an open connection hold more than the formula says", "[memory_bound]") {
  for (const limits& most : {small, middle, limits{}}) {
    if (most.max_output_size == limits{}.max_output_size && !is_fast_build) continue;
    require_below(attack_open<role::server>(most), most);
    require_below(attack_open<role::client>(most), most);
  }
}

TEST_CASE("no peer makes a connection that opens hold more than the formula says",
          "[memory_bound]") {
  for (const limits& most : {small, limits{}}) {
    require_below(attack_opening(most), most);
    require_below(attack_client_opening(most), most);
  }
}

TEST_CASE("no peer makes a connection that compresses hold more than the formula says",
          "[memory_bound]") {
  for (const deflate_options& options :
       {deflate_presets::small, deflate_presets::balanced, deflate_presets::best}) {
    for (const delivery how : {delivery::whole, delivery::pieces}) {
      for (limits most : {small, middle}) {
        if (how == delivery::pieces) most.max_message_size = 0;
        const std::size_t bound = max_connection_bytes<zlib_codec>(most, options);
        for (const std::size_t peak : {peak_of_compressing<role::server>(most, options, how),
                                       peak_of_compressing<role::client>(most, options, how)}) {
          CHECK(peak <= bound);
          CHECK(4 * peak >= bound - max_connection_bytes(most));
        }
      }
    }
  }
  constexpr deflate_options held{.peer_window_bits = 9, .insists = true};
  static_assert(max_connection_bytes<zlib_codec>(small, held) <
                max_connection_bytes<zlib_codec>(small, {.peer_window_bits = 9}));
}

TEST_CASE("the formula is no exaggeration: some peer reaches a third of it", "[memory_bound]") {
  CHECK(3 * worst(attack_open<role::server>(middle)) >= max_connection_bytes(middle));
  CHECK(3 * worst(attack_open<role::client>(middle)) >= max_connection_bytes(middle));
}

TEST_CASE("before a connection is open it holds little, whatever an open one may",
          "[memory_bound]") {
  constexpr limits large{.max_message_size = std::uint64_t{1} << 30,
                         .max_output_size = std::size_t{1} << 30};
  CHECK(worst(attack_opening(large)) < 64 * 1024);
  CHECK(worst(attack_client_opening(large)) < 128 * 1024);
}
