#pragma once

// Conversations as data: the bytes that come to an open connection, the events that they are, and,
// because the connection sends every message back, the bytes that must go out. Each is held at both
// ends and at every split, with messages whole and in pieces.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"
#include "support/fixed_entropy.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace support {

// What comes of some bytes.
struct outcome {
  hawser::event_kind kind = hawser::event_kind::none;
  hawser::opcode type = hawser::opcode::binary;
  bytes payload = {};
  hawser::close_code code = hawser::close_code::none;
  hawser::error error = hawser::error::none;

  [[nodiscard]] std::string line() const {
    switch (kind) {
      case hawser::event_kind::message:
        return (type == hawser::opcode::text ? "text " : "binary ") + describe(payload);
      case hawser::event_kind::ping:
        return "ping " + to_hex(payload);
      case hawser::event_kind::pong:
        return "pong " + to_hex(payload);
      case hawser::event_kind::close:
        return close_line(code, to_text(payload));
      default:
        return failure_line(error);
    }
  }
};

inline outcome gives_text(std::string_view text) {
  return {
      .kind = hawser::event_kind::message, .type = hawser::opcode::text, .payload = to_bytes(text)};
}
inline outcome gives_binary(bytes payload) {
  return {.kind = hawser::event_kind::message, .payload = std::move(payload)};
}
inline outcome gives_ping(std::string_view payload = {}) {
  return {.kind = hawser::event_kind::ping, .payload = to_bytes(payload)};
}
inline outcome gives_pong(std::string_view payload = {}) {
  return {.kind = hawser::event_kind::pong, .payload = to_bytes(payload)};
}
inline outcome gives_close(unsigned code, std::string_view reason = {}) {
  return {.kind = hawser::event_kind::close,
          .payload = to_bytes(reason),
          .code = static_cast<hawser::close_code>(code)};
}
inline outcome gives_failure(hawser::error why) {
  return {.kind = hawser::event_kind::failed, .error = why};
}

struct conversation {
  std::string name;
  bytes input;
  std::vector<outcome> outcomes;
};

// How the connection of a conversation is set up.
struct conversation_rules {
  hawser::limits limits = {};
  hawser::strictness strictness = {};
};

namespace detail {

// Every masking key is this byte four times.
inline constexpr std::uint8_t key_byte = 0x5A;

// What an end says to what came, put together by hand.
inline bytes answers(hawser::role self, const std::vector<outcome>& outcomes) {
  bytes all;
  const auto add = [&](hawser::opcode type, const bytes& payload) {
    forged frame{.opcode = static_cast<unsigned>(type), .masked = self == hawser::role::client};
    frame.key.fill(key_byte);
    all = concat(all, forge(frame, payload));
  };
  for (const outcome& each : outcomes) {
    using hawser::event_kind;
    if (each.kind == event_kind::message) add(each.type, each.payload);
    if (each.kind == event_kind::ping) add(hawser::opcode::pong, each.payload);
    if (each.kind == event_kind::failed) {
      add(hawser::opcode::close,
          close_body(static_cast<unsigned>(close_code_for(each.error)), to_string(each.error)));
    }
    if (each.kind == event_kind::close) {
      const bool has_code = each.code != hawser::close_code::no_status;
      add(hawser::opcode::close,
          has_code ? close_body(static_cast<unsigned>(each.code), to_text(each.payload)) : bytes{});
    }
  }
  return all;
}

struct end_result {
  event_log log;
  bytes sent;
  std::string state;
};

template <hawser::role Role>
end_result converse(const chunks& parts, const conversation_rules& rules,
                    hawser::delivery delivery) {
  using connection = hawser::basic_connection<Role>;
  unsigned char byte = key_byte;
  typename connection::endpoint_type endpoint{{.limits = rules.limits,
                                               .strictness = rules.strictness,
                                               .delivery = delivery,
                                               .entropy = repeated_entropy(byte)}};
  logged_connection<Role> end{endpoint, hawser::agreement{}};
  end.take_open();
  if (delivery == hawser::delivery::whole) end.react = echo<Role>;
  for (const bytes& part : parts) {
    end.feed(part);
    end.take_output();
  }
  const std::string state = end.state();
  return {end.log(), end.sent(), state};
}

// Every way to cut a short input; of a long one those near its ends, some in between, and equal
// parts.
inline std::vector<chunks> ways_to_cut(const bytes& input) {
  std::vector<chunks> ways{cut(input, {}), cut_each_byte(input)};
  const std::size_t size = input.size();
  if (size > 20'000) ways.pop_back();
  if (size <= 300) {
    for (std::size_t i = 1; i < size; ++i) ways.push_back(cut(input, {i}));
    return ways;
  }
  for (std::size_t i = 1; i < 16; i += size > 20'000 ? 4 : 1) {
    ways.push_back(cut(input, {i}));
    ways.push_back(cut(input, {size - i}));
  }
  seeded random;
  for (int i = 0; i < 2; ++i) ways.push_back(cut_anywhere(input, random));
  std::vector<std::size_t> places;
  for (std::size_t at = 997; at < size; at += 997) places.push_back(at);
  ways.push_back(cut(input, places));
  return ways;
}

// The log without the beginnings of messages that never ended.
inline event_log finished(event_log log) {
  std::erase_if(log, [](const std::string& line) { return line.starts_with("unfinished"); });
  return log;
}

template <hawser::role Role>
void require_conversation(const conversation& each, const conversation_rules& rules) {
  event_log lines;
  for (const outcome& one : each.outcomes) lines.push_back(one.line());
  const bytes answer = answers(Role, each.outcomes);
  std::string state;
  for (const chunks& parts : ways_to_cut(each.input)) {
    const end_result found = converse<Role>(parts, rules, hawser::delivery::whole);
    if (state.empty()) state = found.state;
    const end_result pieces = converse<Role>(parts, rules, hawser::delivery::pieces);
    if (found.log == lines && found.sent == answer && found.state == state &&
        finished(pieces.log) == lines) {
      continue;
    }
    INFO((Role == hawser::role::server ? "a server: " : "a client: ") << each.name);
    INFO("input: " << describe(each.input) << ", cut behind " << parts.front().size());
    REQUIRE(found.log == lines);
    REQUIRE(describe(found.sent) == describe(answer));
    REQUIRE(found.state == state);
    REQUIRE(finished(pieces.log) == lines);
    FAIL("the outputs differ");
  }
}

}  // namespace detail

// Holds the conversations that `make(role)` gives, at that end each.
template <class Make>
void require_conversations(Make make, const conversation_rules& rules = {}) {
  std::size_t count = 0;
  for (const conversation& each : make(hawser::role::server)) {
    detail::require_conversation<hawser::role::server>(each, rules);
    ++count;
  }
  for (const conversation& each : make(hawser::role::client)) {
    detail::require_conversation<hawser::role::client>(each, rules);
    ++count;
  }
  REQUIRE(count != 0);
}

}  // namespace support
