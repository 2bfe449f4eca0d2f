#include "hawser/inflating_receiver.hpp"

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"
#include "support/compressing.hpp"

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>

using namespace hawser;
using namespace support;

namespace {

const std::string hello = to_text("f248cdc9c90700"_hex);
// The log of an input, which is the same however it is cut and delivered. What came of a message
// before it failed is left out.
template <class End>
event_log logs_at_every_split(const bytes& input, std::string_view agreed = usual<End>,
                              limits most = {}) {
  event_log first;
  for (const delivery way : {delivery::whole, delivery::pieces}) {
    event_log log = require_same_at_every_split(input, [&](const chunks& parts) {
      compressing<End::self, typename End::extension> to{agreed, {.limits = most, .delivery = way}};
      for (const bytes& part : parts) to.end.feed(part);
      return to.end.log();
    });
    std::erase_if(log, [](const std::string& line) { return line.starts_with("unfinished"); });
    if (way == delivery::whole) first = log;
    CHECK(log == first);
  }
  return first;
}

template <class End>
event_log log_of(
    const bytes& input, std::string_view agreed = usual<End>,
    typename compressing<End::self, typename End::extension>::options_type options = {},
    const deflate_options& extension = {}) {
  compressing<End::self, typename End::extension> to{agreed, std::move(options), extension};
  to.end.feed(input);
  return to.end.log();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("the examples of compressed messages of RFC 7692 are received",
                        "[inflating_receiver][rfc7692-7.2.3]", all_ends) {
  constexpr role self = TestType::self;
  wire_to wire{self};
  wire.deflated(hello);
  // "0x41 0x03 0xf2 0x48 0xcd", "0x80 0x04 0xc9 0xc9 0x07 0x00"
  wire.deflated(hello.substr(0, 3), true, false).last(hello.substr(3));
  if (is_stream<TestType>) wire.deflated(to_text("f200110000"_hex));
  wire.deflated(to_text("000500faff48656c6c6f00"_hex));
  wire.deflated(to_text("f348cdc9c9070000"_hex));
  wire.deflated(to_text("f24805000000ffffcac9c90700"_hex));
  wire.deflated(to_text("00"_hex)).text("Hello");
  const event_log log = logs_at_every_split<TestType>(wire);
  event_log expected(is_stream<TestType> ? 6 : 5, text_line("Hello"));
  expected.push_back(text_line(""));
  expected.push_back(text_line("Hello"));
  CHECK(log == expected);
}

TEMPLATE_LIST_TEST_CASE("a compressed message is one, however it is fragmented",
                        "[inflating_receiver][rfc7692-6.1]", all_ends) {
  constexpr role self = TestType::self;
  const std::string text = json(700);
  const std::string payload = compressed(text);
  wire_to wire{self};
  wire.deflated("", true, false).ping("1").more(payload.substr(0, 1)).more("").pong("2");
  wire.more(payload.substr(1, 50)).ping("3").more(payload.substr(51)).last("");
  wire.deflated(payload, false, false).last("").close(1000);
  const event_log expected{"ping 31",       "pong 32",         "ping 33",
                           text_line(text), binary_line(text), "close 1000 "};
  CHECK(logs_at_every_split<TestType>(wire) == expected);
  CHECK(logs_at_every_split<TestType>(wire, none_takes_over) == expected);
}

TEMPLATE_LIST_TEST_CASE("compressed and plain messages take turns",
                        "[inflating_receiver][rfc7692-6]", all_ends) {
  constexpr role self = TestType::self;
  wire_to wire{self};
  wire.text("plain").deflated(hello).text("pla", false).last("in").deflated(hello, false);
  wire.binary("00ff"_hex).deflated(hello);
  CHECK(logs_at_every_split<TestType>(wire) == event_log{text_line("plain"), text_line("Hello"),
                                                         text_line("plain"), binary_line("Hello"),
                                                         "binary 00 ff", text_line("Hello")});
}

TEMPLATE_LIST_TEST_CASE("RSV1 marks nothing but the first frame of a message",
                        "[inflating_receiver][rfc7692-6]", all_ends) {
  constexpr role self = TestType::self;
  const event_log failure{failure_line(error::reserved_bits)};
  const auto lines = [&](const bytes& input) { return logs_at_every_split<TestType>(input); };
  for (const unsigned opcode : {0U, 3U, 7U, 8U, 9U, 10U, 11U}) {
    CHECK(lines(wire_to{self}.forged({.rsv = 4, .opcode = opcode})) == failure);
  }
  const auto next = bytes_of(std::string_view{hello}.substr(3));
  CHECK(lines(wire_to{self}
                  .deflated(hello.substr(0, 3), true, false)
                  .forged({.rsv = 4, .opcode = 0}, next)) == failure);
  CHECK(lines(wire_to{self}.text("a", false).forged({.rsv = 4, .opcode = 0})) == failure);
  for (const unsigned rsv : {1U, 2U, 3U, 5U, 6U, 7U}) {
    CHECK(lines(wire_to{self}.forged({.rsv = rsv, .opcode = 1})) == failure);
  }
  // Without an agreement it marks nothing.
  CHECK(log_of<TestType>(wire_to{self}.deflated(hello), "") == failure);
  // A message does not begin inside another.
  CHECK(lines(wire_to{self}.deflated("", true, false).deflated(hello)) ==
        event_log{failure_line(error::message_unfinished)});
}

TEMPLATE_LIST_TEST_CASE("a compressed message has the limit of its size inflated",
                        "[inflating_receiver][security-bomb]", all_ends) {
  constexpr role self = TestType::self;
  const event_log too_big{failure_line(error::message_too_big)};
  const limits most{.max_message_size = 1000};
  for (const bool is_noise : {false, true}) {
    const std::string text = is_noise ? noise(1001) : std::string(1001, 'x');
    const std::string good = compressed(text.substr(0, 1000));
    const std::string bad = compressed(text);
    CHECK(logs_at_every_split<TestType>(wire_to{self}.deflated(good, false), usual<TestType>,
                                        most) == event_log{binary_line(text.substr(0, 1000))});
    CHECK(logs_at_every_split<TestType>(wire_to{self}.deflated(bad, false), usual<TestType>,
                                        most) == too_big);
    // The limit spans fragments.
    wire_to fragments{self};
    fragments.deflated(bad.substr(0, 3), false, false).more(bad.substr(3, 2));
    fragments.ping().last(bad.substr(5));
    CHECK(log_of<TestType>(fragments, usual<TestType>, {.limits = most}) ==
          event_log{"ping ", too_big[0]});
  }
  // A header may announce more than the limit, for what does not compress grows, but not any size.
  const std::string stored = compressed(noise(1000), 0);
  CHECK(stored.size() > 1000);
  CHECK(log_of<TestType>(wire_to{self}.deflated(stored, false), usual<TestType>,
                         {.limits = most}) == event_log{binary_line(noise(1000))});
  const std::uint64_t largest = is_stream<TestType> ? 8 * 1000 + 1024 : 2 * 1000 + 1024;
  CHECK(log_of<TestType>(wire_to{self}.forged({.rsv = 4, .announced = largest}), usual<TestType>,
                         {.limits = most})
            .empty());
  CHECK(log_of<TestType>(wire_to{self}.forged({.rsv = 4, .announced = largest + 1}),
                         usual<TestType>, {.limits = most}) == too_big);
  // Empty blocks without end.
  wire_to endless{self};
  endless.deflated("", false, false);
  const std::string empty_blocks = deflated_by_zlib("", Z_FULL_FLUSH);
  for (int i = 0; i < 2000; ++i) endless.more(empty_blocks);
  CHECK(log_of<TestType>(endless, usual<TestType>, {.limits = most}) == too_big);
  // The size of a frame is what it says.
  CHECK(log_of<TestType>(wire_to{self}.deflated(stored, false), usual<TestType>,
                         {.limits = {.max_frame_size = 1000}}) ==
        event_log{failure_line(error::frame_too_big)});
}

TEMPLATE_LIST_TEST_CASE("a bomb ends with 1009 and takes no memory for it",
                        "[inflating_receiver][security-bomb]", all_ends) {
  constexpr role self = TestType::self;
  // Blocks of 64 MB of zeros again and again: 10 GB in 10 MB.
  const std::string part =
      deflated_by_zlib(std::string(std::size_t{64} << 20, '\0'), Z_FULL_FLUSH, 9);
  wire_to wire{self};
  wire.deflated(part, false, false);
  for (int i = 0; i < 10; ++i) wire.more(part);
  wire.last(part);
  const bytes input = wire;
  for (const delivery way : {delivery::whole, delivery::pieces}) {
    compressing<self, typename TestType::extension> to{usual<TestType>, {.delivery = way}};
    bytes copy = input;
    const allocation_watch watch;
    std::size_t seen = 0;
    error why = error::none;
    auto events = to.end->receive(copy);
    while (const event found = events.next()) {
      seen += found.payload().size();
      if (found.kind() == event_kind::failed) why = found.error();
    }
    CHECK(why == error::message_too_big);
    CHECK(seen <= (std::size_t{1} << 20));
    // A block and the one that it grew from, an inflater, and what the endpoint keeps.
    CHECK(watch.peak() < (std::size_t{13} << 18));
  }
}

TEMPLATE_LIST_TEST_CASE("what is gathered has its memory as soon as a sixteenth of the frame came",
                        "[inflating_receiver][limits]", libdeflate_ends) {
  constexpr role self = TestType::self;
  bytes input = wire_to{self}.deflated(compressed(noise(60'000)));
  compressing<self, typename TestType::extension> to{usual<TestType>, {.max_kept_memory = 0}};
  const allocation_watch watch;
  to.end.feed(std::span{input}.first(1460));
  CHECK(watch.live() < 8192);
  to.end.feed(std::span{input}.subspan(1460, 1460));
  CHECK(watch.live() < 8192);
  to.end.feed(std::span{input}.subspan(2920, 1460));
  CHECK(watch.live() > 60'000);
  to.end.feed(std::span{input}.subspan(4380));
  CHECK(to.end.log().size() == 1);
}

TEMPLATE_LIST_TEST_CASE("gigabytes may pass in pieces through little memory",
                        "[inflating_receiver]", zlib_ends) {
  constexpr role self = TestType::self;
  const std::size_t size = std::size_t{is_fast_build ? 256U : 16U} << 20;
  const std::string payload = compressed(std::string(size, 'x'), 9);
  bytes copy = wire_to{self}.deflated(payload);
  compressing<self, typename TestType::extension> to{
      usual<TestType>, {.limits = {.max_message_size = 0}, .delivery = delivery::pieces}};
  const allocation_watch watch;
  std::size_t seen = 0;
  std::size_t largest = 0;
  std::size_t pieces = 0;
  bool has_ended = false;
  std::span<std::byte> rest = copy;
  // The application stops after each event, and goes on with what was not parsed.
  while (!rest.empty()) {
    auto events = to.end->receive(rest);
    const event found = events.next();
    if (found) REQUIRE(found.is_piece());
    seen += found.payload().size();
    largest = std::max(largest, found.payload().size());
    has_ended = found.is_last();
    ++pieces;
    rest = events.rest();
  }
  CHECK(seen == size);
  CHECK(has_ended);
  CHECK(largest < 32768);
  CHECK(pieces > size / 32768);
  CHECK(watch.peak() < 120000);
}

TEMPLATE_LIST_TEST_CASE("the ratio is limited where that is wished",
                        "[inflating_receiver][security-bomb]", all_ends) {
  constexpr role self = TestType::self;
  const bytes input = wire_to{self}.deflated(compressed(std::string(500000, 'x')));
  CHECK(log_of<TestType>(input, usual<TestType>, {}, {.max_ratio = 100}) ==
        event_log{failure_line(error::ratio_too_high)});
  CHECK(log_of<TestType>(input).front().starts_with("text 500000 bytes"));
}

TEMPLATE_LIST_TEST_CASE("what cannot be inflated fails with 1007",
                        "[inflating_receiver][rfc7692-7.2.2]", all_ends) {
  constexpr role self = TestType::self;
  const std::string failure = failure_line(error::bad_compressed_data);
  CHECK(failure.starts_with("failed 1007"));
  for (const bytes& wrong :
       {"06"_hex, "0500"_hex, "f200110000"_hex, "ffffffff"_hex, "0005000000"_hex}) {
    const std::string payload = to_text(wrong);
    CHECK(logs_at_every_split<TestType>(wire_to{self}.deflated(payload)) == event_log{failure});
    CHECK(logs_at_every_split<TestType>(wire_to{self}
                                            .deflated(hello)
                                            .deflated(payload.substr(0, 1), true, false)
                                            .ping()
                                            .last(payload.substr(1)))
              .back() == (is_stream<TestType> && payload == to_text("f200110000"_hex)
                              ? text_line("Hello")
                              : failure));
  }
  // A message that is not complete when it ends.
  CHECK(logs_at_every_split<TestType>(wire_to{self}.deflated(hello.substr(0, 5))) ==
        event_log{failure});
  // Without takeover nothing goes before.
  CHECK(log_of<TestType>(wire_to{self}.deflated(hello).deflated(to_text("f200110000"_hex)),
                         none_takes_over) == event_log{text_line("Hello"), failure});
}

TEMPLATE_LIST_TEST_CASE("text is checked when it is inflated", "[inflating_receiver][rfc6455-8.1]",
                        all_ends) {
  constexpr role self = TestType::self;
  const std::string failure = failure_line(error::invalid_utf8);
  const auto lines = [&](std::string_view text, bool is_text) {
    return logs_at_every_split<TestType>(wire_to{self}.deflated(compressed(text), is_text));
  };
  const std::string good = "κόσμε 😀";
  CHECK(lines(good, true) == event_log{text_line(good)});
  for (const std::string_view wrong :
       {"\xFF", "a\xC0\x80", "cut \xF0\x9F\x98", "\xED\xA0\x80", "fine \x80 not"}) {
    CHECK(lines(wrong, true) == event_log{failure});
    CHECK(lines(wrong, false) == event_log{binary_line(wrong)});
  }
  CHECK(log_of<TestType>(wire_to{self}.deflated(compressed("\xFF")), usual<TestType>,
                         {.strictness = {.utf8 = false}}) == event_log{text_line("\xFF")});
  // At the first impossible byte, though the message goes on.
  if (!is_stream<TestType>) return;
  const std::string late = compressed("abc\xFF" + noise(3000));
  CHECK(log_of<TestType>(wire_to{self}.deflated(late.substr(0, 1000), true, false)) ==
        event_log{failure});
}

TEMPLATE_LIST_TEST_CASE("nothing of a compressed message is left behind it", "[inflating_receiver]",
                        all_ends) {
  constexpr role self = TestType::self;
  compressing<self, typename TestType::extension> to{none_takes_over};
  const bytes input = wire_to{self}.deflated(compressed(json(5000)));
  to.end.feed(input);
  to.end.forget_log();
  for (int i = 0; i < 20; ++i) {
    to.end.feed(input);
    to.end.forget_log();
  }
  bytes copy = input;
  const allocation_watch watch;
  for (int i = 0; i < 20; ++i) {
    std::copy(input.begin(), input.end(), copy.begin());
    auto events = to.end->receive(copy);
    std::size_t size = 0;
    while (const event found = events.next()) size += found.payload().size();
    if (size != 5000) FAIL("not received");
  }
  CHECK(watch.calls() == 0);
}

TEMPLATE_LIST_TEST_CASE("where memory runs out a compressed message can go on",
                        "[inflating_receiver][security-out-of-memory]", all_ends) {
  constexpr role self = TestType::self;
  // One that fills the first block: that it ends there is known only where there is more room.
  const std::string filling(detail::block_size(512) - sizeof(detail::block), 'x');
  const bool is_filling = GENERATE(false, true);
  const std::string text = is_filling ? filling : json(20000);
  const std::string payload = compressed(text);
  const std::size_t half = is_filling ? 1 : 700;
  for (const delivery way : {delivery::whole, delivery::pieces}) {
    const std::size_t failed = for_each_failing_allocation([&](std::size_t nth) {
      compressing<self, typename TestType::extension> to{usual<TestType>,
                                                         {.delivery = way, .max_kept_memory = 0}};
      bytes input =
          wire_to{self}.deflated(payload.substr(0, half), true, false).last(payload.substr(half));
      std::string seen;
      seen.reserve(text.size());
      std::span<std::byte> rest = input;
      const failing_allocation failing{nth};
      bool is_done = false;
      while (!is_done) {
        auto events = to.end->receive(rest);
        try {
          while (const event found = events.next()) {
            if (found.kind() == event_kind::failed) FAIL(to_string(found.error()));
            seen += found.text();
          }
          is_done = true;
        } catch (const std::bad_alloc&) {
          rest = events.rest();
        }
      }
      CHECK((seen == text));
      return failing.has_failed();
    });
    CHECK(failed >= (is_filling ? 2 : 3));
  }
}

TEMPLATE_LIST_TEST_CASE("the mark of a compressed message stays where its header is wrong",
                        "[inflating_receiver]", all_ends) {
  compressing<TestType::self, typename TestType::extension> to{usual<TestType>};
  const std::byte wrong_mask{TestType::self == role::server ? 0x05 : 0x85};
  bytes input{std::byte{0xC1}, wrong_mask};
  const bytes before = input;
  auto events = to.end->receive(mutable_byte_view{input});
  CHECK(events.next().kind() == event_kind::failed);
  CHECK(events.rest().size() == 2);
  CHECK(input == before);
}
