#include "hawser/deflating_sender.hpp"

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/compressing.hpp"
#include "support/failing_memory.hpp"

#include <cstddef>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// What a codec can keep to.
template <class End>
std::vector<std::string_view> agreements() {
  if (is_stream<End>) return {all_takes_over, none_takes_over};
  return {none_takes_over};
}

// A sender, and a peer that reads what it sends, with zlib: what frames there were, and which
// messages.
template <class End>
class sending_end {
 public:
  static constexpr role self = End::self;
  using from_type = compressing<self, typename End::extension>;
  using options_type = typename from_type::options_type;

  explicit sending_end(std::string_view agreed = usual<End>, const deflate_options& extension = {},
                       options_type options = {})
      : from{agreed, std::move(options), extension},
        to{agreed, {.limits = {.max_message_size = 100'000'000}}, extension} {}

  // Carries everything to the peer, and tells of each frame: its first byte and its size.
  std::vector<std::string> frames() {
    const bytes sent = from.end.take_output();
    to.end.feed(sent);
    std::vector<std::string> all;
    std::span<const std::byte> rest{sent};
    while (!rest.empty()) {
      const frame_rules rules{.self = peer_of(self), .strictness = {.reserved_bits = false}};
      frame_header_result found = parse_frame_header(rest, rules);
      if (found.error == error::nothing_to_continue) {
        found = parse_frame_header(rest, {.self = peer_of(self), .in_message = true});
      }
      if (found.size == 0) FAIL("no frame");
      all.push_back(std::string{found.header.rsv1 ? "compressed " : "plain "} +
                    std::to_string(found.header.payload_size));
      rest = rest.subspan(found.size + static_cast<std::size_t>(found.header.payload_size));
    }
    return all;
  }
  // The messages that the peer got since.
  event_log received() {
    event_log log = to.end.log();
    to.end.forget_log();
    return log;
  }

  from_type from;
  compressing<peer_of(self)> to;
};

std::string plain(std::string_view text) { return "plain " + std::to_string(text.size()); }

}  // namespace

TEMPLATE_LIST_TEST_CASE("messages from a size on are compressed", "[deflating_sender]", all_ends) {
  sending_end<TestType> end{usual<TestType>, {.min_size = 100}};
  const std::string small = json(99);
  const std::string large = json(100);
  CHECK(end.from.end->send_text(small) == error::none);
  CHECK(end.frames() == std::vector{plain(small)});
  CHECK(end.from.end->send_text(large) == error::none);
  CHECK(end.frames().front().starts_with("compressed "));
  CHECK(end.from.end->send_binary(large) == error::none);
  CHECK(end.frames().front().starts_with("compressed "));
  CHECK(end.received() == event_log{text_line(small), text_line(large), binary_line(large)});
}

TEMPLATE_LIST_TEST_CASE("each message may be chosen for", "[deflating_sender]", all_ends) {
  sending_end<TestType> end;
  const std::string text = json(1000);
  const std::string small(60, 'a');
  CHECK(end.from.end->send_text(text, {.compress = compression::never}) == error::none);
  CHECK(end.from.end->send_binary(text, {.secret = true}) == error::none);
  CHECK(end.from.end->send_text(text, {.compress = compression::always, .secret = true}) ==
        error::none);
  CHECK(end.frames() == std::vector(3, plain(text)));
  CHECK(end.from.end->send_text(small, {.compress = compression::always}) == error::none);
  CHECK(end.frames().front().starts_with("compressed "));
  CHECK(end.from.end->begin_text({.secret = true}) == error::none);
  CHECK(end.from.end->append(text) == error::none);
  CHECK(end.from.end->finish(text) == error::none);
  CHECK(end.frames() == std::vector(2, plain(text)));
  CHECK(end.received() == event_log{text_line(text), binary_line(text), text_line(text),
                                    text_line(small), text_line(text + text)});
}

TEMPLATE_LIST_TEST_CASE("a secret is in no window", "[deflating_sender][security-breach]",
                        zlib_ends) {
  const std::string secret = "token=" + noise(300, 5);
  const auto size_behind = [&](const message_options& options) {
    sending_end<TestType> end;
    CHECK(end.from.end->send_binary(secret, options) == error::none);
    static_cast<void>(end.frames());
    // A guess that is right is no smaller than one that is wrong.
    CHECK(end.from.end->send_binary("guess: " + secret) == error::none);
    return end.frames().front();
  };
  sending_end<TestType> fresh;
  CHECK(fresh.from.end->send_binary("guess: " + secret) == error::none);
  CHECK(size_behind({.secret = true}) == fresh.frames().front());
  CHECK(size_behind({}) != size_behind({.secret = true}));
}

TEMPLATE_LIST_TEST_CASE("what does not shrink is sent as it is", "[deflating_sender]", all_ends) {
  for (const std::string_view agreed : agreements<TestType>()) {
    sending_end<TestType> end{agreed};
    CAPTURE(agreed);
    const std::string large = noise(5000);
    const std::string text = json(3000);
    for (int i = 0; i < 3; ++i) {
      CHECK(end.from.end->send_text(text) == error::none);
      CHECK(end.frames().front().starts_with("compressed "));
      // The window that it went through begins anew: otherwise what follows would not inflate.
      CHECK(end.from.end->send_binary(noise(5000, 7U + static_cast<unsigned>(i))) == error::none);
      CHECK(end.frames() == std::vector{plain(large)});
    }
    CHECK(end.received() == event_log{text_line(text), binary_line(noise(5000, 7)), text_line(text),
                                      binary_line(noise(5000, 8)), text_line(text),
                                      binary_line(noise(5000, 9))});
  }
  if (!is_stream<TestType>) return;
  // Small noise keeps the window that others made.
  sending_end<TestType> end;
  const std::string text = json(1000);
  CHECK(end.from.end->send_text(text) == error::none);
  CHECK(end.from.end->send_binary(noise(100)) == error::none);
  CHECK(end.from.end->send_text(text) == error::none);
  const std::vector<std::string> frames = end.frames();
  CHECK(frames[1].starts_with("compressed 10"));
  CHECK(frames[2].size() < frames[0].size());
  CHECK(end.received() == event_log{text_line(text), binary_line(noise(100)), text_line(text)});
}

TEMPLATE_LIST_TEST_CASE("every mix of takeover and windows is understood by the peer",
                        "[deflating_sender][rfc7692-7.1]", zlib_ends) {
  for (const std::string_view takeover :
       {"", "; server_no_context_takeover", "; client_no_context_takeover",
        "; server_no_context_takeover; client_no_context_takeover"}) {
    for (const std::string_view windows :
         {"", "; server_max_window_bits=9; client_max_window_bits=9",
          "; server_max_window_bits=12; client_max_window_bits=15"}) {
      for (const deflate_options& options :
           {deflate_presets::small, deflate_presets::balanced, deflate_presets::best}) {
        const std::string agreed =
            "permessage-deflate" + std::string{takeover} + std::string{windows};
        CAPTURE(agreed);
        sending_end<TestType> end{agreed, options, {.limits = {.max_output_size = 40'000'000}}};
        event_log expected;
        for (const std::size_t size : {0U, 1U, 63U, 64U, 500U, 40000U, 300000U}) {
          const std::string text = json(size, static_cast<std::uint32_t>(size));
          CHECK(end.from.end->send_text(text) == error::none);
          CHECK(end.from.end->begin_binary() == error::none);
          CHECK(end.from.end->append(std::string_view{text}.substr(0, size / 3)) == error::none);
          CHECK(end.from.end->append({}) == error::none);
          CHECK(end.from.end->append(std::string_view{text}.substr(size / 3)) == error::none);
          CHECK(end.from.end->finish() == error::none);
          expected.push_back(text_line(text));
          expected.push_back(binary_line(text));
        }
        static_cast<void>(end.frames());
        CHECK(end.received() == expected);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("only the first frame of a compressed message has RSV1",
                        "[deflating_sender][rfc7692-6]", zlib_ends) {
  sending_end<TestType> end;
  CHECK(end.from.end->begin_text() == error::none);
  CHECK(end.from.end->append(json(500)) == error::none);
  CHECK(end.from.end->ping(json(10)) == error::none);
  CHECK(end.from.end->append(json(500)) == error::none);
  CHECK(end.from.end->finish() == error::none);
  const std::vector<std::string> frames = end.frames();
  REQUIRE(frames.size() == 4);
  CHECK(frames[0].starts_with("compressed "));
  CHECK(frames[1] == "plain 10");
  CHECK(frames[2].starts_with("plain "));
  CHECK(frames[3] == "plain 1");
  CHECK(end.received().back() == text_line(json(500) + json(500)));
}

TEMPLATE_LIST_TEST_CASE("a window of 256 bytes is kept to by sending nothing compressed",
                        "[deflating_sender][rfc7692-7.1.2.2]", zlib_ends) {
  sending_end<TestType> end{
      "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8"};
  const std::string text = json(2000);
  CHECK(end.from.end->send_text(text) == error::none);
  CHECK(end.frames() == std::vector{plain(text)});
  CHECK(end.received() == event_log{text_line(text)});
}

TEMPLATE_LIST_TEST_CASE("a codec of whole messages compresses what fits in the peer's window",
                        "[deflating_sender][rfc7692-7.1.2]", libdeflate_ends) {
  for (int bits = 8; bits <= 15; ++bits) {
    const std::string digits = std::to_string(bits);
    sending_end<TestType> end{std::string{none_takes_over} + "; server_max_window_bits=" + digits +
                              "; client_max_window_bits=" + digits};
    const std::size_t window = std::size_t{1} << bits;
    // A message that refers to its beginning from its end.
    const std::string start = noise(100);
    const std::string fits = start + json(window - 200) + start;
    const std::string larger = fits + "x";
    CAPTURE(bits);
    CHECK(end.from.end->send_binary(fits) == error::none);
    CHECK(end.from.end->send_binary(larger) == error::none);
    const std::vector<std::string> frames = end.frames();
    CHECK(frames[0].starts_with("compressed "));
    CHECK(frames[1].starts_with("plain ") == (bits != 15));
    CHECK(end.received() == event_log{binary_line(fits), binary_line(larger)});
  }
}

TEMPLATE_LIST_TEST_CASE("a codec of whole messages leaves those in parts as they are",
                        "[deflating_sender]", libdeflate_ends) {
  sending_end<TestType> end;
  const std::string text = json(500);
  CHECK(end.from.end->begin_text({.compress = compression::always}) == error::none);
  CHECK(end.from.end->append(text) == error::none);
  CHECK(end.from.end->send_text(text) == error::message_in_progress);
  CHECK(end.from.end->finish(text) == error::none);
  CHECK(end.frames() == std::vector(2, plain(text)));
  CHECK(end.from.end->send_text(text) == error::none);
  CHECK(end.frames().front().starts_with("compressed "));
  CHECK(end.received() == event_log{text_line(text + text), text_line(text)});
}

TEMPLATE_LIST_TEST_CASE("a codec of whole messages keeps nothing of a connection",
                        "[deflating_sender]", libdeflate_ends) {
  sending_end<TestType> end;
  const std::string text = json(500);
  CHECK(end.from.end->send_text(text) == error::none);
  static_cast<void>(end.frames());
  const allocation_watch watch;
  for (int i = 0; i < 10; ++i) {
    if (end.from.end->send_text(text) != error::none) FAIL("not sent");
    end.from.end->consume_output(end.from.end->output_size());
  }
  CHECK(watch.calls() == 0);
  CHECK(end.from.end->next_deadline() == compressing<TestType::self>{}.end->next_deadline());
}

TEMPLATE_LIST_TEST_CASE("what is wrong with a message is told and changes no window",
                        "[deflating_sender]", all_ends) {
  sending_end<TestType> end{usual<TestType>, {}, {.limits = {.max_output_size = 3000}}};
  const std::string text = json(1000);
  CHECK(end.from.end->send_text(text + "\xFF") == error::text_not_utf8);
  CHECK(end.from.end->append(text) == error::no_message_begun);
  CHECK(end.from.end->begin_text() == error::none);
  CHECK(end.from.end->send_text(text) == error::message_in_progress);
  CHECK(end.from.end->append("\xFF" + text) == error::text_not_utf8);
  CHECK(end.from.end->append(text) == error::none);
  CHECK(end.from.end->append(json(50000)) == error::output_full);
  CHECK(end.from.end->finish(std::string_view{"\xCE"}) == error::text_not_utf8);
  CHECK(end.from.end->finish(text) == error::none);
  int sent = 0;
  const auto some_noise = [](int i) { return noise(900, static_cast<std::uint32_t>(i)); };
  while (end.from.end->send_binary(some_noise(sent)) == error::none) ++sent;
  CHECK(sent < 4);
  CHECK(end.from.end->send_binary(noise(2900)) == error::output_full);
  CHECK(end.from.end->send_binary(noise(5900)) == error::output_full);
  static_cast<void>(end.frames());
  CHECK(end.from.end->send_text(text) == error::none);
  // More than the limit allows, but for that it shrinks.
  CHECK(end.from.end->send_text(std::string(100000, 'x')) == error::none);
  CHECK(end.from.end->output_size() < 3000);
  static_cast<void>(end.frames());
  event_log expected{text_line(text + text)};
  for (int i = 0; i < sent; ++i) expected.push_back(binary_line(some_noise(i)));
  expected.push_back(text_line(text));
  expected.push_back(text_line(std::string(100000, 'x')));
  CHECK(end.received() == expected);
}

TEMPLATE_LIST_TEST_CASE("a part that shrinks is sent where nothing waits", "[deflating_sender]",
                        zlib_ends) {
  for (const std::string_view agreed : agreements<TestType>()) {
    sending_end<TestType> end{agreed, {}, {.limits = {.max_output_size = 3000}}};
    auto& from = *end.from.end;
    const std::string start = json(500);
    const std::string text(100000, 'x');
    CHECK(from.begin_text() == error::none);
    CHECK(from.append(start) == error::none);
    CHECK(from.append(text) == error::output_full);
    static_cast<void>(end.frames());
    CHECK(from.append(text) == error::none);
    CHECK(from.output_size() < 3000);
    static_cast<void>(end.frames());
    // What does not shrink enough does not go, and the message goes on without it.
    CHECK(from.append(json(50000)) == error::output_full);
    CHECK_FALSE(from.has_output());
    CHECK(from.finish(start) == error::none);
    static_cast<void>(end.frames());
    CHECK(end.received() == event_log{text_line(start + text + start)});
  }
}

TEMPLATE_LIST_TEST_CASE("pieces are forwarded as they come", "[deflating_sender]", all_ends) {
  constexpr role self = TestType::self;
  compressing<self, typename TestType::extension> middle{usual<TestType>,
                                                         {.delivery = delivery::pieces}};
  compressing<peer_of(self)> source{usual<TestType>};
  compressing<peer_of(self)> sink{usual<TestType>};
  const std::string text = json(100000);
  CHECK(source.end->send_text(text) == error::none);
  CHECK(source.end->send_binary(text) == error::none);
  middle.end.react = [](auto& connection, const event& found) {
    if (connection.send(found) != error::none) FAIL("not forwarded");
  };
  middle.end.feed(source.end.take_output());
  const bytes forwarded = middle.end.take_output();
  CHECK(forwarded.size() < 120000);
  sink.end.feed(forwarded);
  CHECK(sink.end.log() == event_log{text_line(text), binary_line(text)});
}

TEMPLATE_LIST_TEST_CASE("a compressor that is idle is given back", "[deflating_sender]",
                        zlib_ends) {
  sending_end<TestType> end{
      usual<TestType>, {.idle = duration::seconds(10)}, {.timeouts = {.ping = {}}}};
  simulated_clock clock;
  auto& from = *end.from.end;
  from.on_time(clock.now());
  const std::ptrdiff_t before = allocation_watch{}.live();
  const allocation_watch watch;
  const std::string text = json(400);
  CHECK(from.send_text(text) == error::none);
  const std::string first = end.frames().front();
  CHECK(watch.live() > before + 30000);
  CHECK(from.next_deadline() == time_point::min());
  from.on_time(clock.now());
  CHECK(from.next_deadline() == clock.now() + duration::seconds(10));
  clock.advance(duration::seconds(9));
  from.on_time(clock.now());
  CHECK(watch.live() > before + 30000);
  // A message counts from the time that is told behind it.
  CHECK(from.send_text(text) == error::none);
  CHECK(end.frames().front() != first);
  from.on_time(clock.now());
  clock.advance(duration::seconds(10));
  from.on_time(clock.now());
  CHECK(from.next_deadline() == time_point::max());
  CHECK(from.send_text(text) == error::none);
  CHECK(end.frames().front() == first);
  CHECK(end.received() == event_log(3, text_line(text)));
  // Not in the middle of a message.
  CHECK(from.begin_text() == error::none);
  CHECK(from.append(text) == error::none);
  clock.advance(duration::seconds(30));
  from.on_time(clock.now());
  CHECK(from.finish(text) == error::none);
  static_cast<void>(end.frames());
  CHECK(end.received() == event_log{text_line(text + text)});
}

TEMPLATE_LIST_TEST_CASE("where memory runs out a message is not sent and the next one is good",
                        "[deflating_sender][security-out-of-memory]", all_ends) {
  for (const std::string_view agreed : agreements<TestType>()) {
    const std::size_t failed = for_each_failing_allocation([&](std::size_t nth) {
      failing_memory memory{nth};
      bool has_failed = false;
      {
        sending_end<TestType> end{agreed, {}, {.memory = memory.source(), .max_kept_memory = 0}};
        event_log expected;
        for (int i = 0; i < 3; ++i) {
          const std::string text = json(3000, static_cast<std::uint32_t>(i));
          try {
            if (end.from.end->send_text(text) == error::none) expected.push_back(text_line(text));
          } catch (const std::bad_alloc&) {
            has_failed = true;
          }
        }
        static_cast<void>(end.frames());
        CHECK(end.received() == expected);
        CHECK(expected.size() >= 2);
      }
      CHECK(memory.live() == 0);
      return has_failed;
    });
    CHECK(failed >= 5);
  }
}

TEMPLATE_LIST_TEST_CASE("where memory runs out in a part it may be tried again",
                        "[deflating_sender][security-out-of-memory]", zlib_ends) {
  for (const std::string_view agreed : agreements<TestType>()) {
    const std::size_t failed = for_each_failing_allocation([&](std::size_t nth) {
      failing_memory memory{nth};
      bool has_failed = false;
      {
        sending_end<TestType> end{agreed, {}, {.memory = memory.source(), .max_kept_memory = 0}};
        auto& from = *end.from.end;
        event_log expected;
        for (int message = 0; message < 2; ++message) {
          CHECK(from.begin_text() == error::none);
          std::string whole;
          for (int i = 0; i < 3; ++i) {
            // What the peer has of an earlier part comes again, and is not what was lost.
            const std::string text = json(2000) + json(1000, static_cast<std::uint32_t>(i));
            const auto add = [&] { return i == 2 ? from.finish(text) : from.append(text); };
            error result = error::none;
            try {
              result = add();
            } catch (const std::bad_alloc&) {
              has_failed = true;
              CHECK_FALSE(from.has_output());
              result = add();
            }
            CHECK(result == error::none);
            static_cast<void>(end.frames());
            whole += text;
          }
          expected.push_back(text_line(whole));
        }
        CHECK(end.received() == expected);
      }
      CHECK(memory.live() == 0);
      return has_failed;
    });
    CHECK(failed >= 5);
  }
}

TEMPLATE_LIST_TEST_CASE("where memory runs out for the first piece its message was not begun",
                        "[deflating_sender][security-out-of-memory]", zlib_ends) {
  for (const std::string_view agreed : agreements<TestType>()) {
    const std::size_t failed = for_each_failing_allocation([&](std::size_t nth) {
      failing_memory memory{nth};
      bool has_failed = false;
      {
        sending_end<TestType> end{agreed, {}, {.memory = memory.source(), .max_kept_memory = 0}};
        compressing<role::server> source{"permessage-deflate", {.delivery = delivery::pieces}};
        compressing<role::client> writer{"permessage-deflate"};
        const std::string text = json(3000);
        CHECK(writer.end->send_text(text) == error::none);
        bytes wire = writer.end.take_output();
        auto events = source.end->receive(mutable_byte_view{wire});
        while (const event piece = events.next()) {
          error result = error::none;
          try {
            result = end.from.end->send(piece);
          } catch (const std::bad_alloc&) {
            has_failed = true;
            if (piece.is_first()) CHECK(end.from.end->append({}) == error::no_message_begun);
            result = end.from.end->send(piece);
          }
          CHECK(result == error::none);
        }
        static_cast<void>(end.frames());
        CHECK(end.received() == event_log{text_line(text)});
      }
      CHECK(memory.live() == 0);
      return has_failed;
    });
    CHECK(failed >= 2);
  }
}
