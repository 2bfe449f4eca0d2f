#pragma once

// The options of a connection from the first bytes of a fuzz input.

#include "hawser/connection.hpp"
#include "support/fuzzing.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace support {

// The first 8 bytes of an input. fuzz/make_seeds.py writes them.
//   0    the number of actions; each is the two bytes of an op and its argument, and they are the
//        end of the input
//   1    bits: 0 begins with the opening handshake, 1 delivery in pieces, 2 pings are not answered,
//        3 sent text is not checked, 4 decides_upgrades, 5 answers_http, 6 echoes, 7 limits by 5-7
//   2    bits: 0-1 origins, or what a client asks for, 2 allowed_hosts, or another URL, 3 keeps
//        memory, 4 the peer falls silent at the end (else the stream ends), 5 the connection is
//        dropped at the end, 6-7 timeouts
//   3    strictness that is relaxed: the first eight rules
//   4    bits: 0 strictness.utf8 is relaxed, 1-3 what becomes of a request
//   5-7  limits, two bits each
struct drive_plan {
  static constexpr std::size_t size = 8;

  std::array<unsigned, size> bytes = {};

  explicit drive_plan(fuzz_input& in) {
    for (unsigned& byte : bytes) byte = in.byte();
  }

  [[nodiscard]] bool bit(std::size_t byte, unsigned place) const {
    return (bytes[byte] >> place & 1U) != 0;
  }
  [[nodiscard]] bool begins_with_handshake() const { return bit(1, 0); }
  [[nodiscard]] bool echoes() const { return bit(1, 6); }
  [[nodiscard]] bool falls_silent() const { return bit(2, 4); }
  [[nodiscard]] bool is_dropped() const { return bit(2, 5); }
  [[nodiscard]] bool has_timeouts() const { return bytes[2] >> 6 < 2; }
  [[nodiscard]] unsigned decision() const { return bytes[4] >> 1 & 7U; }

  [[nodiscard]] hawser::strictness strictness() const {
    return {.mask_direction = !bit(3, 0),
            .minimal_length = !bit(3, 1),
            .length_below_2_63 = !bit(3, 2),
            .reserved_bits = !bit(3, 3),
            .reserved_opcodes = !bit(3, 4),
            .control_size = !bit(3, 5),
            .control_fin = !bit(3, 6),
            .close_codes = !bit(3, 7),
            .utf8 = !bit(4, 0)};
  }

  [[nodiscard]] hawser::limits limits() const {
    if (!bit(1, 7)) return {};
    unsigned bits = bytes[5] | bytes[6] << 8 | bytes[7] << 16;
    const auto one_of = [&](std::array<std::size_t, 4> values) {
      const std::size_t value = values[bits & 3U];
      bits >>= 2;
      return value;
    };
    hawser::limits most;
    most.max_head_size = one_of({16384, 64, 200, 1000});
    most.max_headers = one_of({100, 1, 5, 12});
    most.max_early_size = one_of({4096, 0, 10, 100});
    most.max_refusal_size = one_of({16384, 0, 7, 100});
    most.max_frame_size = one_of({0, 5, 125, 1000});
    most.max_message_size = one_of({0, 1, 130, 1000});
    most.max_fragments = static_cast<std::uint32_t>(one_of({0, 1, 3, 50}));
    most.max_control_frames = static_cast<std::uint32_t>(one_of({0, 1, 5, 100}));
    most.max_output_size = one_of({4U << 20U, 0, 150, 5000});
    most.max_discard_size = one_of({256U << 20U, 0, 20, 3000});
    return most;
  }

  [[nodiscard]] hawser::timeouts timeouts() const {
    using hawser::duration;
    constexpr duration second = duration::seconds(1);
    switch (bytes[2] >> 6) {
      case 0:
        return {};
      case 1:
        return {second, second, second, second, second};
      case 2:
        return {duration{}, duration{}, duration{}, duration{}, duration{}};
      default:
        return {.opening = duration{}, .ping = second, .pong = duration{}, .output = second};
    }
  }

  template <class Options>
  [[nodiscard]] Options common_options() const {
    Options options;
    options.limits = limits();
    options.timeouts = timeouts();
    options.strictness = strictness();
    options.delivery = bit(1, 1) ? hawser::delivery::pieces : hawser::delivery::whole;
    options.answers_pings = !bit(1, 2);
    options.checks_sent_text = !bit(1, 3);
    options.max_kept_memory = bit(2, 3) ? kept_memory : 0;
    // The same bytes for each input: the client's key is known to who writes seeds.
    options.entropy.fill = [](void*, std::span<std::byte> to) {
      for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::byte>(i & 0xFFU);
    };
    return options;
  }

  template <hawser::role Role>
  [[nodiscard]] auto options_for() const {
    if constexpr (Role == hawser::role::server) {
      return server_options();
    } else {
      return common_options<hawser::client_options>();
    }
  }

  // A connection that was opened by somebody else, or one that begins with its handshake.
  template <hawser::role Role>
  [[nodiscard]] std::unique_ptr<hawser::basic_connection<Role>> make_connection(
      hawser::basic_endpoint<Role>& endpoint) const {
    using connection = hawser::basic_connection<Role>;
    if (!begins_with_handshake()) {
      const hawser::agreement agreed{.subprotocol = bit(2, 0) ? "other" : "chat"};
      return std::unique_ptr<connection>{new connection{connection::adopt(endpoint, agreed)}};
    }
    if constexpr (Role == hawser::role::server) {
      return std::make_unique<connection>(endpoint);
    } else {
      hawser::client_request request{.url = "ws://localhost:9001/chat?x=1"};
      if (bit(2, 0)) request.subprotocols = {"chat", "superchat"};
      if (bit(2, 1)) request.origin = "https://example.com";
      if (bit(2, 2)) request.url = "wss://user:p%40ss@[::1]:8443?x";
      if (bit(2, 2) && bit(2, 1)) request.url = "ws://localhost/#fragment";
      return std::make_unique<connection>(endpoint, std::move(request));
    }
  }

  [[nodiscard]] hawser::server_options server_options() const {
    auto options = common_options<hawser::server_options>();
    options.subprotocols = {"chat", "superchat"};
    if ((bytes[2] & 3U) == 1) options.origins = hawser::origin_policy::any();
    if ((bytes[2] & 3U) == 2) {
      options.origins = hawser::origin_policy::listed({"https://example.com", "null"});
    }
    if ((bytes[2] & 3U) == 3) options.origins.allow_absent = false;
    if (bit(2, 2)) options.allowed_hosts = hawser::loopback_hosts();
    options.decides_upgrades = bit(1, 4);
    options.answers_http = bit(1, 5);
    return options;
  }

  static constexpr std::size_t kept_memory = std::size_t{64} << 10;
};

}  // namespace support
