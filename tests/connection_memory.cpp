// The memory of connections: none where nothing is under way, none anew in steady state, and what
// happens where there is none left.

#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// Masked or not, again and again: `next()` gives the same frames in the same memory.
template <role Role>
class repeated_frames {
 public:
  explicit repeated_frames(bytes frames) : original_{std::move(frames)}, copy_{original_} {}
  std::span<std::byte> next() {
    std::copy(original_.begin(), original_.end(), copy_.begin());
    return copy_;
  }

 private:
  bytes original_;
  bytes copy_;
};

// What a server that only echoes does in a turn of its loop. No allocation of the test's own.
template <role Role>
void turn(basic_connection<Role>& connection, std::span<std::byte> input, std::size_t step) {
  for (std::size_t at = 0; at < input.size(); at += step) {
    auto events = connection.receive(input.subspan(at, std::min(step, input.size() - at)));
    while (const event found = events.next()) {
      if (found.is_message() && connection.send(found) != error::none) FAIL("not sent");
      if (found.kind() == event_kind::failed) FAIL(to_string(found.error()));
    }
    for (const auto part : connection.output()) {
      if (part.empty()) FAIL("an empty part");
    }
    connection.consume_output(connection.output_size());
  }
}

template <role Role>
std::size_t allocations_in_steady_state(const bytes& frames, std::size_t step) {
  typename basic_connection<Role>::endpoint_type endpoint{{.limits = {.max_control_frames = 0}}};
  auto connection = basic_connection<Role>::adopt(endpoint, {});
  repeated_frames<Role> input{frames};
  for (int i = 0; i < 10; ++i) turn(connection, input.next(), step);
  const allocation_watch watch;
  for (int i = 0; i < 200; ++i) turn(connection, input.next(), step);
  return watch.calls();
}

// Gives bytes and takes all events. Where memory runs out, it goes on with what was not parsed.
template <role Role, class React>
void receive_all(basic_connection<Role>& connection, std::span<std::byte> part, React react) {
  for (;;) {
    auto events = connection.receive(part);
    try {
      while (const event found = events.next()) react(found);
      return;
    } catch (const std::bad_alloc&) {
      part = events.rest();
    }
  }
}

// Calls until memory does not run out.
template <class Call>
auto insist(Call call) {
  for (;;) {
    try {
      return call();
    } catch (const std::bad_alloc&) {
    }
  }
}

// What a connection told and sent, in fixed memory: the log itself asks for none.
struct fixed_log {
  std::array<char, 4096> told = {};
  std::size_t told_size = 0;
  std::array<std::byte, 65536> sent = {};
  std::size_t sent_size = 0;

  void tell(const event& found) {
    told[told_size++] = static_cast<char>('a' + static_cast<int>(found.kind()));
    for (const char c : found.text().substr(0, 5)) told[told_size++] = c;
    told[told_size++] = ' ';
  }
  template <role Role>
  void take(basic_connection<Role>& connection) {
    while (connection.has_output()) {
      std::size_t size = 0;
      for (const auto part : connection.output()) {
        std::copy(part.begin(), part.end(),
                  sent.begin() + static_cast<std::ptrdiff_t>(sent_size + size));
        size += part.size();
      }
      connection.consume_output(size);
      sent_size += size;
    }
  }
  [[nodiscard]] std::string_view text() const { return {told.data(), told_size}; }
  [[nodiscard]] std::span<const std::byte> output() const {
    return std::span{sent}.first(sent_size);
  }
};

const bytes& conversation_to(role to) {
  static const auto make = [](role receiver) {
    return bytes(wire_to{receiver}
                     .text("small")
                     .binary(bytes(3000, std::byte{1}))
                     .text("frag", false)
                     .ping("ping")
                     .more(std::string(500, 'x'))
                     .last("end")
                     .pong("pong")
                     .close(4000, "bye"));
  };
  static const bytes to_server = make(role::server);
  static const bytes to_client = make(role::client);
  return to == role::server ? to_server : to_client;
}

constexpr std::size_t turn_size = 700;

template <role Role>
void feed_conversation(basic_connection<Role>& connection, fixed_log& log) {
  bytes input;
  {
    const bytes& all = conversation_to(Role);
    insist([&] { input = all; });
  }
  for (std::size_t at = 0; at < input.size(); at += turn_size) {
    receive_all(connection, std::span{input}.subspan(at, std::min(turn_size, input.size() - at)),
                [&](const event& found) {
                  log.tell(found);
                  if (found.is_message()) insist([&] { return connection.send(found); });
                  if (found.kind() == event_kind::pong) {
                    insist([&] { return connection.ping(std::string_view{"again"}); });
                  }
                });
    log.take(connection);
  }
}

// A whole life at a server, from the request to the close.
void live_at_server(fixed_log& log) {
  counting_entropy entropy;
  std::optional<server_endpoint> endpoint;
  insist([&] {
    endpoint.emplace(server_options{.entropy = entropy.source(),
                                    .max_kept_memory = 0,
                                    .subprotocols = {"a subprotocol with a name that is long"},
                                    .decides_upgrades = true});
  });
  std::optional<server_connection> connection;
  insist([&] { connection.emplace(*endpoint); });
  std::string request;
  insist([&] {
    request =
        upgrade_request().with("Sec-WebSocket-Protocol", "own-protocol-of-the-application").text();
  });
  for (std::size_t at = 0; at < request.size(); at += 50) {
    const std::string_view part = std::string_view{request}.substr(at, 50);
    std::array<std::byte, 50> copy;
    std::memcpy(copy.data(), part.data(), part.size());
    receive_all(*connection, std::span{copy}.first(part.size()),
                [&](const event& found) { log.tell(found); });
  }
  // Something comes early.
  bytes early;
  insist([&] {
    early = wire_to{role::server}.ping("early").text("early message, longer than a short string");
  });
  receive_all(*connection, early, [&](const event& found) { log.tell(found); });
  if (insist([&] { return connection->accept("own-protocol-of-the-application", {}); }) !=
      error::none) {
    FAIL("not accepted");
  }
  log.take(*connection);
  feed_conversation(*connection, log);
  connection->receive_eof();
  if (!connection->wants_close()) FAIL("no end");
}

void live_at_client(fixed_log& log) {
  std::optional<client_endpoint> endpoint;
  // Every key is the same, so that the output is, too.
  unsigned char byte = 0x5A;
  insist([&] {
    endpoint.emplace(client_options{.entropy = repeated_entropy(byte), .max_kept_memory = 0});
  });
  std::optional<client_connection> connection;
  insist([&] {
    connection.emplace(*endpoint,
                       client_request{.url = "ws://server.example.com/a/path/of/some/length",
                                      .subprotocols = {"a-subprotocol-with-a-long-name", "b"}});
  });
  log.take(*connection);
  std::string answer;
  const std::array<std::byte, 16> nonce = [&] {
    std::array<std::byte, 16> all;
    all.fill(std::byte{byte});
    return all;
  }();
  const std::array<char, 24> key = make_key(nonce);
  const std::array<char, 28> accept = make_accept_key({key.data(), key.size()});
  insist([&] {
    answer = upgrade_answer()
                 .replaced("Sec-WebSocket-Accept", {accept.data(), accept.size()})
                 .with("Sec-WebSocket-Protocol", "b")
                 .text();
  });
  receive_all(*connection, std::as_writable_bytes(std::span{answer}),
              [&](const event& found) { log.tell(found); });
  feed_conversation(*connection, log);
  connection->receive_eof();
  if (!connection->wants_close()) FAIL("no end");
}

// A handshake that is refused, with a body in chunks.
void live_refused(fixed_log& log) {
  std::optional<client_endpoint> endpoint;
  insist([&] { endpoint.emplace(); });
  std::optional<client_connection> connection;
  insist([&] { connection.emplace(*endpoint, client_request{.url = "ws://server.example.com"}); });
  std::string answer;
  insist([&] {
    answer =
        http_message{"HTTP/1.1 103 Early Hints"}.with("Link", "</style.css>; rel=preload").text();
    answer += http_message{"HTTP/1.1 403 Forbidden"}
                  .with("Transfer-Encoding", "chunked")
                  .with_body("64\r\n" + std::string(100, 'a') + "\r\n32\r\n" +
                             std::string(50, 'b') + "\r\n0\r\n\r\n")
                  .text();
  });
  for (std::size_t at = 0; at < answer.size(); at += 30) {
    const auto part = std::as_writable_bytes(std::span{answer}).subspan(at);
    receive_all(*connection, part.first(std::min<std::size_t>(30, part.size())),
                [&](const event& found) { log.tell(found); });
  }
  for (const char c : connection->response().body) log.told[log.told_size++] = c;
}

// A life that memory ends at its first failure.
template <class Live>
std::size_t require_no_leak(Live live) {
  return for_each_failing_allocation([&](std::size_t n) {
    const allocation_watch watch;
    bool has_failed = false;
    {
      const failing_allocation failing{n};
      try {
        live();
      } catch (const std::bad_alloc&) {
      }
      has_failed = failing.has_failed();
    }
    if (watch.live() != 0) FAIL("bytes are lost where allocation " << n << " fails");
    return has_failed;
  });
}

}  // namespace

// ---- Idle

TEST_CASE("an idle open server connection holds no heap", "[connection][memory]") {
  server_endpoint endpoint{{.max_kept_memory = 0, .subprotocols = {"chat"}}};
  const bytes request = to_bytes(upgrade_request().with("Sec-WebSocket-Protocol", "chat").text());
  const allocation_watch watch;
  {
    server_connection connection{endpoint};
    CHECK(watch.live() == 0);
    const auto feed = [&](std::span<const std::byte> some) {
      bytes copy{some.begin(), some.end()};
      auto events = connection.receive(copy);
      while (const event found = events.next()) {
        if (found.is_message()) static_cast<void>(connection.send(found));
      }
      while (connection.has_output()) {
        connection.consume_output(joined(connection.output()).size());
      }
    };
    feed(request);
    feed(bytes(wire_to{role::server}.text("one")));
    CHECK(connection.is_open());
    CHECK(watch.live() == 0);
    feed(bytes(wire_to{role::server}.text("t", false).ping("p").last("wo").binary(bytes(100'000))));
    CHECK(connection.protocol() == "chat");
    CHECK(watch.live() == 0);
    connection.on_time(time_point{1});
    CHECK(watch.live() == 0);
  }
  CHECK(watch.live() == 0);
}

TEST_CASE("a handshake asks the heap three times, once the endpoint has its blocks",
          "[connection][memory]") {
  server_endpoint endpoint;
  const bytes request = to_bytes(upgrade_request().text());
  for (const std::size_t most : {std::size_t{20}, std::size_t{3}}) {
    bytes input = request;
    const allocation_watch watch;
    server_connection connection{endpoint};
    auto events = connection.receive(input);
    while (events.next()) {
    }
    while (connection.has_output()) connection.consume_output(connection.output().front().size());
    CHECK(connection.is_open());
    CHECK(watch.calls() <= most);
  }
}

TEMPLATE_TEST_CASE("an idle adopted connection holds no heap", "[connection][memory]", at_server,
                   at_client) {
  using connection_type = basic_connection<TestType::self>;
  typename connection_type::endpoint_type endpoint{{.max_kept_memory = 0}};
  const bytes message = wire_to{TestType::self}.binary(bytes(5000));
  const allocation_watch watch;
  auto connection = connection_type::adopt(endpoint, {});
  for (const std::size_t size : {std::size_t{10}, std::size_t{100}, std::size_t{1024}}) {
    bytes copy = message;
    turn(connection, copy, size);
  }
  CHECK(watch.live() == 0);
}

TEST_CASE("the endpoint keeps buffers for the next, up to what it may",
          "[connection][memory][endpoint]") {
  for (const std::size_t most : {std::size_t{0}, std::size_t{8192}, std::size_t{1} << 20}) {
    const allocation_watch watch;
    {
      server_endpoint endpoint{{.max_kept_memory = most}};
      const std::ptrdiff_t before = watch.live();
      auto connection = server_connection::adopt(endpoint, {});
      for (int i = 0; i < 20; ++i) {
        bytes input = wire_to{role::server}.binary(bytes(60'000));
        turn(connection, input, 1000);
      }
      const auto kept = static_cast<std::size_t>(watch.live() - before);
      CHECK(kept <= most);
      CHECK((kept == 0) == (most == 0));
    }
    CHECK(watch.live() == 0);
  }
}

TEMPLATE_TEST_CASE("the functions of an endpoint's memory are the ones that are asked",
                   "[connection][memory][endpoint]", at_server, at_client) {
  struct counts {
    std::size_t given = 0, live = 0;
  } counted;
  {
    typename basic_connection<TestType::self>::endpoint_type endpoint{
        {.memory = {.context = &counted,
                    .allocate =
                        [](void* context, std::size_t size) {
                          auto& all = *static_cast<counts*>(context);
                          all.given += 1;
                          all.live += size;
                          return ::operator new(size);
                        },
                    .deallocate =
                        [](void* context, void* place, std::size_t size) {
                          static_cast<counts*>(context)->live -= size;
                          ::operator delete(place);
                        }}}};
    auto connection = basic_connection<TestType::self>::adopt(endpoint, {});
    bytes input = wire_to{TestType::self}.binary(bytes(60'000)).text("a", false);
    turn(connection, input, 1000);
    CHECK(counted.given > 0);
    CHECK(counted.live > 0);
  }
  CHECK(counted.live == 0);
}

// ---- Steady state

TEMPLATE_TEST_CASE("steady state asks for no memory", "[connection][memory]", at_server,
                   at_client) {
  static constexpr role self = TestType::self;
  for (const std::size_t cut_at : {std::size_t{1'000'000}, std::size_t{10}, std::size_t{1}}) {
    INFO("reads of " << cut_at);
    CHECK(allocations_in_steady_state<self>(wire_to{self}.binary(bytes(16)), cut_at) == 0);
    CHECK(allocations_in_steady_state<self>(wire_to{self}.text(std::string(16, 't')), cut_at) == 0);
    CHECK(allocations_in_steady_state<self>(wire_to{self}.binary(bytes(1024)), cut_at) == 0);
    CHECK(allocations_in_steady_state<self>(
              wire_to{self}.text("fragm", false).more("").ping("p").last("ented"), cut_at) == 0);
    CHECK(allocations_in_steady_state<self>(wire_to{self}.ping("ping").pong("pong"), cut_at) == 0);
  }
}

TEMPLATE_TEST_CASE("steady state of sending asks for no memory", "[connection][memory]", at_server,
                   at_client) {
  typename basic_connection<TestType::self>::endpoint_type endpoint{};
  auto connection = basic_connection<TestType::self>::adopt(endpoint, {});
  const std::string payload(1024, 'x');
  const auto some = [&] {
    static_cast<void>(connection.send_text(payload));
    static_cast<void>(connection.begin_binary());
    static_cast<void>(connection.append(payload));
    static_cast<void>(connection.finish());
    static_cast<void>(connection.ping());
    connection.consume_output(0);  // blocked: the lane of control frames is used
    static_cast<void>(connection.ping(std::string_view{"lane"}));
    connection.on_time(time_point{1});
    while (connection.has_output()) {
      std::size_t size = 0;
      for (const auto part : connection.output()) size += part.size();
      connection.consume_output(size);
    }
  };
  for (int i = 0; i < 10; ++i) some();
  const allocation_watch watch;
  for (int i = 0; i < 1000; ++i) some();
  CHECK(watch.calls() == 0);
}

// ---- No memory

TEST_CASE("where memory runs out, nothing is lost but the connection", "[connection][memory]") {
  static_cast<void>(conversation_to(role::server));  // which it keeps
  const std::size_t at_both = require_no_leak([] {
    pair ends{
        {.server = {.max_kept_memory = 0, .subprotocols = {"chat"}},
         .client = {.max_kept_memory = 0},
         .request = {.url = "ws://a.example/", .subprotocols = {"chat", "another, longer name"}}}};
  });
  CHECK(at_both > 0);
  CHECK(require_no_leak([] {
          fixed_log log;
          counting_entropy entropy;
          server_endpoint endpoint{
              {.entropy = entropy.source(), .subprotocols = {"long-subprotocol-name"}}};
          server_connection connection{endpoint};
          std::string request =
              upgrade_request().with("Sec-WebSocket-Protocol", "long-subprotocol-name").text();
          auto events = connection.receive(request);
          while (const event found = events.next()) log.tell(found);
          log.take(connection);
          bytes input = conversation_to(role::server);
          auto more = connection.receive(input);
          while (const event found = more.next()) {
            if (found.is_message()) static_cast<void>(connection.send(found));
          }
          log.take(connection);
        }) > 10);
  CHECK(require_no_leak([] {
          client_endpoint endpoint{{.entropy = sample_nonce()}};
          client_connection connection{endpoint,
                                       {.url = "ws://server.example.com/a/path/of/some/length",
                                        .subprotocols = {"long-subprotocol-name"}}};
          std::string answer = upgrade_answer().text();
          auto events = connection.receive(answer);
          while (events.next()) {
          }
          bytes input = conversation_to(role::client);
          auto more = connection.receive(input);
          while (const event found = more.next()) {
            if (found.is_message()) static_cast<void>(connection.send(found));
          }
        }) > 10);
  CHECK(require_no_leak([] {
          server_endpoint endpoint{};
          auto connection = server_connection::adopt(
              endpoint, {.subprotocol = "a-name-that-is-too-long-for-a-string"});
          bytes input = wire_to{role::server}.forged({.opcode = 3});
          auto events = connection.receive(input);
          while (events.next()) {
          }
        }) > 2);
  CHECK(require_no_leak([] {
          client_endpoint endpoint{};
          auto connection = client_connection::adopt(
              endpoint, {.subprotocol = "a-name-that-is-too-long-for-a-string"});
          static_cast<void>(connection.begin_text());
          static_cast<void>(connection.append(std::string_view{"part"}));
          static_cast<void>(connection.ping());
          static_cast<void>(connection.close());
        }) > 2);
  CHECK(require_no_leak([] {
          client_endpoint endpoint{{.entropy = sample_nonce()}};
          client_connection connection{endpoint, {.url = "ws://a.example"}};
          std::string answer = http_message{"HTTP/1.1 403 No"}
                                   .with("Content-Length", "2000")
                                   .with_body(std::string(2000, 'b'))
                                   .text();
          auto events = connection.receive(answer);
          while (events.next()) {
          }
        }) > 5);
  CHECK(require_no_leak([] {
          server_endpoint endpoint{{.answers_http = true}};
          server_connection connection{endpoint};
          std::string request = plain_request().text();
          auto events = connection.receive(request);
          while (events.next()) static_cast<void>(connection.respond(200, {{"X", "y"}}, "page"));
        }) > 5);
}

// Where memory runs out once, what is lost is at most one control frame that was being answered;
// the connection goes on as if nothing had happened.
template <class Live>
void require_recovery(Live live) {
  fixed_log usual;
  live(usual);
  const std::string usual_text{usual.text()};
  const auto is_usual_but_for = [&](std::string_view text, const std::string& lost) {
    const std::size_t at = usual_text.find(lost);
    return at != std::string::npos &&
           text == usual_text.substr(0, at) + usual_text.substr(at + lost.size());
  };
  std::size_t lost = 0;
  const std::size_t count = for_each_failing_allocation([&](std::size_t n) {
    fixed_log log;
    const allocation_watch watch;
    bool has_failed = false;
    {
      const failing_allocation failing{n};
      live(log);
      has_failed = failing.has_failed();
    }
    if (watch.live() != 0) FAIL("bytes are lost where allocation " << n << " fails");
    INFO("allocation " << n);
    if (log.text() == usual_text) {
      if (to_hex(log.output()) != to_hex(usual.output())) {
        CHECK(to_hex(log.output()) == to_hex(usual.output()));
      }
    } else {
      ++lost;
      const bool is_known = is_usual_but_for(log.text(), "fping ") ||
                            is_usual_but_for(log.text(), "fearly ") ||
                            is_usual_but_for(log.text(), "hbye ");
      if (!is_known) CHECK(log.text() == usual_text);
      CHECK(log.sent_size < usual.sent_size);
    }
    return has_failed;
  });
  CHECK(count > 10);
  CHECK(lost <= 6);
}

TEST_CASE("where memory runs out once, a connection goes on", "[connection][memory]") {
  require_recovery(live_at_server);
  require_recovery(live_at_client);
  require_recovery(live_refused);
}

TEMPLATE_TEST_CASE("where memory runs out a payload is not taken for frames",
                   "[connection][memory]", at_server, at_client) {
  constexpr role self = TestType::self;
  basic_endpoint<self> endpoint{{.max_kept_memory = 0}};
  auto connection = basic_connection<self>::adopt(endpoint, {});
  bytes before = concat(bytes(wire_to{self}.text("small")), bytes(wire_to{self}.ping("p")));
  bytes payload;
  while (payload.size() < 200) payload = concat(payload, bytes(wire_to{self}.text("in it")));
  payload.resize(200);
  // With a mask of zeros it goes over the wire as it is.
  const bytes header = self == role::server ? "82fe00c8 00000000"_hex : "827e00c8"_hex;
  bytes input = concat(header, payload);
  std::vector<std::string> seen;
  const auto take = [&](std::span<std::byte> part) {
    auto events = connection.receive(part);
    try {
      while (const event found = events.next()) {
        seen.push_back(found.is_message() ? to_hex(found.payload()) : "another");
      }
    } catch (const std::bad_alloc&) {
    }
    return events.rest();
  };
  // All that it has to say by itself it said.
  take({});
  take(before);
  connection.consume_output(connection.output_size());
  seen.clear();
  seen.reserve(2);
  std::span<std::byte> rest;
  {
    const failing_allocation failing{1};
    rest = take(std::span{input}.first(100));
    CHECK(failing.has_failed());
  }
  CHECK(rest.size() == 100 - header.size());
  CHECK(take(rest).empty());
  CHECK(take(std::span{input}.subspan(100)).empty());
  CHECK(seen == std::vector{to_hex(payload)});
}

TEST_CASE("where memory runs out what came early still comes first", "[connection][memory]") {
  server_endpoint endpoint{{.max_kept_memory = 0, .decides_upgrades = true}};
  server_connection connection{endpoint};
  std::string text;
  for (int i = 0; text.size() < 1100; ++i) text += std::to_string(i) + ' ';
  const bytes frames =
      wire_to{role::server}.text(text.substr(0, 100), false).last(text.substr(100));
  // The second frame is cut.
  const std::size_t early = frames.size() - 500;
  bytes head = concat(to_bytes(upgrade_request().text()),
                      bytes(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(early)));
  bytes rest(frames.begin() + static_cast<std::ptrdiff_t>(early), frames.end());
  std::string seen;
  seen.reserve(2000);
  std::size_t thrown = 0;
  const auto take = [&](std::span<std::byte> part) {
    auto events = connection.receive(part);
    try {
      while (const event found = events.next()) seen += found.text();
    } catch (const std::bad_alloc&) {
      ++thrown;
    }
    CHECK(events.rest().empty());
  };
  take(head);
  CHECK(connection.accept() == error::none);
  {
    // The first one has room for the first frame.
    const failing_allocation failing{2};
    take({});
    take({});
    CHECK(failing.has_failed());
  }
  CHECK(thrown == 1);
  for (std::size_t at = 0; at < rest.size(); at += 50) take(std::span{rest}.subspan(at, 50));
  CHECK(seen == text);
}
