// Lengths at the edges of 32 and 64 bits, in both roles: what a header claims is neither believed
// nor added up without a check.

#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/conversation.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

constexpr std::uint64_t two_to_the(unsigned bits) { return std::uint64_t{1} << bits; }

const std::vector<std::uint64_t> extremes{
    two_to_the(20) + 1,     two_to_the(31) - 1,      two_to_the(31),           two_to_the(32) - 1,
    two_to_the(32),         two_to_the(32) + 1,      two_to_the(62),           two_to_the(63) - 1,
    two_to_the(63) - 14,    two_to_the(63),          two_to_the(63) + 1,       0xFFFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF - 3, 0xFFFFFFFFFFFFFFFF - 14, 0xFFFFFFFFFFFFFFFF - 125,
};

outcome failure_of(std::uint64_t length) {
  return gives_failure(length >> 63 != 0 ? error::length_too_large : error::message_too_big);
}

std::vector<conversation> extreme_lengths(role to) {
  std::vector<conversation> all;
  for (const std::uint64_t length : extremes) {
    const std::string name = "a length of " + std::to_string(length);
    for (const unsigned opcode : {1U, 2U}) {
      all.push_back({name,
                     wire_to{to}.forged({.opcode = opcode, .length_size = 8, .announced = length}),
                     {failure_of(length)}});
      all.push_back({name + ", some of its bytes, and what looks like frames",
                     concat(bytes(wire_to{to}.forged(
                                {.opcode = opcode, .length_size = 8, .announced = length})),
                            bytes(wire_to{to}.text("no").close(1000))),
                     {failure_of(length)}});
    }
    all.push_back(
        {name + " behind a fragment",
         wire_to{to}.text("ab", false).forged({.opcode = 0, .length_size = 8, .announced = length}),
         {failure_of(length)}});
    for (const unsigned opcode : {8U, 9U, 10U}) {
      all.push_back({name + " of a control frame",
                     wire_to{to}.forged({.opcode = opcode, .length_size = 8, .announced = length}),
                     {gives_failure(error::control_over_125)}});
    }
  }
  return all;
}

template <role Role>
std::size_t requested_for(delivery how, const limits& most, const bytes& head) {
  adopted<Role> at{{.limits = most, .delivery = how, .max_kept_memory = 0}};
  bytes copy = head;
  const allocation_watch watch;
  auto events = at.end->receive(copy);
  while (events.next()) {
  }
  return watch.requested();
}

}  // namespace

TEST_CASE("extreme lengths fail, and hide nothing", "[security][security-64-bit-length]") {
  require_conversations(extreme_lengths);
}

TEMPLATE_TEST_CASE("no sum of lengths wraps around", "[security][security-64-bit-length]",
                   at_server, at_client) {
  // Pieces of a message without a limit: each length is legal, and only the sum is not.
  adopted<TestType::self> at{{.limits = {.max_message_size = 0}, .delivery = delivery::pieces}};
  at.end.feed(wire_to{TestType::self}.binary(bytes(100), false));
  at.end.feed(wire_to{TestType::self}.forged(
      {.fin = false, .opcode = 0, .length_size = 8, .announced = two_to_the(63) - 1}));
  CHECK(at.end->is_open());

  // With a limit, the second is over it whatever was there before.
  for (const std::uint64_t length : {two_to_the(63) - 1, two_to_the(63) - 100, two_to_the(62)}) {
    adopted<TestType::self> bounded{
        {.limits = {.max_message_size = two_to_the(62) + 50}, .delivery = delivery::pieces}};
    bounded.end.feed(wire_to{TestType::self}.binary(bytes(100), false));
    bounded.end.feed(
        wire_to{TestType::self}.forged({.opcode = 0, .length_size = 8, .announced = length}));
    CHECK(bounded.end->error() == error::message_too_big);
  }
}

TEMPLATE_TEST_CASE("a header that announces much allocates nothing",
                   "[security][security-claimed-length]", at_server, at_client) {
  const limits large{.max_message_size = two_to_the(40)};
  for (const std::uint64_t length : {two_to_the(30), two_to_the(32) + 1, two_to_the(40)}) {
    const bytes head = wire_to{TestType::self}.forged({.length_size = 8, .announced = length});
    CHECK(requested_for<TestType::self>(delivery::whole, large, head) == 0);
    CHECK(requested_for<TestType::self>(delivery::pieces, large, head) == 0);
    bytes begun = head;
    begun.resize(begun.size() + 100);
    CHECK(requested_for<TestType::self>(delivery::whole, large, begun) <= 1024);
    CHECK(requested_for<TestType::self>(delivery::pieces, large, begun) == 0);
  }
}

TEMPLATE_TEST_CASE("an unknown opcode is refused at its byte, before any length",
                   "[security][security-unknown-opcode]", at_server, at_client) {
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    adopted<TestType::self> at;
    const std::byte first{static_cast<unsigned char>(0x80U | opcode)};
    at.end.feed({&first, 1});
    CHECK(at.end->error() == error::reserved_opcode);
  }
}

TEMPLATE_TEST_CASE("endless continuations end at the limit of the message",
                   "[security][security-endless-message]", at_server, at_client) {
  for (const delivery how : {delivery::whole, delivery::pieces}) {
    adopted<TestType::self> at{
        {.limits = {.max_message_size = 100'000, .max_fragments = 0}, .delivery = how}};
    std::size_t sent = 0;
    at.end.feed(wire_to{TestType::self}.binary({}, false));
    const bytes more = wire_to{TestType::self}.more(bytes(1000));
    while (!at.end.has_ended() && sent < 1'000'000) {
      at.end.feed(more);
      sent += 1000;
    }
    CHECK(sent == 101'000);
    CHECK(at.end->error() == error::message_too_big);
    CHECK(at.end->close_code() == close_code::message_too_big);
  }
}

TEMPLATE_TEST_CASE("reassembly copies each byte a few times at the most",
                   "[security][security-quadratic]", at_server, at_client) {
  constexpr std::size_t size = is_fast_build ? std::size_t{1} << 20 : std::size_t{1} << 18;
  // In fragments of a byte, and in one frame that is read byte by byte.
  const bytes fragment = wire_to{TestType::self}.more("x");
  const bytes single = wire_to{TestType::self}.binary(bytes(size));
  for (const bool is_fragmented : {true, false}) {
    adopted<TestType::self> at{{.limits = {.max_fragments = 0}, .max_kept_memory = 0}};
    bytes input = is_fragmented
                      ? concat(bytes(wire_to{TestType::self}.binary({}, false)),
                               repeat(size, fragment), bytes(wire_to{TestType::self}.last("")))
                      : single;
    const allocation_watch watch;
    std::size_t told = 0;
    const std::size_t step = is_fragmented ? input.size() : 1;
    for (std::size_t begin = 0; begin < input.size(); begin += step) {
      auto events =
          at.end->receive(std::span{input}.subspan(begin, std::min(step, input.size() - begin)));
      while (const event found = events.next()) told += found.payload().size();
    }
    CHECK(told == size);
    // A block that grows copies what it holds into one of twice its size: all copies together are
    // less than half of what was asked for, which is a geometric series up to the last block.
    CHECK(watch.requested() <= 4 * size + 4096);
    CHECK(watch.calls() <= 40);
    CHECK(watch.peak() <= 3 * size + 4096);
  }
}

TEMPLATE_TEST_CASE("tiny and empty fragments pin no memory", "[security][security-tiny-fragments]",
                   at_server, at_client) {
  for (const std::string_view payload : {"", "x"}) {
    adopted<TestType::self> at{{.max_kept_memory = 0}};
    const bytes first = wire_to{TestType::self}.binary(to_bytes(payload), false);
    const bytes block = repeat(1000, bytes(wire_to{TestType::self}.more(payload)));
    bytes room = block;
    const allocation_watch watch;
    bytes begin = first;
    auto events = at.end->receive(begin);
    CHECK_FALSE(events.next());
    const auto before = static_cast<std::size_t>(watch.live());
    for (int i = 0; i < 131; ++i) {
      std::copy(block.begin(), block.end(), room.begin());
      auto more = at.end->receive(room);
      if (more.next()) FAIL("an event");
    }
    CHECK(at.end->is_open());
    CHECK(watch.peak() - before <= 2 * 131'000 * payload.size() + 256 * 1024);
  }
}
