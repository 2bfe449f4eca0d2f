#include "hawser/sink.hpp"

#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/compressing.hpp"
#include "support/fixed_entropy.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// A connection whose masks are known before.
template <role Role>
class predictable {
  counting_entropy entropy_;

 public:
  explicit predictable(limits most = {})
      : all{{.limits = most, .entropy = entropy_.source()}}, end{all.end} {}

  adopted<Role> all;
  logged_connection<Role>& end;
};

bytes held(const sink& from) { return {from.bytes().begin(), from.bytes().end()}; }

bytes operator+(bytes first, const bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// The log of who reads these texts.
event_log texts(std::initializer_list<std::string_view> all) {
  event_log log;
  for (const std::string_view text : all) log.push_back("text " + describe(to_bytes(text)));
  return log;
}

struct room {
  std::vector<std::byte> memory = bytes(200'000);
  hawser::sink sink{memory};
};

constexpr std::array<std::size_t, 5> sizes{3, 0, 125, 126, 700};

template <role Role>
void send_some(basic_connection<Role>& connection, sink& to) {
  for (const std::size_t size : sizes) {
    REQUIRE(connection.send_binary(bytes(size, std::byte{7}), to) == error::none);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("a sink gets the frames that output() would have shown", "[sink]", at_server,
                   at_client) {
  predictable<TestType::self> with;
  predictable<TestType::self> without;
  room to;
  for (const std::size_t size : {0U, 1U, 16U, 125U, 126U, 65535U, 65536U}) {
    const bytes binary(size, std::byte{0xAB});
    const std::string text(size, 't');
    REQUIRE(with.end->send_binary(binary, to.sink) == error::none);
    REQUIRE(without.end->send_binary(binary) == error::none);
    REQUIRE(with.end->send_text(text, to.sink) == error::none);
    REQUIRE(without.end->send_text(text) == error::none);
    CHECK_FALSE(with.end->has_output());
    CHECK(with.end->buffered_amount() == 0);
    CHECK(held(to.sink) == without.end.take_output());
    with.end->consume_output(to.sink, to.sink.bytes().size());
    CHECK(to.sink.empty());
    CHECK_FALSE(with.end->has_output());
  }
}

TEMPLATE_TEST_CASE("a message that came is sent to a sink", "[sink]", at_server, at_client) {
  predictable<TestType::self> with;
  predictable<TestType::self> without;
  room to;
  with.end.react = [&](auto& connection, const event& found) {
    CHECK(connection.send(found, to.sink) == error::none);
  };
  without.end.react = [](auto& connection, const event& found) {
    CHECK(connection.send(found) == error::none);
  };
  const bytes input = wire_to{TestType::self}.text("a text").binary(bytes(300)).text("");
  with.end.feed(input);
  without.end.feed(input);
  CHECK_FALSE(with.end->has_output());
  CHECK(held(to.sink) == without.end.take_output());
}

TEMPLATE_TEST_CASE("what a socket did not take of a sink waits in output()", "[sink]", at_server,
                   at_client) {
  predictable<TestType::self> first;
  room to;
  send_some(*first.end, to.sink);
  const std::size_t all = to.sink.bytes().size();
  first.end->consume_output(to.sink, all);
  for (std::size_t sent = 0; sent <= all; ++sent) {
    predictable<TestType::self> with;
    predictable<TestType::self> without;
    send_some(*with.end, to.sink);
    for (const std::size_t size : sizes) {
      REQUIRE(without.end->send_binary(bytes(size, std::byte{7})) == error::none);
    }
    with.end->consume_output(to.sink, sent);
    static_cast<void>(without.end.take_output(sent));
    if (sent == 0) without.end->consume_output(0);
    CHECK(to.sink.empty());
    CHECK(with.end->output_size() == all - sent);
    CHECK(with.end->buffered_amount() == without.end->buffered_amount());

    // What follows stands behind what waits.
    REQUIRE(without.end->send_text("behind") == error::none);
    REQUIRE(with.end->send_text("behind", to.sink) == error::none);
    if (sent == all) with.end->consume_output(to.sink, 0);
    CHECK(to.sink.empty());
    CHECK(with.end->buffered_amount() == without.end->buffered_amount());
    CHECK(with.end.take_output(10) == without.end.take_output(10));
    CHECK(with.end->buffered_amount() == without.end->buffered_amount());
    CHECK(with.end.take_output() == without.end.take_output());
    CHECK(with.end->buffered_amount() == 0);
  }
}

TEMPLATE_TEST_CASE(
    "a message that finds no room in a sink goes to output(), and so do those behind it", "[sink]",
    at_server, at_client) {
  adopted<TestType::self> at;
  std::array<std::byte, 64> memory;
  sink to{memory};
  REQUIRE(at.end->send_text("one", to) == error::none);
  REQUIRE(at.end->send_text(std::string(60, '2'), to) == error::none);
  CHECK(at.end->has_output());
  REQUIRE(at.end->send_text("three", to) == error::none);
  const bytes from_sink = held(to);
  at.end->consume_output(to, from_sink.size());
  CHECK(read_back<TestType::self>(from_sink + at.end.take_output()) ==
        texts({"one", std::string(60, '2'), "three"}));

  SECTION("also where nothing of the sink is taken") {
    REQUIRE(at.end->send_text("four", to) == error::none);
    REQUIRE(at.end->send_text(std::string(60, '5'), to) == error::none);
    at.end->consume_output(to, 0);
    CHECK(read_back<TestType::self>(at.end.take_output()) == texts({"four", std::string(60, '5')}));
  }
}

TEMPLATE_TEST_CASE("a sink never mixes what two connections send", "[sink]", at_server, at_client) {
  adopted<TestType::self> one;
  adopted<TestType::self> other;
  room to;
  REQUIRE(one.end->send_text("one", to.sink) == error::none);
  REQUIRE(other.end->send_text("other", to.sink) == error::none);
  CHECK(read_back<TestType::self>(held(to.sink)) == texts({"one"}));
  CHECK(read_back<TestType::self>(other.end.take_output()) == texts({"other"}));
  one.end->consume_output(to.sink, 2);
  REQUIRE(other.end->send_text("again", to.sink) == error::none);
  CHECK(read_back<TestType::self>(held(to.sink)) == texts({"again"}));
  CHECK(one.end->buffered_amount() == 3);
}

TEMPLATE_TEST_CASE("a sink takes nothing that may not be sent", "[sink]", at_server, at_client) {
  adopted<TestType::self> at;
  room to;
  CHECK(at.end->send_text("\xC3\x28", to.sink) == error::text_not_utf8);
  REQUIRE(at.end->begin_text() == error::none);
  CHECK(at.end->send_text("between", to.sink) == error::message_in_progress);
  CHECK(at.end->send_binary(bytes(3), to.sink) == error::message_in_progress);
  REQUIRE(at.end->finish() == error::none);
  at.end.take_output();
  REQUIRE(at.end->close() == error::none);
  at.end.take_output();
  CHECK(at.end->send_text("late", to.sink) == error::not_open);
  CHECK(to.sink.empty());
}

TEMPLATE_TEST_CASE("text that was let in unchecked is checked on its way to a sink", "[sink]",
                   at_server, at_client) {
  adopted<TestType::self> at{{.strictness = {.utf8 = false}}};
  room to;
  std::vector<error> results;
  at.end.react = [&](auto& connection, const event& found) {
    results.push_back(connection.send(found, to.sink));
  };
  at.end.feed(wire_to{TestType::self}.text("\xC3\x28").text("good"));
  CHECK(results == std::vector{error::text_not_utf8, error::none});
}

TEMPLATE_TEST_CASE("pieces of a message go to output()", "[sink]", at_server, at_client) {
  adopted<TestType::self> at{{.delivery = delivery::pieces}};
  room to;
  at.end.react = [&](auto& connection, const event& found) {
    CHECK(connection.send(found, to.sink) == error::none);
  };
  at.end.feed(wire_to{TestType::self}.text("in", false).last("pieces"));
  CHECK(to.sink.empty());
  CHECK(read_back<TestType::self>(at.end.take_output()) == texts({"inpieces"}));
}

TEMPLATE_TEST_CASE("a sink holds no more than the output may", "[sink]", at_server, at_client) {
  adopted<TestType::self> at{{.limits = {.max_output_size = 1000}}};
  room to;
  CHECK(at.end->send_binary(bytes(1001), to.sink) == error::output_full);
  REQUIRE(at.end->send_binary(bytes(900), to.sink) == error::none);
  const std::size_t first = to.sink.bytes().size();
  REQUIRE(at.end->send_binary(bytes(900), to.sink) == error::none);
  CHECK(to.sink.bytes().size() == first);
  CHECK(at.end->send_binary(bytes(900), to.sink) == error::output_full);
  at.end->consume_output(to.sink, 0);
  CHECK(at.end->buffered_amount() == 1800);
  CHECK(at.end->send_binary({}, to.sink) == error::output_full);
}

TEMPLATE_TEST_CASE("what is left of a sink may be kept again after memory was short", "[sink]",
                   at_server, at_client) {
  const std::size_t failed = for_each_failing_allocation([](std::size_t n) {
    adopted<TestType::self> at;
    room to;
    send_some(*at.end, to.sink);
    const bytes before = held(to.sink);
    const bool has_failed = [&] {
      const failing_allocation failing{n};
      try {
        at.end->consume_output(to.sink, 5);
      } catch (const std::bad_alloc&) {
        CHECK(held(to.sink) == before);
      }
      return failing.has_failed();
    }();
    if (has_failed) at.end->consume_output(to.sink, 5);
    CHECK(to.sink.empty());
    CHECK(at.end.take_output() == bytes(before.begin() + 5, before.end()));
    return has_failed;
  });
  CHECK(failed == 2);
}

TEST_CASE("what is compressed goes to output()", "[sink]") {
  compressing<role::server> at;
  room to;
  REQUIRE(at.end->send_text(std::string(1000, 'z'), to.sink) == error::none);
  REQUIRE(at.end->send_text("short", to.sink) == error::none);
  CHECK(to.sink.empty());
  CHECK(at.end->has_output());
  at.end.take_output();
}
