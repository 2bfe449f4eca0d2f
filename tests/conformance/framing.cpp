// RFC 6455 5.2: base framing. Autobahn's groups 1 (framing) and 10 (what is sent), the examples of
// 5.7, and every form of a length.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/conversation.hpp"
#include "support/pair.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

constexpr std::size_t sizes[] = {0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537};

// The size of the header in front of `size` bytes, counted by hand.
std::size_t header_size(std::size_t size, role sender) {
  const std::size_t length = size < 126 ? 0 : size < 65536 ? 2 : 8;
  return 2 + length + (sender == role::client ? 4 : 0);
}

// What a connection puts on the wire for one message.
template <role Role>
bytes sent_for(std::size_t size, bool is_text) {
  typename basic_connection<Role>::endpoint_type endpoint{};
  logged_connection<Role> end{endpoint, agreement{}};
  const std::string payload(size, 'x');
  REQUIRE((is_text ? end->send_text(payload) : end->send_binary(payload)) == error::none);
  return end.take_output();
}

template <role Role>
void require_shortest_headers() {
  for (const std::size_t size : sizes) {
    for (const bool is_text : {true, false}) {
      const bytes frame = sent_for<Role>(size, is_text);
      INFO("payload of " << size << " bytes");
      REQUIRE(frame.size() == size + header_size(size, Role));
      REQUIRE(frame[0] == (is_text ? std::byte{0x81} : std::byte{0x82}));
      const std::size_t length = size < 126 ? size : size < 65536 ? 126U : 127U;
      REQUIRE(std::to_integer<std::size_t>(frame[1]) == length + (Role == role::client ? 128 : 0));
    }
  }
}

}  // namespace

TEST_CASE("text of every size class is echoed", "[conformance][autobahn-1.1][rfc6455-6.2-data]") {
  require_conversations([](role to) {
    std::vector<conversation> all;
    for (const std::size_t size : sizes) {
      const std::string payload(size, '*');
      all.push_back(
          {"text of " + std::to_string(size), wire_to{to}.text(payload), {gives_text(payload)}});
    }
    return all;
  });
}

TEST_CASE("binary of every size class is echoed", "[conformance][autobahn-1.2][rfc6455-6.2-data]") {
  require_conversations([](role to) {
    std::vector<conversation> all;
    seeded random;
    for (const std::size_t size : sizes) {
      const bytes payload = random.some_bytes(size);
      all.push_back({"binary of " + std::to_string(size),
                     wire_to{to}.binary(payload),
                     {gives_binary(payload)}});
    }
    return all;
  });
}

TEST_CASE("the examples of the RFC mean what it says",
          "[conformance][rfc6455-5.7-examples][rfc6455-5.4-both-kinds]") {
  require_conversations([](role to) {
    const bytes two_hundred_fifty_six(256, std::byte{0x5C});
    const bytes sixty_four_kib(65536, std::byte{0xC5});
    if (to == role::server) {
      return std::vector<conversation>{{"a single-frame masked text message",
                                        "81 85 37 fa 21 3d 7f 9f 4d 51 58"_hex,
                                        {gives_text("Hello")}},
                                       {"a masked pong, which answers a ping",
                                        "8a 85 37 fa 21 3d 7f 9f 4d 51 58"_hex,
                                        {gives_pong("Hello")}}};
    }
    return std::vector<conversation>{
        {"a single-frame unmasked text message", "81 05 48 65 6c 6c 6f"_hex, {gives_text("Hello")}},
        {"a fragmented unmasked text message",
         "01 03 48 65 6c 80 02 6c 6f"_hex,
         {gives_text("Hello")}},
        {"an unmasked ping", "89 05 48 65 6c 6c 6f"_hex, {gives_ping("Hello")}},
        {"256 bytes of binary",
         concat("82 7e 01 00"_hex, two_hundred_fifty_six),
         {gives_binary(two_hundred_fifty_six)}},
        {"64 KiB of binary",
         concat("82 7f 00 00 00 00 00 01 00 00"_hex, sixty_four_kib),
         {gives_binary(sixty_four_kib)}}};
  });
}

TEST_CASE("a reserved bit fails the connection", "[conformance][autobahn-3][rfc6455-5.2-rsv]") {
  require_conversations([](role to) {
    std::vector<conversation> all;
    for (unsigned rsv = 1; rsv < 8; ++rsv) {
      const std::string name = "RSV bits " + std::to_string(rsv);
      const forged text{.rsv = rsv, .opcode = 1};
      all.push_back({name + " on a text that stands alone (3.1)",
                     wire_to{to}.forged(text, to_bytes("Hello")),
                     {gives_failure(error::reserved_bits)}});
      all.push_back({name + " behind a good message, before a ping (3.2 to 3.4)",
                     wire_to{to}.text("Hello").forged(text, to_bytes("Hello")).ping(),
                     {gives_text("Hello"), gives_failure(error::reserved_bits)}});
      all.push_back({name + " on binary (3.5)",
                     wire_to{to}.forged({.rsv = rsv}, to_bytes("*")),
                     {gives_failure(error::reserved_bits)}});
      for (const unsigned control : {8U, 9U, 10U}) {  // 3.6 and 3.7
        all.push_back({name + " on a control frame",
                       wire_to{to}.forged({.rsv = rsv, .opcode = control}),
                       {gives_failure(error::reserved_bits)}});
      }
      all.push_back({name + " on a continuation",
                     wire_to{to}.text("a", false).forged({.rsv = rsv, .opcode = 0}),
                     {gives_failure(error::reserved_bits)}});
    }
    return all;
  });
}

TEST_CASE("a reserved opcode fails the connection",
          "[conformance][autobahn-4][rfc6455-5.2-opcode]") {
  require_conversations([](role to) {
    std::vector<conversation> all;
    for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
      const std::string name = "opcode " + std::to_string(opcode);
      const outcome failure = gives_failure(error::reserved_opcode);
      const support::forged frame{.opcode = opcode};
      all.push_back({name + ", empty", wire_to{to}.forged(frame), {failure}});
      all.push_back(
          {name + " with a payload", wire_to{to}.forged(frame, to_bytes("x")), {failure}});
      all.push_back({name + " behind a good message, before a ping",
                     wire_to{to}.text("Hello").forged(frame, to_bytes("x")).ping(),
                     {gives_text("Hello"), failure}});
      all.push_back(
          {name + " without FIN", wire_to{to}.forged({.fin = false, .opcode = opcode}), {failure}});
      all.push_back({name + " inside a message",
                     wire_to{to}.text("a", false).forged(frame).last("b"),
                     {failure}});
      all.push_back({name + " with a length that never comes",
                     wire_to{to}.forged({.opcode = opcode, .announced = 1ULL << 40}),
                     {failure}});
    }
    return all;
  });
}

TEST_CASE("a frame with the wrong masking fails the connection",
          "[conformance][rfc6455-5.1-mask][rfc6455-5.1-no-mask]") {
  require_conversations([](role to) {
    const bool is_masked = to == role::client;  // which is wrong
    const error why = is_masked ? error::frame_masked : error::frame_not_masked;
    std::vector<conversation> all;
    for (const unsigned opcode : {1U, 2U, 8U, 9U, 10U}) {
      const forged frame{.opcode = opcode, .masked = is_masked};
      all.push_back({"opcode " + std::to_string(opcode), forge(frame), {gives_failure(why)}});
      all.push_back({"with a payload", forge(frame, to_bytes("ab")), {gives_failure(why)}});
      all.push_back({"behind a good message",
                     wire_to{to}.text("Hello").raw(forge(frame, to_bytes("ab"))).text("no"),
                     {gives_text("Hello"), gives_failure(why)}});
    }
    all.push_back({"the rest of a message",
                   wire_to{to}
                       .text("a", false)
                       .raw(forge({.opcode = 0, .masked = is_masked}, to_bytes("ab"))),
                   {gives_failure(why)}});
    return all;
  });
}

TEST_CASE("a server does not mask, a client does",
          "[conformance][rfc6455-5.1-server-sends][rfc6455-5.3-masked][rfc6455-6.1-masked]") {
  const bytes from_server = sent_for<role::server>(5, true);
  CHECK(to_hex(from_server) == "81 05 78 78 78 78 78");

  const bytes from_client = sent_for<role::client>(5, true);
  REQUIRE(from_client.size() == 11);
  CHECK((from_client[1] & std::byte{0x80}) == std::byte{0x80});
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK((from_client[6 + i] ^ from_client[2 + i % 4]) == std::byte{'x'});
  }
}

TEST_CASE("a masking key of any value is understood", "[conformance][rfc6455-5.3-any-key]") {
  std::vector<conversation> all;
  for (const std::array<std::uint8_t, 4> key : {std::array<std::uint8_t, 4>{0, 0, 0, 0},
                                                {255, 255, 255, 255},
                                                {1, 0, 0, 0},
                                                {0, 0, 0, 1}}) {
    forged frame{.opcode = 1, .masked = true, .key = key};
    all.push_back({"single", forge(frame, to_bytes("Hello")), {gives_text("Hello")}});
  }
  require_conversations(
      [&](role to) { return to == role::server ? all : std::vector<conversation>{}; });
}

TEST_CASE("the shortest form of a length is sent",
          "[conformance][autobahn-10.1.1][rfc6455-5.2-minimal-sent]") {
  require_shortest_headers<role::server>();
  require_shortest_headers<role::client>();
}

TEST_CASE("a length in more bytes than it needs fails the connection",
          "[conformance][rfc6455-5.2-minimal]") {
  require_conversations([](role to) {
    std::vector<conversation> all;
    const auto add = [&](std::size_t length_size, std::uint64_t length) {
      for (const unsigned opcode : {1U, 2U}) {
        all.push_back({std::to_string(length) + " in " + std::to_string(length_size) + " bytes",
                       wire_to{to}.forged(
                           {.opcode = opcode, .length_size = length_size, .announced = length}),
                       {gives_failure(error::length_not_minimal)}});
      }
    };
    for (const std::uint64_t length : {0U, 1U, 64U, 124U, 125U}) add(2, length);
    for (const std::uint64_t length : {0U, 1U, 125U, 126U, 127U, 65534U, 65535U}) add(8, length);
    return all;
  });
}

TEST_CASE("the highest bit of a length fails the connection", "[conformance][rfc6455-5.2-bit-63]") {
  require_conversations([](role to) {
    std::vector<conversation> all;
    constexpr std::uint64_t top = std::uint64_t{1} << 63;
    for (const std::uint64_t low :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{125}, std::uint64_t{65536}, top - 1}) {
      all.push_back({"2^63 + " + std::to_string(low),
                     wire_to{to}.forged({.length_size = 8, .announced = top + low}),
                     {gives_failure(error::length_too_large)}});
    }
    return all;
  });
}

TEST_CASE("a large message that is sent in parts arrives as one",
          "[conformance][autobahn-10.1.1][rfc6455-5.4-send]") {
  pair ends;
  ends.open();
  ends.server.react = echo<role::server>;
  const std::string payload(65536, '*');
  REQUIRE(ends.client->begin_text() == error::none);
  for (std::size_t at = 0; at < payload.size(); at += 1300) {
    REQUIRE(ends.client->append(payload.substr(at, 1300)) == error::none);
  }
  REQUIRE(ends.client->finish() == error::none);
  ends.run();
  CHECK(ends.server.log() == event_log{gives_text(payload).line()});
  CHECK(ends.client.log() == event_log{gives_text(payload).line()});
}
