#include "hawser/frame_reader.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

using namespace hawser;
using namespace support::literals;
using support::bytes;
using support::concat;
using support::event_log;
using support::forge;
using support::forge_to;

namespace {

constexpr frame_rules server{.self = role::server};

// Reads frames, however they are cut; logs each header and each payload, joined.
class reading {
 public:
  explicit reading(const frame_rules& rules, bool copies) : rules_{rules}, copies_{copies} {}

  void feed(std::span<std::byte> part) {
    std::byte* position = part.data();
    const std::byte* end = position + part.size();
    while (!is_over_ && (position != end || is_in_frame_)) {
      if (!is_in_frame_ && !read_header(position, end)) return;
      read_payload(position, end);
      if (reader_.remaining() != 0) {
        if (position != end) FAIL("payload was left");
        return;
      }
      is_in_frame_ = false;
      log_.push_back("payload " + payload_);
      payload_.clear();
    }
  }

  [[nodiscard]] const event_log& log() const noexcept { return log_; }
  [[nodiscard]] frame_reader& reader() noexcept { return reader_; }

 private:
  bool read_header(std::byte*& position, const std::byte* end) {
    const frame_reader::progress progress = reader_.read_header(position, end, rules_, header_);
    if (progress.error != error::none) {
      log_.push_back("error " + std::string{to_string(progress.error)});
      is_over_ = true;
      return false;
    }
    if (!progress.complete) {
      if (position != end || !reader_.is_cut()) FAIL("a cut header was not kept");
      if (reader_.remaining() != 0) FAIL("a cut header has a payload");
      return false;
    }
    if (reader_.is_cut()) FAIL("a complete header is cut");
    if (reader_.remaining() != header_.payload_size) FAIL("the payload is not as announced");
    log_.push_back("header " + std::to_string(static_cast<unsigned>(header_.opcode)) + " of " +
                   std::to_string(header_.payload_size));
    is_in_frame_ = true;
    return true;
  }

  void read_payload(std::byte*& position, const std::byte* end) {
    const std::size_t available = reader_.available_payload(position, end);
    const std::uint64_t before = reader_.remaining();
    if (copies_) {
      bytes to(available);
      reader_.take_copy(position, available, to.data());
      payload_ += support::to_text(to);
    } else {
      const std::byte* from = position;
      const std::span<std::byte> taken = reader_.take(position, end);
      if (taken.size() != available || taken.data() != from) FAIL("another place was taken");
      payload_ += support::to_text(taken);
    }
    if (reader_.remaining() != before - available) FAIL("what remains is not what was not taken");
  }

  frame_rules rules_;
  bool copies_;
  bool is_over_ = false;
  bool is_in_frame_ = false;
  frame_reader reader_;
  frame_header header_;
  std::string payload_;
  event_log log_;
};

event_log read_any_way(const bytes& input, const frame_rules& rules) {
  const auto feed = [&](bool copies) {
    return [&, copies](const support::chunks& parts) {
      reading reading{rules, copies};
      for (bytes part : parts) reading.feed(part);
      return reading.log();
    };
  };
  const event_log log = support::require_same_at_every_split(input, feed(false));
  REQUIRE(support::require_same_at_every_split(input, feed(true)) == log);
  return log;
}

}  // namespace

TEST_CASE("frames are read the same at every split", "[frame_reader][rfc6455-5.2]") {
  const auto self = GENERATE(role::server, role::client);
  const std::string medium(300, 'm');
  const bytes input = concat(
      forge_to(self, {.opcode = 1}, support::to_bytes("Hello")), forge_to(self, {.opcode = 9}),
      forge_to(self, {.opcode = 2}, support::to_bytes(medium)), forge_to(self, {.opcode = 1}),
      forge_to(self, {.opcode = 2, .key = {}}, support::to_bytes("no mask")),
      forge_to(self, {.opcode = 8}, "03 e8"_hex));
  CHECK(read_any_way(input, {.self = self}) ==
        event_log{"header 1 of 5", "payload Hello", "header 9 of 0", "payload ", "header 2 of 300",
                  "payload " + medium, "header 1 of 0", "payload ", "header 2 of 7",
                  "payload no mask", "header 8 of 2", "payload \x03\xE8"});
}

TEST_CASE("the longest form of a header is read the same at every split", "[frame_reader]") {
  const bytes large = forge_to(role::server, {.opcode = 2, .announced = 65536}, bytes(100));
  const event_log log = read_any_way(large, server);
  CHECK(log == event_log{"header 2 of 65536"});
}

TEST_CASE("a wrong header is found at the same byte at every split", "[frame_reader]") {
  const bytes good = forge_to(role::server, {.opcode = 1}, support::to_bytes("good"));
  const auto check = [&](const bytes& bad, error expected) {
    const event_log log = read_any_way(concat(good, bad, good), server);
    CHECK(log ==
          event_log{"header 1 of 4", "payload good", "error " + std::string{to_string(expected)}});
  };
  check(forge({.rsv = 4, .opcode = 1}), error::reserved_bits);
  check(forge({.opcode = 1}), error::frame_not_masked);
  check(forge_to(role::server, {.opcode = 2, .length_size = 2, .announced = 5}),
        error::length_not_minimal);
  check(forge_to(role::server, {.opcode = 2, .length_size = 8, .announced = 65535}),
        error::length_not_minimal);
  check(forge_to(role::server, {.opcode = 2, .announced = ~std::uint64_t{0}}),
        error::length_too_large);
}

TEST_CASE("a length near the end of the numbers counts down as it should",
          "[frame_reader][security]") {
  constexpr std::uint64_t huge = (std::uint64_t{1} << 63) - 1;
  bytes input = forge_to(role::server, {.opcode = 2, .announced = huge}, bytes(1000));
  reading reading{server, false};
  for (std::size_t i = 0; i < input.size(); i += 7) {
    reading.feed(std::span{input}.subspan(i, std::min<std::size_t>(7, input.size() - i)));
  }
  CHECK(reading.log() == event_log{"header 2 of " + std::to_string(huge)});
  CHECK(reading.reader().remaining() == huge - 1000);
}

TEST_CASE("no byte outside the input is read or changed", "[frame_reader][security]") {
  const support::guarded_pages pages{1000};
  const bytes input = concat(forge_to(role::server, {.opcode = 1}, support::to_bytes("Hello")),
                             forge_to(role::server, {.opcode = 2}, bytes(200)));
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    for (const bool at_end : {false, true}) {
      reading reading{server, false};
      const auto first = std::span{input}.first(cut);
      const auto second = std::span{input}.subspan(cut);
      reading.feed(at_end ? pages.copy_to_end(first) : pages.copy_to_start(first));
      reading.feed(at_end ? pages.copy_to_end(second) : pages.copy_to_start(second));
      CHECK(reading.log().size() == 4);
    }
  }
}

TEST_CASE("taking payload never touches the frame behind", "[frame_reader]") {
  bytes input = concat(forge_to(role::server, {.opcode = 2}, "aa bb cc"_hex), "de ad be ef"_hex);
  frame_reader reader;
  frame_header header;
  std::byte* position = input.data();
  const std::byte* end = position + input.size();
  REQUIRE(reader.read_header(position, end, server, header).complete);
  CHECK(reader.available_payload(position, end) == 3);
  CHECK(reader.available_payload(position, position + 2) == 2);
  CHECK(support::to_hex(reader.take(position, end)) == "aa bb cc");
  CHECK(support::to_hex({position, end}) == "de ad be ef");
  CHECK(reader.take(position, end).empty());  // nothing remains
  CHECK(support::to_hex({position, end}) == "de ad be ef");
}

TEST_CASE("text is checked while it is unmasked, in place or copied", "[frame_reader][utf8]") {
  const std::string ends[] = {"", "\xC3", "\xF0\x9F\x98", "\xFF", "\xED\xA0\x80", "x\x80"};
  for (const role self : {role::server, role::client}) {
    for (const std::string& end : ends) {
      const std::string text =
          "Gr\xC3\xBC\xC3\x9F"
          "e \xF0\x9F\x98\x80 " +
          std::string(90, 'x') + end;
      const bytes input = support::frame_to(self, opcode::text, text);
      for (std::size_t cut = 14; cut <= input.size(); ++cut) {
        for (const bool copies : {false, true}) {
          bytes wire = input;
          frame_reader reader;
          frame_header header;
          utf8_state state;
          utf8_state expected_state;
          std::byte* position = wire.data();
          REQUIRE(reader.read_header(position, wire.data() + wire.size(), {.self = self}, header)
                      .complete);
          bytes taken;
          bool stands = true;
          for (const std::size_t stop : {cut, wire.size()}) {
            const std::byte* end_of_part = wire.data() + stop;
            bytes room(reader.available_payload(position, end_of_part));
            std::byte* to = copies ? room.data() : position;
            const std::size_t valid = reader.take_text(position, room.size(), to, state);
            const auto part = std::span{text}.subspan(taken.size(), room.size());
            if (stands) CHECK(valid == validate_utf8(expected_state, std::as_bytes(part)));
            stands = stands && valid == room.size();
            taken.insert(taken.end(), to, to + room.size());
            CHECK(position == end_of_part);
          }
          CHECK(support::to_text(taken) == text);
          CHECK(reader.remaining() == 0);
          if (stands) CHECK(state == expected_state);
        }
      }
    }
  }
}

TEST_CASE("payload that is given back is taken again as it came", "[frame_reader]") {
  for (const role self : {role::server, role::client}) {
    const bytes original = forge_to(self, {}, "00112233445566778899"_hex);
    for (std::size_t first = 0; first <= 10; ++first) {
      for (std::size_t back = 0; back <= first; ++back) {
        bytes input = original;
        frame_reader reader;
        frame_header header;
        std::byte* position = input.data();
        std::byte* const end = position + input.size();
        CHECK(reader.read_header(position, end, {.self = self}, header).complete);
        std::byte* const payload = position;
        static_cast<void>(reader.take(position, payload + first));
        reader.give_back(position, back);
        CHECK(position == payload + first - back);
        CHECK(reader.remaining() == 10 - first + back);
        static_cast<void>(reader.take(position, end));
        CHECK(support::to_hex({payload, 10}) == "00 11 22 33 44 55 66 77 88 99");
      }
    }
  }
}
