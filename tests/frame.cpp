#include "hawser/frame.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support::literals;
using support::bytes;
using support::forge;
using support::forge_to;
using support::forged;

namespace {

// --- RFC 6455 5.7: the examples, in constant expressions ---------------------------------------

template <std::size_t Size>
constexpr std::array<std::byte, Size> wire(const unsigned (&values)[Size]) {
  std::array<std::byte, Size> result{};
  for (std::size_t i = 0; i < Size; ++i) result[i] = static_cast<std::byte>(values[i]);
  return result;
}

constexpr frame_rules server{.self = role::server};
constexpr frame_rules client{.self = role::client};
constexpr frame_rules client_in_message{.self = role::client, .in_message = true};

template <std::size_t Size>
constexpr bool reads(const unsigned (&values)[Size], const frame_rules& rules,
                     const frame_header& expected) {
  const auto found = parse_frame_header(wire(values), rules);
  return found.error == error::none && found.size == Size && found.header == expected;
}

template <std::size_t Size>
constexpr bool writes(const frame_header& header, const unsigned (&values)[Size]) {
  std::array<std::byte, max_frame_header_size> to{};
  if (write_frame_header(to.data(), header) != Size) return false;
  if (frame_header_size(header.payload_size, header.masked) != Size) return false;
  for (std::size_t i = 0; i < Size; ++i) {
    if (to[i] != static_cast<std::byte>(values[i])) return false;
  }
  return true;
}

constexpr auto key_on_wire = wire({0x37, 0xFA, 0x21, 0x3D});
constexpr masking_key key = masking_key::from_bytes(key_on_wire.data());

constexpr frame_header hello{.opcode = opcode::text, .payload_size = 5};
static_assert(reads({0x81, 0x05}, client, hello) && writes(hello, {0x81, 0x05}));

constexpr frame_header masked_hello{
    .opcode = opcode::text, .masked = true, .key = key, .payload_size = 5};
static_assert(reads({0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D}, server, masked_hello));
static_assert(writes(masked_hello, {0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D}));

constexpr frame_header hel{.opcode = opcode::text, .fin = false, .payload_size = 3};
static_assert(reads({0x01, 0x03}, client, hel) && writes(hel, {0x01, 0x03}));
constexpr frame_header lo{.opcode = opcode::continuation, .payload_size = 2};
static_assert(reads({0x80, 0x02}, client_in_message, lo) && writes(lo, {0x80, 0x02}));

constexpr frame_header ping{.opcode = opcode::ping, .payload_size = 5};
static_assert(reads({0x89, 0x05}, client, ping) && writes(ping, {0x89, 0x05}));
static_assert(reads({0x89, 0x05}, client_in_message, ping));
constexpr frame_header pong{.opcode = opcode::pong, .masked = true, .key = key, .payload_size = 5};
static_assert(reads({0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D}, server, pong));

constexpr frame_header medium{.opcode = opcode::binary, .payload_size = 256};
static_assert(reads({0x82, 0x7E, 0x01, 0x00}, client, medium));
static_assert(writes(medium, {0x82, 0x7E, 0x01, 0x00}));
constexpr frame_header large{.opcode = opcode::binary, .payload_size = 65536};
static_assert(reads({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}, client, large));
static_assert(writes(large, {0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}));

// --- What RFC 6455 5 says of a header, byte by byte ---------------------------------------------

struct verdict {
  hawser::error error = error::none;
  std::size_t size = 0;  // of the complete header
  std::uint64_t length = 0;
};

// Reads one byte after the other, and stops at the first that no right header has there.
verdict judge(std::span<const std::byte> in, const frame_rules& rules) {
  const strictness& strict = rules.strictness;
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(in[i]); };
  if (in.empty()) return {};
  const unsigned code = at(0) % 16;
  const bool is_defined = code <= 2 || (code >= 8 && code <= 10);
  const bool is_of_control = code >= 8;
  if (at(0) / 16 % 8 != 0 && strict.reserved_bits) return {error::reserved_bits};
  if (!is_defined && strict.reserved_opcodes) return {error::reserved_opcode};
  if (is_of_control && at(0) < 128 && strict.control_fin) return {error::control_fragmented};
  if (code == 0 && !rules.in_message) return {error::nothing_to_continue};
  if ((code == 1 || code == 2) && rules.in_message) return {error::message_unfinished};

  if (in.size() < 2) return {};
  const bool is_masked = at(1) >= 128;
  if (strict.mask_direction && is_masked && rules.self == role::client)
    return {error::frame_masked};
  if (strict.mask_direction && !is_masked && rules.self == role::server) {
    return {error::frame_not_masked};
  }
  if (is_of_control && at(1) % 128 > 125 && strict.control_size) return {error::control_over_125};

  verdict found;
  std::size_t position = 2;
  if (at(1) % 128 == 126) {
    for (; position < 4; ++position) {
      if (in.size() == position) return {};
      found.length = found.length * 256 + at(position);
    }
    if (found.length < 126 && strict.minimal_length) return {error::length_not_minimal};
  } else if (at(1) % 128 == 127) {
    for (; position < 10; ++position) {
      if (in.size() == position) return {};
      unsigned byte = at(position);
      if (position == 2 && byte >= 128 && strict.length_below_2_63)
        return {error::length_too_large};
      if (position == 2) byte %= 128;
      found.length = found.length * 256 + byte;
      // Two bytes are left at most, which give no more than 65535.
      if (position == 7 && found.length == 0 && strict.minimal_length) {
        return {error::length_not_minimal};
      }
    }
  } else {
    found.length = at(1) % 128;
  }
  position += is_masked ? 4 : 0;
  if (in.size() >= position) found.size = position;
  return found;
}

bool agrees(std::span<const std::byte> in, const frame_rules& rules) {
  const verdict expected = judge(in, rules);
  const frame_header_result found = parse_frame_header(in, rules);
  if (found.error != expected.error || found.size != expected.size) return false;
  if (found.size == 0) return true;
  const frame_header& header = found.header;
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(in[i]); };
  const bool is_masked = at(1) / 128 == 1;
  masking_key expected_key;
  if (is_masked) expected_key = masking_key::from_bytes(in.data() + expected.size - 4);
  return header.payload_size == expected.length && header.masked == is_masked &&
         header.key == expected_key && static_cast<unsigned>(header.opcode) == at(0) % 16 &&
         header.fin == (at(0) >= 128 || at(0) % 16 >= 8) && header.rsv1 == (at(0) / 64 % 2 == 1) &&
         header.rsv2 == (at(0) / 32 % 2 == 1) && header.rsv3 == (at(0) / 16 % 2 == 1);
}

// Nothing relaxed, each rule alone, and all.
std::vector<strictness> every_strictness() {
  return {{},
          {.mask_direction = false},
          {.minimal_length = false},
          {.length_below_2_63 = false},
          {.reserved_bits = false},
          {.reserved_opcodes = false},
          {.control_size = false},
          {.control_fin = false},
          {.close_codes = false},
          {.utf8 = false},
          {.minimal_length = false, .length_below_2_63 = false},
          {.mask_direction = false,
           .minimal_length = false,
           .length_below_2_63 = false,
           .reserved_bits = false,
           .reserved_opcodes = false,
           .control_size = false,
           .control_fin = false,
           .close_codes = false,
           .utf8 = false}};
}

template <class Visit>
void for_all_rules(Visit visit) {
  for (const strictness& each : every_strictness()) {
    for (const role self : {role::server, role::client}) {
      for (const bool in_message : {false, true}) visit(frame_rules{self, in_message, each});
    }
  }
}

error error_of(const bytes& in, const frame_rules& rules) {
  return parse_frame_header(in, rules).error;
}

}  // namespace

TEST_CASE("every pair of first bytes is judged as RFC 6455 has it", "[frame][rfc6455-5.2]") {
  // Lengths of 2 and of 8 bytes that are right, then a key.
  bytes header = "00 00 7f 00 00 00 00 01 00 00 37 fa 21 3d"_hex;
  std::size_t wrong = 0;
  std::pair<unsigned, unsigned> first_wrong;
  for_all_rules([&](const frame_rules& rules) {
    for (unsigned first = 0; first < 256; ++first) {
      for (unsigned second = 0; second < 256; ++second) {
        header[0] = static_cast<std::byte>(first);
        header[1] = static_cast<std::byte>(second);
        if (!agrees(header, rules) && wrong++ == 0) first_wrong = {first, second};
      }
    }
  });
  CAPTURE(first_wrong.first, first_wrong.second);
  REQUIRE(wrong == 0);
}

TEST_CASE("a wrong header is refused at the first byte that shows it", "[frame][rfc6455-5.2]") {
  const std::vector<bytes> tails = {
      "00 00 00 00 00 00 00 00 01 02 03 04"_hex, "00 7d 00 00 00 00 00 00 01 02 03 04"_hex,
      "00 7e 00 00 00 00 ff ff 01 02 03 04"_hex, "00 00 00 00 00 00 ff ff 01 02 03 04"_hex,
      "00 00 00 00 00 01 00 00 01 02 03 04"_hex, "00 00 00 00 01 00 00 00 01 02 03 04"_hex,
      "7f ff ff ff ff ff ff ff 01 02 03 04"_hex, "80 00 00 00 00 00 00 00 01 02 03 04"_hex,
      "80 00 00 00 00 01 00 00 01 02 03 04"_hex, "ff ff ff ff ff ff ff ff 00 00 00 00"_hex};
  std::size_t wrong = 0;
  std::string first_wrong;
  for_all_rules([&](const frame_rules& rules) {
    for (unsigned first = 0; first < 256; first += first % 16 == 15 ? 49 : 1) {
      for (const unsigned length : {0U, 1U, 125U, 126U, 127U}) {
        for (const unsigned mask_bit : {0U, 128U}) {
          for (const bytes& tail : tails) {
            const bytes in = support::concat(
                bytes{static_cast<std::byte>(first), static_cast<std::byte>(mask_bit + length)},
                tail);
            for (std::size_t size = 0; size <= in.size(); ++size) {
              if (!agrees(std::span{in}.first(size), rules) && wrong++ == 0) {
                first_wrong = support::to_hex(std::span{in}.first(size));
              }
            }
          }
        }
      }
    }
  });
  CAPTURE(first_wrong);
  REQUIRE(wrong == 0);
}

TEST_CASE("each rule of a header has its error", "[frame][rfc6455-5.2]") {
  const auto self = GENERATE(role::server, role::client);
  const frame_rules rules{.self = self};
  const frame_rules inside{.self = self, .in_message = true};
  const auto made = [&](const forged& frame) { return forge_to(self, frame); };
  for (unsigned rsv = 1; rsv < 8; ++rsv) {
    CHECK(error_of(made({.rsv = rsv, .opcode = 1}), rules) == error::reserved_bits);
    CHECK(error_of(made({.rsv = rsv, .opcode = 9}), rules) == error::reserved_bits);
  }
  for (const unsigned code : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    CHECK(error_of(made({.opcode = code}), rules) == error::reserved_opcode);
    CHECK(error_of(made({.opcode = code}), inside) == error::reserved_opcode);
    // From the first byte on: the rest of a frame that nobody knows is not waited for.
    CHECK(error_of({made({.opcode = code})[0]}, rules) == error::reserved_opcode);
  }
  for (const unsigned code : {8U, 9U, 10U}) {
    CHECK(error_of(made({.fin = false, .opcode = code}), rules) == error::control_fragmented);
    CHECK(error_of(made({.opcode = code, .announced = 125}), rules) == error::none);
    CHECK(error_of(made({.opcode = code, .announced = 126}), rules) == error::control_over_125);
    CHECK(error_of(made({.opcode = code, .announced = 65536}), rules) == error::control_over_125);
    CHECK(error_of(made({.opcode = code, .length_size = 2, .announced = 5}), rules) ==
          error::control_over_125);
    CHECK(error_of(made({.opcode = code}), inside) == error::none);
  }
  CHECK(error_of(made({.opcode = 0}), rules) == error::nothing_to_continue);
  CHECK(error_of(made({.fin = false, .opcode = 0}), rules) == error::nothing_to_continue);
  CHECK(error_of(made({.opcode = 0}), inside) == error::none);
  CHECK(error_of(made({.opcode = 1}), inside) == error::message_unfinished);
  CHECK(error_of(made({.fin = false, .opcode = 2}), inside) == error::message_unfinished);
}

TEST_CASE("a server rejects an unmasked frame, a client a masked one", "[frame][rfc6455-5.1]") {
  for (const unsigned code : {1U, 2U, 8U, 9U, 10U}) {
    CHECK(error_of(forge({.opcode = code}), server) == error::frame_not_masked);
    CHECK(error_of(forge({.opcode = code, .masked = true}), client) == error::frame_masked);
    CHECK(error_of(forge({.opcode = code, .masked = true}), server) == error::none);
    CHECK(error_of(forge({.opcode = code}), client) == error::none);
    // Also with a key of zeros, and before the key has come.
    CHECK(error_of(forge({.opcode = code, .masked = true, .key = {}}), client) ==
          error::frame_masked);
    CHECK(error_of("81 05"_hex, server) == error::frame_not_masked);
    CHECK(error_of("81 85"_hex, client) == error::frame_masked);
  }
}

TEST_CASE("lengths at every edge are read in each form, or refused",
          "[frame][rfc6455-5.2][security]") {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::uint64_t> lengths{0,   1,   124,   125,   126,   127,  128,
                                     255, 256, 65534, 65535, 65536, 65537};
  for (const unsigned bit : {24U, 31U, 32U, 33U, 48U, 62U, 63U}) {
    for (const int offset : {-1, 0, 1}) {
      lengths.push_back((std::uint64_t{1} << bit) + static_cast<std::uint64_t>(offset));
    }
  }
  for (std::uint64_t i = 0; i <= 16; ++i) {
    lengths.push_back(most - i);
    lengths.push_back(most / 2 - i);
    lengths.push_back(std::numeric_limits<std::uint32_t>::max() - i);
  }
  for (const role self : {role::server, role::client}) {
    for (const std::uint64_t length : lengths) {
      const std::uint64_t low = length & most / 2;
      for (const std::size_t size : {std::size_t{0}, std::size_t{2}, std::size_t{8}}) {
        if (size == 0 && length > 125) continue;
        if (size == 2 && length > 65535) continue;
        CAPTURE(length, size);
        const bytes in = forge_to(self, {.length_size = size, .announced = length});
        frame_rules rules{.self = self};
        const bool is_minimal = size == 0 || (size == 2 && length > 125) || low > 65535;
        const error expected = length > most / 2 ? error::length_too_large
                               : is_minimal      ? error::none
                                                 : error::length_not_minimal;
        const frame_header_result found = parse_frame_header(in, rules);
        CHECK(found.error == expected);
        CHECK(found.size == (expected == error::none ? in.size() : 0));
        if (expected == error::none) CHECK(found.header.payload_size == length);

        rules.strictness = {.minimal_length = false, .length_below_2_63 = false};
        CHECK(parse_frame_header(in, rules).header.payload_size == low);
        // The bit that is ignored makes no length minimal.
        rules.strictness = {.length_below_2_63 = false};
        CHECK(parse_frame_header(in, rules).error ==
              (is_minimal ? error::none : error::length_not_minimal));
      }
    }
  }
}

TEST_CASE("what is written is read again, in the fewest bytes", "[frame][rfc6455-5.2]") {
  support::seeded random;
  std::size_t wrong = 0;
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{125},
                                     std::uint64_t{126}, std::uint64_t{65535}, std::uint64_t{65536},
                                     std::uint64_t{1} << 32, (std::uint64_t{1} << 63) - 1}) {
    for (unsigned first = 0; first < 256; ++first) {
      for (const bool is_masked : {false, true}) {
        const unsigned bits = first / 16;
        const frame_header header{
            .opcode = static_cast<opcode>(first % 16),
            .fin = bits / 8 == 1 || first % 16 >= 8,
            .rsv1 = bits / 4 % 2 == 1,
            .rsv2 = bits / 2 % 2 == 1,
            .rsv3 = bits % 2 == 1,
            .masked = is_masked,
            .key = is_masked ? masking_key::from_memory(static_cast<std::uint32_t>(random.next()))
                             : masking_key{},
            .payload_size = length};
        std::array<std::byte, max_frame_header_size> to{};
        const std::size_t size = write_frame_header(to.data(), header);
        const frame_rules rules{.in_message = header.opcode == opcode::continuation,
                                .strictness = {.mask_direction = false,
                                               .reserved_bits = false,
                                               .reserved_opcodes = false,
                                               .control_size = false}};
        const auto found = parse_frame_header(std::span{to}.first(size), rules);
        const std::size_t expected = (length < 126     ? 2U
                                      : length < 65536 ? 4U
                                                       : 10U) +
                                     (is_masked ? 4U : 0U);
        if (size != expected || size != frame_header_size(length, is_masked) ||
            found.size != size || !(found.header == header)) {
          ++wrong;
        }
      }
    }
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("a forged header is written as it is told", "[frame]") {
  std::array<std::byte, max_frame_header_size> to{};
  const frame_header wrong{
      .opcode = opcode::ping, .fin = false, .rsv2 = true, .payload_size = 70000};
  REQUIRE(write_frame_header(to.data(), wrong) == 10);
  CHECK(support::to_hex(to) == "29 7f 00 00 00 00 00 01 11 70 00 00 00 00");
}

TEST_CASE("a header is read and written within its bytes", "[frame][security]") {
  const support::guarded_pages pages{64};
  for (const std::uint64_t length : {std::uint64_t{5}, std::uint64_t{300}, std::uint64_t{70000}}) {
    for (const bool is_masked : {false, true}) {
      const bytes in = forge({.masked = is_masked, .announced = length});
      const frame_rules rules{.self = is_masked ? role::server : role::client};
      for (std::size_t size = 0; size <= in.size(); ++size) {
        const auto part = std::span{in}.first(size);
        const auto at_end = parse_frame_header(pages.copy_to_end(part), rules);
        const auto at_start = parse_frame_header(pages.copy_to_start(part), rules);
        CHECK(at_end.size == (size == in.size() ? size : 0));
        CHECK(at_start.size == at_end.size);
        CHECK(at_end.error == error::none);
      }
      const auto header = parse_frame_header(in, rules).header;
      CHECK(write_frame_header(pages.at_end(in.size()).data(), header) == in.size());
      CHECK(bytes(pages.at_end(in.size()).begin(), pages.at_end(in.size()).end()) == in);
    }
  }
}
