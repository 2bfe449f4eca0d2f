// Smuggling: two ends that disagree on where a message ends, or on whether the protocol was
// switched.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

const std::string frames_to_client =
    to_text(bytes(wire_to{role::client}.text("smuggled").ping("smuggled")));
const std::string frames_to_server =
    to_text(bytes(wire_to{role::server}.text("smuggled").ping("smuggled")));

bool tells_of_frames(const event_log& log) {
  return std::any_of(log.begin(), log.end(), [](const std::string& line) {
    return line.starts_with("text") || line.starts_with("ping") || line.starts_with("open");
  });
}

// What a server makes of a request with frames behind it, at every split: none must get through.
std::string refused_status(const std::string& request) {
  const event_log log =
      require_same_at_every_split(to_bytes(request + frames_to_server), [](const chunks& parts) {
        server_endpoint endpoint{};
        logged_connection<role::server> server{endpoint};
        std::string answer;
        for (const bytes& part : parts) server.feed(part);
        event_log all = server.log();
        all.push_back(server.take_output_text());
        return all;
      });
  if (tells_of_frames(log)) FAIL("a frame behind what is no handshake was told: " << request);
  return status_of(log.back());
}

}  // namespace

TEST_CASE("a client takes no frame before it saw the right answer",
          "[security][security-smuggling]") {
  const http_message good = upgrade_answer();
  for (const std::string& answer :
       {good.without("Sec-WebSocket-Accept").text(),
        good.replaced("Sec-WebSocket-Accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=").text(),
        good.without("Upgrade").text(), good.without("Connection").text(),
        good.with_first_line("HTTP/1.1 200 OK").text(),
        good.with_first_line("HTTP/1.1 200 OK").with("Content-Length", "5").text(),
        good.with_first_line("HTTP/1.1 426 Upgrade Required").text(),
        good.with_first_line("HTTP/1.1 100 Continue").text(),
        good.with_first_line("HTTP/1.0 101 Switching Protocols").text(),
        good.with_first_line("HTTP/1.1 101Switching").text(), std::string{}}) {
    const event_log log =
        require_same_at_every_split(to_bytes(answer + frames_to_client), [](const chunks& parts) {
          client_endpoint endpoint{{.entropy = sample_nonce()}};
          logged_connection<role::client> client{endpoint, {.url = "ws://a.example"}};
          for (const bytes& part : parts) client.feed(part);
          return client.log();
        });
    INFO(answer);
    CHECK_FALSE(tells_of_frames(log));
  }
}

TEST_CASE("what a proxy lets through behind a wrong version is never a frame",
          "[security][security-smuggling]") {
  // A proxy that looks at the status alone must not see 101.
  const http_message request = upgrade_request();
  CHECK(refused_status(request.replaced("Sec-WebSocket-Version", "777")) == "426");
  CHECK(refused_status(request.without("Sec-WebSocket-Version")) == "426");
  CHECK(refused_status(request.replaced("Upgrade", "h2c")) == "426");
  CHECK(refused_status(request.without("Sec-WebSocket-Key")) == "400");
  CHECK(refused_status(plain_request()) == "426");
}

TEST_CASE("a request has no body that another could take for the next request",
          "[security][security-smuggling]") {
  const http_message request = upgrade_request();
  CHECK(refused_status(request.with("Content-Length", "26")) == "413");
  CHECK(refused_status(request.with("Transfer-Encoding", "chunked")) == "413");
  CHECK(refused_status(request.with("Transfer-Encoding", "identity")) == "413");
  CHECK(refused_status(request.with("Transfer-Encoding", "")) == "413");
  CHECK(refused_status(request.with("Content-Length", "0").with("Transfer-Encoding", "chunked")) ==
        "413");
  CHECK(refused_status(request.with("Content-Length", "0").with("Content-Length", "26")) == "400");
  CHECK(refused_status(request.with("Content-Length", "0").with("Content-Length", "0")) == "400");
  for (const std::string_view length :
       {"+0", "-0", "00", "0x0", "0, 0", " 0 1", "", "18446744073709551616"}) {
    INFO(length);
    CHECK(refused_status(request.with("Content-Length", length)) == "413");
  }
}

TEST_CASE("heads that two parsers could read in two ways are refused",
          "[security][security-smuggling]") {
  const std::string good = upgrade_request();
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    if (at == std::string::npos) FAIL("nothing to replace");
    return text.replace(at, from.size(), to);
  };
  using row = std::pair<const char*, std::string>;
  for (const auto& [what, text] :
       {row{"a bare LF ends the request line", with("HTTP/1.1\r\n", "HTTP/1.1\n")},
        row{"a bare LF ends a header", with("websocket\r\n", "websocket\n")},
        row{"a bare CR ends a header", with("websocket\r\n", "websocket\r")},
        row{"a bare CR in a header", with("websocket\r\n", "web\rsocket\r\n")},
        row{"a bare LF ends the head", good.substr(0, good.size() - 2) + "\n"},
        row{"CR CR LF", with("websocket\r\n", "websocket\r\r\n")},
        row{"a folded header", with("Upgrade: websocket", "Upgrade:\r\n websocket")},
        row{"a folded header with a tab", with("Upgrade: websocket", "Upgrade:\r\n\twebsocket")},
        row{"a space before the first header", with("\r\nHost", "\r\n Host")},
        row{"a space before a colon", with("Upgrade:", "Upgrade :")},
        row{"a tab before a colon", with("Upgrade:", "Upgrade\t:")},
        row{"a header without a colon", with("Upgrade: websocket", "Upgrade websocket")},
        row{"a header without a name", with("Upgrade:", ":")},
        row{"two spaces in the request line", with("GET /chat", "GET  /chat")},
        row{"a tab in the request line", with("GET /chat", "GET\t/chat")},
        row{"a space behind the version", with("HTTP/1.1\r\n", "HTTP/1.1 \r\n")},
        row{"no version", with(" HTTP/1.1", "")},
        row{"a version in small letters", with("HTTP/1.1", "http/1.1")},
        row{"a second Host", with("Upgrade: w", "Host: b.example\r\nUpgrade: w")},
        row{"a second key",
            with("Upgrade: w", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nUpgrade: w")},
        row{"a second version", with("Upgrade: w", "Sec-WebSocket-Version: 8\r\nUpgrade: w")},
        row{"an accept in a request", with("Upgrade: w", "Sec-WebSocket-Accept: x\r\nUpgrade: w")},
        row{"two empty lines before the request", "\r\n\r\n" + good},
        row{"a NUL in a header", with("websocket", std::string{"web\0socket", 10})}}) {
    INFO(what);
    CHECK(refused_status(text) == "400");
  }
}

TEST_CASE("a connection that was answered over HTTP takes no second request",
          "[security][security-smuggling]") {
  server_endpoint endpoint{{.answers_http = true}};
  logged_connection<role::server> server{endpoint};
  server.react = [](server_connection& self, const event& found) {
    if (found.kind() == event_kind::request) CHECK(self.respond(200, {}, "one") == error::none);
  };
  server.feed(plain_request().text() + plain_request("GET", "/two").text() +
              upgrade_request().text() + frames_to_server);
  CHECK(server.log() == event_log{"request GET /"});
  const std::string answer = server.take_output_text();
  CHECK(has_line(answer, "Connection: close"));
  CHECK(answer.find("HTTP/1.1", 1) == std::string::npos);
}

TEST_CASE("an upgrade is refused where nobody looks at what follows",
          "[security][security-smuggling]") {
  server_endpoint endpoint{{.decides_upgrades = true}};
  logged_connection<role::server> server{endpoint};
  server.feed(upgrade_request().text() + frames_to_server);
  REQUIRE(server->reject(401, "no") == error::none);
  server.feed(frames_to_server);
  CHECK(server.log() == event_log{"upgrade GET /chat"});
  CHECK(status_of(server.take_output_text()) == "401");
}
