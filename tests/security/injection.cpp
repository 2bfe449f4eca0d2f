// Header and request splitting: no text that an application passes on, wherever it goes, ends a
// line or writes a header of its own.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// What ends a line, for somebody.
const std::vector<std::string> breaks{"\r\n", "\n", "\r", std::string{"\0", 1}, "\r\n\r\n"};

// `text` with each break at its beginning, in the middle and at its end, and with a header behind
// it.
std::vector<std::string> spoiled(const std::string& text) {
  std::vector<std::string> all;
  for (const std::string& each : breaks) {
    all.push_back(each + text);
    all.push_back(text.substr(0, text.size() / 2) + each + text.substr(text.size() / 2));
    all.push_back(text + each);
    all.push_back(text + each + "X-Injected: yes");
  }
  return all;
}

void require_no_request(client_request request, error expected, const std::string& what) {
  client_endpoint endpoint{};
  logged_connection<role::client> client{endpoint, std::move(request)};
  if (client->error() == expected && !client->has_output() && client->wants_close()) return;
  INFO(what << ": " << to_hex(to_bytes(client.take_output_text())));
  REQUIRE(client->error() == expected);
  REQUIRE_FALSE(client->has_output());
}

// A server that decides on a request.
struct deciding {
  server_endpoint endpoint{{.decides_upgrades = true, .answers_http = true}};
  logged_connection<role::server> server{endpoint};

  explicit deciding(const std::string& request) { server.feed(request); }
};

}  // namespace

TEST_CASE("nothing that a client is given writes a line of its own",
          "[security][security-injection]") {
  const std::string url = "ws://a.example/path?query";
  for (const std::string& bad : spoiled("value")) {
    const std::string what = to_hex(to_bytes(bad));
    require_no_request({.url = "ws://a.example/" + bad}, error::bad_url, "path " + what);
    require_no_request({.url = "ws://a.example/?" + bad}, error::bad_url, "query " + what);
    require_no_request({.url = "ws://" + bad + "/"}, error::bad_url, "host " + what);
    require_no_request({.url = "ws://" + bad + "@a.example/"}, error::bad_url, "userinfo " + what);
    require_no_request({.url = url, .subprotocols = {bad}}, error::bad_subprotocol,
                       "subprotocol " + what);
    require_no_request({.url = url, .origin = bad}, error::bad_header, "origin " + what);
    require_no_request({.url = url, .headers = {{"X", bad}}}, error::bad_header, "value " + what);
    require_no_request({.url = url, .headers = {{bad, "x"}}}, error::bad_header, "name " + what);
  }
  // Percent-encoded they are what they are: characters of a path.
  client_endpoint endpoint{};
  logged_connection<role::client> client{endpoint,
                                         {.url = "ws://a.example/%0d%0aX-Injected:%20yes"}};
  const std::string request = client.take_output_text();
  CHECK(request.starts_with("GET /%0d%0aX-Injected:%20yes HTTP/1.1\r\n"));
  CHECK(header_of(request, "X-Injected").empty());
}

TEST_CASE("credentials in a URL become no line of their own", "[security][security-injection]") {
  client_endpoint endpoint{};
  logged_connection<role::client> client{endpoint,
                                         {.url = "ws://user:a%0d%0aX-Injected:%20yes@a.example/"}};
  const std::string request = client.take_output_text();
  if (client->error() == error::none) {
    CHECK(header_of(request, "X-Injected").empty());
    CHECK(header_of(request, "Authorization").starts_with("Basic "));
  } else {
    CHECK(request.empty());
  }
}

TEST_CASE("nothing that a server accepts with writes a line of its own",
          "[security][security-injection]") {
  for (const std::string& bad : spoiled("value")) {
    deciding at{upgrade_request().with("Sec-WebSocket-Protocol", "value")};
    INFO(to_hex(to_bytes(bad)));
    CHECK(at.server->accept({{"X", bad}}) == error::bad_header);
    CHECK(at.server->accept({{bad, "x"}}) == error::bad_header);
    CHECK(at.server->accept({{"Set-Cookie", bad}}) == error::bad_header);
    CHECK(at.server->accept(bad, {}) == error::bad_subprotocol);
    CHECK_FALSE(at.server->has_output());
    CHECK(at.server->accept("value", {}) == error::none);
  }
}

TEST_CASE("nothing that a server answers over HTTP with writes a line of its own",
          "[security][security-injection]") {
  for (const std::string& bad : spoiled("value")) {
    deciding at{plain_request()};
    INFO(to_hex(to_bytes(bad)));
    CHECK(at.server->respond(302, {{"Location", bad}}, "") == error::bad_header);
    CHECK(at.server->respond(200, {{bad, "x"}}, "") == error::bad_header);
    CHECK_FALSE(at.server->has_output());
    // A body may be any bytes: its length says where it ends. So may a reason, which stands in it.
    REQUIRE(at.server->reject(403, bad) == error::none);
    const std::string answer = at.server.take_output_text();
    CHECK(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(header_of(answer, "X-Injected").empty());
    CHECK(body_of(answer) == bad + "\n");
    CHECK(header_of(answer, "Content-Length") == std::to_string(bad.size() + 1));
  }
}

TEST_CASE("a subprotocol of the endpoint that is none gets nowhere",
          "[security][security-injection]") {
  server_endpoint endpoint{{.subprotocols = {"a\r\nX-Injected: yes", "b"}}};
  logged_connection<role::server> server{endpoint};
  server.feed(upgrade_request().with("Sec-WebSocket-Protocol", "a, b").text());
  const std::string answer = server.take_output_text();
  CHECK(header_of(answer, "Sec-WebSocket-Protocol") == "b");
  CHECK(header_of(answer, "X-Injected").empty());
}

TEST_CASE("an application does not write what the handshake is made of",
          "[security][security-injection]") {
  for (const std::string name :
       {"Upgrade", "CONNECTION", "content-length", "Transfer-Encoding", "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol", "sec-websocket-extensions", "Sec-WebSocket-Anything"}) {
    deciding at{upgrade_request()};
    INFO(name);
    CHECK(at.server->accept({{name, "x"}}) == error::bad_header);
    require_no_request({.url = "ws://a.example", .headers = {{name, "x"}}}, error::bad_header,
                       name);
  }
  for (const std::string name : {"Connection", "Content-Length", "Transfer-Encoding"}) {
    deciding at{plain_request()};
    CHECK(at.server->respond(200, {{name, "x"}}, "") == error::bad_header);
  }
}
