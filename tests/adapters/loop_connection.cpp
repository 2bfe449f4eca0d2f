#include "hawser/adapters/loop_connection.hpp"

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/loop_script.hpp"

#include <array>
#include <chrono>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace hawser;

TEMPLATE_TEST_CASE("connections may be closed and cut off inside any handler", "[loop_connection]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  client_on<TestType> client{loop};
  const auto cut_all = [&](auto&) { server.for_each([](auto& each) { each->abort(); }); };
  const auto connect = [&](int count) {
    for (int i = 0; i < count; ++i) client.connect({.url = url_of(server)});
  };
  SECTION("on open") {
    server.handler().open = [&](auto& peer) {
      if (server.handler().opened == 5) cut_all(peer);
    };
    connect(5);
    CHECK(turn_until(loop, [&] { return server.handler().opened == 5; }));
  }
  SECTION("on message, the one that speaks included") {
    client.handler().open = [&](auto& peer) {
      if (client.handler().opened == 5) {
        peer->send_text("go");
        peer->send_text("not delivered");
      }
    };
    server.handler().answer = [&](auto& peer, const event&) { cut_all(peer); };
    connect(5);
    REQUIRE(turn_until(loop, [&] { return client.handler().closed == 5; }));
    CHECK(server.handler().received == std::vector<std::string>{"go"});
  }
  SECTION("on close") {
    server.handler().open = [&](auto& peer) {
      if (server.handler().opened == 5) peer->abort();
    };
    server.handler().close = cut_all;
    connect(5);
    CHECK(turn_until(loop, [&] { return server.handler().closed != 0; }));
  }
  REQUIRE(turn_until(loop, [&] { return client.size() == 0 && server.size() == 0; }));
  CHECK(server.handler().closed == 5);
  CHECK(client.handler().closed == 5);
}

TEMPLATE_TEST_CASE("who does not read is not read from, and goes on when it reads again",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr std::size_t message_size = 100'000;
  constexpr int message_count = 200;
  TestType loop;
  server_on<TestType> server{loop,
                             {.marks = {.high = 200'000, .low = 50'000},
                              .endpoint = {.limits = {.max_output_size = 400'000}}},
                             echoing<TestType>()};
  client_on<TestType> client{loop, {.limits = {.max_output_size = std::size_t{64} << 20}}};
  loop_connection<TestType, role::client, client_script<TestType>, no_extension>* peer = nullptr;
  client.handler().open = [&](auto& opened) {
    peer = &opened;
    opened.pause();
    for (int i = 0; i < message_count; ++i) {
      CHECK(opened->send_binary(std::string(message_size, 'a')) == error::none);
    }
  };
  client.connect({.url = url_of(server)});
  // The system's buffers fill up, then nothing moves any more.
  std::size_t before = 0;
  auto moved = std::chrono::steady_clock::now();
  REQUIRE(turn_until(loop, [&] {
    const auto now = std::chrono::steady_clock::now();
    if (server.handler().received.size() != before || before == 0) moved = now;
    before = server.handler().received.size();
    return now - moved > std::chrono::milliseconds(300);
  }));
  CHECK(server.handler().received.size() < message_count);
  server.for_each([](auto& each) { CHECK(each->output_size() <= 400'000); });
  REQUIRE(peer != nullptr);
  peer->resume();
  REQUIRE(turn_until(loop, [&] { return client.handler().received.size() == message_count; }));
  CHECK(server.handler().received.size() == message_count);
  CHECK(server.handler().drained >= 1);
}

TEMPLATE_TEST_CASE(
    "a drain comes each time that the output was high, also where the socket takes all",
    "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr int most = 100;
  const std::string part(3000, 'x');
  TestType loop;
  server_on<TestType> server{loop, {.marks = {.high = 2000, .low = 1000}}};
  server.handler().answer = [&](auto& peer, const event&) { peer->send_text(part); };
  server.handler().drain = [&](auto& peer) {
    if (server.handler().drained < most) peer->send_text(part);
  };
  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) { peer->send_text("begin"); };
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return client.handler().received.size() == most; }));
  CHECK(server.handler().drained == most);
}

TEMPLATE_TEST_CASE("a paused connection loses nothing of what came", "[loop_connection]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  client_on<TestType> client{loop};
  server.handler().answer = [](auto& peer, const event&) { peer.pause(); };
  client.handler().open = [](auto& peer) {
    for (int i = 0; i < 20; ++i) peer->send_text("message " + std::to_string(i));
    peer->close();
  };
  client.connect({.url = url_of(server)});
  for (std::size_t i = 1; i <= 20; ++i) {
    REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == i; }));
    loop.poll(duration::milliseconds(1));
    REQUIRE(server.handler().received.size() == i);
    server.for_each([](auto& peer) { peer.resume(); });
  }
  REQUIRE(turn_until(loop, [&] { return client.handler().closed == 1 && server.size() == 0; }));
  CHECK(server.handler().was_clean);
  CHECK(server.handler().received.back() == "message 19");
}

TEMPLATE_TEST_CASE("a paused connection whose peer has gone costs no turns, and keeps what came",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  server.handler().answer = [](auto& peer, const event&) { peer.pause(); };
  descriptor peer = connect_raw(server);
  write_raw(peer, std::string{upgrade} + std::string{"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b", 14});
  REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == 1; }));
  write_raw(peer, std::string{"\x81\x81\0\0\0\0c", 7});
  SECTION("it ended its stream") {
    peer.shutdown_send();
    CHECK(peer);
  }
  SECTION("it closed, and what it is sent is answered by a reset") {
    peer = {};
    server.for_each([](auto& each) { CHECK(each->send_text("are you there?") == error::none); });
  }
  int turns = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < end) {
    loop.poll(duration::milliseconds(50));
    ++turns;
  }
  CHECK(turns < 30);
  const std::size_t before = server.handler().received.size();
  CHECK(before == 1);
  server.handler().answer = [](auto&, const event&) {};
  server.for_each([](auto& each) { each.resume(); });
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().closed == 1);
  if (peer) {
    CHECK(server.handler().received == std::vector<std::string>{"a", "b", "c"});
  }
}

TEMPLATE_TEST_CASE("a connection that is paused outside of its handlers hears nothing more",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  server.for_each([](auto& each) { each.pause(); });
  write_raw(peer, text_frame("a") + text_frame("b"));
  for (int i = 0; i < 5; ++i) loop.poll(duration::milliseconds(10));
  CHECK(server.handler().received.empty());
  server.for_each([](auto& each) { each.resume(); });
  CHECK(turn_until(loop, [&] { return server.handler().received.size() == 2; }));
}

TEMPLATE_TEST_CASE("a connection that is paused after each message keeps the others where they are",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr std::size_t count = 1000;
  TestType loop;
  server_on<TestType> server{loop};
  server.handler().received.reserve(count);
  server.handler().answer = [](auto& peer, const event&) { peer.pause(); };
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text_frame("12345678");
  write_raw(peer, all);
  REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == 1; }));
  const support::allocation_watch watch;
  for (std::size_t i = 2; i <= count; ++i) {
    server.for_each([](auto& each) { each.resume(); });
    REQUIRE(turn_until(loop, [&] { return server.handler().received.size() == i; }));
  }
  CHECK(watch.requested() < 4 * all.size());
}

TEMPLATE_TEST_CASE("a peer that is paused for long is not given up, and is judged anew after it",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop,
                             {.endpoint = {.timeouts = {.ping = duration::milliseconds(40),
                                                        .pong = duration::milliseconds(40)}}}};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  server.for_each([](auto& each) { each.pause(); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
  while (std::chrono::steady_clock::now() < end) loop.poll(duration::milliseconds(50));
  CHECK(server.handler().closed == 0);
  CHECK(read_raw(peer).find("\x89\x01") == std::string::npos);
  server.for_each([](auto& each) { each.resume(); });
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::pong_timeout);
  CHECK(read_raw(peer).find("\x89\x01") != std::string::npos);
}

TEMPLATE_TEST_CASE("what a peer sent before it left is read, though it takes nothing any more",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  for (int i = 0; i < 3; ++i) loop.poll(duration::milliseconds(5));
  CHECK(read_raw(peer).starts_with("HTTP/1.1 101 "));
  server.for_each([](auto& each) { each.pause(); });
  loop.poll(duration{});
  const bool is_clean = GENERATE(true, false);
  const std::string close_frame{"\x88\x82\0\0\0\0\x03\xE8", 8};
  write_raw(peer, text_frame("a") + text_frame("b") + (is_clean ? close_frame : ""));
  peer = {};
  for (int i = 0; i < 3; ++i) {
    // The first is answered by a reset, the others are refused by the system.
    server.for_each([](auto& each) { CHECK(each->send_text("still there?") == error::none); });
    for (int turn = 0; turn < 3; ++turn) loop.poll(duration::milliseconds(5));
  }
  server.for_each([](auto& each) { each.resume(); });
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().received == std::vector<std::string>{"a", "b"});
  CHECK(server.handler().was_clean == is_clean);
  CHECK((server.handler().last_error == error::none) == is_clean);
  CHECK(server.handler().closed == 1);
}

TEMPLATE_TEST_CASE("a handler that throws loses nothing of what came behind it",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop};
  server.handler().answer = [](auto& peer, const event& message) {
    peer->send(message);
    if (message.text() == "throw") throw 1;
  };
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  const std::string last = text_frame("last");
  SECTION("whole messages") { write_raw(peer, text_frame("throw") + text_frame("second") + last); }
  SECTION("a part of one") {
    write_raw(peer, text_frame("throw") + text_frame("second") + last.substr(0, 3));
    int thrown = 0;
    while (thrown == 0) {
      try {
        loop.poll(duration::seconds(10));
      } catch (int) {
        ++thrown;
      }
    }
    write_raw(peer, last.substr(3));
  }
  SECTION("nothing: what it sent leaves nevertheless") {
    write_raw(peer, text_frame("throw"));
    std::string answer;
    REQUIRE(turn_past_throws(loop, [&] {
      answer += read_raw(peer);
      return answer.ends_with("throw");
    }));
    write_raw(peer, text_frame("second") + last);
  }
  REQUIRE(turn_past_throws(loop, [&] { return server.handler().received.size() == 3; }));
  CHECK(server.handler().received == std::vector<std::string>{"throw", "second", "last"});
  CHECK(server.handler().closed == 0);
}

TEMPLATE_TEST_CASE("a connection goes though the handler of its end throws", "[loop_connection]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr int count = 5;
  TestType loop;
  server_on<TestType> server{loop,
                             {.endpoint = {.timeouts = {.ping = duration::milliseconds(50),
                                                        .pong = duration::milliseconds(50)}}}};
  server.handler().close = [](auto&) { throw 1; };
  std::vector<descriptor> peers;
  for (int i = 0; i < count; ++i) {
    peers.push_back(connect_raw(server));
    write_raw(peers.back(), upgrade);
  }
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == count; }));
  enum class end { cut_off, silent_for_as_long, left_by_its_peer };
  const end how = GENERATE(end::cut_off, end::silent_for_as_long, end::left_by_its_peer);
  if (how == end::cut_off) server.for_each([](auto& each) { each->abort(); });
  if (how == end::left_by_its_peer) peers.clear();
  CHECK(turn_past_throws(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().closed == count);
}

TEMPLATE_TEST_CASE("wherever memory runs out, a loop goes on and ends what it can't serve",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  const std::string text(3000, 'x');
  const std::size_t failed = support::for_each_failing_allocation([&](std::size_t n) {
    TestType loop;
    server_on<TestType> server{loop, {}, echoing<TestType>()};
    client_on<TestType> client{loop};
    client.handler().open = [&](auto& peer) {
      peer.pause();
      peer->send_text(text);
      peer->send_text(text);
    };
    client.handler().answer = [&](auto& peer, const event&) {
      if (peer.session().messages == 2) peer->close();
    };
    bool has_failed = false;
    {
      const support::failing_allocation failing{n};
      try {
        client.connect({.url = url_of(server)});
        for (int i = 0; i < 20; ++i) {
          loop.poll(duration::milliseconds(1));
          client.for_each([](auto& peer) { peer.resume(); });
        }
      } catch (const std::bad_alloc&) {
        CHECK(failing.has_failed());
      }
      has_failed = failing.has_failed();
    }
    // There is memory again.
    REQUIRE(turn_until(loop, [&] {
      client.for_each([](auto& peer) {
        peer.resume();
        if (peer->is_open()) peer->close();
      });
      return client.size() == 0 && server.size() == 0;
    }));
    CHECK(server.handshakes() == 0);
    CHECK(client.handshakes() == 0);
    // ... and a new connection is served.
    const int before = client.handler().opened;
    client.handler().open = [](auto&) {};
    client.connect({.url = url_of(server)});
    REQUIRE(turn_until(loop, [&] { return client.handler().opened == before + 1; }));
    client.shut_down();
    REQUIRE(turn_until(loop, [&] { return client.size() == 0 && server.size() == 0; }));
    return has_failed;
  });
  CHECK(failed > 10);
}

TEMPLATE_TEST_CASE("a peer in the middle of a message that is too big may send the rest of it",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  constexpr auto closing = duration::seconds(2);
  TestType loop;
  server_on<TestType> server{
      loop, {.endpoint = {.limits = {.max_message_size = 1000}, .timeouts = {.closing = closing}}}};
  descriptor peer = connect_raw(server);
  write_raw(peer, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 1; }));
  loop.poll(duration{});
  CHECK(read_raw(peer).starts_with("HTTP/1.1 101 "));
  write_raw(peer, std::string{"\x82\xFF\0\0\0\0\1\0\0\0\0\0\0\0", 14});
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::message_too_big);
  std::array<std::byte, 512> buffer;
  io_result read{};
  const auto read_close = [&] {
    read = peer.read_some(buffer, time_point::min());
    return read.status != io_status::timeout;
  };
  REQUIRE(turn_until(loop, read_close));
  CHECK(as_text(std::span{buffer}.first(read.size)).substr(2, 2) == "\x03\xF1");

  const auto begin = std::chrono::steady_clock::now();
  const auto past = [&] { return std::chrono::steady_clock::now() - begin; };
  const std::string more(1000, 'x');
  while (past() < std::chrono::milliseconds(400)) {
    write_raw(peer, more);
    loop.poll(duration::milliseconds(10));
    REQUIRE(peer.read_some(buffer, time_point::min()).status == io_status::timeout);
  }
  SECTION("when it is quiet, it sees the end") {
    REQUIRE(turn_until(loop, read_close));
    CHECK(read.status == io_status::eof);
    peer = {};
    CHECK(turn_until(loop, [&] { return server.size() == 0; }));
  }
  SECTION("when it ends, so do we") {
    peer.shutdown_send();
    CHECK(turn_until(loop, [&] { return server.size() == 0; }));
  }
  SECTION("one that goes on for ever is cut off") {
    CHECK(turn_until(loop, [&] {
      static_cast<void>(peer.write_some(std::as_bytes(std::span{more}), time_point::min()));
      return server.size() == 0;
    }));
    CHECK(past() < std::chrono::seconds(8));
  }
}

TEMPLATE_TEST_CASE("a peer that resets its connection costs nothing but it", "[loop_connection]",
                   epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop, {}, echoing<TestType>()};
  descriptor middle_of_frame = connect_raw(server);
  write_raw(middle_of_frame, std::string{upgrade} + "\x81\xfe\x10");
  descriptor with_output = connect_raw(server);
  write_raw(with_output, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().opened == 2; }));
  server.for_each([](auto& peer) {
    // More than the system takes, so that a write is under way.
    for (int i = 0; i < 3; ++i) peer->send_binary(std::string(1'000'000, 'x'));
  });
  loop.poll(duration::milliseconds(20));
  reset(std::move(middle_of_frame));
  reset(std::move(with_output));
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
  CHECK(server.handler().closed == 2);
  CHECK(server.handler().last_error == error::transport_failed);
  CHECK(server.handler().last_code == close_code::abnormal);

  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) { peer->send_text("still there?"); };
  client.connect({.url = url_of(server)});
  CHECK(turn_until(loop, [&] { return client.handler().received.size() == 1; }));
}

TEMPLATE_TEST_CASE("a peer that ended its stream still gets what is on its way",
                   "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop, {}, echoing<TestType>()};
  descriptor half_closed = connect_raw(server);
  write_raw(half_closed, std::string{upgrade} + std::string{"\x81\x82\0\0\0\0hi", 8});
  half_closed.shutdown_send();
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::end_of_stream);
  CHECK(read_raw(half_closed).ends_with(std::string{"\x81\x02hi", 4}));
  REQUIRE(turn_until(loop, [&] { return server.size() == 0; }));
}

TEMPLATE_TEST_CASE("a peer that goes silent is pinged, and lost", "[loop_connection]", epoll_loop,
                   uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{loop,
                             {.endpoint = {.timeouts = {.ping = duration::milliseconds(50),
                                                        .pong = duration::milliseconds(100)}}}};
  descriptor silent = connect_raw(server);
  write_raw(silent, upgrade);
  REQUIRE(turn_until(loop, [&] { return server.handler().closed == 1; }));
  CHECK(server.handler().last_error == error::pong_timeout);
  const std::string got = read_raw(silent);
  CHECK(got.find("\x89\x01") != std::string::npos);
}

TEMPLATE_TEST_CASE(
    "a thousand half handshakes do not stop working clients, and end at the deadline",
    "[loop_connection]", epoll_loop, uring_loop) {
  if (!runs_here<TestType>()) return;
  TestType loop;
  server_on<TestType> server{
      loop, {.endpoint = {.timeouts = {.opening = duration::seconds(2)}}}, echoing<TestType>()};
  std::vector<descriptor> half;
  for (int i = 0; i < 1000; ++i) {
    half.push_back(connect_raw(server));
    write_raw(half.back(), upgrade.substr(0, static_cast<std::size_t>(i) % (upgrade.size() - 1)));
    if (i % 100 == 0) loop.poll(duration{});
  }
  client_on<TestType> client{loop};
  client.handler().open = [](auto& peer) { peer->send_text("0"); };
  client.handler().answer = [](auto& peer, const event&) {
    peer->send_text(std::to_string(peer.session().messages));
  };
  client.connect({.url = url_of(server)});
  REQUIRE(turn_until(loop, [&] { return client.handler().received.size() >= 500; }));
  CHECK(server.handler().opened == 1);
  REQUIRE(turn_until(loop, [&] { return server.handshakes() == 0; }));
  CHECK(server.handler().refused == 1000);
  CHECK(server.handler().last_error == error::opening_timeout);
  CHECK(client.handler().closed == 0);
}
