// RFC 6455 10.4: large messages, many fragments, small chunks, and where each limit lies.
// Autobahn's group 9.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/conversation.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
// The largest message of group 9. Where code is slow, a part of it.
constexpr std::size_t largest = is_fast_build ? 16 * mib : mib;

std::string some_text(std::size_t size) {
  const std::string unit = "Gr\xC3\xBC\xC3\x9F Gott \xE2\x82\xAC \xF0\x9F\x98\x80, ";
  std::string text;
  text.reserve(size);
  while (text.size() + unit.size() <= size) text += unit;
  text.resize(size, '.');
  return text;
}

template <role Role>
class large_endpoint {
 public:
  large_endpoint()
      : endpoint_{{.limits = {.max_message_size = 64 * mib, .max_output_size = 64 * mib}}},
        end{endpoint_, agreement{}} {
    end.take_open();
    end.react = echo<Role>;
  }

  // Gives the bytes in parts of `step`, and requires that one message comes and is sent back.
  void require_echo(const bytes& input, std::size_t step, const outcome& message) {
    end.forget_log();
    for (std::size_t at = 0; at < input.size(); at += step) {
      end.feed(std::span{input}.subspan(at, std::min(step, input.size() - at)));
    }
    REQUIRE(end.log() == event_log{message.line()});
    const bytes answer = joined(end->output());
    end->consume_output(answer.size());
    REQUIRE(answer.size() == message.payload.size() +
                                 frame_header_size(message.payload.size(), Role == role::client));
  }

 private:
  typename basic_connection<Role>::endpoint_type endpoint_;

 public:
  logged_connection<Role> end;
};

template <role Role>
void require_large_messages() {
  large_endpoint<Role> at;
  for (std::size_t size = 64 * kib; size <= largest; size *= 4) {
    const std::string text = some_text(size);
    at.require_echo(wire_to{Role}.text(text), 64 * kib, gives_text(text));
    at.require_echo(wire_to{Role}.binary(to_bytes(text)), size + 14, gives_binary(to_bytes(text)));
  }
}

template <role Role>
void require_many_fragments() {
  large_endpoint<Role> at;
  const std::size_t size = largest / 4;
  const std::string text = some_text(size);
  for (std::size_t part = size / 65536; part <= size; part *= 4) {
    wire_to wire{Role};
    for (std::size_t begin = 0; begin < size; begin += part) {
      wire.frame(begin == 0 ? opcode::text : opcode::continuation,
                 to_bytes(text.substr(begin, part)), begin + part >= size);
    }
    at.require_echo(wire, 64 * kib, gives_text(text));
  }
}

template <role Role>
void require_small_chunks() {
  large_endpoint<Role> at;
  const std::string text = some_text(largest / 16);
  const bytes as_text = wire_to{Role}.text(text);
  const bytes as_binary = wire_to{Role}.binary(to_bytes(text));
  for (std::size_t step = 64; step <= 2048; step *= 2) {
    at.require_echo(as_text, step, gives_text(text));
    at.require_echo(as_binary, step, gives_binary(to_bytes(text)));
  }
}

// Messages of 10 bytes at the most.
std::vector<conversation> around_a_message_limit(role to) {
  const outcome failure = gives_failure(error::message_too_big);
  const std::string ten(10, 'x');
  return {
      {"at the limit",
       wire_to{to}.text(ten).binary(to_bytes(ten)),
       {gives_text(ten), gives_binary(to_bytes(ten))}},
      {"one above", wire_to{to}.text(ten + "x"), {failure}},
      {"one above, said by the header alone", wire_to{to}.forged({.announced = 11}), {failure}},
      {"2^63 - 1 bytes",
       wire_to{to}.forged({.announced = (std::uint64_t{1} << 63) - 1}),
       {failure}},
      {"at the limit in two", wire_to{to}.text("xxxxx", false).last("xxxxx"), {gives_text(ten)}},
      {"above in two", wire_to{to}.text("xxxxx", false).last("xxxxxx"), {failure}},
      {"the sum would wrap around",
       wire_to{to}
           .text("xxxxx", false)
           .forged({.opcode = 0, .announced = (std::uint64_t{1} << 63) - 1}),
       {failure}},
      {"an empty frame more", wire_to{to}.text(ten, false).last(""), {gives_text(ten)}},
      {"the next message counts anew",
       wire_to{to}.text(ten).text(ten),
       {gives_text(ten), gives_text(ten)}},
      {"control frames do not count",
       wire_to{to}.text(ten, false).ping(ten).last(""),
       {gives_ping(ten), gives_text(ten)}},
  };
}

std::vector<conversation> around_a_frame_limit(role to) {
  const outcome failure = gives_failure(error::frame_too_big);
  return {
      {"at the limit",
       wire_to{to}.text("abc").text("abc", false).last("abc"),
       {gives_text("abc"), gives_text("abcabc")}},
      {"one above", wire_to{to}.text("abcd"), {failure}},
      {"one above in the middle", wire_to{to}.text("abc", false).more("abcd"), {failure}},
      {"pings do not count", wire_to{to}.ping("abcd"), {gives_ping("abcd")}},
  };
}

std::vector<conversation> around_a_fragment_limit(role to) {
  const outcome failure = gives_failure(error::too_many_fragments);
  return {
      {"at the limit", wire_to{to}.text("a", false).more("").last("b"), {gives_text("ab")}},
      {"one above", wire_to{to}.text("a", false).more("b").more("c").last("d"), {failure}},
      {"empty ones count", wire_to{to}.text("", false).more("").more("").more(""), {failure}},
      {"pings do not",
       wire_to{to}.text("a", false).ping().more("b").ping().last("c"),
       {gives_ping(), gives_ping(), gives_text("abc")}},
      {"each message anew",
       wire_to{to}.text("a", false).more("").last("b").text("c", false).more("").last("d"),
       {gives_text("ab"), gives_text("cd")}},
  };
}

std::vector<conversation> around_a_control_limit(role to) {
  const outcome failure = gives_failure(error::too_many_control_frames);
  return {
      {"at the limit",
       wire_to{to}.ping("a").pong("b").ping("c").text("d"),
       {gives_ping("a"), gives_pong("b"), gives_ping("c"), gives_text("d")}},
      {"one above",
       wire_to{to}.ping("a").pong("b").ping("c").pong("d"),
       {gives_ping("a"), gives_pong("b"), gives_ping("c"), failure}},
      {"a close counts",
       wire_to{to}.ping("a").ping("b").ping("c").close(1000),
       {gives_ping("a"), gives_ping("b"), gives_ping("c"), failure}},
  };
}

// As many fragments as the limit lets through, and one more.
template <role Role>
void require_fragment_flood(std::string_view payload, std::uint32_t most) {
  typename basic_connection<Role>::endpoint_type endpoint{{.limits = {.max_fragments = most}}};
  for (const bool is_over : {false, true}) {
    logged_connection<Role> end{endpoint, agreement{}};
    end.take_open();
    end.feed(wire_to{Role}.text(payload, false));
    const bytes some = repeat(64, bytes(wire_to{Role}.more(payload)));
    for (std::uint32_t i = 1; i + 64 < most; i += 64) end.feed(some);
    for (std::uint32_t i = 0; i < (most - 2) % 64; ++i) end.feed(wire_to{Role}.more(payload));
    CHECK(end.log().empty());
    if (is_over) end.feed(wire_to{Role}.more(payload));
    end.feed(wire_to{Role}.last(payload));
    REQUIRE(end.log().size() == 1);
    CHECK(
        end.log()[0].starts_with(is_over ? "failed 1008 the message has more fragments" : "text"));
  }
}

}  // namespace

TEST_CASE("messages up to 16 MiB are echoed", "[conformance][autobahn-9.1][autobahn-9.2]") {
  require_large_messages<role::server>();
  require_large_messages<role::client>();
}

TEST_CASE("messages of up to 65,536 fragments are echoed",
          "[conformance][autobahn-9.3][autobahn-9.4]") {
  require_many_fragments<role::server>();
  require_many_fragments<role::client>();
}

TEST_CASE("large messages that come in small chunks are echoed",
          "[conformance][autobahn-9.5][autobahn-9.6]") {
  require_small_chunks<role::server>();
  require_small_chunks<role::client>();
}

TEST_CASE("a thousand messages go there and back, one after the other",
          "[conformance][autobahn-9.7][autobahn-9.8]") {
  pair ends;
  ends.open();
  ends.server.react = echo<role::server>;
  std::size_t echoes = 0;
  ends.client.react = [&](client_connection&, const event& found) {
    echoes += found.is_message() ? 1U : 0U;
  };
  for (const std::size_t size : {0U, 16U, 64U, 256U, 1024U, 4096U, 16384U, 65536U}) {
    const std::string payload(is_fast_build ? size : size / 8, 'x');
    for (int i = 0; i < 1000; ++i) {
      if (ends.client->send_text(payload) != error::none) FAIL("not sent");
      ends.run();
    }
  }
  CHECK(echoes == 8000);
  CHECK(ends.client->buffered_amount() == 0);
}

TEST_CASE("a message over the limit fails with 1009, at once and over all its fragments",
          "[conformance][rfc6455-10.4-limits][rfc6455-7.4.1-too-big]") {
  require_conversations(around_a_message_limit, {.limits = {.max_message_size = 10}});
  CHECK(close_code_for(error::message_too_big) == close_code::message_too_big);
}

TEST_CASE("a frame over the limit fails with 1009", "[conformance][rfc6455-10.4-limits]") {
  require_conversations(around_a_frame_limit, {.limits = {.max_frame_size = 3}});
  CHECK(close_code_for(error::frame_too_big) == close_code::message_too_big);
}

TEST_CASE("more fragments than the limit fail with 1008, empty ones too",
          "[conformance][rfc6455-10.4-limits]") {
  require_conversations(around_a_fragment_limit, {.limits = {.max_fragments = 3}});
  CHECK(close_code_for(error::too_many_fragments) == close_code::policy_violation);
}

TEST_CASE("more control frames than the limit fail with 1008",
          "[conformance][rfc6455-10.4-limits]") {
  require_conversations(around_a_control_limit, {.limits = {.max_control_frames = 3}});
  CHECK(close_code_for(error::too_many_control_frames) == close_code::policy_violation);
}

TEST_CASE("floods of tiny and of empty fragments end at the limit",
          "[conformance][rfc6455-10.4-limits]") {
  const std::uint32_t usual = limits{}.max_fragments;
  require_fragment_flood<role::server>("x", usual);
  require_fragment_flood<role::server>("", usual);
  require_fragment_flood<role::client>("x", usual);
  require_fragment_flood<role::client>("", usual);
  require_fragment_flood<role::server>("", 2);
}
