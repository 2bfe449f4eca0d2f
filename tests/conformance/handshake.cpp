// RFC 6455 4: the opening handshake, through whole connections. What each header may be is held in
// the tests of negotiation.hpp, http1_head.hpp and handshake_text.hpp.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

// What a server with these options makes of a request, at every split: its events and its answer.
struct served {
  event_log log;
  std::string answer;
};

served serve(const std::string& request, const server_options& options = {}) {
  served result;
  const event_log all = require_same_at_every_split(to_bytes(request), [&](const chunks& parts) {
    server_endpoint endpoint{options};
    logged_connection<role::server> server{endpoint};
    for (const bytes& part : parts) server.feed(part);
    event_log log = server.log();
    log.push_back(to_text(server.take_output()));
    log.push_back(server.state());
    return log;
  });
  result.log.assign(all.begin(), all.end() - 2);
  result.answer = all[all.size() - 2];
  return result;
}

std::string status_for(const std::string& request) { return status_of(serve(request).answer); }

// What a client that offers these subprotocols makes of an answer, at every split.
event_log ask(const std::string& answer, const std::vector<std::string>& subprotocols = {}) {
  return require_same_at_every_split(to_bytes(answer), [&](const chunks& parts) {
    client_endpoint endpoint{{.entropy = sample_nonce()}};
    logged_connection<role::client> client{
        endpoint, {.url = "ws://server.example.com/chat", .subprotocols = subprotocols}};
    for (const bytes& part : parts) client.feed(part);
    event_log log = client.log();
    log.push_back(client.state());
    return log;
  });
}

std::string first_line_for(const std::string& answer,
                           const std::vector<std::string>& subprotocols = {}) {
  return ask(answer, subprotocols).front();
}

std::string request_to(client_request request) {
  client_endpoint endpoint{{.entropy = sample_nonce()}};
  logged_connection<role::client> client{endpoint, std::move(request)};
  return client.take_output_text();
}

}  // namespace

// ---- 4.1: what a client asks

TEST_CASE("a client asks with an HTTP/1.1 GET for the resource name",
          "[conformance][rfc6455-4.1-get][rfc6455-4.1-resource]") {
  using row = std::pair<const char*, const char*>;
  for (const auto& [url, line] :
       {row{"ws://a.example", "GET / HTTP/1.1"}, row{"ws://a.example/", "GET / HTTP/1.1"},
        row{"ws://a.example/chat?x=1&y", "GET /chat?x=1&y HTTP/1.1"},
        row{"ws://a.example?x=1", "GET /?x=1 HTTP/1.1"},
        row{"wss://a.example/%C3%A9", "GET /%C3%A9 HTTP/1.1"}}) {
    const std::string request = request_to({.url = url});
    CHECK(request.substr(0, request.find("\r\n")) == line);
  }
}

TEST_CASE("a client names the host, and the port where it is not the usual one",
          "[conformance][rfc6455-4.1-host]") {
  using row = std::pair<const char*, const char*>;
  for (const auto& [url, host] :
       {row{"ws://a.example", "a.example"}, row{"ws://a.example:80", "a.example"},
        row{"ws://a.example:443", "a.example:443"}, row{"wss://a.example:443", "a.example"},
        row{"wss://a.example:80", "a.example:80"}, row{"ws://[::1]:9001/x", "[::1]:9001"}}) {
    CHECK(header_of(request_to({.url = url}), "Host") == host);
  }
}

TEST_CASE("a client asks for version 13 of websocket with a key",
          "[conformance][rfc6455-4.1-upgrade][rfc6455-4.1-connection][rfc6455-4.1-key]"
          "[rfc6455-4.1-version]") {
  const std::string request = request_to({.url = "ws://server.example.com/chat"});
  CHECK(has_line(request, "Upgrade: websocket"));
  CHECK(has_line(request, "Connection: Upgrade"));
  CHECK(has_line(request, "Sec-WebSocket-Key: " + std::string{sample_key}));
  CHECK(has_line(request, "Sec-WebSocket-Version: 13"));
  // RFC 6455 11.3: none of these stands twice, and no extension is offered.
  for (const std::string_view name :
       {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
        "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Origin"}) {
    const std::string start = "\r\n" + std::string{name} + ":";
    const std::size_t at = request.find(start);
    if (at != std::string::npos) CHECK(request.find(start, at + 1) == std::string::npos);
  }
  CHECK(header_of(request, "Sec-WebSocket-Extensions").empty());
}

TEST_CASE("each connection of a client asks with another key",
          "[conformance][rfc6455-4.1-key-random]") {
  client_endpoint endpoint{};
  std::set<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    logged_connection<role::client> client{endpoint, {.url = "ws://a.example"}};
    const std::string key = header_of(client.take_output_text(), "Sec-WebSocket-Key");
    if (!is_key(key)) FAIL("no key: " << key);
    keys.insert(key);
  }
  CHECK(keys.size() == 1000);
}

TEST_CASE("a client offers subprotocols and tells its origin",
          "[conformance][rfc6455-4.1-subprotocols][rfc6455-4.1-origin]") {
  const std::string request = request_to({.url = "ws://a.example",
                                          .subprotocols = {"chat", "superchat"},
                                          .origin = "https://a.example"});
  CHECK(header_of(request, "Sec-WebSocket-Protocol") == "chat, superchat");
  CHECK(header_of(request, "Origin") == "https://a.example");

  // "The elements that comprise this value MUST be non-empty strings [...] and MUST all be unique".
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{""}, {"a", "a"}, {"a b"}, {"a,b"}, {"\xC3\xA9"}}) {
    CHECK(request_to({.url = "ws://a.example", .subprotocols = bad}).empty());
  }
}

TEST_CASE("a client sends nothing where the URL is no ws or wss URL",
          "[conformance][rfc6455-4.1-valid-uri]") {
  for (const std::string url : {"", "http://a.example", "ws:/a", "ws://", "ws://a.example/#x",
                                "ws://a b", "ws://a.example:99999", "wss://[::1"}) {
    client_endpoint endpoint{};
    logged_connection<role::client> client{endpoint, {.url = url}};
    INFO(url);
    CHECK(client->error() == error::bad_url);
    CHECK_FALSE(client->has_output());
    CHECK(client->wants_close());
    client.feed("");
    CHECK(client.log() == event_log{"failed 1006 not a valid ws or wss URL"});
  }
}

// ---- 4.1: what a client takes for an answer

TEST_CASE("a client opens on a right answer, with any reason phrase and in any case",
          "[conformance][rfc6455-4.1-answer]") {
  const http_message answer = upgrade_answer();
  for (const std::string& good :
       {answer.text(), answer.with_first_line("HTTP/1.1 101 Web Socket Protocol Handshake").text(),
        answer.with_first_line("HTTP/1.1 101 ").text(),
        answer.with_first_line("HTTP/1.1 101 \xC3\x9C").text(),
        answer.replaced("Upgrade", "WebSocket")
            .replaced("Connection", "keep-alive, uPGRADE")
            .text(),
        answer.with("Server", "x").with("Sec-WebSocket-Version", "13").text()}) {
    CHECK(ask(good) == event_log{"open", "open, 0"});
  }
}

TEST_CASE("a client takes another status for a refusal", "[conformance][rfc6455-4.1-status]") {
  for (const std::string_view line :
       {"HTTP/1.1 200 OK", "HTTP/1.1 301 Moved Permanently", "HTTP/1.1 401 Unauthorized",
        "HTTP/1.1 403 Forbidden", "HTTP/1.1 404 Not Found", "HTTP/1.1 426 Upgrade Required",
        "HTTP/1.1 503 Service Unavailable"}) {
    const std::string answer = upgrade_answer().with_first_line(line).with("Content-Length", "0");
    CHECK(first_line_for(answer) == "refused " + std::string{line.substr(9, 3)});
  }
}

TEST_CASE("a client fails where Upgrade or Connection is not as it must be",
          "[conformance][rfc6455-4.1-answer-upgrade][rfc6455-4.1-answer-connection]") {
  const http_message answer = upgrade_answer();
  const std::string no_upgrade = opening_failure_line(error::missing_upgrade);
  CHECK(first_line_for(answer.without("Upgrade")) == no_upgrade);
  CHECK(first_line_for(answer.replaced("Upgrade", "websockets")) == no_upgrade);
  CHECK(first_line_for(answer.replaced("Upgrade", "h2c")) == no_upgrade);
  const std::string no_connection = opening_failure_line(error::missing_connection);
  CHECK(first_line_for(answer.without("Connection")) == no_connection);
  CHECK(first_line_for(answer.replaced("Connection", "close")) == no_connection);
  CHECK(first_line_for(answer.replaced("Connection", "Upgraded")) == no_connection);
}

TEST_CASE("a client fails where the accept is missing or wrong",
          "[conformance][rfc6455-4.1-answer-accept]") {
  const http_message answer = upgrade_answer();
  const std::string wrong = opening_failure_line(error::accept_mismatch);
  CHECK(first_line_for(answer.without("Sec-WebSocket-Accept")) == wrong);
  CHECK(first_line_for(answer.replaced("Sec-WebSocket-Accept", "")) == wrong);
  CHECK(first_line_for(answer.replaced("Sec-WebSocket-Accept", sample_key)) == wrong);
  std::string other{sample_accept};
  for (char& c : other) {
    const char before = std::exchange(c, c == 'A' ? 'B' : 'A');
    CHECK(first_line_for(answer.replaced("Sec-WebSocket-Accept", other)) == wrong);
    c = before;
  }
  // "ignoring any leading and trailing whitespace"
  CHECK(first_line_for(answer.replaced("Sec-WebSocket-Accept",
                                       " \t" + std::string{sample_accept} + " \t")) == "open");
  CHECK(first_line_for(answer.with("Sec-WebSocket-Accept", sample_accept)) ==
        opening_failure_line(error::repeated_header));
}

TEST_CASE(
    "a client fails where the server takes an extension or a subprotocol that it did not offer",
    "[conformance][rfc6455-4.1-answer-extensions][rfc6455-4.1-answer-subprotocol]"
    "[rfc6455-9.1-offered]") {
  const http_message answer = upgrade_answer();
  // One that names none is malformed.
  for (const std::string_view taken : {"permessage-deflate", "a, b; c=\"d\"", "", ",", "\""}) {
    CHECK(first_line_for(answer.with("Sec-WebSocket-Extensions", taken)) ==
          opening_failure_line(error::extension_not_offered));
  }

  const std::string not_offered = opening_failure_line(error::subprotocol_not_offered);
  CHECK(first_line_for(answer.with("Sec-WebSocket-Protocol", "chat")) == not_offered);
  CHECK(first_line_for(answer.with("Sec-WebSocket-Protocol", "chat"), {"chat", "b"}) ==
        "open chat");
  CHECK(first_line_for(answer.with("Sec-WebSocket-Protocol", "b"), {"chat", "b"}) == "open b");
  CHECK(first_line_for(answer.with("Sec-WebSocket-Protocol", "Chat"), {"chat"}) == not_offered);
  CHECK(first_line_for(answer.with("Sec-WebSocket-Protocol", "chat, b"), {"chat", "b"}) ==
        not_offered);
  CHECK(first_line_for(answer.with("Sec-WebSocket-Protocol", ""), {"chat"}) == not_offered);
  CHECK(first_line_for(answer, {"chat"}) == "open");
}

// ---- 4.2: what a server takes for a request, and what it answers

TEST_CASE("a server answers the example of the RFC as it stands there",
          "[conformance][rfc6455-4.2.2-answer][rfc6455-4.2.2-accept]") {
  const served result = serve(upgrade_request());
  CHECK(result.log == event_log{"open"});
  CHECK(status_of(result.answer) == "101");
  CHECK(has_line(result.answer, "Upgrade: websocket"));
  CHECK(has_line(result.answer, "Connection: Upgrade"));
  CHECK(has_line(result.answer, "Sec-WebSocket-Accept: " + std::string{sample_accept}));
  CHECK(header_of(result.answer, "Sec-WebSocket-Protocol").empty());
  CHECK(header_of(result.answer, "Sec-WebSocket-Extensions").empty());
  CHECK(body_of(result.answer).empty());
}

TEST_CASE("a server takes lists, any case, and headers that it does not know",
          "[conformance][rfc6455-4.2.1-lists][rfc6455-4.2.1-unknown]") {
  const http_message request = upgrade_request();
  for (const std::string& good :
       {request.replaced("Upgrade", "WebSocket").text(),
        request.replaced("Upgrade", "h2c, websocket").text(),
        request.replaced("Connection", "keep-alive, UPGRADE").text(),
        request.without("Connection")
            .with("Connection", "keep-alive")
            .with("Connection", "upgrade")
            .text(),
        request.with("Cookie", "a=b").with("X-Anything", "").text(),
        request.with("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
            .text(),
        request.with("Content-Length", "0").text(),
        upgrade_request("ws://server.example.com/chat").text(),
        upgrade_request("http://server.example.com:80/chat").text()}) {
    CHECK(status_for(good) == "101");
  }
}

TEST_CASE("a server answers what is no handshake with the status for it",
          "[conformance][rfc6455-4.2.1-stop][rfc6455-4.2.1-get][rfc6455-4.2.1-host]"
          "[rfc6455-4.2.1-upgrade][rfc6455-4.2.1-connection][rfc6455-4.2.1-key]"
          "[rfc6455-10.7-status]") {
  const http_message request = upgrade_request();
  using row = std::pair<std::string, const char*>;
  for (const auto& [text, status] :
       {row{request.with_first_line("POST /chat HTTP/1.1"), "405"},
        row{request.with_first_line("HEAD /chat HTTP/1.1"), "405"},
        row{request.with_first_line("get /chat HTTP/1.1"), "405"},
        row{request.with_first_line("GET /chat HTTP/1.0"), "505"},
        row{request.with_first_line("GET /chat HTTP/2.0"), "505"},
        row{request.with_first_line("GET /chat"), "400"},
        row{request.with_first_line("GET chat HTTP/1.1"), "400"},
        row{request.with_first_line("GET * HTTP/1.1"), "400"},
        row{request.without("Host"), "400"},
        row{request.with("Host", "server.example.com"), "400"},
        row{request.without("Upgrade"), "426"},
        row{request.replaced("Upgrade", "websockets"), "426"},
        row{request.without("Connection"), "400"},
        row{request.replaced("Connection", "close"), "400"},
        row{request.without("Sec-WebSocket-Key"), "400"},
        row{request.with("Sec-WebSocket-Key", sample_key), "400"},
        row{request.replaced("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ"), "400"},
        row{request.replaced("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ="), "400"},
        row{request.replaced("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQaa"), "400"},
        row{request.with("Content-Length", "1"), "413"},
        row{request.with("Transfer-Encoding", "chunked"), "413"},
        row{plain_request(), "426"}}) {
    const served result = serve(text);
    INFO(text);
    CHECK(status_of(result.answer) == status);
    CHECK(has_line(result.answer,
                   "Connection: " + std::string{std::string_view{status} == "426" ? "close, Upgrade"
                                                                                  : "close"}));
    CHECK(result.log.size() == 1);
    CHECK(result.log[0].starts_with("failed 1006"));
    // The reason in words, but in an answer to HEAD.
    CHECK(body_of(result.answer).empty() == text.starts_with("HEAD"));
  }
}

TEST_CASE("a server refuses another version, and names its own",
          "[conformance][rfc6455-4.2.2-version][rfc6455-4.4-versions]") {
  for (const std::string_view other : {"0", "8", "12", "14", "013", "13, 8", "255", "x", ""}) {
    const served result = serve(upgrade_request().replaced("Sec-WebSocket-Version", other));
    INFO(other);
    CHECK(status_of(result.answer) == "426");
    CHECK(has_line(result.answer, "Sec-WebSocket-Version: 13"));
    CHECK(has_line(result.answer, "Upgrade: websocket"));
  }
  CHECK(status_for(upgrade_request().without("Sec-WebSocket-Version")) == "426");
  CHECK(status_for(upgrade_request().with("Sec-WebSocket-Version", "13")) == "400");
}

TEST_CASE("a server lets in its own pages by default, and answers others with 403",
          "[conformance][rfc6455-4.2.2-origin][rfc6455-10.2-origin]") {
  const http_message request = upgrade_request();
  CHECK(status_for(request.with("Origin", "https://server.example.com")) == "101");
  CHECK(status_for(request.with("Origin", "http://server.example.com:80")) == "101");
  CHECK(status_for(request.with("Origin", "https://evil.example")) == "403");
  CHECK(status_for(request.with("Origin", "null")) == "403");
  CHECK(status_for(request) == "101");
}

TEST_CASE("a server chooses a subprotocol from the client's list, or names none",
          "[conformance][rfc6455-4.2.2-subprotocol]") {
  const server_options options{.subprotocols = {"superchat", "chat"}};
  const http_message request = upgrade_request();
  served result = serve(request.with("Sec-WebSocket-Protocol", "x, chat, superchat"), options);
  CHECK(header_of(result.answer, "Sec-WebSocket-Protocol") == "chat");
  CHECK(result.log == event_log{"open chat"});
  result =
      serve(request.with("Sec-WebSocket-Protocol", "x").with("Sec-WebSocket-Protocol", "superchat"),
            options);
  CHECK(header_of(result.answer, "Sec-WebSocket-Protocol") == "superchat");
  result = serve(request.with("Sec-WebSocket-Protocol", "CHAT, x"), options);
  CHECK(header_of(result.answer, "Sec-WebSocket-Protocol").empty());
  CHECK(result.log == event_log{"open"});
  for (const std::string_view bad : {"", "a, a", "a b", "\"a\"", ","}) {
    CHECK(status_of(serve(request.with("Sec-WebSocket-Protocol", bad), options).answer) == "400");
  }
}

TEST_CASE("extensions are declined by not naming them", "[conformance][rfc6455-9.1-declined]") {
  const served result = serve(upgrade_request().with(
      "Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10, x-other"));
  CHECK(status_of(result.answer) == "101");
  CHECK(head_of(result.answer).find("xtensions") == std::string::npos);
}

TEST_CASE("a malformed Sec-WebSocket-Extensions is refused, also where no extension is known",
          "[conformance][rfc6455-9.1-malformed]") {
  const std::string_view name = "Sec-WebSocket-Extensions";
  for (const std::string_view wrong : {"", " ", ",", "foo, \"bar", "a b", "a;", ";a",
                                       "a; b=", "a; b=\"\"", "a; b=\"c d\"", "a=b"}) {
    INFO(wrong);
    for (const http_message& request : {upgrade_request().with(name, wrong),
                                        upgrade_request().with(name, "a").with(name, wrong)}) {
      const served result = serve(request);
      CHECK(status_of(result.answer) == "400");
      CHECK(result.log == event_log{opening_failure_line(error::bad_extension_list)});
      CHECK(status_of(serve(request, {.decides_upgrades = true}).answer) == "400");
    }
  }
  for (const std::string_view good : {"a", "a; b", "a;b=c , d", ", a, ,b;c=\"\\d\"; c"}) {
    CHECK(status_for(upgrade_request().with(name, good)) == "101");
  }
  // Of no interest to plain HTTP.
  CHECK(serve(plain_request().with(name, "a b"), {.answers_http = true}).log ==
        event_log{"request GET /"});
}

// ---- Keys and answers that stand in lecture slides, right and wrong

TEST_CASE("a client tells right answers from misread ones",
          "[conformance][rfc6455-4.1-answer-accept]") {
  struct row {
    std::array<unsigned char, 16> nonce;
    const char* key;
    const char* accept;
    bool is_right;
  };
  constexpr std::array<unsigned char, 16> first = {0xc7, 0x72, 0x49, 0x1c, 0xc6, 0xc3, 0x2f, 0x51,
                                                   0x33, 0x2e, 0x48, 0x7d, 0x18, 0x18, 0x57, 0x0f};
  constexpr std::array<unsigned char, 16> second = {0xb9, 0x1a, 0x2f, 0xb1, 0xc6, 0x63, 0x36, 0x89,
                                                    0x7f, 0xba, 0x66, 0xd3, 0xb7, 0x9b, 0x8a, 0x9b};
  constexpr std::array<unsigned char, 16> third = {0xb9, 0x1a, 0x2f, 0xb1, 0xc6, 0x63, 0x36, 0x8d,
                                                   0x7f, 0xba, 0x66, 0xd3, 0xb7, 0x9b, 0x8a, 0x9b};
  for (const row& each :
       {row{first, "x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk=", true},
        row{first, "x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sM1YUkAGmm5OPpG2HaGWk=", false},
        row{second, "uRovscZjNol/umbTt5uKmw==", "rLHCkw/SKsO9GAH/ZSFhBATDKrU=", true},
        row{third, "uRovscZjNo1/umbTt5uKmw==", "rLHCkw/SKs09GAH/ZSFhBATDKrU=", false},
        row{third, "uRovscZjNo1/umbTt5uKmw==", "E66wwuaxgKAXbHbKNXafPlVmw3M=", true}}) {
    std::array<unsigned char, 16> nonce = each.nonce;
    const entropy_source source{&nonce, [](void* from, std::span<std::byte> out) {
                                  const auto& all =
                                      *static_cast<std::array<unsigned char, 16>*>(from);
                                  for (std::size_t i = 0; i < out.size(); ++i)
                                    out[i] = std::byte{all[i % 16]};
                                }};
    client_endpoint endpoint{{.entropy = source}};
    logged_connection<role::client> client{endpoint, {.url = "ws://a.example"}};
    const std::string request = client.take_output_text();
    CHECK(header_of(request, "Sec-WebSocket-Key") == each.key);
    client.feed(upgrade_answer().replaced("Sec-WebSocket-Accept", each.accept).text());
    CHECK(client.last_line() ==
          (each.is_right ? "open" : opening_failure_line(error::accept_mismatch)));
  }
}

TEST_CASE("a Connection header that a cookie swallowed is missing",
          "[conformance][rfc6455-4.2.1-connection]") {
  const std::string request =
      upgrade_request().without("Connection").with("Cookie", "__utma=99as Connection: Upgrade");
  CHECK(status_for(request) == "400");
}
