// RFC 6455 5.4: fragmentation. Autobahn's group 5.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/conversation.hpp"
#include "support/pair.hpp"

#include <cstddef>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

std::vector<conversation> fragmented_control_frames(role to) {
  std::vector<conversation> all;
  for (const opcode code : {opcode::ping, opcode::pong, opcode::close}) {  // 5.1 and 5.2
    const std::string name = "opcode " + std::to_string(static_cast<unsigned>(code));
    const bytes payload = code == opcode::close ? close_body(1000) : to_bytes("fragment1");
    const outcome failure = gives_failure(error::control_fragmented);
    all.push_back({name, wire_to{to}.frame(code, payload, false).last("fragment2"), {failure}});
    all.push_back({name + ", empty", wire_to{to}.frame(code, {}, false), {failure}});
    all.push_back({name + " inside a message",
                   wire_to{to}.text("a", false).frame(code, payload, false).last("b"),
                   {failure}});
  }
  return all;
}

std::vector<conversation> messages_in_two(role to) {
  return {
      {"5.3 text",
       wire_to{to}.text("fragment1", false).last("fragment2"),
       {gives_text("fragment1fragment2")}},
      {"5.6 with a ping between",
       wire_to{to}.text("fragment1", false).ping("ping payload").last("fragment2"),
       {gives_ping("ping payload"), gives_text("fragment1fragment2")}},
      {"with a pong between",
       wire_to{to}.text("fragment1", false).pong("p").last("fragment2"),
       {gives_pong("p"), gives_text("fragment1fragment2")}},
      {"binary",
       wire_to{to}.binary("00 ff"_hex, false).last("abc"),
       {gives_binary("00 ff 61 62 63"_hex)}},
      {"6.1.1 three fragments, all empty",
       wire_to{to}.text("", false).more("").last(""),
       {gives_text("")}},
      {"6.1.2 only the middle one is not empty",
       wire_to{to}.text("", false).more("middle frame payload").last(""),
       {gives_text("middle frame payload")}},
      {"an empty message", wire_to{to}.text("").binary({}), {gives_text(""), gives_binary({})}},
      {"two messages in a row",
       wire_to{to}.text("a", false).last("b").binary("01"_hex, false).last("c"),
       {gives_text("ab"), gives_binary("01 63"_hex)}},
  };
}

std::vector<conversation> nothing_to_continue(role to) {
  const outcome failure = gives_failure(error::nothing_to_continue);
  const auto on = [&](bool fin) {
    return wire_to{to}.more("non-continuation payload", fin).text("Hello, world!");
  };
  return {
      {"5.9 to 5.11 the last of a message", on(true), {failure}},
      {"5.12 to 5.14 the middle of a message", on(false), {failure}},
      {"behind a whole message", wire_to{to}.text("a").last("b"), {gives_text("a"), failure}},
      {"5.15 behind a fragmented one",
       wire_to{to}.text("fragment1", false).last("fragment2").more("fragment3").text("fragment4"),
       {gives_text("fragment1fragment2"), failure}},
      {"5.16 and 5.17 again and again",
       wire_to{to}.more("fragment1").text("fragment2", false).last("fragment3"),
       {failure}},
      {"behind a ping", wire_to{to}.ping("p").last(""), {gives_ping("p"), failure}},
  };
}

std::vector<conversation> unfinished_messages(role to) {
  const outcome failure = gives_failure(error::message_unfinished);
  std::vector<conversation> all;
  for (const bool fin : {true, false}) {
    for (const opcode code : {opcode::text, opcode::binary}) {
      all.push_back({"5.18 a new one inside a text",
                     wire_to{to}.text("fragment1", false).frame(code, to_bytes("fragment2"), fin),
                     {failure}});
      all.push_back({"a new one inside a binary",
                     wire_to{to}.binary("00"_hex, false).frame(code, {}, fin),
                     {failure}});
    }
  }
  all.push_back({"behind a good message and a ping",
                 wire_to{to}.text("a").text("b", false).ping("p").text("c"),
                 {gives_text("a"), gives_ping("p"), failure}});
  return all;
}

// 5.19 and 5.20: five fragments and two pings, then the same again.
std::vector<conversation> pings_between_fragments(role to) {
  return {{"5.19",
           wire_to{to}
               .text("fragment1", false)
               .more("fragment2")
               .ping("pongme 1!")
               .more("fragment3")
               .ping("pongme 2!")
               .more("fragment4")
               .last("fragment5"),
           {gives_ping("pongme 1!"), gives_ping("pongme 2!"),
            gives_text("fragment1fragment2fragment3fragment4fragment5")}}};
}

std::vector<conversation> a_close_between_fragments(role to) {
  return {
      {"a close inside a message ends it unfinished",
       wire_to{to}.text("fragment1", false).close(1000, "bye").last("fragment2"),
       {gives_close(1000, "bye")}},
  };
}

// Every message of 6 bytes in any number of fragments, with a ping in each place.
std::vector<conversation> all_fragmentations(role to) {
  const std::string whole = "abc\xE2\x82\xAC";
  std::vector<conversation> all;
  for (unsigned cuts = 0; cuts < 32; ++cuts) {
    for (unsigned ping = 0; ping < 6; ++ping) {
      wire_to wire{to};
      opcode code = opcode::text;
      std::vector<outcome> outcomes;
      std::size_t begin = 0;
      for (unsigned i = 0; i < 6; ++i) {
        const bool is_last = i == 5;
        if (!is_last && (cuts >> i & 1U) == 0) continue;
        wire.frame(code, to_bytes(whole.substr(begin, i + 1 - begin)), is_last);
        begin = i + 1;
        code = opcode::continuation;
        if (i == ping) {
          wire.ping("p");
          outcomes.push_back(gives_ping("p"));
        }
      }
      outcomes.insert(ping == 5 ? outcomes.begin() : outcomes.end(), gives_text(whole));
      all.push_back({"cuts " + std::to_string(cuts), wire, outcomes});
    }
  }
  return all;
}

template <role Role>
void require_parts_as_frames() {
  typename basic_connection<Role>::endpoint_type endpoint{};
  logged_connection<Role> end{endpoint, agreement{}};
  end.take_open();
  REQUIRE(end->begin_text() == error::none);
  REQUIRE(end->append(std::string_view{"ab"}) == error::none);
  REQUIRE(end->ping(std::string_view{}) == error::none);
  REQUIRE(end->append(std::string_view{}) == error::none);
  REQUIRE(end->finish(std::string_view{"c"}) == error::none);
  const bytes sent = end.take_output();

  // "ab", the ping, an empty part, "c": FIN and opcode stand in the first byte of each.
  const std::size_t header = Role == role::client ? 6 : 2;
  REQUIRE(sent.size() == 4 * header + 3);
  CHECK(sent[0] == std::byte{0x01});
  CHECK(sent[header + 2] == std::byte{0x89});
  CHECK(sent[2 * header + 2] == std::byte{0x00});
  CHECK(sent[3 * header + 2] == std::byte{0x80});
}

}  // namespace

TEST_CASE("a fragmented control frame fails the connection",
          "[conformance][autobahn-5][rfc6455-5.5-fragmented]") {
  require_conversations(fragmented_control_frames);
}

TEST_CASE("fragments become one message",
          "[conformance][autobahn-5][rfc6455-5.4-both-kinds][rfc6455-5.4-order]"
          "[rfc6455-6.2-fragments]") {
  require_conversations(messages_in_two);
}

TEST_CASE("a continuation without a message fails the connection",
          "[conformance][autobahn-5][rfc6455-5.4-nothing]") {
  require_conversations(nothing_to_continue);
}

TEST_CASE("a new message inside a fragmented one fails the connection",
          "[conformance][autobahn-5][rfc6455-5.4-interleaved]") {
  require_conversations(unfinished_messages);
}

TEST_CASE("control frames between fragments are handled at once",
          "[conformance][autobahn-5][rfc6455-5.4-control-between]") {
  require_conversations(pings_between_fragments);
  require_conversations(a_close_between_fragments);
}

TEST_CASE("a text is the same however it is fragmented, inside a code point too",
          "[conformance][rfc6455-5.4-both-kinds]") {
  require_conversations(all_fragmentations);
}

TEST_CASE("a message that is sent in parts is a first frame, continuations and a last one",
          "[conformance][rfc6455-5.4-send][rfc6455-6.1-frames][rfc6455-6.1-fin]") {
  require_parts_as_frames<role::server>();
  require_parts_as_frames<role::client>();
}
