#include "hawser/adapters/socket.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/memory_socket.hpp"

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using hawser::error;
using hawser::event;
using hawser::event_kind;
using hawser::opcode;
using hawser::role;
using support::bytes;
using support::memory_socket;
using support::stream_and_peer;
using support::to_bytes;

using as_server = std::integral_constant<role, role::server>;
using as_client = std::integral_constant<role, role::client>;

template <class Talk>
void echo_until_over(Talk& talk) {
  while (const event found = talk.stream.receive()) {
    if (found.is_message()) REQUIRE(talk.stream.send(found) == error::none);
  }
}

// All events to the end, in a line each.
template <class Stream>
std::vector<std::string> log_until_over(Stream& stream) {
  std::vector<std::string> log;
  while (const event found = stream.receive()) {
    if (found.is_message()) log.push_back("message " + std::string{found.text()});
    if (found.kind() == event_kind::ping) log.emplace_back("ping");
    if (found.kind() == event_kind::pong) log.emplace_back("pong");
    if (found.kind() == event_kind::close) log.push_back("close " + std::string{found.reason()});
    if (found.kind() == event_kind::refused) log.emplace_back("refused");
    if (found.kind() == event_kind::failed) {
      log.push_back("failed: " + std::string{to_string(found.error())});
    }
  }
  return log;
}

std::vector<std::string> failure(error why) { return {"failed: " + std::string{to_string(why)}}; }

}  // namespace

// ---- The types

static_assert(hawser::blocking_socket<memory_socket>);
static_assert(!hawser::blocking_socket<int>);
static_assert(!std::is_copy_constructible_v<hawser::server_stream<memory_socket>>);

namespace {

// All that a type must have: neither deadlines, nor a shutdown, nor a close.
struct plain_socket {
  std::vector<bytes> parts;  // of what is read; then comes the end
  bytes written;

  hawser::io_result read_some(std::span<std::byte> to) {
    if (parts.empty()) return {0, hawser::io_status::eof};
    const bytes part = std::move(parts.front());
    parts.erase(parts.begin());
    std::copy(part.begin(), part.end(), to.begin());
    return {part.size()};
  }
  hawser::io_result write_some(std::span<const std::byte> from) {
    written.insert(written.end(), from.begin(), from.end());
    return {from.size()};
  }
};

// A type that somebody else wrote.
struct foreign_socket {
  plain_socket inside;
  bool is_hung_up = false;
};

const std::string request_text =
    "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

}  // namespace

template <>
struct hawser::socket_traits<foreign_socket> {
  static io_result read_some(foreign_socket& socket, std::span<std::byte> to, time_point) {
    return socket.inside.read_some(to);
  }
  static io_result write_some(foreign_socket& socket, std::span<const std::byte> from, time_point) {
    return socket.inside.write_some(from);
  }
  static void close(foreign_socket& socket) { socket.is_hung_up = true; }
};

TEST_CASE("a socket needs no more than to read and to write", "[adapters][socket]") {
  plain_socket socket{
      {to_bytes(request_text), support::frame_to(role::server, opcode::text, "hello"),
       support::frame_to(role::server, opcode::close, support::close_body(1000))},
      {}};
  hawser::server_endpoint endpoint;
  hawser::server_stream<plain_socket> stream{endpoint, std::move(socket)};
  REQUIRE(stream.open() == error::none);
  stream.socket().written.clear();
  while (const event found = stream.receive()) {
    if (found.is_message()) stream.send(found);
  }
  CHECK(stream.connection().was_clean());
  CHECK(stream.socket().written ==
        support::concat(support::frame_to(role::client, opcode::text, "hello"),
                        support::frame_to(role::client, opcode::close, support::close_body(1000))));
}

TEST_CASE("traits make a socket of a type that somebody else wrote", "[adapters][socket]") {
  foreign_socket socket{
      {{to_bytes(request_text), support::frame_to(role::server, opcode::close, "")}, {}}};
  hawser::server_endpoint endpoint;
  hawser::server_stream<foreign_socket&> stream{endpoint, socket};
  CHECK(log_until_over(stream) == std::vector<std::string>{"close "});
  CHECK(stream.connection().was_clean());
  CHECK(socket.is_hung_up);
}

// ---- Messages

TEMPLATE_TEST_CASE("a stream echoes messages of all sizes however they are cut",
                   "[adapters][socket]", as_server, as_client) {
  const std::size_t most = GENERATE(std::size_t{1}, std::size_t{7}, memory_socket::no_limit);
  stream_and_peer<TestType::value> talk;
  talk.socket.most = most;
  talk.open();

  std::vector<bytes> sent;
  support::seeded random;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 5000U, 16384U, 65535U, 65536U, 200'000U}) {
    if (most == 1 && size > 5000) break;
    sent.push_back(random.some_bytes(size));
    REQUIRE(talk.peer.send_binary(sent.back()) == error::none);
  }
  std::vector<bytes> returned;
  talk.react = [&](const event& found) {
    if (!found.is_message()) return;
    returned.emplace_back(found.payload().begin(), found.payload().end());
    if (returned.size() == sent.size()) talk.peer.close();
  };
  echo_until_over(talk);
  talk.run_peer();
  CHECK(returned == sent);
  CHECK(talk.stream.connection().was_clean());
  CHECK(talk.peer.was_clean());
  CHECK(talk.socket.closes == 1);
  CHECK_FALSE(talk.stream.receive());
  CHECK(talk.socket.closes == 1);
}

TEMPLATE_TEST_CASE("what is sent is written before the call returns", "[adapters][socket]",
                   as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  std::vector<std::string> arrived;
  talk.react = [&](const event& found) { arrived.emplace_back(found.text()); };
  auto& stream = talk.stream;
  CHECK(stream.send_text("text") == error::none);
  CHECK(stream.send_binary(std::string{"bytes"}) == error::none);
  CHECK(stream.begin_text() == error::none);
  CHECK(stream.append(std::string{"in "}) == error::none);
  CHECK(stream.send_text("another") == error::message_in_progress);
  CHECK(stream.finish(std::string{"parts"}) == error::none);
  CHECK(stream.begin_binary() == error::none);
  CHECK(stream.finish() == error::none);
  CHECK(stream.ping(std::string{"ping"}) == error::none);
  CHECK(stream.pong(std::string{"pong"}) == error::none);
  CHECK(stream.send_text("\xff") == error::text_not_utf8);
  talk.run_peer();
  CHECK(arrived == std::vector<std::string>{"text", "bytes", "in parts", "", "ping", "pong"});
}

TEMPLATE_TEST_CASE("an event keeps what it views until the next one", "[adapters][socket]",
                   as_server, as_client) {
  // Memory that is given back is gone at once, where a sanitizer looks.
  stream_and_peer<TestType::value> talk{{.max_kept_memory = 0}};
  talk.open();
  talk.peer.send_text("one");
  talk.peer.send_text(std::string(20'000, 'x'));  // not in one read
  talk.peer.send_text("three");
  const event one = talk.stream.receive();
  CHECK(talk.stream.ping() == error::none);
  CHECK(talk.stream.send_text("between") == error::none);
  CHECK(one.text() == "one");
  const event two = talk.stream.receive();
  SECTION("while the stream sends") {
    CHECK(talk.stream.send(two) == error::none);
    CHECK(two.text() == std::string(20'000, 'x'));
    CHECK(talk.stream.receive().text() == "three");
  }
  SECTION("even where the connection is lost meanwhile") {
    talk.stream.connection().abort();
    CHECK(two.text() == std::string(20'000, 'x'));
    CHECK(talk.stream.receive().kind() == event_kind::failed);
    CHECK_FALSE(talk.stream.receive());
  }
}

TEMPLATE_TEST_CASE("a ping is answered before its event is returned", "[adapters][socket]",
                   as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.peer.ping(std::string{"?"});
  CHECK(talk.stream.receive().kind() == event_kind::ping);
  CHECK_FALSE(talk.socket.outgoing.empty());
  bool is_answered = false;
  talk.react = [&](const event& found) { is_answered = found.kind() == event_kind::pong; };
  talk.run_peer();
  CHECK(is_answered);
}

namespace {

// Every other allocation fails, from a time on.
struct scarce_memory {
  bool is_scarce = false;
  int calls = 0;

  hawser::memory functions() {
    return {.context = this, .allocate = [](void* context, std::size_t size) {
              auto& self = *static_cast<scarce_memory*>(context);
              if (self.is_scarce && ++self.calls % 2 == 0) throw std::bad_alloc{};
              return ::operator new(size);
            }};
  }
};

}  // namespace

TEMPLATE_TEST_CASE("nothing is lost where memory runs out for a while", "[adapters][socket]",
                   as_server, as_client) {
  scarce_memory scarce;
  stream_and_peer<TestType::value> talk{{.memory = scarce.functions(), .max_kept_memory = 0}};
  const auto patiently = [](auto call) {
    while (true) {
      try {
        return call();
      } catch (const std::bad_alloc&) {
        continue;
      }
    }
  };
  talk.open();
  scarce.is_scarce = true;

  const bytes sent = support::seeded{}.some_bytes(100'000);
  bytes returned;
  talk.react = [&](const event& found) {
    if (!found.is_message()) return;
    returned.assign(found.payload().begin(), found.payload().end());
    scarce.is_scarce = false;
    talk.peer.close();
  };
  talk.peer.ping(to_bytes("ping"));
  talk.peer.send_binary(sent);
  while (const event found = patiently([&] { return talk.stream.receive(); })) {
    if (found.is_message()) {
      CHECK(patiently([&] { return talk.stream.send(found); }) == error::none);
    }
  }
  CHECK(returned == sent);
  CHECK(talk.stream.connection().was_clean());
  CHECK(scarce.calls > 5);
}

// ---- Output that waits

TEMPLATE_TEST_CASE("a slow peer blocks who writes", "[adapters][socket]", as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.socket.room = 1000;
  talk.socket.most = 300;
  bytes arrived;
  talk.react = [&](const event& found) {
    arrived.assign(found.payload().begin(), found.payload().end());
  };
  const bytes message = support::seeded{}.some_bytes(100'000);
  REQUIRE(talk.stream.send_binary(message) == error::none);
  CHECK_FALSE(talk.stream.connection().has_output());
  talk.run_peer();
  CHECK(arrived == message);
}

TEMPLATE_TEST_CASE("a peer that takes nothing is given up", "[adapters][socket]", as_server,
                   as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.socket.peer = {};
  talk.socket.room = 10;
  const hawser::time_point start = talk.socket.time;
  CHECK(talk.stream.send_text("more than ten bytes") == error::output_timeout);
  CHECK(talk.socket.time - start == hawser::duration{30s});
  CHECK(talk.stream.send_text("again") == error::output_timeout);
  CHECK(log_until_over(talk.stream) == failure(error::output_timeout));
  CHECK(talk.socket.closes == 1);
}

TEMPLATE_TEST_CASE("a peer that takes a little at a time is not given up", "[adapters][socket]",
                   as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.socket.peer = {};
  // Every 20 seconds it takes 1000 bytes, and is not read from meanwhile.
  talk.socket.room = 1000;
  bool is_turn = false;
  talk.socket.peer = [&] {
    is_turn = !is_turn;
    if (is_turn) return;
    talk.socket.time = talk.socket.time + hawser::duration{20s};
    talk.socket.outgoing.clear();
  };
  CHECK(talk.stream.send_binary(bytes(20'000)) == error::none);
  CHECK(talk.socket.time > hawser::time_point{} + hawser::duration{300s});
}

TEMPLATE_TEST_CASE("a send that finds the output full writes it first", "[adapters][socket]",
                   as_server, as_client) {
  stream_and_peer<TestType::value> talk{{.limits = {.max_output_size = 1000}}};
  talk.open();
  std::size_t arrived = 0;
  talk.react = [&](const event& found) { arrived += found.payload().size(); };
  for (int i = 0; i < 9; ++i) {
    REQUIRE(talk.stream.connection().send_binary(bytes(100)) == error::none);
  }
  REQUIRE(talk.stream.connection().send_binary(bytes(100)) == error::output_full);
  CHECK(talk.stream.send_binary(bytes(980)) == error::none);
  talk.run_peer();
  CHECK(arrived == 1880);

  CHECK(talk.stream.send_binary(bytes(1001)) == error::output_full);
  CHECK(talk.stream.send_binary(bytes(10)) == error::none);
  talk.run_peer();
  CHECK(arrived == 1890);
}

// ---- Opening

TEST_CASE("a refused handshake says what the server answered", "[adapters][socket]") {
  memory_socket socket;
  socket.incoming = to_bytes("HTTP/1.1 403 No Way\r\nContent-Length: 4\r\n\r\nno.\n");
  hawser::client_endpoint endpoint;
  hawser::client_stream<memory_socket&> stream{endpoint, socket, {.url = "ws://localhost/"}};
  SECTION("to open") { CHECK(stream.open() == error::handshake_refused); }
  SECTION("to receive") { CHECK(log_until_over(stream) == std::vector<std::string>{"refused"}); }
  CHECK(stream.connection().response().status == 403);
  CHECK(stream.connection().response().reason == "No Way");
  CHECK(stream.connection().response().body == "no.\n");
  CHECK_FALSE(stream.receive());
  CHECK(socket.closes == 1);
}

TEST_CASE("a URL that is none is told by open", "[adapters][socket]") {
  memory_socket socket;
  hawser::client_endpoint endpoint;
  hawser::client_stream<memory_socket&> stream{endpoint, socket, {.url = "http://localhost/"}};
  CHECK(stream.open() == error::bad_url);
  CHECK_FALSE(stream.receive());
  CHECK(socket.outgoing.empty());
}

TEMPLATE_TEST_CASE("a peer that says nothing does not open", "[adapters][socket]", as_server,
                   as_client) {
  stream_and_peer<TestType::value> talk;
  talk.socket.peer = {};
  const hawser::time_point start = talk.socket.time;
  CHECK(talk.stream.open() == error::opening_timeout);
  CHECK(talk.socket.time - start == hawser::duration{10s});
  CHECK_FALSE(talk.stream.receive());
}

TEST_CASE("a request that comes byte by byte gets no more time", "[adapters][socket]") {
  memory_socket socket;
  hawser::server_endpoint endpoint;
  hawser::server_stream<memory_socket&> stream{endpoint, socket};
  const hawser::time_point start = socket.time;
  std::size_t at = 0;
  socket.peer = [&] {
    socket.time = socket.time + hawser::duration{1s};
    socket.incoming = {static_cast<std::byte>(request_text[at++])};
  };
  CHECK(stream.open() == error::opening_timeout);
  CHECK(socket.time - start < hawser::duration{30s});
  CHECK(support::to_text(socket.outgoing).starts_with("HTTP/1.1 408 "));
}

TEST_CASE("a server decides on requests between two events", "[adapters][socket]") {
  stream_and_peer<role::server> talk{{.decides_upgrades = true}};
  auto& server = talk.stream.connection();
  REQUIRE(talk.stream.receive().kind() == event_kind::request);
  SECTION("it accepts") {
    REQUIRE(server.accept() == error::none);
    CHECK(talk.stream.receive().kind() == event_kind::open);
    talk.run_peer();
    CHECK(talk.peer.is_open());
  }
  SECTION("it rejects") {
    REQUIRE(server.reject(403, "not you") == error::none);
    CHECK_FALSE(talk.stream.receive());
    CHECK(talk.peer.response().status == 403);
    CHECK(talk.socket.shutdowns == 1);
    CHECK(talk.socket.closes == 1);
  }
  SECTION("it decides nothing until the client is gone") {
    talk.socket.peer = {};
    talk.socket.is_ended = true;
    const event last = talk.stream.receive();
    CHECK(last.kind() == event_kind::failed);
    CHECK(last.error() == error::end_of_stream);
    CHECK_FALSE(talk.stream.receive());
  }
}

// ---- Silence

TEMPLATE_TEST_CASE("a peer that falls silent is pinged and then lost", "[adapters][socket]",
                   as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.socket.peer = {};
  const hawser::time_point start = talk.socket.time;
  CHECK(log_until_over(talk.stream) == failure(error::pong_timeout));
  CHECK(talk.socket.time - start == hawser::duration{45s});
  CHECK_FALSE(talk.socket.outgoing.empty());
}

TEMPLATE_TEST_CASE("a peer that answers pings is waited for", "[adapters][socket]", as_server,
                   as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  int pongs = 0;
  for (; pongs < 5; ++pongs) REQUIRE(talk.stream.receive().kind() == event_kind::pong);
  CHECK(talk.stream.connection().is_open());
  CHECK(talk.stream.connection().round_trip() > hawser::duration{});
}

TEMPLATE_TEST_CASE("a stream that is never idle still tells the time", "[adapters][socket]",
                   as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  // 900 pings a second for ten seconds, which is within the limit of each second.
  int sent = 0;
  const auto ping = [&] {
    const bytes frame = support::frame_to(TestType::value, opcode::ping, "");
    talk.socket.incoming.insert(talk.socket.incoming.end(), frame.begin(), frame.end());
    talk.socket.time = talk.socket.time + hawser::duration::milliseconds(1000 / 900);
    ++sent;
  };
  ping();
  while (sent < 9000) {
    ping();
    REQUIRE(talk.stream.receive().kind() == event_kind::ping);
  }
  CHECK(talk.stream.connection().is_open());
}

// ---- Closing

TEMPLATE_TEST_CASE("both ends can begin to close", "[adapters][socket][rfc6455-7]", as_server,
                   as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  SECTION("the stream, which drops what still comes") {
    talk.peer.send_text("late");
    CHECK(talk.stream.close(hawser::close_code{4001}, "enough") == error::none);
    CHECK(talk.stream.send_text("no more") == error::not_open);
    talk.stream.drain();
    CHECK(talk.peer.close_code() == hawser::close_code{4001});
    CHECK(talk.peer.close_reason() == "enough");
  }
  SECTION("the stream, which takes what still comes") {
    talk.peer.send_text("late");
    CHECK(talk.stream.close() == error::none);
    CHECK(log_until_over(talk.stream) == std::vector<std::string>{"message late", "close "});
  }
  SECTION("the peer") {
    talk.peer.close(hawser::close_code::going_away, "bye");
    CHECK(log_until_over(talk.stream) == std::vector<std::string>{"close bye"});
    CHECK(talk.stream.connection().close_code() == hawser::close_code::going_away);
  }
  talk.run_peer();
  CHECK(talk.stream.connection().was_clean());
  CHECK(talk.peer.was_clean());
  CHECK(talk.socket.closes == 1);
}

TEMPLATE_TEST_CASE("a close that must not be sent changes nothing", "[adapters][socket]", as_server,
                   as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  CHECK(talk.stream.close(hawser::close_code::abnormal) == error::bad_close_code);
  CHECK(talk.stream.close(hawser::close_code::normal, std::string(124, 'x')) ==
        error::reason_too_long);
  CHECK(talk.socket.outgoing.empty());
  CHECK(talk.stream.send_text("still open") == error::none);
}

TEMPLATE_TEST_CASE("a peer that does not answer a close is left", "[adapters][socket]", as_server,
                   as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.socket.peer = {};
  const hawser::time_point start = talk.socket.time;
  CHECK(talk.stream.close() == error::none);
  CHECK(log_until_over(talk.stream) == failure(error::closing_timeout));
  CHECK(talk.socket.time - start == hawser::duration{5s});
}

TEMPLATE_TEST_CASE("an answer that came in time counts though it is read late",
                   "[adapters][socket]", as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  CHECK(talk.stream.close() == error::none);
  CHECK_FALSE(talk.socket.outgoing.empty());
  talk.run_peer();
  talk.socket.time = talk.socket.time + hawser::duration{60s};
  CHECK(log_until_over(talk.stream) == std::vector<std::string>{"close "});
  CHECK(talk.stream.connection().was_clean());
}

// ---- Failing

TEMPLATE_TEST_CASE("after a failure the peer reads why, and is then discarded",
                   "[adapters][socket][rfc6455-7.1.7]", as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  std::vector<std::string> seen;
  talk.react = [&](const event& found) {
    if (found.kind() == event_kind::close) seen.emplace_back(found.reason());
  };
  talk.socket.incoming =
      support::concat(support::frame_to(TestType::value, opcode::text, "good"),
                      support::forge_to(TestType::value, {.opcode = 3}), bytes(100'000));
  std::string log;
  while (const event found = talk.stream.receive()) {
    if (found.is_message()) CHECK(talk.stream.send(found) == error::none);
    if (found.kind() == event_kind::failed) {
      CHECK(talk.stream.send_text("too late") == error::reserved_opcode);
    }
  }
  CHECK(talk.stream.connection().error() == error::reserved_opcode);
  CHECK(seen == std::vector<std::string>{std::string{to_string(error::reserved_opcode)}});
  CHECK(talk.socket.shutdowns == 1);
  CHECK(talk.socket.closes == 1);
}

TEMPLATE_TEST_CASE("discarding has bounds", "[adapters][socket]", as_server, as_client) {
  stream_and_peer<TestType::value> talk{{.limits = {.max_discard_size = 100'000}}};
  talk.open();
  talk.socket.incoming = support::forge_to(TestType::value, {.rsv = 1});
  const hawser::time_point start = talk.socket.time;
  std::size_t sent = 0;
  SECTION("in bytes") {
    talk.socket.peer = [&] {
      talk.socket.incoming.resize(1000);
      sent += 1000;
    };
    CHECK(log_until_over(talk.stream) == failure(error::reserved_bits));
    CHECK(sent <= 102'000);
    CHECK(talk.socket.time == start);
  }
  SECTION("in time") {
    talk.socket.peer = [&] {
      talk.socket.incoming.resize(1);
      talk.socket.time = talk.socket.time + hawser::duration{1s};
    };
    CHECK(log_until_over(talk.stream) == failure(error::reserved_bits));
    CHECK(talk.socket.time - start < hawser::duration{10s});
  }
}

TEMPLATE_TEST_CASE("the end of the stream in a frame is a loss", "[adapters][socket]", as_server,
                   as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.socket.peer = {};
  talk.socket.incoming = support::frame_to(TestType::value, opcode::text, "cut off");
  talk.socket.incoming.pop_back();
  talk.socket.is_ended = true;
  CHECK(log_until_over(talk.stream) == failure(error::end_of_stream));
  CHECK(talk.stream.connection().close_code() == hawser::close_code::abnormal);
}

TEMPLATE_TEST_CASE("a socket that fails is a loss", "[adapters][socket]", as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.socket.peer = {};
  talk.socket.incoming = support::frame_to(TestType::value, opcode::text, "before");
  talk.socket.fails_reading = true;
  auto expected = failure(error::transport_failed);
  expected.insert(expected.begin(), "message before");
  CHECK(log_until_over(talk.stream) == expected);
  CHECK(talk.stream.send_text("after") == error::transport_failed);
  CHECK(talk.socket.closes == 1);
}

TEMPLATE_TEST_CASE("where writing fails, what the peer sent before is still received",
                   "[adapters][socket]", as_server, as_client) {
  stream_and_peer<TestType::value> talk;
  talk.open();
  talk.peer.send_text("last words");
  talk.peer.close(hawser::close_code::going_away, "power failure");
  talk.run_peer();
  talk.socket.peer = {};
  talk.socket.fails_writing = true;
  talk.socket.fails_reading = true;
  CHECK(talk.stream.send_text("into the void") == error::transport_failed);
  CHECK(log_until_over(talk.stream) ==
        std::vector<std::string>{"message last words", "close power failure"});
  CHECK(talk.stream.connection().close_code() == hawser::close_code::going_away);
}

TEST_CASE("a reset after the closing handshake is no error", "[adapters][socket]") {
  stream_and_peer<role::client> talk;
  talk.open();
  talk.peer.close();
  talk.run_peer();
  talk.socket.peer = {};
  talk.socket.fails_reading = true;
  CHECK(log_until_over(talk.stream) == std::vector<std::string>{"close "});
  CHECK(talk.stream.connection().was_clean());
}
