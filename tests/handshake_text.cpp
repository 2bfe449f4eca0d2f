#include "hawser/handshake_text.hpp"

#include "hawser/http1_head.hpp"
#include "support/catch.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";

constexpr std::array<header, 6> request_fields{{{"Host", "a.example"},
                                                {"Upgrade", "websocket"},
                                                {"Connection", "Upgrade"},
                                                {"Sec-WebSocket-Key", sample_key},
                                                {"Sec-WebSocket-Version", "13"},
                                                {"Sec-WebSocket-Protocol", "chat, superchat"}}};
constexpr header_list request{request_fields};

uri parsed_uri(std::string_view text) {
  const parsed<uri> result = parse_uri(text);
  REQUIRE(result);
  return *result;
}

struct written {
  hawser::error error;
  std::string text;
};

written upgrade_request(std::string_view to, const upgrade_options& options = {}) {
  written result{};
  result.error = write_upgrade_request(result.text, parsed_uri(to), sample_key, options);
  return result;
}

written answer(unsigned status, header_list headers, std::string_view body,
               bool head_only = false) {
  written result{};
  result.error = write_response(result.text, status, headers, body, head_only);
  return result;
}

std::string refusal(error why, bool head_only = false) {
  std::string text;
  write_refusal(text, why, head_only);
  return text;
}

// Names and values that would end a field or a head, or that are no names and values.
const std::array<header, 14> bad_fields{{{"X", "a\r\nY: b"},
                                         {"X", "a\nY: b"},
                                         {"X", "a\rb"},
                                         {"X", std::string_view{"a\0b", 3}},
                                         {"X", "a\x1F"},
                                         {"X", "a\x7F"},
                                         {"X\r\nY", "a"},
                                         {"X\n", "a"},
                                         {std::string_view{"X\0", 2}, "a"},
                                         {"X Y", "a"},
                                         {"X:", "a"},
                                         {" X", "a"},
                                         {"", "a"},
                                         {"X\xC3\xA4", "a"}}};

}  // namespace

// --- A server's answers

TEST_CASE("a server accepts as in the RFC", "[handshake_text][rfc6455-1.3]") {
  std::string out;
  REQUIRE(write_accept(out, request, "chat") == error::none);
  CHECK(out ==
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Sec-WebSocket-Protocol: chat\r\n\r\n");
}

TEST_CASE("a server accepts without a subprotocol and with headers of its own",
          "[handshake_text][rfc6455-4.2.2]") {
  const std::array<header, 2> own{{{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}}};
  std::string out = "before ";
  REQUIRE(write_accept(out, request, "", header_list{own}) == error::none);
  CHECK(out ==
        "before HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Set-Cookie: a=1\r\n"
        "Set-Cookie: b=2\r\n\r\n");
}

TEST_CASE("a server chooses no subprotocol that was not offered",
          "[handshake_text][rfc6455-4.2.2]") {
  const auto chosen = GENERATE(
      values<std::string_view>({"mqtt", "Chat", "chat, superchat", "chat\r\nX: y", "super"}));
  CAPTURE(chosen);
  std::string out = "kept";
  CHECK(write_accept(out, request, chosen) == error::bad_subprotocol);
  CHECK(out == "kept");
}

TEST_CASE("an accepting application cannot name the handshake's headers", "[handshake_text]") {
  const auto name = GENERATE(
      values<std::string_view>({"Upgrade", "connection", "Sec-WebSocket-Accept",
                                "sec-websocket-protocol", "Sec-WebSocket-Extensions",
                                "SEC-WEBSOCKET-VERSION", "Content-Length", "Transfer-Encoding"}));
  CAPTURE(name);
  const std::array<header, 2> own{{{"X", "fine"}, {name, "x"}}};
  std::string out = "kept";
  CHECK(write_accept(out, request, "", header_list{own}) == error::bad_header);
  CHECK(out == "kept");
}

TEST_CASE("a refusal says why in words and closes", "[handshake_text]") {
  CHECK(refusal(error::missing_key) ==
        "HTTP/1.1 400 Bad Request\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 40\r\n"
        "Connection: close\r\n\r\n"
        "the Sec-WebSocket-Key header is missing\n");
  CHECK(refusal(error::origin_refused) ==
        "HTTP/1.1 403 Forbidden\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 26\r\n"
        "Connection: close\r\n\r\n"
        "the Origin is not allowed\n");
}

TEST_CASE("a refusal for HEAD has no body", "[handshake_text][rfc9110-9.3.2]") {
  CHECK(refusal(error::origin_refused, true) ==
        "HTTP/1.1 403 Forbidden\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 26\r\n"
        "Connection: close\r\n\r\n");
}

TEST_CASE("a wrong version or no upgrade is answered with what would be right",
          "[handshake_text][rfc6455-4.4]") {
  CHECK(refusal(error::bad_version) ==
        "HTTP/1.1 426 Upgrade Required\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Upgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Content-Length: 32\r\n"
        "Connection: close, Upgrade\r\n\r\n"
        "Sec-WebSocket-Version is not 13\n");
  CHECK_THAT(refusal(error::missing_upgrade), Catch::Matchers::StartsWith("HTTP/1.1 426 "));
}

TEST_CASE("a wrong method is answered with the right ones", "[handshake_text][rfc9110-15.5.6]") {
  CHECK(refusal(error::bad_method) ==
        "HTTP/1.1 405 Method Not Allowed\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Allow: GET, HEAD\r\n"
        "Content-Length: 22\r\n"
        "Connection: close\r\n\r\n"
        "the method is not GET\n");
}

TEST_CASE("every error is refused with a response that a client can read", "[handshake_text]") {
  for (int code = 1; code <= static_cast<int>(error::aborted); ++code) {
    const error why = static_cast<error>(code);
    CAPTURE(to_string(why));
    const std::string text = refusal(why);
    response_head_parser parser;
    const head_progress progress = parser.parse(text);
    REQUIRE(progress.state == parse_state::complete);
    CHECK(parser.status() == http_status_for(why));
    CHECK(parser.headers().has_token("Connection", "close"));
    const std::string body = text.substr(progress.consumed);
    CHECK(body == std::string{to_string(why)} + "\n");
    CHECK(parser.headers().value("Content-Length") == std::to_string(body.size()));
    CHECK(
        check_response({parser.status(), parser.version_minor(), parser.headers()}, sample_key, {})
            .error == error::handshake_refused);
  }
}

TEST_CASE("a refusal may have a status and words of its own", "[handshake_text]") {
  std::string out;
  REQUIRE(write_refusal(out, 503, "nobody decided in time") == error::none);
  CHECK_THAT(out, Catch::Matchers::StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK_THAT(out, Catch::Matchers::EndsWith("\r\n\r\nnobody decided in time\n"));

  std::string kept = "kept";
  CHECK(write_refusal(kept, 101, "no") == error::bad_header);
  CHECK(write_refusal(kept, 204, "no") == error::bad_header);
  CHECK(write_refusal(kept, 600, "no") == error::bad_header);
  CHECK(kept == "kept");
}

TEST_CASE("an answer over HTTP is counted and closes", "[handshake_text]") {
  const std::array<header, 1> own{{{"Content-Type", "text/html"}}};
  const written page = answer(200, header_list{own}, "<p>hello");
  CHECK(page.error == error::none);
  CHECK(page.text ==
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: text/html\r\n"
        "Content-Length: 8\r\n"
        "Connection: close\r\n\r\n"
        "<p>hello");
  CHECK(answer(200, header_list{own}, "<p>hello", true).text ==
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: text/html\r\n"
        "Content-Length: 8\r\n"
        "Connection: close\r\n\r\n");
  CHECK(answer(404, {}, "").text ==
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_CASE("a status without content has no length", "[handshake_text][rfc9110-8.6]") {
  CHECK(answer(204, {}, "").text == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  CHECK(answer(304, {}, "").text == "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
  const auto status = GENERATE(values<unsigned>({204, 205, 304}));
  const written result = answer(status, {}, "x");
  CHECK(result.error == error::bad_header);
  CHECK(result.text.empty());
}

TEST_CASE("an answer has a final status", "[handshake_text]") {
  const auto status = GENERATE(values<unsigned>({0, 99, 100, 101, 199, 600, 1000, 4294967295U}));
  CAPTURE(status);
  const written result = answer(status, {}, "");
  CHECK(result.error == error::bad_header);
  CHECK(result.text.empty());
}

TEST_CASE("an answering application cannot name what frames the answer", "[handshake_text]") {
  const auto name = GENERATE(values<std::string_view>(
      {"Connection", "content-length", "Content-Length", "Transfer-encoding"}));
  CAPTURE(name);
  const std::array<header, 1> own{{{name, "0"}}};
  const written result = answer(401, header_list{own}, "");
  CHECK(result.error == error::bad_header);
  CHECK(result.text.empty());
}

TEST_CASE("an application that upgrades to something else has it in Connection too",
          "[handshake_text][rfc9110-7.8]") {
  const std::array<header, 1> own{{{"Upgrade", "h2c"}}};
  CHECK(answer(426, header_list{own}, "").text ==
        "HTTP/1.1 426 Upgrade Required\r\n"
        "Upgrade: h2c\r\n"
        "Content-Length: 0\r\n"
        "Connection: close, Upgrade\r\n\r\n");
}

// --- A client's request

TEST_CASE("a client asks as in the RFC", "[handshake_text][rfc6455-1.3]") {
  const std::vector<std::string> offered{"chat", "superchat"};
  const written result = upgrade_request("ws://server.example.com/chat",
                                         {.origin = "http://example.com", .subprotocols = offered});
  CHECK(result.error == error::none);
  CHECK(result.text ==
        "GET /chat HTTP/1.1\r\n"
        "Host: server.example.com\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Origin: http://example.com\r\n"
        "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n");
}

TEST_CASE("a client asks for the URI's resource, host and port", "[handshake_text][rfc6455-4.1]") {
  CHECK(upgrade_request("wss://[::1]:8443?x=1").text ==
        "GET /?x=1 HTTP/1.1\r\n"
        "Host: [::1]:8443\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n");
}

TEST_CASE("a client sends the credentials of the URI unless it was given others",
          "[handshake_text][rfc7617-2]") {
  CHECK_THAT(
      upgrade_request("ws://Aladdin:open%20sesame@a.example/").text,
      Catch::Matchers::EndsWith("\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"));
  const std::array<header, 1> own{{{"authorization", "Bearer abc"}}};
  const written result =
      upgrade_request("ws://Aladdin:open%20sesame@a.example/", {.headers = header_list{own}});
  CHECK_THAT(result.text,
             Catch::Matchers::EndsWith("Version: 13\r\nauthorization: Bearer abc\r\n\r\n"));
  CHECK(upgrade_request("ws://@a.example/").text == upgrade_request("ws://a.example/").text);
}

TEST_CASE("a client does not send credentials that cannot be sent", "[handshake_text]") {
  const written result = upgrade_request("ws://a%0D%0A:b@a.example/");
  CHECK(result.error == error::bad_url);
  CHECK(result.text.empty());
}

TEST_CASE("a client may write Origin as a header of its own, once", "[handshake_text]") {
  const std::array<header, 1> one{{{"Origin", "http://a.example"}}};
  CHECK(upgrade_request("ws://a", {.headers = header_list{one}}).error == error::none);
  CHECK(upgrade_request("ws://a", {.origin = "http://a", .headers = header_list{one}}).error ==
        error::bad_header);
  const std::array<header, 2> two{{{"Origin", "http://a.example"}, {"origin", "http://b.example"}}};
  CHECK(upgrade_request("ws://a", {.headers = header_list{two}}).error == error::bad_header);
}

TEST_CASE("an asking application cannot name the handshake's headers", "[handshake_text]") {
  const auto name = GENERATE(values<std::string_view>(
      {"Host", "host", "Upgrade", "Connection", "Sec-WebSocket-Key", "sec-websocket-version",
       "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept",
       "Content-Length", "Transfer-Encoding"}));
  CAPTURE(name);
  const std::array<header, 1> own{{{name, "x"}}};
  const written result = upgrade_request("ws://a", {.headers = header_list{own}});
  CHECK(result.error == error::bad_header);
  CHECK(result.text.empty());
}

TEST_CASE("a client offers distinct tokens or nothing", "[handshake_text][rfc6455-4.1]") {
  const auto subprotocol =
      GENERATE(values<std::string>({"", "a b", "chat", "x,y", "a\r\nX: y", "ch\xC3\xA4t"}));
  CAPTURE(subprotocol);
  const std::vector<std::string> offered{"chat", subprotocol};
  const written result = upgrade_request("ws://a", {.subprotocols = offered});
  CHECK(result.error == error::bad_subprotocol);
  CHECK(result.text.empty());
}

TEST_CASE("a client sends no request without a host or a key", "[handshake_text]") {
  std::string out;
  CHECK(write_upgrade_request(out, uri{}, sample_key) == error::bad_url);
  CHECK(write_upgrade_request(out, parsed_uri("ws://a"), "") == error::bad_header);
  CHECK(write_upgrade_request(out, parsed_uri("ws://a"), "a\r\nb") == error::bad_header);
  CHECK(out.empty());
}

// --- Both

TEST_CASE("no text can smuggle a line into a message", "[handshake_text][security]") {
  for (const header& bad : bad_fields) {
    CAPTURE(bad.name, bad.value);
    const std::array<header, 2> own{{{"X-Fine", "fine"}, bad}};
    std::string out = "kept";
    CHECK(write_accept(out, request, "", header_list{own}) == error::bad_header);
    CHECK(write_response(out, 401, header_list{own}, "") == error::bad_header);
    CHECK(write_upgrade_request(out, parsed_uri("ws://a"), sample_key,
                                {.headers = header_list{own}}) == error::bad_header);
    CHECK(out == "kept");
  }
}

TEST_CASE("no origin, host or path made by hand can smuggle a line into a request",
          "[handshake_text][security]") {
  const auto bad = GENERATE(
      values<std::string_view>({"a\r\nX: y", "a\nb", "a\rb", std::string_view{"a\0b", 3}, "\x7F"}));
  const uri good = parsed_uri("ws://a/b");
  std::string out = "kept";
  CHECK(write_upgrade_request(out, good, sample_key, {.origin = bad}) == error::bad_header);
  uri by_hand = good;
  by_hand.host = bad;
  CHECK(write_upgrade_request(out, by_hand, sample_key) == error::bad_header);
  by_hand = good;
  by_hand.path = bad;
  CHECK(write_upgrade_request(out, by_hand, sample_key) == error::bad_header);
  by_hand = good;
  by_hand.query = bad;
  CHECK(write_upgrade_request(out, by_hand, sample_key) == error::bad_header);
  CHECK(out == "kept");
}

TEST_CASE("what a client asks a server accepts, and the client takes its answer",
          "[handshake_text][rfc6455-4]") {
  const std::vector<std::string> offered{"v2.example", "v1.example"};
  const std::vector<std::string> supported{"v1.example"};
  const written asked =
      upgrade_request("wss://user:secret@a.example:9001/chat?x",
                      {.origin = "https://a.example:9001", .subprotocols = offered});
  REQUIRE(asked.error == error::none);

  request_head_parser server;
  REQUIRE(server.parse(asked.text).state == parse_state::complete);
  const classified_request found =
      classify({server.method(), server.target(), server.version_minor(), server.headers()},
               {.subprotocols = supported});
  REQUIRE(found.error == error::none);
  REQUIRE(found.subprotocol != nullptr);
  std::string answered;
  REQUIRE(write_accept(answered, server.headers(), *found.subprotocol) == error::none);

  response_head_parser client;
  REQUIRE(client.parse(answered).state == parse_state::complete);
  const choice chosen = check_response({client.status(), client.version_minor(), client.headers()},
                                       sample_key, offered);
  CHECK(chosen.error == error::none);
  CHECK(chosen.subprotocol == &offered[1]);
}

TEST_CASE("an answer of several kilobytes is written and taken", "[handshake_text]") {
  const std::string large(12'000, 'x');
  const std::array<header, 1> own{{{"Set-Cookie", large}}};
  std::string answered;
  REQUIRE(write_accept(answered, request, "chat", header_list{own}) == error::none);
  response_head_parser client;
  REQUIRE(client.parse(answered).state == parse_state::complete);
  const std::vector<std::string> offered{"chat"};
  CHECK(check_response({client.status(), client.version_minor(), client.headers()}, sample_key,
                       offered)
            .error == error::none);
}
