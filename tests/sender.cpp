#include "hawser/sender.hpp"

#include "support/allocations.hpp"
#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/receiving.hpp"
#include "support/sending.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support::literals;
using support::bytes;
using support::concat;
using support::event_log;
using support::read_frames;
using support::sending;
using support::text_event;
using support::wire_frame;

namespace {

template <role Role>
constexpr std::size_t small_header = Role == role::client ? 6 : 2;

// What the other end receives of all that waits.
template <role Role>
event_log received(sending<Role>& from) {
  return support::receive<peer_of(Role)>(
      from.take_all(),
      {.limits = {.max_message_size = std::uint64_t{1} << 30, .max_control_frames = 0}});
}

}  // namespace

#define BOTH_ROLES(name, tags) \
  TEMPLATE_TEST_CASE_SIG(name, tags, ((role Role), Role), role::server, role::client)

BOTH_ROLES("what is sent is received by the other end", "[sender][rfc6455-5.6]") {
  support::seeded random;
  sending<Role> sending;
  for (const std::size_t size :
       {0U, 1U, 5U, 125U, 126U, 127U, 4034U, 4035U, 4040U, 4041U, 65535U, 65536U, 300'000U}) {
    CAPTURE(size);
    const bytes payload = random.some_bytes(size);
    REQUIRE(sending.send(opcode::binary, payload) == error::none);
    const std::string words(size, 'w');
    REQUIRE(sending.send(opcode::text, words) == error::none);
    CHECK(received(sending) == event_log{"binary " + support::to_hex(payload), text_event(words)});
  }
}

BOTH_ROLES("a frame is as RFC 6455 has it, in the fewest bytes", "[sender][rfc6455-5.2]") {
  for (const std::size_t size : {0U, 125U, 126U, 65535U, 65536U}) {
    sending<Role> sending;
    REQUIRE(sending.send(opcode::binary, bytes(size)) == error::none);
    const bytes wire = sending.take_all();
    const auto frame = support::read_frame(wire);
    REQUIRE(frame);
    CHECK(frame->size() == wire.size());
    CHECK((frame->fin && frame->rsv == 0 && frame->opcode == 2));
    // RFC 6455 5.1: a client masks its frames, a server does not.
    CHECK(frame->masked == (Role == role::client));
    CHECK(frame->header_size == (size < 126     ? 2U
                                 : size < 65536 ? 4U
                                                : 10U) +
                                    (Role == role::client ? 4U : 0U));
    CHECK(frame->payload == bytes(size));
  }
}

TEST_CASE("each frame of a client has a masking key of its own", "[sender][rfc6455-5.3]") {
  sending<role::client> sending;
  for (int i = 0; i < 30; ++i) {
    REQUIRE(sending.send(opcode::text, "x") == error::none);
    REQUIRE(sending.begin(opcode::text) == error::none);
    REQUIRE(sending.append("y", false) == error::none);
    sending.control(opcode::ping, "z");
    REQUIRE(sending.append("", true) == error::none);
    sending.control(opcode::pong, "");
  }
  sending.close(close_code::normal, "bye");
  const auto frames = read_frames(sending.take_all());
  REQUIRE(frames.size() == 151);
  // The source counts, so that the keys are its bytes, four at a time, none skipped or repeated.
  unsigned next = 1;
  for (const wire_frame& frame : frames) {
    bytes expected;
    for (int i = 0; i < 4; ++i) expected.push_back(static_cast<std::byte>(next++ & 0xFFU));
    CHECK(frame.key == expected);
  }
}

TEST_CASE("a server draws no entropy", "[sender]") {
  sending<role::server> sending;
  REQUIRE(sending.send(opcode::text, "x") == error::none);
  sending.control(opcode::ping, "x");
  sending.close(close_code::normal, "");
  CHECK(sending.entropy().draws() == 0);
}

// --- Messages in parts
// ----------------------------------------------------------------------------

BOTH_ROLES("a message in parts is a frame for each part", "[sender][rfc6455-5.4]") {
  sending<Role> sending;
  REQUIRE(sending.begin(opcode::text) == error::none);
  CHECK(sending.out().empty());  // nothing yet
  REQUIRE(sending.append("He", false) == error::none);
  sending.control(opcode::ping, "between");
  REQUIRE(sending.append("", false) == error::none);
  REQUIRE(sending.append("llo", true) == error::none);
  const bytes wire = sending.take_all();
  const auto frames = read_frames(wire);
  REQUIRE(frames.size() == 4);
  CHECK((!frames[0].fin && frames[0].opcode == 1));
  CHECK((frames[1].fin && frames[1].opcode == 9));
  CHECK((!frames[2].fin && frames[2].opcode == 0));
  CHECK((frames[3].fin && frames[3].opcode == 0));
  CHECK(support::receive<peer_of(Role)>(wire) ==
        event_log{"ping 62 65 74 77 65 65 6e", text_event("Hello")});

  REQUIRE(sending.begin(opcode::binary) == error::none);
  REQUIRE(sending.append("only", true) == error::none);
  REQUIRE(sending.send(opcode::text, "next") == error::none);
  const auto more = read_frames(sending.take_all());
  REQUIRE(more.size() == 2);
  CHECK((more[0].fin && more[0].opcode == 2));
  CHECK((more[1].fin && more[1].opcode == 1));
}

BOTH_ROLES("messages are not mixed", "[sender][rfc6455-5.4]") {
  sending<Role> sending;
  CHECK_FALSE(sending.get().is_in_message());
  CHECK(sending.append("x", false) == error::no_message_begun);
  CHECK(sending.append("x", true) == error::no_message_begun);
  REQUIRE(sending.begin(opcode::text) == error::none);
  CHECK(sending.get().is_in_message());
  CHECK(sending.begin(opcode::text) == error::message_in_progress);
  CHECK(sending.begin(opcode::binary) == error::message_in_progress);
  CHECK(sending.send(opcode::binary, "x") == error::message_in_progress);
  CHECK(sending.get().send_checked(sending.out(), opcode::text, "78"_hex, sending.context()) ==
        error::message_in_progress);
  CHECK(sending.out().empty());
  REQUIRE(sending.append("a", false) == error::none);
  CHECK(sending.send(opcode::text, "x") == error::message_in_progress);
  REQUIRE(sending.append("b", true) == error::none);
  CHECK_FALSE(sending.get().is_in_message());
  CHECK(sending.append("x", true) == error::no_message_begun);
  CHECK(received(sending) == event_log{text_event("ab")});
}

// --- Text --------------------------------------------------------------------------------------

BOTH_ROLES("text that is no UTF-8 is not sent", "[sender][rfc6455-8.1]") {
  for (const auto& bad : support::every_bad_utf8()) {
    CAPTURE(bad.what);
    sending<Role> sending;
    const bytes payload = concat("61 62"_hex, bad.text);
    CHECK(sending.send(opcode::text, payload) == error::text_not_utf8);
    REQUIRE(sending.begin(opcode::text) == error::none);
    CHECK(sending.append(support::to_text(payload), false) == error::text_not_utf8);
    CHECK(sending.append(support::to_text(payload), true) == error::text_not_utf8);
    CHECK(sending.out().empty());
    CHECK(sending.entropy().draws() == 0);
    // The message goes on as if it had not been tried.
    REQUIRE(sending.append("good", true) == error::none);
    REQUIRE(sending.send(opcode::binary, payload) == error::none);
    CHECK(received(sending) == event_log{text_event("good"), "binary " + support::to_hex(payload)});
  }
}

BOTH_ROLES("a code point may be cut by parts but not by the end", "[sender][rfc6455-8.1]") {
  for (const bytes& edge : support::every_edge_utf8()) {
    const std::string words = "a" + support::to_text(edge) + "b";
    for (std::size_t cut = 0; cut <= words.size(); ++cut) {
      sending<Role> sending;
      REQUIRE(sending.begin(opcode::text) == error::none);
      REQUIRE(sending.append(words.substr(0, cut), false) == error::none);
      REQUIRE(sending.append("", false) == error::none);
      REQUIRE(sending.append(words.substr(cut), true) == error::none);
      CHECK(received(sending) == event_log{text_event(words)});
    }
  }
  for (const bytes& cut : support::every_cut_utf8()) {
    sending<Role> sending;
    CHECK(sending.send(opcode::text, cut) == error::text_not_utf8);
    REQUIRE(sending.begin(opcode::text) == error::none);
    CHECK(sending.append(support::to_text(cut), true) == error::text_not_utf8);
    REQUIRE(sending.append(support::to_text(cut), false) == error::none);
    CHECK(sending.append("", true) == error::text_not_utf8);
    CHECK(sending.append("x", false) == error::text_not_utf8);
    CHECK(sending.get().is_in_message());
  }
  // What a message left open does not reach the next one.
  sending<Role> sending;
  REQUIRE(sending.begin(opcode::binary) == error::none);
  REQUIRE(sending.append("\xE2\x82", true) == error::none);
  REQUIRE(sending.begin(opcode::text) == error::none);
  CHECK(sending.append("\xAC", false) == error::text_not_utf8);
}

BOTH_ROLES("text is not checked where it was before, or nobody wants it", "[sender]") {
  sending<Role> sending;
  CHECK(sending.get().send_checked(sending.out(), opcode::text, "ff"_hex, sending.context()) ==
        error::none);
  sending.context().checks_text = false;
  CHECK(sending.send(opcode::text, "\xFF") == error::none);
  REQUIRE(sending.begin(opcode::text) == error::none);
  CHECK(sending.append("\xC3", true) == error::none);
  CHECK(read_frames(sending.take_all()).size() == 3);
}

// --- Backpressure ------------------------------------------------------------------------------

BOTH_ROLES("output takes exactly as much as it may, and else nothing", "[sender][limits]") {
  constexpr std::size_t header = small_header<Role>;
  for (const std::size_t payload : {0U, 1U, 50U, 125U}) {
    for (const std::size_t waiting : {0U, 1U, 7U}) {
      // Room for so many frames of one byte, and one of `payload`.
      const std::size_t most = waiting * (header + 1) + header + payload;
      const auto fill = [&](sending<Role>& sending) {
        for (std::size_t i = 0; i < waiting; ++i)
          REQUIRE(sending.send(opcode::text, "x") == error::none);
      };
      const std::string one_more(payload + 1, 'x');
      const std::string exact(payload, 'x');

      sending<Role> sending{most};
      fill(sending);
      const std::size_t size = sending.out().size();
      const std::size_t drawn = sending.entropy().bytes();
      CHECK(sending.send(opcode::text, one_more) == error::output_full);
      REQUIRE(sending.begin(opcode::binary) == error::none);
      CHECK(sending.append(one_more, false) == error::output_full);
      CHECK(sending.append(one_more, true) == error::output_full);
      CHECK(sending.out().size() == size);
      CHECK(sending.out().payload_size() == waiting);
      CHECK(sending.entropy().bytes() == drawn);
      CHECK(sending.append(exact, true) == error::none);
      CHECK(sending.out().size() == most);
      CHECK(sending.send(opcode::binary, "") == error::output_full);
      // Control frames have room of their own.
      sending.control(opcode::ping, "ping");
      CHECK(sending.out().size() == most + header + 4);
      event_log expected(waiting, text_event("x"));
      expected.push_back("binary " + support::to_hex(support::to_bytes(exact)));
      expected.emplace_back("ping 70 69 6e 67");
      CHECK(received(sending) == expected);
      // And then there is room again.
      CHECK(sending.send(opcode::text, exact) == error::none);
    }
  }
}

BOTH_ROLES("the forms of a length count in what output may take", "[sender][limits]") {
  for (const std::size_t payload : {125U, 126U, 65535U, 65536U}) {
    const std::size_t header = (payload < 126     ? 2U
                                : payload < 65536 ? 4U
                                                  : 10U) +
                               (Role == role::client ? 4U : 0U);
    sending<Role> enough{header + payload};
    CHECK(enough.send(opcode::binary, bytes(payload)) == error::none);
    sending<Role> too_little{header + payload - 1};
    CHECK(too_little.send(opcode::binary, bytes(payload)) == error::output_full);
    CHECK(too_little.out().empty());
  }
}

BOTH_ROLES("sizes near the end of the numbers do not overflow", "[sender][security]") {
  // Never read: the size is refused before.
  const bytes somewhere(1);
  for (const std::size_t most : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
    for (std::size_t i = 0; i < 20; ++i) {
      const std::size_t size = std::numeric_limits<std::size_t>::max() - i;
      for (const std::size_t huge : {size, size / 2, std::size_t{1} << 32}) {
        sending<Role> sending{most};
        CHECK(sending.send(opcode::binary, {somewhere.data(), huge}) == error::output_full);
        sending.control(opcode::pong, "more than the output may take");
        CHECK(sending.send(opcode::binary, {somewhere.data(), huge}) == error::output_full);
        // What waits already may be more than the limit: control frames are not held against it.
        if (most < 20) CHECK(sending.send(opcode::binary, "") == error::output_full);
      }
    }
  }
}

// --- Control frames ----------------------------------------------------------------------------

BOTH_ROLES("control frames carry up to 125 bytes, and are cut there", "[sender][rfc6455-5.5]") {
  for (const std::size_t size : {0U, 1U, 124U, 125U, 126U, 300U, 70'000U}) {
    for (const opcode type : {opcode::ping, opcode::pong}) {
      sending<Role> sending;
      const std::string payload(size, 'p');
      sending.control(type, payload);
      const auto frames = read_frames(sending.take_all());
      REQUIRE(frames.size() == 1);
      CHECK((frames[0].fin && frames[0].rsv == 0));
      CHECK(frames[0].opcode == static_cast<unsigned>(type));
      CHECK(frames[0].masked == (Role == role::client));
      CHECK(support::to_text(frames[0].payload) == payload.substr(0, 125));
    }
  }
}

BOTH_ROLES("a close frame carries a code and a reason, or nothing", "[sender][rfc6455-5.5.1]") {
  for (const std::size_t size : {0U, 1U, 122U, 123U, 124U, 500U}) {
    sending<Role> sending;
    const std::string reason(size, 'r');
    sending.close(close_code::going_away, reason);
    CHECK(received(sending) == event_log{"close 1001 " + reason.substr(0, 123)});
  }
  sending<Role> sending;
  sending.close(close_code::no_status, "");
  CHECK(sending.out().size() == small_header<Role>);
  CHECK(received(sending) == event_log{"close 1005 "});
}

// --- Memory ------------------------------------------------------------------------------------

BOTH_ROLES("a call whose memory fails did nothing, and can be made again", "[sender][memory]") {
  sending<Role> sending;
  const auto fails = [&](auto call) {
    const support::failing_allocation failing{1};
    CHECK_THROWS_AS(call(), std::bad_alloc);
    CHECK(sending.out().empty());
    CHECK(sending.out().size() == 0);
    CHECK(sending.out().payload_size() == 0);
  };
  fails([&] { static_cast<void>(sending.send(opcode::text, "text")); });
  REQUIRE(sending.begin(opcode::text) == error::none);
  fails([&] { static_cast<void>(sending.append("\xE2\x82", false)); });
  REQUIRE(sending.append("\xE2\x82", false) == error::none);
  static_cast<void>(sending.take_all());
  fails([&] { static_cast<void>(sending.append("\xAC", true)); });
  CHECK(sending.get().is_in_message());
  REQUIRE(sending.append("\xAC", true) == error::none);
  CHECK(sending.take_all().size() == small_header<Role> + 1);
  fails([&] { sending.control(opcode::ping, "ping"); });
  fails([&] { sending.close(close_code::normal, "bye"); });
  sending.close(close_code::normal, "bye");
  CHECK(received(sending) == event_log{"close 1000 bye"});
}

TEST_CASE("a source of entropy that throws leaves the output as it was", "[sender][entropy]") {
  struct source {
    bool is_broken = true;
    static void fill(void* self, std::span<std::byte> to) {
      if (static_cast<source*>(self)->is_broken) throw std::bad_alloc{};
      std::fill(to.begin(), to.end(), std::byte{1});
    }
  } broken;
  sending<role::client> sending;
  entropy random{{&broken, source::fill}};
  sending.context().entropy = &random;
  CHECK_THROWS_AS(sending.send(opcode::text, "x"), std::bad_alloc);
  CHECK_THROWS_AS(sending.control(opcode::ping, "x"), std::bad_alloc);
  CHECK_THROWS_AS(sending.close(close_code::normal, "x"), std::bad_alloc);
  CHECK(sending.out().empty());
  CHECK(sending.out().output().empty());
  broken.is_broken = false;
  CHECK(sending.send(opcode::text, "x") == error::none);
  CHECK(received(sending) == event_log{text_event("x")});
}

BOTH_ROLES("a payload may be what was received in the same memory", "[sender]") {
  // An echo: the payload is a view of the input's buffer, which the output must not view.
  sending<Role> sending;
  bytes input = support::to_bytes("echo");
  REQUIRE(sending.send(opcode::text, input) == error::none);
  std::fill(input.begin(), input.end(), std::byte{0});
  CHECK(received(sending) == event_log{text_event("echo")});
}
