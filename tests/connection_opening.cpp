// The opening handshake through a connection: what an application sees and decides at a server,
// what a client tells of an answer.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// A server whose application decides.
class deciding {
 public:
  explicit deciding(server_options options = {})
      : endpoint_{decided(std::move(options))}, server{endpoint_} {}

 private:
  static server_options decided(server_options options) {
    options.decides_upgrades = true;
    options.answers_http = true;
    return options;
  }

  server_endpoint endpoint_;

 public:
  logged_connection<role::server> server;
};

class asking {
 public:
  explicit asking(client_options options = {}, std::vector<std::string> subprotocols = {})
      : endpoint_{asked(std::move(options))},
        client{endpoint_,
               {.url = "ws://server.example.com/chat", .subprotocols = std::move(subprotocols)}} {}

 private:
  static client_options asked(client_options options) {
    options.entropy = sample_nonce();
    return options;
  }

  client_endpoint endpoint_;

 public:
  logged_connection<role::client> client;
};

const std::string text_hello = "text 48 65 6c 6c 6f";

}  // namespace

// ---- Server: what is asked

TEST_CASE("a request is shown in its parts", "[connection][server]") {
  deciding at{{.subprotocols = {"chat"}}};
  at.server.feed(upgrade_request("/rooms/%C3%A9?name=a%20b&empty=&x")
                     .with("Origin", "https://server.example.com")
                     .with("Sec-WebSocket-Protocol", "soap, chat")
                     .with("Sec-WebSocket-Protocol", "wamp")
                     .with("Cookie", "id=7; theme=dark")
                     .with("X-Twice", "1")
                     .with("x-twice", "2")
                     .text());
  REQUIRE(at.server.log() == event_log{"upgrade GET /rooms/%C3%A9?name=a%20b&empty=&x"});
  const request& asked = at.server->request();
  CHECK(asked.is_upgrade());
  CHECK(asked.path() == "/rooms/%C3%A9");
  CHECK(asked.query() == "name=a%20b&empty=&x");
  CHECK(asked.query_value("name") == "a%20b");
  CHECK(asked.query_value("none").empty());
  CHECK(asked.headers().count("X-TWICE") == 2);
  CHECK(asked.header("x-Twice") == "1");
  CHECK(asked.header("X-None").empty());
  CHECK(asked.origin() == "https://server.example.com");
  CHECK(asked.cookie("theme") == "dark");
  CHECK(asked.cookie("none").empty());
  CHECK(asked.offers("chat"));
  CHECK(asked.offers("wamp"));
  CHECK_FALSE(asked.offers("Chat"));
  CHECK(asked.subprotocol() == "chat");
  std::vector<std::string> offered;
  asked.for_each_subprotocol([&](std::string_view each) {
    offered.emplace_back(each);
    return each != "chat";
  });
  CHECK(offered == std::vector<std::string>{"soap", "chat"});
  CHECK(at.server.state() == "connecting, 0");
  CHECK_FALSE(at.server->has_output());
}

TEST_CASE("a request stays while the application decides, whatever comes", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request("/path").with("X", std::string(5000, 'x')).text());
  const std::string_view target = at.server->request().target();
  for (int i = 0; i < 100; ++i) at.server.feed(wire_to{role::server}.text("early message"));
  CHECK(at.server->request().target() == "/path");
  CHECK(at.server->request().target().data() == target.data());
  CHECK(at.server->request().header("X").size() == 5000);
}

TEST_CASE("a request is seen until the open event is over", "[connection][server]") {
  server_endpoint endpoint{};
  logged_connection<role::server> server{endpoint};
  std::string seen;
  server.react = [&](server_connection& connection, const event& found) {
    seen += found.kind() == event_kind::open ? connection.request().target() : "-";
    if (found.is_message()) seen += connection.request().target();
  };
  server.feed(upgrade_request("/seen").text());
  server.feed(wire_to{role::server}.text("a"));
  CHECK(seen == "/seen-");
}

// ---- Server: accept

TEST_CASE("an upgrade is accepted by itself", "[connection][server]") {
  server_endpoint endpoint{};
  logged_connection<role::server> server{endpoint};
  server.feed(upgrade_request().text());
  CHECK(server.log() == event_log{"open"});
  CHECK(status_of(server.take_output_text()) == "101");
  CHECK(server->is_open());
}

TEST_CASE("an application accepts at once, or later", "[connection][server]") {
  for (const bool is_at_once : {true, false}) {
    deciding at;
    if (is_at_once) {
      at.server.react = [](server_connection& connection, const event& found) {
        if (found.kind() == event_kind::request) CHECK(connection.accept() == error::none);
      };
    }
    at.server.feed(upgrade_request().text());
    if (!is_at_once) {
      CHECK_FALSE(at.server->has_output());
      CHECK(at.server->accept() == error::none);
    }
    CHECK(status_of(at.server.take_output_text()) == "101");
    CHECK(at.server->is_open());
    at.server.feed("");
    CHECK(at.server.log() == event_log{"upgrade GET /chat", "open"});
  }
}

TEST_CASE("messages can be sent as soon as it is accepted", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  REQUIRE(at.server->accept() == error::none);
  CHECK(at.server->send_text("first") == error::none);
  CHECK(at.server->ping(std::string_view{"p"}) == error::none);
  const std::string sent = at.server.take_output_text();
  CHECK(status_of(sent) == "101");
  CHECK(to_hex(to_bytes(body_of(sent))) == "81 05 66 69 72 73 74 89 01 70");
}

TEST_CASE("nothing overtakes the answer to the handshake, also where output is blocked",
          "[connection][server]") {
  for (const std::size_t taken : {std::size_t{0}, std::size_t{1}, std::size_t{50}}) {
    deciding at;
    at.server.feed(upgrade_request().text());
    REQUIRE(at.server->accept() == error::none);
    std::string sent;
    if (taken == 0) {
      static_cast<void>(at.server->output());
      at.server->consume_output(0);
    } else {
      sent = to_text(at.server.take_output(taken));
    }
    REQUIRE(at.server->ping(std::string_view{"p"}) == error::none);
    at.server.feed(wire_to{role::server}.ping("q"));
    sent += at.server.take_output_text();
    CHECK(sent.starts_with("HTTP/1.1 101 "));
    CHECK(to_hex(to_bytes(body_of(sent))) == "89 01 70 8a 01 71");
  }
}

TEST_CASE("an application adds headers to its acceptance", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  REQUIRE(
      at.server->accept({{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}, {"X-Own", "\xC3\xA9"}}) ==
      error::none);
  const std::string answer = at.server.take_output_text();
  CHECK(has_line(answer, "Set-Cookie: a=1"));
  CHECK(has_line(answer, "Set-Cookie: b=2"));
  CHECK(has_line(answer, "X-Own: \xC3\xA9"));
}

TEST_CASE("an acceptance with a bad header changes nothing", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  for (const header& bad :
       {header{"X", "a\r\nY: b"}, header{"X Y", "a"}, header{"", "a"}, header{"Upgrade", "h2c"},
        header{"Sec-WebSocket-Accept", "x"}, header{"Connection", "close"},
        header{"Content-Length", "1"}, header{"Sec-WebSocket-Extensions", "permessage-deflate"}}) {
    CHECK(at.server->accept({bad}) == error::bad_header);
  }
  CHECK_FALSE(at.server->has_output());
  CHECK(at.server.state() == "connecting, 0");
  CHECK(at.server->accept() == error::none);
}

TEST_CASE("an application chooses a subprotocol of the endpoint's, or of its own, or none",
          "[connection][server]") {
  using row = std::pair<std::string_view, error>;
  for (const auto& [choice, expected] :
       {row{"chat", error::none}, row{"own", error::none}, row{"", error::none},
        row{"soap", error::bad_subprotocol}, row{"Chat", error::bad_subprotocol},
        row{"a b", error::bad_subprotocol}, row{"chat\r\n", error::bad_subprotocol}}) {
    deciding at{{.subprotocols = {"chat", "soap"}}};
    at.server.feed(upgrade_request().with("Sec-WebSocket-Protocol", "own, chat").text());
    std::string name{choice};
    CHECK(at.server->accept(name, {}) == expected);
    name.assign(name.size(), '-');
    if (expected != error::none) {
      CHECK_FALSE(at.server->has_output());
      continue;
    }
    CHECK(header_of(at.server.take_output_text(), "Sec-WebSocket-Protocol") == choice);
    at.server.feed("");
    CHECK(at.server->protocol() == choice);
    // It lives longer than the request.
    at.server.feed(wire_to{role::server}.text("Hello"));
    CHECK(at.server->protocol() == choice);
    CHECK(at.server.last_line() == text_hello);
  }
}

TEST_CASE("frames in the read of the request are kept", "[connection][server]") {
  server_endpoint endpoint{};
  logged_connection<role::server> server{endpoint};
  server.feed(concat(to_bytes(upgrade_request().text()), bytes(wire_to{role::server}.text("Hello")),
                     bytes(wire_to{role::server}.text("Hello"))));
  CHECK(server.log() == event_log{"open", text_hello, text_hello});
}

TEST_CASE("what comes before the decision is told after it, at every split",
          "[connection][server]") {
  const bytes head = to_bytes(upgrade_request().text());
  const bytes frames =
      wire_to{role::server}.text("Hello").ping("p").text("Hel", false).last("lo").close(1000);
  const event_log expected{"upgrade GET /chat", "open",     text_hello,
                           "ping 70",           text_hello, "close 1000 "};
  for (std::size_t before = 0; before <= frames.size(); ++before) {
    for (std::size_t at_once = 0; at_once <= before; at_once += 5) {
      for (const bool ends : {true, false}) {
        deciding at;
        at.server.feed(
            concat(head, bytes{frames.begin(), frames.begin() + std::ptrdiff_t(at_once)}));
        at.server.feed_each_byte(std::span{frames}.subspan(at_once, before - at_once));
        if (at.server->accept() != error::none) FAIL("not accepted");
        if (ends) at.server->receive_eof();
        at.server.feed(std::span{frames}.subspan(before));
        if (at.server.log() != expected) {
          INFO("before the decision: " << before << ", in the first read: " << at_once);
          REQUIRE(at.server.log() == expected);
        }
      }
    }
  }
  CHECK(frames.size() == 11 + 7 + 9 + 8 + 8);
}

TEST_CASE("reading may stop among what came before the decision", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  at.server.feed(wire_to{role::server}.text("Hello").text("Hello"));
  REQUIRE(at.server->accept() == error::none);
  // One event of each receive.
  for (int i = 0; i < 4; ++i) {
    auto events = at.server->receive({});
    if (const event found = events.next()) at.server.note(found);
    CHECK(events.rest().empty());
  }
  at.server.feed(wire_to{role::server}.text("Hello"));
  CHECK(at.server.log() ==
        event_log{"upgrade GET /chat", "open", text_hello, text_hello, text_hello});
}

TEST_CASE("what comes before the decision is bounded", "[connection][server]") {
  for (const bool is_over : {false, true}) {
    deciding at;
    at.server.feed(upgrade_request().text());
    const bytes message = wire_to{role::server}.binary(bytes(4096 - 8, std::byte{1}));
    REQUIRE(message.size() == 4096);
    at.server.feed(message);
    if (is_over) {
      at.server.feed("x");
      CHECK(at.server.last_line() == opening_failure_line(error::too_much_early_data));
      CHECK(status_of(at.server.take_output_text()) == "400");
      CHECK(at.server->accept() == error::not_deciding);
    } else {
      REQUIRE(at.server->accept() == error::none);
      at.server.feed("");
      CHECK(at.server.log().size() == 3);
    }
  }
}

TEST_CASE("a violation in what came before the decision is told after it", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  at.server.feed(wire_to{role::server}.text("Hello").forged({.opcode = 3}).text("no"));
  REQUIRE(at.server->accept() == error::none);
  at.server.feed(wire_to{role::server}.text("no"));
  CHECK(at.server.log() ==
        event_log{"upgrade GET /chat", "open", text_hello, failure_line(error::reserved_opcode)});
}

// ---- Server: reject and respond

TEST_CASE("an application rejects with a status and a reason", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  REQUIRE(at.server->reject(403, "no room for you") == error::none);
  const std::string answer = at.server.take_output_text();
  CHECK(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"));
  CHECK(has_line(answer, "Connection: close"));
  CHECK(has_line(answer, "Content-Length: 16"));
  CHECK(body_of(answer) == "no room for you\n");
  CHECK(at.server.state() == "closing, wants shutdown, 1006, the application rejected the request");
  // What follows is dropped, and no event tells what the application did itself.
  at.server.feed(wire_to{role::server}.text("no"));
  CHECK(at.server.log() == event_log{"upgrade GET /chat"});
  at.server.feed_end();
  CHECK(at.server->wants_close());
  CHECK(at.server.log().size() == 1);
}

TEST_CASE("a rejection that cannot be sent changes nothing", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  for (const unsigned status : {0U, 99U, 100U, 101U, 199U, 204U, 205U, 304U, 600U, 1000U}) {
    CHECK(at.server->reject(status, "x") == error::bad_header);
  }
  CHECK(at.server->respond(200, {{"X", "a\nb"}}, "") == error::bad_header);
  CHECK(at.server->respond(101, {}, "") == error::bad_header);
  CHECK_FALSE(at.server->has_output());
  CHECK(at.server->accept() == error::none);
}

TEST_CASE("a request is decided once", "[connection][server]") {
  const auto check_decided = [](server_connection& server) {
    CHECK(server.accept() == error::not_deciding);
    CHECK(server.accept("", {}) == error::not_deciding);
    CHECK(server.reject(404, "x") == error::not_deciding);
    CHECK(server.respond(200, {}, "x") == error::not_deciding);
  };
  {
    deciding at;
    check_decided(*at.server);
    at.server.feed("GET / HTTP/1.1\r\nHost:");
    check_decided(*at.server);
    CHECK_FALSE(at.server->has_output());
  }
  const std::vector<void (*)(server_connection&)> decisions{
      [](server_connection& server) { CHECK(server.accept() == error::none); },
      [](server_connection& server) { CHECK(server.reject(404, "x") == error::none); },
      [](server_connection& server) { CHECK(server.respond(200, {}, "x") == error::none); },
      [](server_connection& server) { CHECK(server.close() == error::none); },
      [](server_connection& server) { server.abort(); }};
  for (const auto decide : decisions) {
    deciding at;
    at.server.feed(upgrade_request().text());
    decide(*at.server);
    const std::size_t size = at.server.take_output().size();
    check_decided(*at.server);
    CHECK_FALSE(at.server->has_output());
    CHECK(size != 1);
  }
}

TEST_CASE("plain HTTP is answered on the same port", "[connection][server]") {
  for (const std::string_view method : {"GET", "HEAD"}) {
    deciding at;
    at.server.feed(plain_request(method, "/health?x=1").text());
    REQUIRE(at.server.log() == event_log{"request " + std::string{method} + " /health?x=1"});
    CHECK_FALSE(at.server->request().is_upgrade());
    CHECK(at.server->request().path() == "/health");
    CHECK(at.server->accept() == error::not_deciding);  // there is nothing to upgrade
    REQUIRE(at.server->respond(200, {{"Content-Type", "text/plain"}}, "fine") == error::none);
    const std::string answer = at.server.take_output_text();
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(has_line(answer, "Content-Type: text/plain"));
    CHECK(has_line(answer, "Content-Length: 4"));
    CHECK(has_line(answer, "Connection: close"));
    CHECK(body_of(answer) == (method == "HEAD" ? "" : "fine"));
    CHECK(at.server.state() == "closing, wants shutdown, 0");
    at.server.feed(plain_request().text());  // one answer a connection
    CHECK_FALSE(at.server->has_output());
    at.server.feed_end();
    CHECK(at.server.state() == "closed, wants shutdown, wants close, 0");
    CHECK(at.server.log().size() == 1);
  }
}

TEST_CASE("plain HTTP is refused where nobody answers it", "[connection][server]") {
  server_endpoint endpoint{{.decides_upgrades = true}};
  logged_connection<role::server> server{endpoint};
  server.feed(plain_request().text());
  const std::string answer = server.take_output_text();
  CHECK(status_of(answer) == "426");
  CHECK(has_line(answer, "Upgrade: websocket"));
  CHECK(server.log() == event_log{opening_failure_line(error::missing_upgrade)});
}

TEST_CASE("other methods, bodies and versions of plain HTTP are refused", "[connection][server]") {
  using row = std::pair<std::string, const char*>;
  for (const auto& [text, status] :
       {row{plain_request("POST"), "405"}, row{plain_request("OPTIONS", "*"), "405"},
        row{plain_request().with("Content-Length", "3").with_body("abc"), "413"},
        row{plain_request().with("Transfer-Encoding", "chunked"), "413"},
        row{plain_request().without("Host"), "400"}}) {
    deciding at;
    at.server.feed(text);
    INFO(text);
    CHECK(status_of(at.server.take_output_text()) == status);
  }
}

TEST_CASE("a large answer over HTTP goes out whole", "[connection][server]") {
  deciding at;
  at.server.feed(plain_request().text());
  const std::string page(300'000, 'p');
  REQUIRE(at.server->respond(200, {}, page) == error::none);
  std::string answer;
  while (at.server->has_output()) {
    CHECK_FALSE(at.server->wants_shutdown());
    answer += to_text(at.server.take_output(1000));
  }
  CHECK(body_of(answer) == page);
  CHECK(at.server->wants_shutdown());
  CHECK(at.server->buffered_amount() == 0);
}

TEST_CASE("a server that closes before it decided answers 503", "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  REQUIRE(at.server->close() == error::none);
  CHECK(status_of(at.server.take_output_text()) == "503");
  CHECK(at.server->error() == error::aborted);
  at.server.feed_end();
  CHECK(at.server->wants_close());
  CHECK(at.server.log().size() == 1);

  server_endpoint endpoint{};
  logged_connection<role::server> untouched{endpoint};
  REQUIRE(untouched->close() == error::none);
  CHECK(untouched->wants_close());
  CHECK_FALSE(untouched->has_output());
}

// ---- Server: hostile and broken requests

TEST_CASE("what is no HTTP is answered at its first byte", "[connection][server]") {
  for (const std::string_view start : {"\x16\x03\x01", " GET", "\n", "\xFF", "{}"}) {
    server_endpoint endpoint{};
    logged_connection<role::server> server{endpoint};
    server.feed(start.substr(0, 1));
    INFO(to_hex(to_bytes(start)));
    CHECK(server.has_ended());
    CHECK(status_of(server.take_output_text()) == "400");
    CHECK(server->wants_shutdown());
  }
}

TEST_CASE("the end of the stream inside a request is told", "[connection][server]") {
  const std::string request = upgrade_request();
  for (std::size_t size = 0; size < request.size(); ++size) {
    server_endpoint endpoint{};
    logged_connection<role::server> server{endpoint};
    server.feed(request.substr(0, size));
    server.feed_end();
    if (server.log() != event_log{opening_failure_line(error::end_of_stream)}) FAIL("at " << size);
    if (!server->wants_close() || server->has_output()) FAIL("at " << size);
  }
  CHECK(request.size() > 100);
}

TEST_CASE("the end of the stream while the application decides is told after it",
          "[connection][server]") {
  deciding at;
  at.server.feed(upgrade_request().text());
  at.server.feed_end();
  CHECK(at.server.log().size() == 1);
  REQUIRE(at.server->accept() == error::none);
  at.server.feed("");
  CHECK(at.server.log() ==
        event_log{"upgrade GET /chat", "open", failure_line(error::end_of_stream)});
}

// ---- Client

TEST_CASE("a client tells what the server answered", "[connection][client]") {
  asking at;
  at.client.feed(upgrade_answer().with("X-Own", "1").text());
  REQUIRE(at.client.log() == event_log{"open"});
  CHECK(at.client->response().status == 101);
  CHECK(at.client->response().reason == "Switching Protocols");
  CHECK(at.client->response().headers.value("x-own") == "1");
  CHECK(at.client->response().body.empty());
  CHECK(at.client->url() == "ws://server.example.com/chat");
}

TEST_CASE("frames in the read of the answer are kept", "[connection][client]") {
  asking at;
  at.client.feed(
      concat(to_bytes(upgrade_answer().text()), bytes(wire_to{role::client}.text("Hello"))));
  CHECK(at.client.log() == event_log{"open", text_hello});
}

TEST_CASE("a client sends its own headers, and refuses those that it must not send",
          "[connection][client]") {
  client_endpoint endpoint{{.entropy = sample_nonce()}};
  const std::vector<header> own{{"Cookie", "a=b"}, {"X-Own", "1"}};
  logged_connection<role::client> good{endpoint,
                                       {.url = "ws://user:pass@a.example/", .headers = own}};
  const std::string request = good.take_output_text();
  CHECK(has_line(request, "Cookie: a=b"));
  CHECK(has_line(request, "X-Own: 1"));
  CHECK(has_line(request, "Authorization: Basic dXNlcjpwYXNz"));
  for (const header& bad : {header{"Host", "b"}, header{"X", "a\r\nb: c"}, header{"a b", "c"},
                            header{"Sec-WebSocket-Key", "x"}, header{"Upgrade", "x"}}) {
    logged_connection<role::client> client{endpoint, {.url = "ws://a.example", .headers = {bad}}};
    CHECK(client->error() == error::bad_header);
    CHECK(client->wants_close());
    CHECK_FALSE(client->has_output());
    client.feed("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    CHECK(client.log() == event_log{opening_failure_line(error::bad_header)});
  }
}

TEST_CASE("a refused handshake shows status, headers and body", "[connection][client]") {
  const http_message head = http_message{"HTTP/1.1 403 No Way"}.with("X-Why", "because");
  struct row {
    const char* what;
    std::string answer;
    bool ends;  // only the end of the stream completes it
    std::string body;
  };
  for (const row& each :
       {row{"sized", head.with("Content-Length", "5").with_body("Sorry"), false, "Sorry"},
        row{"empty", head.with("Content-Length", "0"), false, ""},
        row{"chunked",
            head.with("Transfer-Encoding", "chunked")
                .with_body("2\r\nSo\r\n3;x=y\r\nrry\r\n0\r\n\r\n"),
            false, "Sorry"},
        row{"until the stream ends", head.with_body("Sorry"), true, "Sorry"},
        row{"cut", head.with("Content-Length", "9").with_body("Sorry"), true, "Sorry"},
        row{"malformed", head.with("Content-Length", "x").with_body("Sorry"), false, ""}}) {
    INFO(each.what);
    const event_log log =
        require_same_at_every_split(to_bytes(each.answer), [&](const chunks& parts) {
          asking at;
          at.client.take_output();
          for (const bytes& part : parts) at.client.feed(part);
          event_log all;
          all.push_back(at.client.has_ended() ? "complete" : "incomplete");
          at.client.feed_end();
          all.insert(all.end(), at.client.log().begin(), at.client.log().end());
          const response found = at.client->response();
          all.push_back(std::to_string(found.status) + " " + std::string{found.reason} + " " +
                        std::string{found.headers.value("X-Why")} + " " + std::string{found.body});
          all.push_back(at.client.state());
          return all;
        });
    CHECK(log ==
          event_log{each.ends ? "incomplete" : "complete", "refused 403",
                    "403 No Way because " + each.body,
                    "closed, wants shutdown, wants close, 1006, the server refused the handshake"});
  }
}

TEST_CASE("the body of a refused handshake is bounded", "[connection][client]") {
  for (const bool is_chunked : {true, false}) {
    asking at{{.limits = {.max_refusal_size = 1000}}};
    http_message head{"HTTP/1.1 500 x"};
    at.client.feed((is_chunked ? head.with("Transfer-Encoding", "chunked") : head).text());
    for (int i = 0; i < 100 && !at.client.has_ended(); ++i) {
      at.client.feed((is_chunked ? "64\r\n" : "") + std::string(100, 'b') +
                     (is_chunked ? "\r\n" : ""));
    }
    CHECK(at.client.log() == event_log{"refused 500"});
    CHECK(at.client->response().body == std::string(1000, 'b'));
    at.client.feed(std::string(5000, 'c'));
    CHECK(at.client->response().body.size() == 1000);
  }
}

TEST_CASE("a client reads over interim answers, but not for ever", "[connection][client]") {
  for (const int count : {1, 8, 9}) {
    asking at;
    for (int i = 0; i < count; ++i) {
      at.client.feed(http_message{"HTTP/1.1 103 Early Hints"}.with("Link", "</x>").text());
    }
    at.client.feed(upgrade_answer().text());
    CHECK(at.client.last_line() ==
          (count <= 8 ? "open" : opening_failure_line(error::bad_status_line)));
    if (count <= 8) CHECK(at.client->response().headers.count("Link") == 0);
  }
}

TEST_CASE("a client fails on what is no answer", "[connection][client]") {
  for (const std::string_view start :
       {"HTTP/2", "http/1.1", "SSH-2.0", "\x81\x05Hello", "HTTP/1.1 1", "<html>"}) {
    asking at;
    at.client.feed(std::string{start} + "\r\n\r\n");
    INFO(to_hex(to_bytes(start)));
    CHECK(at.client.has_ended());
    CHECK(at.client->wants_close());
    CHECK(at.client->response().status == 0);
  }
}

TEST_CASE("the end of the stream inside an answer is told", "[connection][client]") {
  const std::string answer = upgrade_answer();
  for (std::size_t size = 0; size < answer.size(); ++size) {
    asking at;
    at.client.take_output();
    at.client.feed(answer.substr(0, size));
    at.client.feed_end();
    if (at.client.log() != event_log{opening_failure_line(error::end_of_stream)})
      FAIL("at " << size);
    if (!at.client->wants_close()) FAIL("at " << size);
  }
  CHECK(answer.size() > 100);
}

TEST_CASE("a client that closes before it is open gives up", "[connection][client]") {
  asking at;
  at.client.feed("HTTP/1.1 101");
  REQUIRE(at.client->close() == error::none);
  CHECK(at.client->wants_close());
  CHECK(at.client->error() == error::aborted);
  at.client.feed(upgrade_answer().text());
  CHECK(at.client.log().empty());
}
