// Delivery in pieces: offsets, what is known of the rest, and messages larger than memory.

#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

struct piece {
  std::string text;
  bool is_first, is_last;
  std::uint64_t offset, frame_remaining;
  bool is_last_frame;

  friend bool operator==(const piece&, const piece&) = default;
};

template <role Role>
std::vector<piece> pieces_of(const chunks& parts) {
  adopted<Role> at{{.delivery = delivery::pieces}};
  std::vector<piece> all;
  at.end.react = [&](basic_connection<Role>& self, const event& found) {
    if (!found.is_piece()) return;
    const piece_position place = self.position_of_piece();
    all.push_back({std::string{found.text()}, found.is_first(), found.is_last(), place.offset,
                   place.frame_remaining, place.is_last_frame});
  };
  for (const bytes& part : parts) at.end.feed(part);
  return all;
}

// A message of `size` bytes in one frame, or in frames of `frame_size`, from a buffer of 16 KiB.
// Returns how many bytes came out.
template <role Role>
std::uint64_t pass(logged_connection<Role>& end, std::uint64_t size, std::uint64_t frame_size,
                   std::vector<std::byte>& buffer) {
  std::uint64_t told = 0;
  bool is_ended = false;
  const auto take = [&](std::span<std::byte> part) {
    auto events = end->receive(part);
    while (const event found = events.next()) {
      if (!found.is_piece() || is_ended) FAIL("not a piece");
      const piece_position place = end->position_of_piece();
      if (place.offset != told) FAIL("an offset of " << place.offset << " at " << told);
      if (found.is_first() != (told == 0)) FAIL("a first piece at " << told);
      told += found.payload().size();
      is_ended = found.is_last();
      if (is_ended != (told == size)) FAIL("a last piece at " << told);
    }
  };
  for (std::uint64_t sent = 0; sent < size;) {
    const std::uint64_t length = std::min(frame_size, size - sent);
    bytes head = forge_to(
        Role, {.fin = sent + length == size, .opcode = sent == 0 ? 2U : 0U, .announced = length});
    take(head);
    for (std::uint64_t left = length; left != 0;) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
      take(std::span{buffer}.first(part));
      left -= part;
    }
    sent += length;
  }
  CHECK(is_ended);
  return told;
}

}  // namespace

TEMPLATE_TEST_CASE("a piece says where it stands", "[connection][pieces]", at_server, at_client) {
  static constexpr role self = TestType::self;
  constexpr std::size_t header = self == role::server ? 6 : 2;
  const bytes single = wire_to{self}.text("Hello");
  CHECK(pieces_of<self>({single}) == std::vector<piece>{{"Hello", true, true, 0, 0, true}});
  CHECK(pieces_of<self>(cut(single, {header + 2})) ==
        std::vector<piece>{{"He", true, false, 0, 3, true}, {"llo", false, true, 2, 0, true}});
  CHECK(pieces_of<self>(cut_each_byte(single)) ==
        std::vector<piece>{{"H", true, false, 0, 4, true},
                           {"e", false, false, 1, 3, true},
                           {"l", false, false, 2, 2, true},
                           {"l", false, false, 3, 1, true},
                           {"o", false, true, 4, 0, true}});
  CHECK(pieces_of<self>({wire_to{self}.text("ab", false).ping("p").more("c").more("").last("")}) ==
        std::vector<piece>{{"ab", true, false, 0, 0, false},
                           {"c", false, false, 2, 0, false},
                           {"", false, true, 3, 0, true}});
  CHECK(pieces_of<self>({wire_to{self}.text("")}) ==
        std::vector<piece>{{"", true, true, 0, 0, true}});
  CHECK(pieces_of<self>({wire_to{self}.text("", false).last("")}) ==
        std::vector<piece>{{"", true, true, 0, 0, true}});
}

TEMPLATE_TEST_CASE("a text piece may end inside a code point", "[connection][pieces]", at_server,
                   at_client) {
  static constexpr role self = TestType::self;
  const bytes input = wire_to{self}.text("\xE2\x82", false).last("\xAC");
  const std::vector<piece> found = pieces_of<self>({input});
  REQUIRE(found.size() == 2);
  CHECK(found[0].text == "\xE2\x82");
  CHECK(found[1].text == "\xAC");
}

TEMPLATE_TEST_CASE("what is good of a bad text is told before the failure", "[connection][pieces]",
                   at_server, at_client) {
  adopted<TestType::self> at{{.delivery = delivery::pieces}};
  at.end.feed(
      wire_to{TestType::self}.text("good\xFF"
                                   "bad"));
  CHECK(at.end.log() ==
        event_log{"unfinished text 67 6f 6f 64", failure_line(error::invalid_utf8)});
}

TEMPLATE_TEST_CASE("pieces are views of the bytes that were given", "[connection][pieces]",
                   at_server, at_client) {
  adopted<TestType::self> at{{.delivery = delivery::pieces}};
  bytes input = wire_to{TestType::self}.binary(bytes(5000, std::byte{1}), false);
  const allocation_watch watch;
  auto events = at.end->receive(input);
  const event found = events.next();
  CHECK(found.payload().data() + found.payload().size() == input.data() + input.size());
  CHECK_FALSE(events.next());
  CHECK(watch.calls() == 0);
}

TEMPLATE_TEST_CASE("a message may be of any size where the limit is off", "[connection][pieces]",
                   at_server, at_client) {
  adopted<TestType::self> at{{.limits = {.max_message_size = 0}, .delivery = delivery::pieces}};
  // The largest frame that there is begins like any other.
  bytes head = forge_to(TestType::self, {.announced = (std::uint64_t{1} << 63) - 1});
  head.push_back(std::byte{1});
  auto events = at.end->receive(head);
  const event found = events.next();
  CHECK(found.is_piece());
  CHECK(at.end->position_of_piece().frame_remaining == (std::uint64_t{1} << 63) - 2);
  CHECK_FALSE(events.next());
}

TEMPLATE_TEST_CASE("the limit holds over all pieces", "[connection][pieces]", at_server,
                   at_client) {
  adopted<TestType::self> at{{.limits = {.max_message_size = 1000}, .delivery = delivery::pieces}};
  at.end.feed(wire_to{TestType::self}.binary(bytes(600), false).more(bytes(400)).more("x"));
  CHECK(at.end.last_line() == failure_line(error::message_too_big));
  CHECK(at.end.log().front().starts_with("unfinished binary 1000 bytes"));
}

TEST_CASE("whole messages need a limit, and have the usual one where none is given",
          "[connection][pieces][endpoint]") {
  server_endpoint whole{{.limits = {.max_message_size = 0}}};
  CHECK(whole.options().limits.max_message_size == limits{}.max_message_size);
  server_endpoint pieces{{.limits = {.max_message_size = 0}, .delivery = delivery::pieces}};
  CHECK(pieces.options().limits.max_message_size == 0);
}

// 4 GiB and a bit: what is counted does not fit in 32 bits. Slow builds take a part of it.
TEMPLATE_TEST_CASE("4 GiB pass through 16 KiB of memory", "[connection][pieces]", at_server,
                   at_client) {
  const std::uint64_t size =
      is_fast_build ? (std::uint64_t{4} << 30) + 12'345 : (std::uint64_t{16} << 20) + 12'345;
  const std::uint64_t frame = TestType::self == role::server ? std::uint64_t{1} << 20 : size;
  adopted<TestType::self> at{
      {.limits = {.max_message_size = 0, .max_fragments = 0}, .delivery = delivery::pieces}};
  std::vector<std::byte> buffer(16 * 1024, std::byte{0x61});
  const allocation_watch watch;
  CHECK(pass<TestType::self>(at.end, size, frame, buffer) == size);
  CHECK(watch.peak() <= 4096);  // the headers that the test itself makes
  CHECK(at.end->is_open());
}
