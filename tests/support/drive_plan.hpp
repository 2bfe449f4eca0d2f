#pragma once

// The options of a connection from the first bytes of a fuzz input.

#include "hawser/codecs/zlib.hpp"
#include "hawser/connection.hpp"
#include "support/compressed_wire.hpp"
#include "support/fuzzing.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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
//   4    bits: 0 strictness.utf8 is relaxed, 1-3 what becomes of a request, 4 compresses, 5 with
//        libdeflate (else with zlib)
//   5-7  limits, two bits each
// Where it compresses, four more follow:
//   8    bits: 0 takeover, 1 peer_takeover, 2 insists, 3-4 window_bits, 5-6 peer_window_bits,
//        7 what the peer sends is a script (compressed_wire.hpp), behind the head if there is one
//   9    bits: what was agreed on where it does not begin with the handshake: 0 and 1
//        no_context_takeover of the server and the client, 2-4 server_max_window_bits, 5-7 the
//        client's
//   10   bits: 0-1 min_size, 2-3 idle, 4-5 max_ratio, 6-7 how messages are sent
//   11   bits: 0-1 the compressor's memory level, 2-3 its level
struct drive_plan {
  static constexpr std::size_t size = 8;
  static constexpr std::size_t compressing_size = 12;

  std::array<unsigned, compressing_size> bytes = {};

  explicit drive_plan(fuzz_input& in) {
    for (std::size_t i = 0; i < size; ++i) bytes[i] = in.byte();
    for (std::size_t i = size; i < compressing_size && compresses(); ++i) bytes[i] = in.byte();
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
  [[nodiscard]] bool compresses() const { return bit(4, 4); }
  [[nodiscard]] bool compresses_whole() const { return compresses() && bit(4, 5); }
  [[nodiscard]] unsigned two_bits(std::size_t byte, unsigned place) const {
    return bytes[byte] >> place & 3U;
  }

  [[nodiscard]] hawser::deflate_options deflate() const {
    constexpr std::array<std::uint8_t, 4> window_bits = {12, 9, 10, 15};
    constexpr std::array<std::uint8_t, 4> peer_window_bits = {12, 8, 9, 15};
    constexpr std::array<std::uint8_t, 4> memory_levels = {8, 1, 5, 9};
    constexpr std::array<std::uint8_t, 4> levels = {6, 1, 4, 9};
    constexpr std::array<std::size_t, 4> min_sizes = {0, 64, 1, 1000};
    constexpr std::array<std::uint32_t, 4> ratios = {0, 2, 20, 1000};
    using hawser::duration;
    const std::array<duration, 4> idle = {duration::seconds(60), duration{}, duration::seconds(1),
                                          duration::milliseconds(1)};
    return {.settings = {window_bits[two_bits(8, 3)], memory_levels[two_bits(11, 0)],
                         levels[two_bits(11, 2)]},
            .takeover = !bit(8, 0),
            .peer_takeover = !bit(8, 1),
            .peer_window_bits = peer_window_bits[two_bits(8, 5)],
            .insists = bit(8, 2),
            .min_size = min_sizes[two_bits(10, 0)],
            .max_ratio = ratios[two_bits(10, 4)],
            .idle = idle[two_bits(10, 2)]};
  }
  [[nodiscard]] hawser::message_options message_options() const {
    constexpr std::array<hawser::message_options, 4> all = {
        {{},
         {.compress = hawser::compression::always},
         {.compress = hawser::compression::never},
         {.secret = true}}};
    return all[two_bits(10, 6)];
  }
  // What somebody else agreed on: the header of the response.
  [[nodiscard]] std::string agreed_extensions() const {
    constexpr std::array<std::string_view, 8> values = {"", "9", "10", "15", "8", "12", "11", "14"};
    const auto bits_text = [&](std::string_view name, unsigned which) {
      if (values[which].empty()) return std::string{};
      return "; " + std::string{name} + '=' + std::string{values[which]};
    };
    std::string all = "permessage-deflate";
    if (bit(9, 0)) all += "; server_no_context_takeover";
    if (bit(9, 1)) all += "; client_no_context_takeover";
    return all + bits_text("server_max_window_bits", bytes[9] >> 2 & 7U) +
           bits_text("client_max_window_bits", bytes[9] >> 5);
  }
  // What the peer sends: what stands in the input, or what its script makes.
  [[nodiscard]] std::string wire(bool is_for_server, std::string_view rest) const {
    if (!compresses() || !bit(8, 7)) return std::string{rest};
    std::size_t head = begins_with_handshake() ? rest.find("\r\n\r\n") : 0;
    if (head == std::string_view::npos) return std::string{rest};
    if (begins_with_handshake()) head += 4;
    return std::string{rest.substr(0, head)} +
           compressed_wire{is_for_server}.make(fuzz_input{rest.substr(head)});
  }

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
    // A small input inflates to a thousand times its size, more than once.
    if (!bit(1, 7)) return compresses() ? small_messages() : hawser::limits{};
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

  [[nodiscard]] static hawser::limits small_messages() {
    hawser::limits most;
    most.max_message_size = std::size_t{64} << 10;
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

  template <hawser::role Role, class Extension>
  [[nodiscard]] hawser::basic_endpoint<Role, Extension> make_endpoint() const {
    using endpoint = hawser::basic_endpoint<Role, Extension>;
    if constexpr (Extension::is_used) {
      return endpoint{options_for<Role>(), deflate()};
    } else {
      return endpoint{options_for<Role>()};
    }
  }

  // A connection that was opened by somebody else, or one that begins with its handshake.
  template <hawser::role Role, class Extension>
  [[nodiscard]] std::unique_ptr<hawser::basic_connection<Role, Extension>> make_connection(
      hawser::basic_endpoint<Role, Extension>& endpoint) const {
    using connection = hawser::basic_connection<Role, Extension>;
    if (!begins_with_handshake()) {
      const std::string extensions = compresses() ? agreed_extensions() : std::string{};
      const hawser::agreement agreed{.subprotocol = bit(2, 0) ? "other" : "chat",
                                     .extensions = extensions};
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
