#include "hawser/outbox.hpp"

#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/failing_memory.hpp"
#include "support/receiving.hpp"
#include "support/sending.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support::literals;
using support::bytes;
using support::concat;
using support::read_frames;
using support::sending;
using support::wire_frame;

namespace {

// Control frames in line and in both lanes.
constexpr std::size_t most_control_bytes = outbox::control_reserve + 2 * outbox::lane_size;

// Where the spans of an output lay, and what they held.
class snapshot {
 public:
  explicit snapshot(const output_list& list) {
    for (const std::span<const std::byte> part : list) {
      parts_.push_back(part);
      contents_.emplace_back(part.begin(), part.end());
    }
  }

  [[nodiscard]] bool still_holds() const {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (!std::equal(parts_[i].begin(), parts_[i].end(), contents_[i].begin())) return false;
    }
    return true;
  }
  [[nodiscard]] bytes joined() const {
    bytes all;
    for (const bytes& each : contents_) all.insert(all.end(), each.begin(), each.end());
    return all;
  }

 private:
  std::vector<std::span<const std::byte>> parts_;
  std::vector<bytes> contents_;
};

// What went over the wire, and what is left of the frame in which it stands.
class sent_bytes {
 public:
  void add(std::span<const std::byte> part) {
    all_.insert(all_.end(), part.begin(), part.end());
    bytes frame = concat(begun_, part);
    static_cast<void>(read_frames(frame, &begun_));
  }

  // Payload bytes of messages among `waiting`, which comes next.
  [[nodiscard]] std::size_t payload_in(std::span<const std::byte> waiting) const {
    const bytes stream = concat(begun_, waiting);
    std::size_t position = 0;
    std::size_t payload = 0;
    for (const wire_frame& frame : read_frames(stream)) {
      const std::size_t first = std::max(position + frame.header_size, begun_.size());
      position += frame.size();
      if (!frame.is_control() && position > first) payload += position - first;
    }
    return payload;
  }

  [[nodiscard]] const bytes& all() const noexcept { return all_; }

 private:
  bytes all_;
  bytes begun_;
};

bool contains(const std::vector<wire_frame>& frames, std::string_view payload) {
  return std::any_of(frames.begin(), frames.end(), [&](const wire_frame& frame) {
    return support::to_text(frame.payload) == payload;
  });
}

}  // namespace

#define BOTH_ROLES(name, tags) \
  TEMPLATE_TEST_CASE_SIG(name, tags, ((role Role), Role), role::server, role::client)

TEST_CASE("an outbox in which nothing waits is empty and holds nothing", "[outbox]") {
  detail::block_pool pool{memory{}, 0};
  const support::allocation_watch watch;
  outbox out;
  CHECK(sizeof out == sizeof(void*));
  CHECK(out.empty());
  CHECK(out.size() == 0);
  CHECK(out.payload_size() == 0);
  CHECK_FALSE(out.is_blocked());
  CHECK(out.output().empty());
  CHECK(out.output().front().empty());
  CHECK(out.output().begin() == out.output().end());
  CHECK(out.has_control_room(131));
  CHECK(out.waiting_since() == time_point::min());
  out.set_waiting_since(time_point{});
  out.consume(pool, 0);
  out.clear(pool);
  CHECK(watch.calls() == 0);
}

BOTH_ROLES("what waits is counted, shown and taken", "[outbox]") {
  sending<Role> sending;
  const support::allocation_watch watch;
  REQUIRE(sending.send(opcode::text, "Hello") == error::none);
  const std::size_t size = (Role == role::client ? 6 : 2) + 5;
  CHECK(sending.out().size() == size);
  CHECK(sending.out().payload_size() == 5);
  CHECK_FALSE(sending.out().empty());
  CHECK(sending.out().output().front().size() == size);
  for (std::size_t left = size; left != 0; --left) {
    CHECK(sending.out().size() == left);
    CHECK(sending.out().payload_size() == std::min<std::size_t>(left, 5));
    CHECK(sending.waiting().size() == left);
    sending.consume(1);
  }
  CHECK(sending.out().empty());
  CHECK(watch.live() == 0);
}

TEST_CASE("an output is a range of spans", "[outbox]") {
  sending<role::server> sending;
  for (int i = 0; i < 5; ++i) REQUIRE(sending.send(opcode::binary, bytes(3000)) == error::none);
  const output_list list = sending.out().output();
  CHECK(std::distance(list.begin(), list.end()) == 5);
  auto each = list.begin();
  const auto first = each++;
  CHECK((*first).data() == list.front().data());
  CHECK((*each).data() != list.front().data());
  CHECK_FALSE(first == each);
  CHECK(++each == std::next(list.begin(), 2));
}

TEST_CASE("an outbox can be moved", "[outbox]") {
  detail::block_pool pool{memory{}, 0};
  outbox out;
  out.add_raw(pool, "00 01 02"_hex);
  outbox other{std::move(out)};
  CHECK(other.size() == 3);
  other.clear(pool);
}

BOTH_ROLES("what was handed out stays, byte for byte, whatever is sent until it is taken",
           "[outbox]") {
  support::seeded random{5};
  for (int round = 0; round < 60; ++round) {
    sending<Role> sending;
    for (int step = 0; step < 40; ++step) {
      const snapshot handed{sending.out().output()};
      const bytes before = handed.joined();
      const bytes text(random.below(3) == 0 ? random.below(9000) : random.below(40),
                       std::byte{0x61});
      for (std::size_t i = random.below(4); i != 0; --i) {
        switch (random.below(4)) {
          case 0:
            sending.control(opcode::pong, std::string(random.below(126), 'p'));
            break;
          case 1:
            if (sending.out().has_control_room(131)) sending.control(opcode::ping, "ping");
            break;
          default:
            REQUIRE(sending.send(opcode::text, text) == error::none);
        }
      }
      if (!handed.still_holds()) FAIL("what was handed out has changed");
      const bytes after = sending.waiting();
      if (after.size() < before.size() ||
          !std::equal(before.begin(), before.end(), after.begin())) {
        FAIL("something came before what was handed out");
      }
      sending.consume(random.below(5) == 0 ? after.size() : random.below(after.size() + 1));
    }
  }
}

BOTH_ROLES("payload_size is the payload that was not taken, at every step", "[outbox]") {
  support::seeded random{6};
  for (int round = 0; round < 40; ++round) {
    sending<Role> sending;
    sent_bytes wire;
    support::event_log expected;
    bool is_begun = false;
    for (int step = 0; step < 80; ++step) {
      const std::string text(random.below(6) == 0 ? random.below(5000) : random.below(200), 't');
      const std::string hex = support::to_hex(support::to_bytes(text));
      switch (random.below(6)) {
        case 0:
          sending.control(opcode::pong, "pong");
          break;
        case 1:
          if (sending.out().has_control_room(10)) sending.control(opcode::ping, "ping");
          break;
        case 2:
          if (!is_begun) {
            REQUIRE(sending.begin(opcode::text) == error::none);
            expected.push_back("text ");
            is_begun = true;
          }
          {
            const bool fin = random.below(3) == 0;
            REQUIRE(sending.append(text, fin) == error::none);
            if (!text.empty() && expected.back() != "text ") expected.back() += ' ';
            expected.back() += hex;
            is_begun = !fin;
          }
          break;
        case 3:
          if (is_begun) break;
          REQUIRE(sending.send(opcode::text, text) == error::none);
          expected.push_back("text " + hex);
          break;
        default: {
          const bytes waiting = sending.waiting();
          const std::size_t size =
              random.below(3) == 0 ? waiting.size() : random.below(waiting.size() + 1);
          wire.add(std::span{waiting}.first(size));
          sending.consume(size);
        }
      }
      const bytes waiting = sending.waiting();
      if (sending.out().size() < waiting.size()) FAIL("size is too small");
      // Where a second lane waits, the list ends before it.
      if (sending.out().size() != waiting.size()) continue;
      if (sending.out().payload_size() != wire.payload_in(waiting)) {
        CAPTURE(round, step);
        CHECK(sending.out().payload_size() == wire.payload_in(waiting));
      }
    }
    if (is_begun) {
      REQUIRE(sending.append("", true) == error::none);
    }
    wire.add(sending.take_all());
    CHECK(sending.out().payload_size() == 0);
    CHECK(sending.out().size() == 0);
    // All of it is right, the messages are in order, and no control frame stands inside a frame.
    support::event_log log =
        support::receive<peer_of(Role)>(wire.all(), {.limits = {.max_control_frames = 0}});
    std::erase_if(log, [](const std::string& line) { return line == "ping 70 69 6e 67"; });
    std::erase_if(log, [](const std::string& line) { return line == "pong 70 6f 6e 67"; });
    CHECK(log == expected);
  }
}

// --- Control frames ----------------------------------------------------------------------------

BOTH_ROLES("while nothing is stuck, control frames stand in line", "[outbox]") {
  sending<Role> sending;
  REQUIRE(sending.send(opcode::text, "one") == error::none);
  sending.control(opcode::pong, "two");
  REQUIRE(sending.send(opcode::text, "three") == error::none);
  sending.control(opcode::ping, "four");
  const auto frames = read_frames(sending.take_all());
  REQUIRE(frames.size() == 4);
  CHECK(support::to_text(frames[1].payload) == "two");
  CHECK(frames[1].opcode == 10);
  CHECK(support::to_text(frames[3].payload) == "four");
  CHECK(frames[3].opcode == 9);
}

BOTH_ROLES("where output is blocked, control frames overtake what was not handed out", "[outbox]") {
  sending<Role> sending;
  for (int i = 0; i < 20; ++i) REQUIRE(sending.send(opcode::binary, bytes(3000)) == error::none);
  SECTION("nothing of it was taken") {
    static_cast<void>(sending.waiting());
    sending.consume(0);
    CHECK(sending.out().is_blocked());
    sending.control(opcode::pong, "quick");
    CHECK(support::to_text(read_frames(sending.waiting())[0].payload) == "quick");
  }
  SECTION("a part of a frame was taken") {
    static_cast<void>(sending.waiting());
    sending.consume(1);
    sending.control(opcode::pong, "quick");
    const bytes waiting = sending.waiting();
    const std::size_t first = 3000 + (Role == role::client ? 8 : 4) - 1;
    CHECK(support::to_text(read_frames(std::span{waiting}.subspan(first))[0].payload) == "quick");
  }
  SECTION("all of it is handed out") {
    static_cast<void>(sending.waiting());
    sending.consume(0);
    const bytes before = sending.waiting();
    sending.control(opcode::pong, "quick");
    REQUIRE(sending.send(opcode::text, "later") == error::none);
    const bytes after = sending.waiting();
    const auto behind = read_frames(std::span{after}.subspan(before.size()));
    REQUIRE(behind.size() == 2);
    CHECK(support::to_text(behind[0].payload) == "quick");
  }
}

BOTH_ROLES("no control frame overtakes the answer to a handshake", "[outbox]") {
  for (const bool is_blocked : {false, true}) {
    for (const std::size_t taken : {0U, 1U}) {
      if (!is_blocked && taken != 0) continue;
      CAPTURE(is_blocked, taken);
      sending<Role> sending;
      const bytes head = support::to_bytes("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      const bytes body = support::to_bytes("body");
      sending.out().add_raw(sending.pool(), head);
      sending.out().add_raw(sending.pool(), body);
      if (is_blocked) {
        static_cast<void>(sending.waiting());
        sending.consume(taken);
      }
      for (int i = 0; i < 200; ++i) sending.control(opcode::pong, std::string(100, 'p'));
      const bytes waiting = sending.take_all();
      const bytes expected = concat(std::span{head}.subspan(taken), body);
      CHECK(support::to_text(std::span{waiting}.first(expected.size())) ==
            support::to_text(expected));
      bytes rest;
      CHECK(read_frames(std::span{waiting}.subspan(expected.size()), &rest).size() >= 5);
      CHECK(rest.empty());
    }
  }
}

TEST_CASE("no bytes at all are no output", "[outbox]") {
  sending<role::server> sending;
  sending.out().add_raw(sending.pool(), {});
  CHECK(sending.out().empty());
}

BOTH_ROLES("under a flood of pings the newest pong is sent, in bounded memory",
           "[outbox][security]") {
  // Payloads of all sizes, so that a short one is replaced by a long one in every state.
  support::seeded random{7};
  for (int round = 0; round < 50; ++round) {
    for (const int blocked : {0, 1, 2, 3}) {
      sending<Role> sending;
      if (blocked != 0) {
        REQUIRE(sending.send(opcode::binary, bytes(10'000)) == error::none);
        REQUIRE(sending.send(opcode::binary, bytes(10'000)) == error::none);
        static_cast<void>(sending.waiting());
        sending.consume(blocked == 1 ? 0 : 5);
        if (blocked == 3) static_cast<void>(sending.waiting());  // a write is on its way
      }
      const std::size_t before = sending.out().size();
      const support::allocation_watch watch;
      std::string newest;
      for (int i = 0; i < 400; ++i) {
        newest = std::to_string(i) + ":";
        newest.resize(std::max<std::size_t>(newest.size(), random.below(126)), 'p');
        sending.control(opcode::pong, newest);
        if (sending.out().size() - before > most_control_bytes) FAIL("too much waits");
      }
      CHECK(watch.live() <= 8192);
      bytes rest;
      const bytes waiting =
          blocked >= 2 ? concat(bytes(5), sending.take_all()) : sending.take_all();
      const auto frames =
          read_frames(std::span{waiting}.subspan(
                          blocked >= 2 ? 5 + 10'000 - 5 + (Role == role::client ? 8 : 4) : 0),
                      &rest);
      CHECK(rest.empty());
      CHECK(contains(frames, newest));
    }
  }
}

BOTH_ROLES("a flood of the shortest pongs and then a long one stays in its memory",
           "[outbox][security]") {
  for (std::size_t count = 0; count < 1200; ++count) {
    sending<Role> sending;
    REQUIRE(sending.send(opcode::text, "blocked") == error::none);
    static_cast<void>(sending.waiting());
    sending.consume(0);
    for (std::size_t i = 0; i < count; ++i) sending.control(opcode::pong, "");
    const std::string longest(125, 'l');
    sending.control(opcode::pong, longest);
    const auto frames = read_frames(sending.take_all());
    if (!contains(frames, longest) || !contains(frames, "blocked")) FAIL("after " << count);
  }
}

BOTH_ROLES("pings that found room are not replaced by pongs", "[outbox][security]") {
  support::seeded random{8};
  for (int round = 0; round < 40; ++round) {
    sending<Role> sending;
    REQUIRE(sending.send(opcode::binary, bytes(100)) == error::none);
    if (round % 2 == 0) {
      static_cast<void>(sending.waiting());
      sending.consume(0);
    }
    std::vector<std::string> pings;
    for (int i = 0; i < 300; ++i) {
      const std::string payload = std::to_string(i) + std::string(random.below(100), 'x');
      if (random.below(3) == 0) {
        sending.control(opcode::pong, payload);
      } else if (sending.out().has_control_room(payload.size() + max_frame_header_size)) {
        const std::size_t before = sending.out().size();
        sending.control(opcode::ping, payload);
        CHECK(sending.out().size() == before + payload.size() + (Role == role::client ? 6 : 2));
        pings.push_back(payload);
      }
    }
    CHECK_FALSE(sending.out().has_control_room(125 + max_frame_header_size));
    const auto frames = read_frames(sending.take_all());
    std::vector<std::string> found;
    for (const wire_frame& frame : frames) {
      if (frame.opcode == 9) found.push_back(support::to_text(frame.payload));
    }
    // All of them; in their order where none stands in line with data and is overtaken.
    if (round % 2 != 0) std::sort(found.begin(), found.end());
    if (round % 2 != 0) std::sort(pings.begin(), pings.end());
    CHECK(found == pings);
    CHECK_FALSE(pings.empty());
  }
}

BOTH_ROLES("control frames that come while writes are on their way stay bounded, too",
           "[outbox][security]") {
  // A peer that takes one byte and pings, again and again, while an asynchronous write holds all
  // that was handed out.
  sending<Role> sending;
  for (int i = 0; i < 3; ++i) REQUIRE(sending.send(opcode::binary, bytes(100'000)) == error::none);
  static_cast<void>(sending.waiting());
  sending.consume(1);
  std::size_t taken = 1;
  const std::size_t data = sending.out().size() + 1;
  std::string newest;
  bytes wire{std::byte{0x82}};
  wire.reserve(1'000'000);
  const support::allocation_watch watch;
  for (int i = 0; i < 20'000; ++i) {
    const output_list list = sending.out().output();
    const std::byte next = list.front()[0];
    newest = std::to_string(i);
    sending.control(opcode::pong, newest);
    wire.push_back(next);
    sending.consume(1);
    ++taken;
  }
  CHECK(sending.out().size() + taken - data <= most_control_bytes);
  CHECK(watch.peak() <= 8192);
  const bytes rest = sending.take_all();
  wire.insert(wire.end(), rest.begin(), rest.end());
  const auto frames = read_frames(wire, &wire);
  CHECK(wire.empty());
  CHECK(contains(frames, newest));
  // Pongs keep their order.
  long last = -1;
  for (const wire_frame& frame : frames) {
    if (frame.opcode != 10) continue;
    const long number = std::stol(support::to_text(frame.payload));
    CHECK(number > last);
    last = number;
  }
}

BOTH_ROLES("a close frame stands behind all that waits", "[outbox]") {
  sending<Role> sending;
  for (int i = 0; i < 3; ++i) REQUIRE(sending.send(opcode::binary, bytes(3000)) == error::none);
  static_cast<void>(sending.waiting());
  sending.consume(1);
  for (int i = 0; i < 200; ++i) sending.control(opcode::pong, "pong");
  sending.close(close_code::normal, "bye");
  const bytes wire = concat("82"_hex, sending.take_all());
  const auto frames = read_frames(wire);
  REQUIRE(frames.size() > 4);
  for (std::size_t i = 0; i + 1 < frames.size(); ++i) CHECK(frames[i].opcode != 8);
  CHECK(frames.back().opcode == 8);
}

// --- Time, memory ------------------------------------------------------------------------------

BOTH_ROLES("the time that output waits begins anew with each byte that is taken", "[outbox]") {
  sending<Role> sending;
  REQUIRE(sending.send(opcode::text, "waiting") == error::none);
  CHECK(sending.out().waiting_since() == time_point::min());
  const time_point now{std::int64_t{1000}};
  sending.out().set_waiting_since(now);
  CHECK(sending.out().waiting_since() == now);
  static_cast<void>(sending.waiting());
  sending.consume(0);
  CHECK(sending.out().waiting_since() == now);
  sending.consume(1);
  CHECK(sending.out().waiting_since() == time_point::min());
}

BOTH_ROLES("in steady state nothing is allocated for output", "[outbox][memory]") {
  sending<Role> sending{support::sending<Role>::plenty, memory{}, std::size_t{1} << 20};
  const bytes small(16);
  const bytes large(1024);
  const auto round = [&](std::size_t step) {
    REQUIRE(sending.send(opcode::binary, small) == error::none);
    REQUIRE(sending.send(opcode::binary, large) == error::none);
    sending.control(opcode::ping, "ping");
    REQUIRE(sending.begin(opcode::text) == error::none);
    REQUIRE(sending.append("fragmented ", false) == error::none);
    REQUIRE(sending.append("message", true) == error::none);
    while (!sending.out().empty()) {
      const std::size_t first = sending.out().output().front().size();
      sending.consume(std::min(first, step));
      if (step < 100) sending.control(opcode::pong, "pong");
      if (step < 100) step += 50;
    }
  };
  round(10);
  round(1000);
  std::size_t calls = 0;
  for (const std::size_t step : {10U, 1000U, 100'000U}) {
    const support::allocation_watch watch;
    round(step);
    calls += watch.calls();
  }
  CHECK(calls == 0);
}

BOTH_ROLES("blocks go back as they are taken", "[outbox][memory]") {
  sending<Role> sending;
  const support::allocation_watch watch;
  for (int i = 0; i < 100; ++i) REQUIRE(sending.send(opcode::binary, bytes(4000)) == error::none);
  const std::ptrdiff_t most = watch.live();
  CHECK(most > 400'000);
  while (sending.out().size() > 100'000) {
    sending.consume(sending.out().output().front().size());
  }
  CHECK(watch.live() < most / 3);
  sending.out().clear(sending.pool());
  CHECK(watch.live() == 0);
  CHECK(sending.out().empty());
}

BOTH_ROLES("the n-th allocation fails, and what waited is as it was", "[outbox][memory]") {
  const auto run = [](std::size_t nth) {
    support::failing_memory memory{nth};
    {
      sending<Role> sending{support::sending<Role>::plenty, memory.source()};
      sent_bytes wire;
      support::event_log expected;
      const auto attempt = [&](auto call, const std::string& line) {
        const std::size_t size = sending.out().size();
        const std::size_t payload = sending.out().payload_size();
        const bool was_empty = sending.out().empty();
        try {
          call();
          expected.push_back(line);
        } catch (const std::bad_alloc&) {
          CHECK(sending.out().size() == size);
          CHECK(sending.out().payload_size() == payload);
          CHECK(sending.out().empty() == was_empty);
        }
      };
      for (int i = 0; i < 6; ++i) {
        attempt([&] { static_cast<void>(sending.send(opcode::text, "small")); },
                "text 73 6d 61 6c 6c");
        attempt([&] { static_cast<void>(sending.send(opcode::binary, bytes(5000))); },
                "binary " + support::to_hex(bytes(5000)));
        attempt([&] { sending.control(opcode::pong, "p"); }, "pong 70");
        const bytes waiting = sending.waiting();
        const std::size_t size = std::min<std::size_t>(waiting.size(), 3000);
        wire.add(std::span{waiting}.first(size));
        sending.consume(size);
      }
      wire.add(sending.take_all());
      const support::event_log log = support::receive<peer_of(Role)>(wire.all());
      const auto sorted = [](support::event_log lines) {
        std::sort(lines.begin(), lines.end());
        return lines;
      };
      CHECK(sorted(log) == sorted(expected));
    }
    CHECK(memory.live() == 0);
    return memory.has_failed();
  };
  CHECK(support::for_each_failing_allocation(run) >= 10);
}
