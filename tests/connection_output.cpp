// Sending: what stands in the output and keeps its place, how much of it, where it is full, and
// what control frames do about that.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

template <role Role>
constexpr std::size_t small_header = Role == role::client ? 6 : 2;

// The payload bytes of messages among the first bytes of a stream of frames, for every number of
// bytes.
std::vector<std::size_t> payload_among_first(const bytes& stream) {
  std::vector<std::size_t> result{0};
  for (std::size_t at = 0; at < stream.size();) {
    const auto first = std::to_integer<unsigned>(stream[at]);
    const auto second = std::to_integer<unsigned>(stream[at + 1]);
    std::size_t header = 2;
    std::uint64_t length = second & 127U;
    if (length >= 126) {
      const std::size_t count = length == 126 ? 2 : 8;
      length = 0;
      for (std::size_t i = 0; i < count; ++i) {
        length = length << 8 | std::to_integer<std::uint64_t>(stream[at + 2 + i]);
      }
      header += count;
    }
    if ((second & 128U) != 0) header += 4;
    const bool is_data = (first & 8U) == 0;
    for (std::size_t i = 0; i < header + length; ++i) {
      result.push_back(result.back() + (is_data && i >= header ? 1 : 0));
    }
    at += header + static_cast<std::size_t>(length);
  }
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("what was shown of the output keeps its place until it is consumed",
                   "[connection][output]", at_server, at_client) {
  adopted<TestType::self> at;
  REQUIRE(at.end->send_text("first") == error::none);
  REQUIRE(at.end->send_binary(bytes(10'000, std::byte{2})) == error::none);
  std::vector<std::span<const std::byte>> shown;
  for (const auto part : at.end->output()) shown.push_back(part);
  const bytes before = joined(at.end->output());

  // An asynchronous write is under way; meanwhile all sorts of things are sent.
  for (int i = 0; i < 200; ++i) {
    REQUIRE(at.end->send_text(std::string(static_cast<std::size_t>(i) * 50, 'x')) == error::none);
    if (i % 10 == 0) static_cast<void>(at.end->ping(std::string_view{"p"}));
    at.end.feed(wire_to{TestType::self}.ping("q").text("t"));
  }
  bytes still;
  for (const auto part : shown) still.insert(still.end(), part.begin(), part.end());
  CHECK(still == before);
  const bytes all = joined(at.end->output());
  CHECK(std::equal(before.begin(), before.end(), all.begin()));

  // The same after a write of a part.
  at.end.take_output(7);
  shown.clear();
  for (const auto part : at.end->output()) shown.push_back(part);
  const bytes rest = joined(at.end->output());
  for (int i = 0; i < 20; ++i) {
    at.end.feed(wire_to{TestType::self}.ping(std::string(100, 'q')));
    REQUIRE(at.end->send_text("y") == error::none);
  }
  still.clear();
  for (const auto part : shown) still.insert(still.end(), part.begin(), part.end());
  CHECK(still == rest);
}

TEMPLATE_TEST_CASE("the output is the same however it is taken", "[connection][output]", at_server,
                   at_client) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{100},
                                 std::size_t{5000}, std::size_t{1'000'000}}) {
    adopted<TestType::self> at;
    std::vector<std::string> expected;
    for (const std::size_t size : {0U, 1U, 125U, 126U, 4000U, 4096U, 65535U, 65536U}) {
      const std::string payload(size, 'a');
      REQUIRE(at.end->send_text(payload) == error::none);
      expected.push_back("text " + describe(to_bytes(payload)));
    }
    while (at.end->has_output()) at.end.take_output(step);
    CHECK(read_back<TestType::self>(at.end.sent()) == expected);
  }
}

TEMPLATE_TEST_CASE("buffered_amount is the payload that was sent and not taken",
                   "[connection][output]", at_server, at_client) {
  seeded random{7};
  for (int round = 0; round < 30; ++round) {
    adopted<TestType::self> at;
    struct moment {
      std::size_t consumed, told, payload;
    };
    std::vector<moment> moments;
    std::size_t payload = 0;
    for (int step = 0; step < 60; ++step) {
      const std::size_t size = random.below(4) == 0 ? random.below(9000) : random.below(200);
      switch (random.below(5)) {
        case 0:
        case 1:
          REQUIRE(at.end->send_binary(bytes(size)) == error::none);
          payload += size;
          break;
        case 2:
          static_cast<void>(at.end->ping(bytes(size % 126)));
          break;
        case 3:
          at.end.feed(wire_to{TestType::self}.ping(std::string(size % 126, 'p')));
          break;
        default:
          at.end.take_output(random.below(3000));
      }
      moments.push_back({at.end.sent().size(), at.end->buffered_amount(), payload});
    }
    at.end.take_output();
    CHECK(at.end->buffered_amount() == 0);
    const std::vector<std::size_t> among_first = payload_among_first(at.end.sent());
    for (const moment& each : moments) {
      if (each.told != each.payload - among_first[each.consumed]) {
        INFO("consumed: " << each.consumed << ", round " << round);
        REQUIRE(each.told == each.payload - among_first[each.consumed]);
      }
    }
  }
}

TEMPLATE_TEST_CASE("messages arrive whole and in order, whatever overtakes", "[connection][output]",
                   at_server, at_client) {
  seeded random{11};
  for (int round = 0; round < 30; ++round) {
    adopted<TestType::self> at{{.limits = {.max_control_frames = 0}}};
    event_log expected;
    std::string begun;
    bool is_in_message = false;
    for (int step = 0; step < 150; ++step) {
      const std::string payload(random.below(600), static_cast<char>('a' + random.below(26)));
      switch (random.below(8)) {
        case 0:
          if (!is_in_message) {
            REQUIRE(at.end->send_text(payload) == error::none);
            expected.push_back("text " + describe(to_bytes(payload)));
          }
          break;
        case 1:
          if (!is_in_message) {
            REQUIRE(at.end->begin_text() == error::none);
            is_in_message = true;
            begun.clear();
          }
          break;
        case 2:
          if (is_in_message) {
            REQUIRE(at.end->append(payload) == error::none);
            begun += payload;
          }
          break;
        case 3:
          if (is_in_message) {
            REQUIRE(at.end->finish(payload) == error::none);
            expected.push_back("text " + describe(to_bytes(begun + payload)));
            is_in_message = false;
          }
          break;
        case 4:
          static_cast<void>(at.end->ping(std::string_view{"ping"}));
          break;
        case 5:
          at.end.feed(wire_to{TestType::self}.ping(std::string(random.below(126), 'q')));
          break;
        case 6:
          static_cast<void>(at.end->output());
          at.end->consume_output(0);
          break;
        default:
          at.end.take_output(random.below(2000));
      }
    }
    if (is_in_message) {
      REQUIRE(at.end->finish() == error::none);
      expected.push_back("text " + describe(to_bytes(begun)));
    }
    REQUIRE(at.end->close() == error::none);
    while (at.end->has_output()) at.end.take_output(1 + random.below(700));
    event_log told = read_back<TestType::self>(at.end.sent());
    CHECK(told.back() == "close 1000 ");
    told.pop_back();
    std::erase_if(told, [](const std::string& line) { return line.starts_with("p"); });
    CHECK(told == expected);
  }
}

// ---- Full output

TEMPLATE_TEST_CASE("a message that does not fit is not queued, to the byte", "[connection][output]",
                   at_server, at_client) {
  constexpr std::size_t header = small_header<TestType::self> + 2;
  adopted<TestType::self> at{{.limits = {.max_output_size = 1000}}};
  CHECK(at.end->send_binary(bytes(1000 - header + 1)) == error::output_full);
  CHECK_FALSE(at.end->has_output());
  CHECK(at.end->send_binary(bytes(1000 - header)) == error::none);
  CHECK(at.end->output_size() == 1000);
  CHECK(at.end->send_text("") == error::output_full);
  CHECK(at.end->output_size() == 1000);
  CHECK(at.end->is_open());

  at.end.take_output(small_header<TestType::self>);
  CHECK(at.end->send_text("x") == error::output_full);
  CHECK(at.end->send_text("") == error::none);
  CHECK(at.end->send_text("") == error::output_full);
  at.end.take_output();
  CHECK(read_back<TestType::self>(at.end.sent()).size() == 2);
  CHECK(at.end->send_binary(bytes(1000 - header)) == error::none);
}

TEMPLATE_TEST_CASE("control frames find room in a full output", "[connection][output]", at_server,
                   at_client) {
  adopted<TestType::self> at{{.limits = {.max_output_size = 1000}}};
  while (at.end->send_binary(bytes(50)) == error::none) {
  }
  CHECK(at.end->ping(std::string(125, 'p')) == error::none);
  CHECK(at.end->pong(std::string(125, 'q')) == error::none);
  at.end.feed(wire_to{TestType::self}.ping("r"));
  CHECK(at.end->close(close_code::normal, std::string(123, 'c')) == error::none);
  const event_log told = read_back<TestType::self>(at.end.take_output());
  CHECK(std::count(told.begin(), told.end(), "pong 72") == 1);
  CHECK(told.back().starts_with("close 1000 ccc"));
}

TEMPLATE_TEST_CASE("a write that took nothing lets control frames overtake", "[connection][output]",
                   at_server, at_client) {
  adopted<TestType::self> at;
  for (int i = 0; i < 10; ++i) REQUIRE(at.end->send_binary(bytes(3000)) == error::none);
  at.end.take_output(10);  // inside the first message
  REQUIRE(at.end->ping(std::string_view{"now"}) == error::none);
  at.end.feed(wire_to{TestType::self}.ping("and"));
  at.end.take_output();
  const event_log told = read_back<TestType::self>(at.end.sent());
  const auto place = [&](const std::string& line) {
    return std::find(told.begin(), told.end(), line) - told.begin();
  };
  CHECK(told.size() == 12);
  CHECK(place("ping 6e 6f 77") <= 2);
  CHECK(place("pong 61 6e 64") <= 3);
}

TEMPLATE_TEST_CASE("a flood of pings leaves the newest pong, in bounded room",
                   "[connection][output]", at_server, at_client) {
  adopted<TestType::self> at{{.limits = {.max_control_frames = 0}}};
  REQUIRE(at.end->send_binary(bytes(100)) == error::none);
  at.end.take_output(1);  // blocked
  std::size_t most = 0;
  for (int i = 0; i < 5000; ++i) {
    at.end.feed(wire_to{TestType::self}.ping(std::to_string(i)));
    most = std::max(most, at.end->output_size());
  }
  CHECK(most < 8192);
  at.end.take_output();
  const event_log told = read_back<TestType::self>(at.end.sent());
  CHECK(told.back() == "pong " + to_hex(to_bytes("4999")));
  CHECK(told.size() > 1);
  CHECK(told.size() < 500);
}

TEMPLATE_TEST_CASE("pings of an application are refused where there is no room",
                   "[connection][output]", at_server, at_client) {
  adopted<TestType::self> at;
  REQUIRE(at.end->send_binary(bytes(100)) == error::none);
  at.end.take_output(1);
  std::size_t sent = 0;
  while (at.end->ping(std::string(100, 'p')) == error::none) ++sent;
  CHECK(sent >= 1);
  CHECK(sent < 100);
  CHECK(at.end->ping(std::string(100, 'p')) == error::output_full);
  CHECK(at.end->pong(std::string(100, 'p')) == error::output_full);
  // What the peer asks is answered all the same.
  at.end.feed(wire_to{TestType::self}.ping("asked"));
  at.end.take_output();
  const event_log told = read_back<TestType::self>(at.end.sent());
  CHECK(std::count(told.begin(), told.end(), "pong " + to_hex(to_bytes("asked"))) == 1);
  CHECK(told.size() == 2 + sent);
  CHECK(at.end->ping(std::string(100, 'p')) == error::none);
}

TEMPLATE_TEST_CASE("pings are not answered where the application does it", "[connection][output]",
                   at_server, at_client) {
  using connection = basic_connection<TestType::self>;
  typename connection::endpoint_type endpoint{{.answers_pings = false}};
  logged_connection<TestType::self> end{endpoint, agreement{}};
  end.take_open();
  end.feed(wire_to{TestType::self}.ping("a"));
  CHECK_FALSE(end->has_output());
  end.react = [](connection& self, const event& found) {
    if (found.kind() == event_kind::ping) CHECK(self.pong(found.payload()) == error::none);
  };
  end.feed(wire_to{TestType::self}.ping("b"));
  CHECK(read_back<TestType::self>(end.take_output()) == event_log{"pong 62"});
}

// ---- Messages in parts

TEMPLATE_TEST_CASE("a message in parts is begun, appended to and finished", "[connection][output]",
                   at_server, at_client) {
  adopted<TestType::self> at;
  CHECK(at.end->append(std::string_view{"x"}) == error::no_message_begun);
  CHECK(at.end->finish() == error::no_message_begun);
  REQUIRE(at.end->begin_text() == error::none);
  CHECK_FALSE(at.end->has_output());
  CHECK(at.end->begin_text() == error::message_in_progress);
  CHECK(at.end->begin_binary() == error::message_in_progress);
  CHECK(at.end->send_text("x") == error::message_in_progress);
  CHECK(at.end->send_binary(bytes{}) == error::message_in_progress);
  CHECK(at.end->append(std::string_view{"eur\xE2"}) == error::none);
  CHECK(at.end->ping(std::string_view{"p"}) == error::none);
  CHECK(at.end->append(std::string_view{"\x82"}) == error::none);
  CHECK(at.end->append(std::string_view{}) == error::none);
  CHECK(at.end->finish(std::string_view{"\xAC"}) == error::none);
  CHECK(at.end->finish() == error::no_message_begun);
  REQUIRE(at.end->begin_binary() == error::none);
  CHECK(at.end->finish() == error::none);
  CHECK(read_back<TestType::self>(at.end.take_output()) ==
        event_log{"ping 70", "text 65 75 72 e2 82 ac", "binary "});
}

TEMPLATE_TEST_CASE("a part that does not fit can be sent again", "[connection][output]", at_server,
                   at_client) {
  adopted<TestType::self> at{{.limits = {.max_output_size = 100}}};
  REQUIRE(at.end->begin_text() == error::none);
  REQUIRE(at.end->append(std::string(80, 'a')) == error::none);
  CHECK(at.end->append(std::string(20, 'b')) == error::output_full);
  CHECK(at.end->finish(std::string(20, 'b')) == error::output_full);
  at.end.take_output();
  CHECK(at.end->finish(std::string(20, 'b')) == error::none);
  at.end.take_output();
  CHECK(read_back<TestType::self>(at.end.sent()) ==
        event_log{"text " + to_hex(to_bytes(std::string(80, 'a') + std::string(20, 'b')))});
}

TEMPLATE_TEST_CASE("text is not checked where the endpoint trusts it", "[connection][output]",
                   at_server, at_client) {
  using connection = basic_connection<TestType::self>;
  typename connection::endpoint_type endpoint{{.checks_sent_text = false}};
  logged_connection<TestType::self> end{endpoint, agreement{}};
  CHECK(end->send_text("\xFF") == error::none);
  REQUIRE(end->begin_text() == error::none);
  CHECK(end->finish(std::string_view{"\xFF"}) == error::none);
}

// ---- Sending what came

TEMPLATE_TEST_CASE("a message is sent on as it came", "[connection][output]", at_server,
                   at_client) {
  adopted<TestType::self> at;
  at.end.react = echo<TestType::self>;
  at.end.feed(wire_to{TestType::self}.text("t").binary("ff"_hex).text("fr", false).last("ag"));
  CHECK(read_back<TestType::self>(at.end.take_output()) ==
        event_log{"text 74", "binary ff", "text 66 72 61 67"});
}

TEMPLATE_TEST_CASE("pieces are sent on as they came, and become the same message",
                   "[connection][output]", at_server, at_client) {
  const bytes input = wire_to{TestType::self}
                          .text("gr\xC3", false)
                          .more("")
                          .last("\xBC\xC3\x9F")
                          .binary(bytes(1000, std::byte{5}))
                          .text("")
                          .text("x", false)
                          .last("");
  adopted<TestType::self> whole;
  whole.end.feed(input);
  for (std::size_t step = 1; step < input.size(); step += step < 20 ? 1 : 101) {
    adopted<TestType::self> at{{.delivery = delivery::pieces}};
    at.end.react = echo<TestType::self>;
    for (std::size_t begin = 0; begin < input.size(); begin += step) {
      at.end.feed(std::span{input}.subspan(begin, std::min(step, input.size() - begin)));
    }
    CHECK(at.end.log() == whole.end.log());
    CHECK(read_back<TestType::self>(at.end.take_output()) == whole.end.log());
  }
}

TEMPLATE_TEST_CASE("a piece that cannot be sent on leaves nothing begun", "[connection][output]",
                   at_server, at_client) {
  using connection = basic_connection<TestType::self>;
  adopted<TestType::self> at{{.limits = {.max_output_size = 100}, .delivery = delivery::pieces}};
  REQUIRE(at.end->send_binary(bytes(80)) == error::none);
  std::vector<error> results;
  at.end.react = [&](connection& self, const event& found) {
    if (!found.is_piece()) return;
    results.push_back(self.send(found));
    if (results.back() != error::output_full) return;
    // Nothing was begun: another message may be sent, and later the piece.
    results.push_back(self.send_text(""));
    self.consume_output(joined(self.output()).size());
    results.push_back(self.send(found));
  };
  at.end.feed(wire_to{TestType::self}.text(std::string(50, 'a'), false).last("b"));
  CHECK(results == std::vector<error>{error::output_full, error::none, error::none, error::none});
}

TEMPLATE_TEST_CASE("a piece is not sent on inside another message", "[connection][output]",
                   at_server, at_client) {
  using connection = basic_connection<TestType::self>;
  adopted<TestType::self> at{{.delivery = delivery::pieces}};
  REQUIRE(at.end->begin_binary() == error::none);
  std::vector<error> results;
  at.end.react = [&](connection& self, const event& found) { results.push_back(self.send(found)); };
  at.end.feed(wire_to{TestType::self}.text("whole"));
  CHECK(results == std::vector<error>{error::message_in_progress});
  CHECK_FALSE(at.end->has_output());
}

TEMPLATE_TEST_CASE("between two events anything may be sent", "[connection][output]", at_server,
                   at_client) {
  using connection = basic_connection<TestType::self>;
  adopted<TestType::self> at;
  at.end.react = [](connection& self, const event& found) {
    if (!found.is_message() || !self.is_open()) return;
    CHECK(self.ping(std::string_view{"p"}) == error::none);
    CHECK(self.send_text(found.text()) == error::none);
    if (found.text() == "last") CHECK(self.close(close_code{4000}, found.text()) == error::none);
  };
  at.end.feed(wire_to{TestType::self}.text("a").text("la", false).last("st").text("after"));
  CHECK(at.end.log().size() == 3);
  CHECK(read_back<TestType::self>(at.end.take_output()) ==
        event_log{"ping 70", "text 61", "ping 70", "text 6c 61 73 74", "close 4000 last"});
}
