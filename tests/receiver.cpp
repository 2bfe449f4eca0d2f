#include "hawser/receiver.hpp"

#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"
#include "support/guarded.hpp"
#include "support/receiving.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support::literals;
using support::bytes;
using support::close_body;
using support::concat;
using support::event_log;
using support::forge_to;
using support::frame_to;
using support::receive;
using support::receive_any_way;
using support::receiving;
using support::text_event;

namespace {

const receiver_context whole{};
const receiver_context pieces{.delivery = delivery::pieces};

receiver_context with(const limits& most, delivery how = delivery::whole) {
  return {.limits = most, .delivery = how};
}

receiver_context relaxed(const strictness& rules, delivery how = delivery::whole) {
  return {.strictness = rules, .delivery = how};
}

std::string failed(error why) {
  return "failed " + std::to_string(static_cast<unsigned>(close_code_for(why))) + " " +
         std::string{to_string(why)};
}

std::string binary(std::span<const std::byte> payload) {
  return "binary " + support::to_hex(payload);
}

// The events of some input, however it is cut and delivered.
template <role Role>
event_log receive_in_both(const bytes& input, receiver_context context = {}) {
  context.delivery = delivery::whole;
  const event_log log = receive_any_way<Role>(input, context);
  context.delivery = delivery::pieces;
  CHECK(receive_any_way<Role>(input, context) == log);
  return log;
}

}  // namespace

#define BOTH_ROLES(name, tags) \
  TEMPLATE_TEST_CASE_SIG(name, tags, ((role Role), Role), role::server, role::client)

BOTH_ROLES("whole messages are received", "[receiver][rfc6455-5.6]") {
  const bytes input =
      concat(frame_to(Role, opcode::text, "Hello"), frame_to(Role, opcode::binary, ""),
             frame_to(Role, opcode::binary, bytes(125, std::byte{1})),
             frame_to(Role, opcode::binary, bytes(126, std::byte{2})),
             frame_to(Role, opcode::text, ""), frame_to(Role, opcode::text, "\0x"));
  CHECK(receive_in_both<Role>(input) ==
        event_log{text_event("Hello"), "binary ", binary(bytes(125, std::byte{1})),
                  binary(bytes(126, std::byte{2})), "text ", text_event("")});
}

BOTH_ROLES("messages of every form of length are received", "[receiver][rfc6455-5.2]") {
  support::seeded random;
  for (const std::size_t size : {124U, 125U, 126U, 127U, 128U, 65535U, 65536U, 70'000U}) {
    CAPTURE(size);
    const bytes payload = random.some_bytes(size);
    const bytes input =
        concat(frame_to(Role, opcode::binary, payload), frame_to(Role, opcode::text, "next"));
    const event_log expected{binary(payload), text_event("next")};
    for (const receiver_context& context : {whole, pieces}) {
      CHECK(receive<Role>(input, context) == expected);
      CHECK(receive<Role>(support::cut_each_byte(input), context) == expected);
      for (int i = 0; i < 4; ++i) {
        CHECK(receive<Role>(support::cut_anywhere(input, random), context) == expected);
      }
    }
  }
}

BOTH_ROLES("fragments are one message, and control frames may stand between them",
           "[receiver][rfc6455-5.4]") {
  const bytes input =
      concat(frame_to(Role, opcode::text, "He", false), frame_to(Role, opcode::ping, "one"),
             frame_to(Role, opcode::continuation, "", false), frame_to(Role, opcode::pong, ""),
             frame_to(Role, opcode::continuation, "l", false), frame_to(Role, opcode::ping, ""),
             frame_to(Role, opcode::ping, std::string(125, 'p')),
             frame_to(Role, opcode::continuation, "lo"), frame_to(Role, opcode::binary, "", false),
             frame_to(Role, opcode::continuation, "", false), frame_to(Role, opcode::ping, "two"),
             frame_to(Role, opcode::continuation, ""), frame_to(Role, opcode::text, "x", false),
             frame_to(Role, opcode::continuation, ""));
  const std::string p125 = support::to_hex(support::to_bytes(std::string(125, 'p')));
  CHECK(receive_any_way<Role>(input) == event_log{"ping 6f 6e 65", "pong ", "ping ", "ping " + p125,
                                                  text_event("Hello"), "ping 74 77 6f", "binary ",
                                                  text_event("x")});
  CHECK(receive_any_way<Role>(input, pieces) ==
        event_log{"ping 6f 6e 65", "pong ", "ping ", "ping " + p125, text_event("Hello"),
                  "ping 74 77 6f", "binary ", text_event("x")});
}

BOTH_ROLES("each violation ends the connection with its error, behind what was good before it",
           "[receiver][rfc6455-7.1.7]") {
  struct row {
    bytes bad;
    error why;
  };
  const auto made = [](const support::forged& frame, std::string_view payload = {}) {
    return forge_to(Role, frame, support::to_bytes(payload));
  };
  const std::vector<row> rows = {
      {made({.rsv = 4, .opcode = 1}, "x"), error::reserved_bits},
      {made({.rsv = 2, .opcode = 9}), error::reserved_bits},
      {made({.rsv = 1, .opcode = 8}), error::reserved_bits},
      {made({.opcode = 3}, "x"), error::reserved_opcode},
      {made({.opcode = 15}), error::reserved_opcode},
      {frame_to(peer_of(Role), opcode::text, "x"),
       Role == role::server ? error::frame_not_masked : error::frame_masked},
      {frame_to(peer_of(Role), opcode::close, ""),
       Role == role::server ? error::frame_not_masked : error::frame_masked},
      {made({.opcode = 2, .length_size = 2}, "x"), error::length_not_minimal},
      {made({.opcode = 2, .length_size = 8}, std::string(126, 'x')), error::length_not_minimal},
      {made({.opcode = 2, .announced = std::uint64_t{1} << 63}), error::length_too_large},
      {made({.fin = false, .opcode = 9}), error::control_fragmented},
      {made({.fin = false, .opcode = 8}), error::control_fragmented},
      {made({.opcode = 9}, std::string(126, 'x')), error::control_over_125},
      {made({.opcode = 10}, std::string(126, 'x')), error::control_over_125},
      {made({.opcode = 8}, "\x03\xE8" + std::string(124, 'x')), error::control_over_125},
      {made({.opcode = 0}, "x"), error::nothing_to_continue},
      {made({.fin = false, .opcode = 0}, "x"), error::nothing_to_continue},
      {made({.opcode = 8}, "\x03"), error::close_payload_size},
      {made({.opcode = 8}, "\x03\xED"), error::close_code_invalid},
      {made({.opcode = 8}, "\x03\xE8\xC3"), error::reason_not_utf8},
      {made({.opcode = 1}, "a\xFF"), error::invalid_utf8},
      {made({.opcode = 2, .announced = (1 << 20) + 1}), error::message_too_big},
  };
  for (const auto& [bad, why] : rows) {
    CAPTURE(to_string(why),
            support::to_hex(std::span{bad}.first(std::min<std::size_t>(bad.size(), 20))));
    const bytes input =
        concat(frame_to(Role, opcode::text, "good"), frame_to(Role, opcode::ping, "p"), bad,
               frame_to(Role, opcode::text, "after"));
    CHECK(receive_any_way<Role>(input) == event_log{text_event("good"), "ping 70", failed(why)});
    event_log log = receive_any_way<Role>(input, pieces);
    if (why == error::invalid_utf8) {
      REQUIRE(log.size() == 4);
      CHECK(log[2] == "unfinished text 61");
      log.erase(log.begin() + 2);
    }
    CHECK(log == event_log{text_event("good"), "ping 70", failed(why)});
  }
}

BOTH_ROLES("a message inside a message ends the connection", "[receiver][rfc6455-5.4]") {
  for (const opcode second : {opcode::text, opcode::binary}) {
    for (const bool fin : {false, true}) {
      const bytes input =
          concat(frame_to(Role, opcode::text, "a", false), frame_to(Role, second, "b", fin),
                 frame_to(Role, opcode::continuation, "c"));
      CHECK(receive_any_way<Role>(input) == event_log{failed(error::message_unfinished)});
      CHECK(receive_any_way<Role>(input, pieces) ==
            event_log{"unfinished text 61", failed(error::message_unfinished)});
    }
  }
  // After the end of a message there is nothing to continue again.
  const bytes input =
      concat(frame_to(Role, opcode::text, "a", false), frame_to(Role, opcode::continuation, "b"),
             frame_to(Role, opcode::continuation, "c"));
  CHECK(receive_in_both<Role>(input) ==
        event_log{text_event("ab"), failed(error::nothing_to_continue)});
}

BOTH_ROLES("a wrong frame is refused before its payload has come", "[receiver][security]") {
  const auto log_of_header = [](const support::forged& frame, std::size_t size) {
    bytes header = forge_to(Role, frame);
    header.resize(size);
    return receive_any_way<Role>(header);
  };
  CHECK(log_of_header({.opcode = 3, .announced = 1000}, 1) ==
        event_log{failed(error::reserved_opcode)});
  CHECK(log_of_header({.opcode = 9, .announced = 1000}, 2) ==
        event_log{failed(error::control_over_125)});
  CHECK(log_of_header({.announced = ~std::uint64_t{0}}, 3) ==
        event_log{failed(error::length_too_large)});
  const std::size_t complete = Role == role::server ? 14 : 10;
  CHECK(log_of_header({.announced = std::uint64_t{1} << 40}, complete) ==
        event_log{failed(error::message_too_big)});
  CHECK(log_of_header({.announced = std::uint64_t{1} << 40}, complete - 1).empty());
}

BOTH_ROLES("a message that lies whole in the input is not copied", "[receiver]") {
  for (const std::size_t size : {1U, 20U, 125U, 126U, 5000U, 65536U}) {
    for (const bool is_fast : {true, false}) {
      CAPTURE(size, is_fast);
      receiving<Role> receiving{whole, is_fast};
      const bytes payload(size, std::byte{0x41});
      bytes input =
          concat(frame_to(Role, opcode::text, "before"), frame_to(Role, opcode::text, payload),
                 frame_to(Role, opcode::ping, "ping"));
      std::byte* position = input.data();
      std::byte* const end = position + input.size();
      for (int i = 0; i < 3; ++i) {
        const event found = receiving.next(position, end);
        REQUIRE(found);
        // The payload ends where the input was read to, and is unmasked there.
        CHECK(found.payload().data() + found.payload().size() == position);
        if (i == 1) CHECK(std::equal(payload.begin(), payload.end(), found.payload().begin()));
      }
      CHECK(position == end);
    }
  }
}

BOTH_ROLES("a message of one fragment that is empty and one that is whole is not copied",
           "[receiver]") {
  receiving<Role> receiving;
  bytes input = concat(frame_to(Role, opcode::binary, "", false),
                       frame_to(Role, opcode::continuation, "payload"));
  std::byte* position = input.data();
  const event found = receiving.next(position, position + input.size());
  CHECK(support::to_text(found.payload()) == "payload");
  CHECK(found.payload().data() + 7 == input.data() + input.size());
}

BOTH_ROLES("a payload stays as it is until the next event is asked for", "[receiver]") {
  receiving<Role> receiving;
  const bytes input = concat(frame_to(Role, opcode::text, "in ", false),
                             frame_to(Role, opcode::continuation, "parts"));
  std::string seen;
  for (bytes& part : support::cut_each_byte(input)) {
    std::byte* position = part.data();
    const event found = receiving.next(position, position + 1);
    if (!found) continue;
    part[0] = std::byte{0xFF};  // a view of the assembly, not of what came last
    seen = found.text();
  }
  CHECK(seen == "in parts");
}

BOTH_ROLES("the first close frame ends everything", "[receiver][rfc6455-5.5.1]") {
  const auto input = [](std::string_view body) {
    return concat(frame_to(Role, opcode::text, "last"), frame_to(Role, opcode::close, body),
                  frame_to(Role, opcode::text, "after"), "ff ff ff ff"_hex);
  };
  CHECK(receive_in_both<Role>(input("")) == event_log{text_event("last"), "close 1005 "});
  CHECK(receive_in_both<Role>(input("\x03\xE8")) == event_log{text_event("last"), "close 1000 "});
  CHECK(receive_in_both<Role>(input("\x0F\xA0"
                                    "bye")) == event_log{text_event("last"), "close 4000 bye"});
  const std::string longest(123, 'r');
  CHECK(receive_in_both<Role>(input("\x03\xE9" + longest)) ==
        event_log{text_event("last"), "close 1001 " + longest});
}

BOTH_ROLES("a close frame inside a message ends it", "[receiver][rfc6455-5.5.1]") {
  const bytes input = concat(frame_to(Role, opcode::text, "begun", false),
                             frame_to(Role, opcode::close, close_body(1001, "gone")),
                             frame_to(Role, opcode::continuation, "never"));
  CHECK(receive_any_way<Role>(input) == event_log{"close 1001 gone"});
  CHECK(receive_any_way<Role>(input, pieces) ==
        event_log{"close 1001 gone", "unfinished text 62 65 67 75 6e"});
}

BOTH_ROLES("the reason of a close frame can be read as long as the receiver lives", "[receiver]") {
  for (const std::string_view before : {"", "part of a message"}) {
    receiving<Role> receiving;
    CHECK(receiving.get().close_reason().empty());
    receiving.feed(frame_to(Role, opcode::text, before, false));
    receiving.feed(frame_to(Role, opcode::close, close_body(1000, "the reason")));
    receiving.feed(bytes(1000, std::byte{0xFF}));
    CHECK(receiving.get().close_reason() == "the reason");
    CHECK(receiving.get().is_ended());
  }
}

BOTH_ROLES("what comes after the end is dropped and counted", "[receiver]") {
  for (const bytes& last :
       {frame_to(Role, opcode::close, close_body(1000, "bye")), forge_to(Role, {.opcode = 3})}) {
    receiving<Role> receiving;
    CHECK(receiving.get().dropped() == 0);
    receiving.feed(concat(last, frame_to(Role, opcode::text, "dropped")));
    const std::uint64_t at_once = receiving.get().dropped();
    CHECK(at_once >= frame_to(Role, opcode::text, "dropped").size());
    receiving.feed(bytes(1000));
    receiving.feed(bytes{});
    CHECK(receiving.get().dropped() == at_once + 1000);
    bytes more(10);
    std::byte* position = more.data();
    receiving.get().drop(position, position + 10);
    CHECK(position == more.data() + 10);
    CHECK(receiving.get().dropped() == at_once + 1010);
    CHECK(receiving.log().size() == 1);
  }
}

BOTH_ROLES("a receiver that was ended says nothing more", "[receiver]") {
  const bytes begun = frame_to(Role, opcode::text, "begun", false);
  const bytes bad_text = frame_to(Role, opcode::text, "ok\xFF");
  const bytes cut_header = {frame_to(Role, opcode::binary, std::string(300, 'x'))[0]};
  for (const receiver_context& context : {whole, pieces}) {
    for (const bytes& before :
         {bytes{}, begun, concat(begun, frame_to(Role, opcode::continuation, "")), cut_header,
          bad_text}) {
      for (const bool is_cut : {false, true}) {
        receiving<Role> receiving{context};
        // One event only, if there is any: it may view what end() takes away.
        for (bytes& part : is_cut ? support::cut_each_byte(before) : support::chunks{before}) {
          std::byte* position = part.data();
          static_cast<void>(receiving.next(position, position + part.size()));
        }
        receiving.get().end(receiving.context());
        CHECK(receiving.get().is_ended());
        CHECK(receiving.get().fast_limit() == 0);
        CHECK(receiving.get().fast_limit(receiving.context()) == 0);
        CHECK(receiving.get().close_reason().empty());
        receiving.feed(frame_to(Role, opcode::text, "after"));
        receiving.feed(bytes{});
        CHECK(receiving.log().empty());
      }
    }
  }
}

BOTH_ROLES("memory that is given back early is not used again", "[receiver]") {
  receiving<Role> receiving;
  const bytes input = frame_to(Role, opcode::text, "assembled");
  std::string seen;
  for (bytes& part : support::cut_each_byte(input)) {
    std::byte* position = part.data();
    if (const event found = receiving.next(position, position + 1)) seen = found.text();
  }
  CHECK(seen == "assembled");
  receiving.get().release(receiving.context());
  receiving.feed(frame_to(Role, opcode::text, "after"));
  CHECK(receiving.log() == event_log{text_event("after")});
}

BOTH_ROLES("what the last event views outlives the end, and is given back after it", "[receiver]") {
  receiving<Role> receiving;
  receiving.feed(frame_to(Role, opcode::text, "begun", false));
  event last;
  bytes ping = frame_to(Role, opcode::ping, "ping");
  for (std::byte& byte : ping) {
    bytes part{byte};
    std::byte* position = part.data();
    last = receiving.next(position, position + 1);
  }
  REQUIRE(last.kind() == event_kind::ping);
  receiving.get().end(receiving.context());
  CHECK(last.text() == "ping");
  bytes more(100'000);
  std::byte* position = more.data();
  receiving.get().drop(position, position + more.size());
  CHECK(receiving.get().close_reason().empty());
  SECTION("forget gives it back") {
    receiving.get().forget(receiving.context());
    CHECK(receiving.get().close_reason().empty());
  }
  SECTION("so does asking for more") {
    receiving.feed(bytes{});
    CHECK(receiving.get().close_reason().empty());
  }
  CHECK(receiving.get().dropped() == 100'000);
}

// --- Text --------------------------------------------------------------------------------------

BOTH_ROLES("text that is no UTF-8 fails at its first impossible byte, in the middle of a frame too",
           "[receiver][rfc6455-8.1]") {
  for (const auto& bad : support::every_bad_utf8()) {
    CAPTURE(bad.what);
    for (std::size_t offset = 0; offset <= 70; ++offset) {
      const bytes good = support::repeat(offset, "78"_hex);
      const bytes payload = concat(good, bad.text, support::repeat(130, "79"_hex));
      const bytes frame = frame_to(Role, opcode::text, payload);
      const std::size_t place = frame.size() - payload.size() + offset + bad.impossible;
      for (const receiver_context& context : {whole, pieces}) {
        // Every byte up to the impossible one may stand; with that one it is over.
        receiving<Role> receiving{context};
        receiving.feed(bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(place)));
        CHECK(receiving.log().empty());
        receiving.feed(bytes{frame[place]});
        REQUIRE(receiving.log().size() ==
                (context.delivery == delivery::whole || place == frame.size() - payload.size()
                     ? 1U
                     : 2U));
        CHECK(receiving.log().back() == failed(error::invalid_utf8));
      }
    }
  }
}

BOTH_ROLES("text that is no UTF-8 fails the same however it is cut", "[receiver][rfc6455-8.1]") {
  for (const auto& bad : support::every_bad_utf8()) {
    CAPTURE(bad.what);
    for (const std::size_t offset : {0U, 1U, 7U, 8U, 15U, 16U, 31U, 64U}) {
      const bytes payload = concat(support::repeat(offset, "78"_hex), bad.text, "79"_hex);
      const bytes input =
          concat(frame_to(Role, opcode::text, payload), frame_to(Role, opcode::ping, ""));
      CHECK(receive_any_way<Role>(input) == event_log{failed(error::invalid_utf8)});
      const event_log log = receive_any_way<Role>(input, pieces);
      CHECK(log.back() == failed(error::invalid_utf8));
      const auto valid = std::span{payload}.first(offset + bad.impossible);
      if (valid.empty()) {
        CHECK(log.size() == 1);
      } else {
        CHECK(log.front() == "unfinished text " + support::to_hex(valid));
      }
      // As binary it is nobody's business.
      CHECK(receive<Role>(frame_to(Role, opcode::binary, payload)) == event_log{binary(payload)});
    }
  }
}

BOTH_ROLES("a code point may be cut by frames but not by the end of its message",
           "[receiver][rfc6455-8.1]") {
  for (const bytes& edge : support::every_edge_utf8()) {
    const bytes full = concat("61"_hex, edge, edge, "62"_hex);
    for (std::size_t cut = 0; cut <= full.size(); ++cut) {
      const auto first = std::span{full}.first(cut);
      const auto second = std::span{full}.subspan(cut);
      const bytes input =
          concat(frame_to(Role, opcode::text, first, false), frame_to(Role, opcode::ping, "\xFF"),
                 frame_to(Role, opcode::continuation, second));
      CHECK(receive<Role>(input) == event_log{"ping ff", "text " + support::to_hex(full)});
      CHECK(receive<Role>(support::cut_each_byte(input), pieces) ==
            event_log{"ping ff", "text " + support::to_hex(full)});
    }
  }
  for (const bytes& cut : support::every_cut_utf8()) {
    CAPTURE(support::to_hex(cut));
    const bytes alone = frame_to(Role, opcode::text, cut);
    CHECK(receive_any_way<Role>(alone) == event_log{failed(error::invalid_utf8)});
    CHECK(receive_any_way<Role>(alone, pieces) ==
          event_log{"unfinished text " + support::to_hex(cut), failed(error::invalid_utf8)});
    const bytes ended =
        concat(frame_to(Role, opcode::text, cut, false), frame_to(Role, opcode::continuation, ""));
    CHECK(receive_any_way<Role>(ended) == event_log{failed(error::invalid_utf8)});
    CHECK(receive_any_way<Role>(ended, pieces) ==
          event_log{"unfinished text " + support::to_hex(cut), failed(error::invalid_utf8)});
    // The next message does not continue it.
    const bytes next = concat(frame_to(Role, opcode::text, cut, false),
                              frame_to(Role, opcode::continuation, "80"_hex, false));
    const event_log log = receive_any_way<Role>(next);
    CHECK((log.empty() || log == event_log{failed(error::invalid_utf8)}));
  }
  // Each text begins anew.
  const bytes two =
      concat(frame_to(Role, opcode::binary, "\xE2\x82"), frame_to(Role, opcode::text, "\xAC"));
  CHECK(receive_any_way<Role>(two) == event_log{"binary e2 82", failed(error::invalid_utf8)});
}

BOTH_ROLES("pieces give the valid front of a text before they tell that it is none",
           "[receiver][rfc6455-8.1]") {
  receiving<Role> receiving{pieces};
  bytes input = frame_to(Role, opcode::text, "valid\xC3\x28rest");
  std::byte* position = input.data();
  std::byte* const end = position + input.size();
  const event piece = receiving.next(position, end);
  CHECK(piece.is_piece());
  CHECK(piece.is_first());
  CHECK_FALSE(piece.is_last());
  CHECK(piece.text() == "valid\xC3");
  CHECK_FALSE(receiving.get().is_ended());
  CHECK(receiving.get().fast_limit() == 0);
  const event found = receiving.next(position, end);
  CHECK(found.kind() == event_kind::failed);
  CHECK(found.error() == error::invalid_utf8);
  CHECK(found.code() == close_code::invalid_payload);
  // Once.
  for (int i = 0; i < 3; ++i) CHECK_FALSE(receiving.next(position, end));
  CHECK(position == end);
}

// --- Pieces ------------------------------------------------------------------------------------

BOTH_ROLES("a piece says where it stands", "[receiver]") {
  receiving<Role> receiving{pieces};
  receiver<Role>& under_test = receiving.get();
  const auto next = [&](bytes& input) {
    std::byte* position = input.data();
    return receiving.next(position, position + input.size());
  };

  bytes first = frame_to(Role, opcode::binary, "0123456789", false);
  const std::size_t header = first.size() - 10;
  bytes a(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(header + 4));
  const event one = next(a);
  CHECK((one.is_piece() && one.is_first() && !one.is_last() && one.is_binary()));
  CHECK(one.text() == "0123");
  CHECK(under_test.position_of_piece().offset == 0);
  CHECK(under_test.position_of_piece().frame_remaining == 6);
  CHECK_FALSE(under_test.position_of_piece().is_last_frame);

  bytes b(first.begin() + static_cast<std::ptrdiff_t>(header + 4), first.end());
  const event two = next(b);
  CHECK((!two.is_first() && !two.is_last()));
  CHECK(two.text() == "456789");
  CHECK(under_test.position_of_piece().offset == 4);
  CHECK(under_test.position_of_piece().frame_remaining == 0);
  CHECK_FALSE(under_test.position_of_piece().is_last_frame);

  bytes ping = frame_to(Role, opcode::ping, "between");
  CHECK(next(ping).kind() == event_kind::ping);
  CHECK(under_test.position_of_piece().offset == 4);

  bytes c = frame_to(Role, opcode::continuation, "abc");
  const event three = next(c);
  CHECK((!three.is_first() && three.is_last()));
  CHECK(under_test.position_of_piece().offset == 10);
  CHECK(under_test.position_of_piece().is_last_frame);

  bytes d = frame_to(Role, opcode::text, "small");
  const event four = next(d);
  CHECK((four.is_first() && four.is_last() && four.is_text()));
  CHECK(under_test.position_of_piece().offset == 0);
  CHECK(under_test.position_of_piece().is_last_frame);
}

BOTH_ROLES("the place of a piece is none of an earlier message, nor after the end", "[receiver]") {
  receiving<Role> receiving{pieces};
  receiving.feed(frame_to(Role, opcode::text, "earlier"));
  receiving.feed(frame_to(Role, opcode::text, "", false));
  receiving.feed(frame_to(Role, opcode::ping, ""));
  CHECK(receiving.get().position_of_piece().offset == 0);
  receiving.feed(frame_to(Role, opcode::continuation, "piece", false));
  receiving.feed(frame_to(Role, opcode::close, ""));
  CHECK(receiving.get().position_of_piece().offset == 0);
  CHECK(receiving.log().back() == "close 1005 ");
}

BOTH_ROLES("pieces come without delay and without empty ones, but for an empty end", "[receiver]") {
  std::size_t events = 0;
  receiving<Role> receiving{pieces};
  const bytes input = concat(
      frame_to(Role, opcode::text, "ab", false), frame_to(Role, opcode::continuation, "", false),
      frame_to(Role, opcode::continuation, "c", false), frame_to(Role, opcode::continuation, ""));
  for (bytes& part : support::cut_each_byte(input)) {
    std::byte* position = part.data();
    while (const event found = receiving.next(position, part.data() + 1)) {
      ++events;
      CHECK(found.is_piece());
      CHECK(found.is_last() == found.payload().empty());
    }
  }
  CHECK(events == 4);  // a, b, c and the end
}

BOTH_ROLES("a message of 2^63 - 1 bytes and more passes in pieces", "[receiver][security]") {
  constexpr std::uint64_t huge = (std::uint64_t{1} << 63) - 1;
  receiving<Role> receiving{with({.max_message_size = 0}, delivery::pieces)};
  bytes input = forge_to(Role, {.opcode = 2, .announced = huge}, bytes(1000));
  std::byte* position = input.data();
  const event found = receiving.next(position, position + input.size());
  CHECK(found.payload().size() == 1000);
  CHECK(receiving.get().position_of_piece().frame_remaining == huge - 1000);
  CHECK_FALSE(receiving.next(position, position));
  bytes more(5000);
  position = more.data();
  CHECK(receiving.next(position, position + more.size()).payload().size() == 5000);
  CHECK(receiving.get().position_of_piece().offset == 1000);
  CHECK(receiving.get().position_of_piece().frame_remaining == huge - 6000);
}

BOTH_ROLES("more than 4 GiB pass in pieces through a buffer of 16 KiB", "[receiver]") {
  receiving<Role> receiving{with({.max_message_size = 0}, delivery::pieces)};
  std::uint64_t total = 0;
  const auto feed = [&](std::span<std::byte> part) {
    std::byte* position = part.data();
    while (const event found = receiving.next(position, part.data() + part.size())) {
      if (receiving.get().position_of_piece().offset != total) FAIL("the offset is wrong");
      if (found.is_first() != (total == 0)) FAIL("the first piece is another");
      total += found.payload().size();
    }
  };
  bytes buffer(16384);
  constexpr std::uint64_t frame_size = 1'500'000'001;
  constexpr int frames = 3;
  for (int i = 0; i < frames; ++i) {
    // A key of zeros: masking has its own tests, and here it would take seconds.
    bytes header = forge_to(
        Role,
        {.fin = i + 1 == frames, .opcode = i == 0 ? 2U : 0U, .key = {}, .announced = frame_size});
    feed(header);
    for (std::uint64_t left = frame_size; left != 0;) {
      const auto part = std::span{buffer}.first(std::min<std::uint64_t>(left, buffer.size()));
      feed(part);
      left -= part.size();
    }
  }
  CHECK(total == frames * frame_size);
  CHECK(total > std::uint64_t{1} << 32);
  CHECK(receiving.get().is_between_messages());
}

// --- Limits ------------------------------------------------------------------------------------

BOTH_ROLES("a message has as many bytes as the limit and no more, over all its frames",
           "[receiver][limits][security]") {
  const limits most{.max_message_size = 100};
  const std::string full(100, 'x');
  const auto split = [](std::size_t first, std::size_t second) {
    return concat(frame_to(Role, opcode::text, std::string(first, 'x'), false),
                  frame_to(Role, opcode::continuation, "", false),
                  frame_to(Role, opcode::continuation, std::string(second, 'x')));
  };
  for (const delivery how : {delivery::whole, delivery::pieces}) {
    const receiver_context context = with(most, how);
    CHECK(receive_any_way<Role>(frame_to(Role, opcode::text, full), context) ==
          event_log{text_event(full)});
    CHECK(receive_any_way<Role>(frame_to(Role, opcode::text, full + "x"), context) ==
          event_log{failed(error::message_too_big)});
    for (const std::size_t first : {0U, 1U, 50U, 99U, 100U}) {
      CHECK(receive_any_way<Role>(split(first, 100 - first), context) ==
            event_log{text_event(full)});
      const event_log log = receive_any_way<Role>(split(first, 101 - first), context);
      CHECK(log.back() == failed(error::message_too_big));
      CHECK(log.size() == (first != 0 && how == delivery::pieces ? 2 : 1));
    }
    // The next message has the same room.
    CHECK(receive<Role>(concat(split(60, 40), split(40, 60)), context) ==
          event_log{text_event(full), text_event(full)});
  }
}

BOTH_ROLES("the sum of a message's frames does not overflow", "[receiver][limits][security]") {
  constexpr std::uint64_t huge = (std::uint64_t{1} << 63) - 1;
  for (const std::uint64_t announced :
       {huge, huge - 1, (std::uint64_t{1} << 32) - 1, std::uint64_t{1} << 32,
        (std::uint64_t{1} << 32) + 1, (std::uint64_t{1} << 31) - 1, std::uint64_t{1} << 31,
        std::uint64_t{std::numeric_limits<std::size_t>::max() / 2 - 14}}) {
    for (const delivery how : {delivery::whole, delivery::pieces}) {
      const bytes alone = forge_to(Role, {.opcode = 2, .announced = announced});
      CHECK(receive_any_way<Role>(alone, with({}, how)) ==
            event_log{failed(error::message_too_big)});
      const bytes second = concat(frame_to(Role, opcode::binary, "ten bytes.", false),
                                  forge_to(Role, {.opcode = 0, .announced = announced}));
      CHECK(receive_any_way<Role>(second, with({}, how)).back() == failed(error::message_too_big));
      // Exactly to the limit, whatever that is.
      const limits exact{.max_message_size = announced + 10};
      CHECK(receive_any_way<Role>(second, with(exact, delivery::pieces)) ==
            event_log{"unfinished binary " + support::to_hex(support::to_bytes("ten bytes."))});
      const limits less{.max_message_size = announced + 9};
      CHECK(receive_any_way<Role>(second, with(less, how)).back() ==
            failed(error::message_too_big));
    }
  }
}

BOTH_ROLES("a frame has as many bytes as the limit and no more", "[receiver][limits][security]") {
  const limits most{.max_frame_size = 50};
  for (const delivery how : {delivery::whole, delivery::pieces}) {
    const std::string full(50, 'x');
    const bytes good = concat(frame_to(Role, opcode::text, full, false),
                              frame_to(Role, opcode::continuation, full));
    CHECK(receive_any_way<Role>(good, with(most, how)) == event_log{text_event(full + full)});
    CHECK(receive_any_way<Role>(frame_to(Role, opcode::text, full + "x"), with(most, how)) ==
          event_log{failed(error::frame_too_big)});
    const bytes later = concat(frame_to(Role, opcode::text, full, false),
                               frame_to(Role, opcode::continuation, full + "x"));
    CHECK(receive_any_way<Role>(later, with(most, how)).back() == failed(error::frame_too_big));
    // Control frames have a limit of their own.
    const bytes ping = frame_to(Role, opcode::ping, std::string(125, 'p'));
    CHECK(receive_any_way<Role>(ping, with(most, how)).front().starts_with("ping"));
  }
}

BOTH_ROLES("a message has as many frames as the limit and no more, empty ones included",
           "[receiver][limits][security]") {
  const limits most{.max_fragments = 3};
  const auto message = [](std::size_t frames, std::string_view each) {
    bytes result = frame_to(Role, opcode::binary, each, frames == 1);
    for (std::size_t i = 1; i < frames; ++i) {
      result = concat(result, frame_to(Role, opcode::ping, ""),
                      frame_to(Role, opcode::continuation, each, i + 1 == frames));
    }
    return result;
  };
  for (const delivery how : {delivery::whole, delivery::pieces}) {
    for (const std::string_view each : {"", "x"}) {
      const receiver_context context = with(most, how);
      const event_log good = receive_any_way<Role>(
          concat(message(3, each), message(3, each), message(1, each)), context);
      CHECK(good.size() == 7);  // three messages, four pings
      CHECK(good.back().starts_with("binary"));
      CHECK(receive_any_way<Role>(message(4, each), context).back() ==
            failed(error::too_many_fragments));
      CHECK(close_code_for(error::too_many_fragments) == close_code::policy_violation);
      const event_log unlimited = receive<Role>(
          message(1000, each), with({.max_fragments = 0, .max_control_frames = 0}, how));
      CHECK(unlimited.size() == 1000);
    }
    const limits one{.max_fragments = 1};
    CHECK(receive_any_way<Role>(message(1, "x"), with(one, how)) == event_log{"binary 78"});
    CHECK(receive_any_way<Role>(message(2, "x"), with(one, how)).back() ==
          failed(error::too_many_fragments));
  }
}

BOTH_ROLES("a second has as many control frames as the limit and no more",
           "[receiver][limits][security]") {
  receiving<Role> receiving{with({.max_control_frames = 5})};
  CHECK_FALSE(receiving.get().has_used_control_budget());
  const auto control = [&] {
    receiving.feed(frame_to(Role, opcode::ping, "x"));
    receiving.feed(frame_to(Role, opcode::text, "data is not counted"));
    receiving.feed(frame_to(Role, opcode::pong, ""));
  };
  control();
  CHECK(receiving.get().has_used_control_budget());
  control();
  receiving.feed(frame_to(Role, opcode::ping, "the fifth"));
  CHECK_FALSE(receiving.get().is_ended());
  receiving.get().renew_control_budget();
  CHECK_FALSE(receiving.get().has_used_control_budget());
  control();
  control();
  receiving.feed(frame_to(Role, opcode::ping, "the fifth"));
  CHECK_FALSE(receiving.get().is_ended());
  bytes header = frame_to(Role, opcode::pong, "the sixth");
  header.resize(header.size() - 9);  // its header says enough
  receiving.feed(std::span{header});
  CHECK(receiving.log().back() == failed(error::too_many_control_frames));

  bytes many;
  for (int i = 0; i < 3000; ++i) many = concat(many, frame_to(Role, opcode::ping, ""));
  CHECK(receive<Role>(many, with({.max_control_frames = 0})).size() == 3000);
  CHECK(receive<Role>(many).size() == 1001);  // by default a thousand, and the failure
  CHECK(receive<Role>(many).back() == failed(error::too_many_control_frames));
}

// --- The fast path -----------------------------------------------------------------------------

namespace {

// Frames at random: mostly right ones.
bytes some_frames(role to, support::seeded& random) {
  bytes result;
  bool in_message = false;
  const std::size_t count = random.below(12) + 1;
  for (std::size_t i = 0; i < count; ++i) {
    const bool fin = random.below(3) != 0;
    unsigned code = in_message ? 0 : 1 + static_cast<unsigned>(random.below(2));
    support::forged frame{.fin = fin, .opcode = code};
    bytes payload = random.below(20) == 0 ? random.some_bytes(random.below(300))
                                          : bytes(random.below(140), std::byte{0x61});
    if (random.below(4) == 0) payload = support::every_edge_utf8()[random.below(20)];
    if (random.below(4) == 0) {
      frame = {.fin = true, .opcode = 9 + static_cast<unsigned>(random.below(2))};
      payload.resize(std::min<std::size_t>(payload.size(), 125));
    } else {
      in_message = !fin;
    }
    if (random.below(40) == 0) frame.opcode = static_cast<unsigned>(random.below(16));
    if (random.below(60) == 0) frame.rsv = static_cast<unsigned>(random.below(8));
    if (random.below(60) == 0) frame.length_size = 2;
    if (random.below(60) == 0) frame.opcode = 8;
    for (std::uint8_t& byte : frame.key) byte = static_cast<std::uint8_t>(random.next() & 0xFFU);
    const role receiver = random.below(80) == 0 ? peer_of(to) : to;
    result = concat(result, forge_to(receiver, frame, payload));
  }
  return result;
}

}  // namespace

BOTH_ROLES("the fast path gives the events of the general one, at any split", "[receiver]") {
  support::seeded random{Role == role::server ? 3U : 4U};
  const std::vector<receiver_context> contexts = {
      whole,
      pieces,
      with({.max_frame_size = 60}),
      with({.max_message_size = 90}),
      with({.max_message_size = 90, .max_fragments = 2}, delivery::pieces),
      relaxed({.utf8 = false}),
      relaxed({.mask_direction = false, .minimal_length = false}),
      relaxed({.reserved_bits = false, .reserved_opcodes = false, .control_fin = false})};
  std::size_t events = 0;
  for (int round = 0; round < 400; ++round) {
    const bytes input = some_frames(Role, random);
    const receiver_context& context = contexts[random.below(contexts.size())];
    const event_log general = receive<Role>(support::chunks{input}, context, false);
    const auto check = [&](const support::chunks& parts, bool is_fast) {
      const event_log log = receive<Role>(parts, context, is_fast);
      if (log == general) return;
      CAPTURE(round, support::to_hex(input), is_fast, parts.size());
      CHECK(log == general);
    };
    check({input}, true);
    check(support::cut_each_byte(input), true);
    check(support::cut_each_byte(input), false);
    for (int i = 0; i < 4; ++i) check(support::cut_anywhere(input, random), i % 2 == 0);
    events += general.size();
  }
  CHECK(events > 1000);
}

BOTH_ROLES("the fast path takes whole small messages, and leaves all else untouched",
           "[receiver]") {
  receiving<Role> receiving;
  const auto takes = [&](bytes input) {
    const bytes before = input;
    std::byte* position = input.data();
    const event found = receiving.get().next_small(position, position + input.size());
    if (!found) {
      CHECK(position == input.data());
      CHECK(input == before);
    }
    return static_cast<bool>(found);
  };
  CHECK(receiving.get().fast_limit() == 126);
  CHECK(takes(frame_to(Role, opcode::text, "")));
  CHECK(takes(frame_to(Role, opcode::binary, "\xFF")));
  CHECK(takes(frame_to(Role, opcode::text, std::string(125, 'x'))));
  CHECK_FALSE(takes(frame_to(Role, opcode::text, std::string(126, 'x'))));
  CHECK_FALSE(takes(frame_to(Role, opcode::text, "x", false)));
  CHECK_FALSE(takes(frame_to(Role, opcode::continuation, "x")));
  CHECK_FALSE(takes(frame_to(Role, opcode::text, "not UTF-8: \xFF")));
  CHECK_FALSE(takes(frame_to(Role, opcode::text, "cut: \xC3")));
  CHECK_FALSE(takes(frame_to(Role, opcode::close, "")));
  CHECK_FALSE(takes(frame_to(Role, opcode::ping, "")));
  CHECK_FALSE(takes(frame_to(peer_of(Role), opcode::text, "x")));
  CHECK_FALSE(takes(forge_to(Role, {.rsv = 4, .opcode = 1})));
  CHECK_FALSE(takes(forge_to(Role, {.opcode = 3})));
  bytes cut = frame_to(Role, opcode::text, "cut short");
  while (!cut.empty()) {
    cut.pop_back();
    CHECK_FALSE(takes(cut));
  }
  // Nothing while anything unusual holds, which another byte than these would show.
  receiving.get().update_fast_limit(receiving.context(), false);
  CHECK(receiving.get().fast_limit() == 0);
  CHECK_FALSE(takes(frame_to(Role, opcode::text, "")));
}

BOTH_ROLES("a larger message that lies whole in the input is taken at once, and all else left",
           "[receiver]") {
  const auto takes = [](bytes input, const receiver_context& context = {}, bool usual = true) {
    receiving<Role> receiving{context, usual};
    const bytes before = input;
    std::byte* position = input.data();
    const event found =
        receiving.get().next_alone(position, position + input.size(), receiving.context());
    if (!found) {
      CHECK(position == input.data());
      CHECK(input == before);
    } else {
      CHECK(position == input.data() + input.size());
    }
    return static_cast<bool>(found);
  };
  for (const std::size_t size : {126U, 127U, 1000U, 65535U, 65536U, 100'000U}) {
    CAPTURE(size);
    const std::string text(size, 'x');
    CHECK(takes(frame_to(Role, opcode::text, text)));
    CHECK(takes(frame_to(Role, opcode::binary, text)));
    CHECK(takes(frame_to(Role, opcode::text, text), with({.max_message_size = size})));
    CHECK_FALSE(takes(frame_to(Role, opcode::text, text), with({.max_message_size = size - 1})));
    CHECK(takes(frame_to(Role, opcode::text, text), with({.max_frame_size = size})));
    CHECK_FALSE(takes(frame_to(Role, opcode::text, text), with({.max_frame_size = size - 1})));
    CHECK(
        takes(frame_to(Role, opcode::text, text), with({.max_message_size = 0}, delivery::pieces)));
    CHECK_FALSE(takes(frame_to(Role, opcode::text, text), {}, false));
    CHECK_FALSE(takes(frame_to(Role, opcode::text, text, false)));
    CHECK_FALSE(takes(frame_to(Role, opcode::continuation, text)));
    CHECK_FALSE(takes(frame_to(peer_of(Role), opcode::text, text)));
    CHECK_FALSE(takes(frame_to(Role, opcode::text, text + '\xFF')));
    CHECK_FALSE(takes(frame_to(Role, opcode::text, text + '\xC3')));
    bytes cut = frame_to(Role, opcode::binary, text);
    cut.pop_back();
    CHECK_FALSE(takes(cut));
    cut.resize(14);
    CHECK_FALSE(takes(cut));
    cut.resize(4);
    CHECK_FALSE(takes(cut));
  }
  CHECK_FALSE(takes(frame_to(Role, opcode::text, std::string(125, 'x'))));
  CHECK_FALSE(takes(forge_to(Role, {.opcode = 2, .length_size = 2}, bytes(100))));
  CHECK_FALSE(takes(forge_to(Role, {.opcode = 2, .length_size = 8}, bytes(1000))));
  CHECK_FALSE(takes(forge_to(Role, {.rsv = 4, .opcode = 2}, bytes(1000))));
  CHECK_FALSE(takes(forge_to(Role, {.opcode = 3}, bytes(1000))));
  CHECK_FALSE(takes(bytes{}));
}

BOTH_ROLES("the fast path is closed while anything unusual holds", "[receiver]") {
  const auto limit_after = [](const bytes& input, const receiver_context& context = {}) {
    receiving<Role> receiving{context};
    receiving.feed(bytes{input});
    return int{receiving.get().fast_limit(receiving.context())};
  };
  const bytes message = frame_to(Role, opcode::binary, std::string(300, 'x'));
  CHECK(limit_after({}) == 126);
  CHECK(limit_after(message) == 126);
  CHECK(limit_after(frame_to(Role, opcode::ping, "")) == 126);
  for (std::size_t size = 1; size < message.size(); ++size) {
    if (limit_after(bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size))) !=
        0) {
      FAIL("open in the middle of a message");
    }
  }
  CHECK(limit_after(frame_to(Role, opcode::text, "a", false)) == 0);
  CHECK(limit_after(concat(frame_to(Role, opcode::text, "a", false),
                           frame_to(Role, opcode::ping, ""))) == 0);
  CHECK(limit_after(frame_to(Role, opcode::close, "")) == 0);
  CHECK(limit_after(forge_to(Role, {.opcode = 3})) == 0);
  CHECK(limit_after({}, with({.max_message_size = 10})) == 11);
  CHECK(limit_after({}, with({.max_message_size = 125})) == 126);
  CHECK(limit_after({}, with({.max_frame_size = 7})) == 8);
  CHECK(limit_after({}, with({.max_frame_size = 9, .max_message_size = 5})) == 6);
  CHECK(limit_after({}, with({.max_message_size = 0}, delivery::pieces)) == 126);
  CHECK(limit_after({}, relaxed({.utf8 = false})) == 0);
}

// --- Relaxed rules -----------------------------------------------------------------------------

BOTH_ROLES("each rule can be relaxed by itself", "[receiver][strictness]") {
  const bytes after = frame_to(Role, opcode::text, "on");
  struct row {
    bytes input;
    error strict;
    strictness rules;
    event_log relaxed;
  };
  const std::string big(126, 'p');
  const std::vector<row> rows = {
      {frame_to(peer_of(Role), opcode::text, "hi"),
       Role == role::server ? error::frame_not_masked : error::frame_masked,
       {.mask_direction = false},
       {text_event("hi")}},
      {forge_to(Role, {.opcode = 2, .length_size = 8}, "aa"_hex),
       error::length_not_minimal,
       {.minimal_length = false},
       {"binary aa"}},
      {forge_to(Role, {.opcode = 2, .length_size = 8, .announced = (std::uint64_t{1} << 63) + 1},
                "aa"_hex),
       error::length_too_large,
       {.minimal_length = false, .length_below_2_63 = false},
       {"binary aa"}},
      {forge_to(Role, {.rsv = 7, .opcode = 1}, support::to_bytes("rsv")),
       error::reserved_bits,
       {.reserved_bits = false},
       {text_event("rsv")}},
      {forge_to(Role, {.opcode = 5}, support::to_bytes("skipped")),
       error::reserved_opcode,
       {.reserved_opcodes = false},
       {}},
      {forge_to(Role, {.opcode = 11}, support::to_bytes("skipped")),
       error::reserved_opcode,
       {.reserved_opcodes = false},
       {}},
      {frame_to(Role, opcode::ping, big),
       error::control_over_125,
       {.control_size = false},
       {"ping " + support::to_hex(support::to_bytes(big))}},
      {frame_to(Role, opcode::pong, "x", false),
       error::control_fragmented,
       {.control_fin = false},
       {"pong 78"}},
      {frame_to(Role, opcode::text, "a\xFF"),
       error::invalid_utf8,
       {.utf8 = false},
       {text_event("a\xFF")}},
  };
  for (const row& each : rows) {
    CAPTURE(to_string(each.strict));
    const bytes input = concat(each.input, after);
    CHECK(receive_any_way<Role>(input).back() == failed(each.strict));
    event_log expected = each.relaxed;
    expected.push_back(text_event("on"));
    CHECK(receive_in_both<Role>(input, relaxed(each.rules)) == expected);
  }
  CHECK(receive_in_both<Role>(frame_to(Role, opcode::close, "\x03\xED"),
                              relaxed({.close_codes = false})) == event_log{"close 1005 "});
  CHECK(receive_in_both<Role>(frame_to(Role, opcode::close, "\x03\xE8\xFF"),
                              relaxed({.utf8 = false})) == event_log{"close 1000 \xFF"});
}

BOTH_ROLES("control frames over 125 bytes that are let through are bounded",
           "[receiver][strictness]") {
  const strictness rules{.reserved_opcodes = false, .control_size = false};
  const bytes largest(max_relaxed_control_size, std::byte{0x70});
  const event_log log = receive<Role>(frame_to(Role, opcode::ping, largest), relaxed(rules));
  CHECK(log == event_log{"ping " + support::to_hex(largest)});
  const bytes in_message =
      concat(frame_to(Role, opcode::binary, "ab", false), frame_to(Role, opcode::ping, largest),
             frame_to(Role, opcode::continuation, "cd"));
  for (const receiver_context& context : {relaxed(rules), relaxed(rules, delivery::pieces)}) {
    CHECK(receive<Role>(support::cut_each_byte(in_message), context) ==
          event_log{"ping " + support::to_hex(largest), "binary 61 62 63 64"});
  }
  CHECK(receive<Role>(forge_to(Role, {.opcode = 9, .announced = 65536}), relaxed(rules)) ==
        event_log{failed(error::control_over_125)});
  CHECK(receive<Role>(forge_to(Role, {.opcode = 4, .announced = 65535}), relaxed(rules)).empty());
  CHECK(receive<Role>(forge_to(Role, {.opcode = 4, .announced = 65536}), relaxed(rules)) ==
        event_log{failed(error::frame_too_big)});
}

BOTH_ROLES("frames with a reserved opcode that are skipped leave no trace, but are counted",
           "[receiver][strictness]") {
  const strictness rules{.reserved_opcodes = false};
  const auto skipped = [](unsigned code, std::string_view payload) {
    return forge_to(Role, {.opcode = code}, support::to_bytes(payload));
  };
  const bytes input = concat(skipped(3, ""), skipped(7, "between messages"),
                             frame_to(Role, opcode::text, "a", false), skipped(12, "inside"),
                             skipped(6, std::string(200, 's')),
                             frame_to(Role, opcode::continuation, "b"), skipped(15, ""));
  CHECK(receive_in_both<Role>(input, relaxed(rules)) == event_log{text_event("ab")});

  receiver_context context = relaxed(rules);
  context.limits.max_control_frames = 2;
  CHECK(receive_any_way<Role>(concat(skipped(3, ""), skipped(3, ""), skipped(3, "")), context) ==
        event_log{failed(error::too_many_control_frames)});
  // A control frame is a control frame, known or not: RFC 6455 5.5.
  CHECK(receive_any_way<Role>(skipped(11, std::string(126, 's')), relaxed(rules)) ==
        event_log{failed(error::control_over_125)});
}

// --- Bounds ------------------------------------------------------------------------------------

BOTH_ROLES("no byte outside the input is read or changed", "[receiver][security]") {
  const support::guarded_pages pages{2000};
  const bytes input =
      concat(frame_to(Role, opcode::text, "Hello"), frame_to(Role, opcode::ping, "p"),
             frame_to(Role, opcode::binary, bytes(300)), frame_to(Role, opcode::text, "x", false),
             frame_to(Role, opcode::continuation, "\xF0\x9F\x98\x80"));
  const event_log expected = receive<Role>(input);
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    for (const bool at_end : {false, true}) {
      receiving<Role> receiving;
      for (const auto part : {std::span{input}.first(cut), std::span{input}.subspan(cut)}) {
        receiving.feed(at_end ? pages.copy_to_end(part) : pages.copy_to_start(part));
      }
      if (receiving.log() != expected) CHECK(receiving.log() == expected);
    }
  }
  CHECK(expected.size() == 4);
}

BOTH_ROLES("no input at all is no event", "[receiver]") {
  receiving<Role> receiving;
  std::byte* position = nullptr;
  CHECK_FALSE(receiving.next(position, nullptr));
  receiving.feed(bytes{frame_to(Role, opcode::text, "Hello")[0]});
  CHECK_FALSE(receiving.next(position, nullptr));
  CHECK(position == nullptr);
  CHECK_FALSE(receiving.get().is_between_messages());
}
