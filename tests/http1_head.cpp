#include "hawser/http1_head.hpp"

#include "hawser/detail/bytes.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::literals;
using hawser::basic_head_parser;
using hawser::byte_view;
using hawser::error;
using hawser::fixed_head_storage;
using hawser::head_progress;
using hawser::parse_state;
using hawser::request_head_parser;
using hawser::response_head_parser;
using hawser::role;

// All that a parser says of a head.
struct result {
  parse_state state = parse_state::incomplete;
  hawser::error error = hawser::error::none;
  std::size_t consumed = 0;
  std::size_t size = 0;
  std::string first;   // Method or status.
  std::string second;  // Target or reason.
  unsigned version_minor = 1;
  std::vector<std::pair<std::string, std::string>> headers;

  friend bool operator==(const result&, const result&) = default;
};

template <role Role, class Storage>
result result_of(const basic_head_parser<Role, Storage>& parser, std::size_t consumed) {
  result all{
      parser.state(), parser.error(), consumed, parser.size(), {}, {}, parser.version_minor(), {}};
  if constexpr (Role == role::server) {
    all.first = parser.method();
    all.second = parser.target();
  } else {
    all.first = std::to_string(parser.status());
    all.second = parser.reason();
  }
  for (const hawser::header& field : parser.headers()) {
    all.headers.emplace_back(field.name, field.value);
  }
  return all;
}

// Parses pieces that end at `cuts` and at the end, each from an allocation of exactly its size.
template <class Parser>
result parse_pieces(std::string_view text, std::vector<std::size_t> cuts,
                    std::size_t max_size = 16384, std::size_t max_fields = 100) {
  Parser parser{max_size, max_fields};
  std::size_t consumed = 0;
  std::size_t begin = 0;
  cuts.push_back(text.size());
  for (const std::size_t end : cuts) {
    const byte_view piece_view{text.substr(begin, end - begin)};
    const std::vector<std::byte> piece{piece_view.begin(), piece_view.end()};
    const bool was_over = parser.state() != parse_state::incomplete;
    const head_progress progress = parser.parse(piece);
    REQUIRE(progress.state == parser.state());
    REQUIRE(progress.error == parser.error());
    REQUIRE((progress.error != error::none) == (progress.state == parse_state::failed));
    if (was_over) REQUIRE(progress.consumed == 0);
    if (progress.state == parse_state::incomplete) REQUIRE(progress.consumed == piece.size());
    consumed += progress.consumed;
    begin = end;
  }
  return result_of(parser, consumed);
}

// Parses the text whole, at every split in two, and byte by byte: with one result.
template <class Parser>
result parse_everyhow(std::string_view text, std::size_t max_size = 16384,
                      std::size_t max_fields = 100) {
  const result whole = parse_pieces<Parser>(text, {}, max_size, max_fields);
  std::vector<std::size_t> every;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    INFO("split at " << i << " of " << text);
    REQUIRE(parse_pieces<Parser>(text, {i}, max_size, max_fields) == whole);
    every.push_back(i);
  }
  INFO("byte by byte: " << text);
  REQUIRE(parse_pieces<Parser>(text, every, max_size, max_fields) == whole);
  return whole;
}

result request(std::string_view text) { return parse_everyhow<request_head_parser>(text); }
result response(std::string_view text) { return parse_everyhow<response_head_parser>(text); }

error request_error(std::string_view text) { return request(text).error; }
error response_error(std::string_view text) { return response(text).error; }

template <std::size_t Size>
constexpr std::array<std::byte, Size - 1> bytes_of(const char (&text)[Size]) {
  std::array<std::byte, Size - 1> bytes{};
  for (std::size_t i = 0; i + 1 < Size; ++i) bytes[i] = static_cast<std::byte>(text[i]);
  return bytes;
}

#define HAWSER_TEST_REQUEST                         \
  "GET /chat HTTP/1.1\r\n"                          \
  "Host: server.example.com\r\n"                    \
  "Upgrade: websocket\r\n"                          \
  "Connection: Upgrade\r\n"                         \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
  "Origin: http://example.com\r\n"                  \
  "Sec-WebSocket-Protocol: chat, superchat\r\n"     \
  "Sec-WebSocket-Version: 13\r\n\r\n"

#define HAWSER_TEST_RESPONSE                               \
  "HTTP/1.1 101 Switching Protocols\r\n"                   \
  "Upgrade: websocket\r\n"                                 \
  "Connection: Upgrade\r\n"                                \
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" \
  "Sec-WebSocket-Protocol: chat\r\n\r\n"

// The examples of RFC 6455 1.2.
constexpr std::string_view rfc_request = HAWSER_TEST_REQUEST;
constexpr std::string_view rfc_response = HAWSER_TEST_RESPONSE;

template <class Parser>
constexpr std::size_t parse_in_two(Parser& parser, std::span<const std::byte> bytes,
                                   std::size_t cut) {
  const std::size_t first = parser.parse(bytes.first(cut)).consumed;
  return first + parser.parse(bytes.subspan(cut)).consumed;
}

constexpr bool parses_the_request_at_compile_time() {
  constexpr auto bytes = bytes_of(HAWSER_TEST_REQUEST "\x81\x85");
  basic_head_parser<role::server, fixed_head_storage<512, 16>> parser;
  const std::size_t consumed = parse_in_two(parser, bytes, 100);
  return consumed == bytes.size() - 2 && parser.state() == parse_state::complete &&
         parser.method() == "GET" && parser.target() == "/chat" && parser.version_minor() == 1 &&
         parser.headers().size() == 7 && parser.headers().value("host") == "server.example.com" &&
         parser.headers().value("connection") == "Upgrade" &&
         parser.headers()[4] == hawser::header{"Origin", "http://example.com"};
}

constexpr bool parses_the_response_at_compile_time() {
  constexpr auto bytes = bytes_of(HAWSER_TEST_RESPONSE);
  basic_head_parser<role::client, fixed_head_storage<512, 16>> parser;
  return parse_in_two(parser, bytes, 3) == bytes.size() &&
         parser.state() == parse_state::complete && parser.status() == 101 &&
         parser.reason() == "Switching Protocols" &&
         parser.headers().value("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
}

constexpr error error_at_compile_time() {
  constexpr auto bytes = bytes_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
  basic_head_parser<role::server, fixed_head_storage<64, 4>> parser;
  return parser.parse(std::span<const std::byte>{bytes}).error;
}

}  // namespace

TEST_CASE("heads are parsed in constant expressions", "[http1][rfc6455-1.2]") {
  static_assert(parses_the_request_at_compile_time());
  static_assert(parses_the_response_at_compile_time());
  static_assert(error_at_compile_time() == error::bad_header_name);
  REQUIRE(parses_the_request_at_compile_time());
  REQUIRE(parses_the_response_at_compile_time());
}

TEST_CASE("a server parses the request of RFC 6455 1.2", "[http1][rfc6455-1.2]") {
  const result parsed = request(rfc_request);
  const result expected{parse_state::complete,
                        error::none,
                        rfc_request.size(),
                        rfc_request.size(),
                        "GET",
                        "/chat",
                        1,
                        {{"Host", "server.example.com"},
                         {"Upgrade", "websocket"},
                         {"Connection", "Upgrade"},
                         {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                         {"Origin", "http://example.com"},
                         {"Sec-WebSocket-Protocol", "chat, superchat"},
                         {"Sec-WebSocket-Version", "13"}}};
  REQUIRE(parsed == expected);
}

TEST_CASE("a client parses the response of RFC 6455 1.2", "[http1][rfc6455-1.2]") {
  const result parsed = response(rfc_response);
  const result expected{parse_state::complete,
                        error::none,
                        rfc_response.size(),
                        rfc_response.size(),
                        "101",
                        "Switching Protocols",
                        1,
                        {{"Upgrade", "websocket"},
                         {"Connection", "Upgrade"},
                         {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
                         {"Sec-WebSocket-Protocol", "chat"}}};
  REQUIRE(parsed == expected);
}

TEST_CASE("what follows a head is never consumed", "[http1]") {
  // Frames, another head and line ends: none of them is the head's.
  for (const auto rest : {"\x81\x05Hello"sv, "GET / HTTP/1.1\r\n\r\n"sv, "\r\n\r\n"sv, "\n"sv,
                          "\0"sv, "HTTP/1.1 101 \r\n\r\n"sv}) {
    const result of_request = request(std::string{rfc_request}.append(rest));
    CHECK(of_request.state == parse_state::complete);
    CHECK(of_request.consumed == rfc_request.size());
    CHECK(of_request.size == rfc_request.size());
    const result of_response = response(std::string{rfc_response}.append(rest));
    CHECK(of_response.state == parse_state::complete);
    CHECK(of_response.consumed == rfc_response.size());
    CHECK(of_response.size == rfc_response.size());
  }
}

// A server that answers with another status than 101, and then sends what looks like frames, has
// not agreed to anything: the status is told apart from the bytes that follow.
TEST_CASE("a refusal ends where its head ends", "[http1][security]") {
  const auto head = "HTTP/1.1 400 Bad Request\r\nContent-Length: 7\r\n\r\n"sv;
  const result parsed = response(std::string{head} + "\x81\x05Hello");
  CHECK(parsed.state == parse_state::complete);
  CHECK(parsed.first == "400");
  CHECK(parsed.consumed == head.size());
}

TEST_CASE("a head without its last byte is incomplete", "[http1]") {
  for (std::size_t size = 0; size < rfc_request.size(); ++size) {
    const result parsed = parse_pieces<request_head_parser>(rfc_request.substr(0, size), {});
    REQUIRE(parsed.state == parse_state::incomplete);
    REQUIRE(parsed.consumed == size);
  }
  for (std::size_t size = 0; size < rfc_response.size(); ++size) {
    const result parsed = parse_pieces<response_head_parser>(rfc_response.substr(0, size), {});
    REQUIRE(parsed.state == parse_state::incomplete);
    REQUIRE(parsed.consumed == size);
  }
}

TEST_CASE("a head may have no fields", "[http1][rfc9112-2.1]") {
  CHECK(request("GET / HTTP/1.1\r\n\r\n").state == parse_state::complete);
  CHECK(response("HTTP/1.1 200 OK\r\n\r\n").state == parse_state::complete);
}

TEST_CASE("HTTP/1.0 is parsed and told apart", "[http1][rfc9112-2.3]") {
  CHECK(request("GET / HTTP/1.0\r\n\r\n").version_minor == 0);
  CHECK(request("GET / HTTP/1.1\r\n\r\n").version_minor == 1);
  CHECK(response("HTTP/1.0 502 Bad Gateway\r\n\r\n").version_minor == 0);
  CHECK(response("HTTP/1.1 502 Bad Gateway\r\n\r\n").version_minor == 1);
  CHECK(request_error("GET / HTTP/2.0\r\n\r\n") == error::bad_http_version);
  CHECK(request_error("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == error::bad_http_version);
  CHECK(response_error("HTTP/2.0 101 ok\r\n\r\n") == error::bad_http_version);
}

TEST_CASE("a server ignores one empty line before a request", "[http1][rfc9112-2.2]") {
  const result parsed = request("\r\nGET /a HTTP/1.1\r\nHost: b\r\n\r\n");
  CHECK(parsed.state == parse_state::complete);
  CHECK(parsed.consumed == 30);
  CHECK(parsed.size == 30);
  CHECK(parsed.first == "GET");
  CHECK(parsed.second == "/a");
  REQUIRE(parsed.headers.size() == 1);
  CHECK(parsed.headers[0].first == "Host");

  CHECK(request_error("\r\n\r\nGET / HTTP/1.1\r\n\r\n") == error::bad_request_line);
  CHECK(request_error("\nGET / HTTP/1.1\r\n\r\n") == error::bad_line_ending);
  CHECK(request_error("\r\n\nGET / HTTP/1.1\r\n\r\n") == error::bad_line_ending);
  CHECK(request_error("\rGET / HTTP/1.1\r\n\r\n") == error::bad_line_ending);
  CHECK(request_error("\r\r\nGET / HTTP/1.1\r\n\r\n") == error::bad_line_ending);
  CHECK(response_error("\r\nHTTP/1.1 101 ok\r\n\r\n") == error::bad_status_line);
}

TEST_CASE("a server fails at the first byte that cannot start a request", "[http1][rfc9112-3]") {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool is_token_char = hawser::detail::is_token_char(c);
    const result parsed = parse_pieces<request_head_parser>(std::string{c}, {});
    CAPTURE(value);
    CHECK((parsed.state == parse_state::incomplete) == (is_token_char || c == '\r'));
    if (parsed.state == parse_state::failed) {
      CHECK(parsed.error == (c == '\n' ? error::bad_line_ending : error::bad_request_line));
      CHECK(parsed.consumed == 0);
    }
  }
  // The beginning of a TLS hello.
  CHECK(request("\x16\x03\x01\x02\x00\x01\x00"sv).error == error::bad_request_line);
}

TEST_CASE("a client fails at the first byte that cannot start a response", "[http1][rfc9112-4]") {
  const auto start = "HTTP/"sv;
  for (std::size_t place = 0; place < start.size(); ++place) {
    for (int value = 0; value < 256; ++value) {
      const char c = static_cast<char>(value);
      const result parsed =
          parse_pieces<response_head_parser>(std::string{start.substr(0, place)} + c, {place});
      CAPTURE(place, value);
      if (c == start[place]) {
        CHECK(parsed.state == parse_state::incomplete);
      } else {
        CHECK(parsed.error == error::bad_status_line);
        CHECK(parsed.consumed == place);
      }
    }
  }
  CHECK(response_error("SSH-2.0-OpenSSH_9.2\r\n") == error::bad_status_line);
  CHECK(response_error("<html>") == error::bad_status_line);
}

TEST_CASE("a malformed first line fails a head", "[http1][rfc9112-3]") {
  CHECK(request_error("GET /\r\n\r\n") == error::bad_request_line);
  CHECK(request_error("GET / HTTP/1.1 \r\n\r\n") == error::bad_request_line);
  CHECK(request_error("GET /  HTTP/1.1\r\n\r\n") == error::bad_request_line);
  CHECK(request_error("GET  / HTTP/1.1\r\n\r\n") == error::bad_target);
  CHECK(request_error("GET /#top HTTP/1.1\r\n\r\n") == error::bad_target);
  CHECK(request_error("GET /\xc3\xa4 HTTP/1.1\r\n\r\n") == error::bad_target);
  CHECK(response_error("HTTP/1.1 99 ok\r\n\r\n") == error::bad_status_line);
  CHECK(response_error("HTTP/1.1 600 ok\r\n\r\n") == error::bad_status_line);
  CHECK(response_error("HTTP/1.1 101 o\0k\r\n\r\n"s) == error::bad_status_line);
}

TEST_CASE("a client takes any reason, and none", "[http1][rfc9112-4]") {
  CHECK(response("HTTP/1.1 101\r\n\r\n").second == "");
  CHECK(response("HTTP/1.1 101 \r\n\r\n").second == "");
  CHECK(response("HTTP/1.1 101 \xe4\xbd\xa0 \t x\r\n\r\n").second == "\xe4\xbd\xa0 \t x");
}

TEST_CASE("lines end with CR LF and nothing else", "[http1][rfc9112-2.2]") {
  for (const auto& [good, bad] : {
           std::pair{"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\nA: b\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\nA: b\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\nA: b\r\n\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\r\nA: b\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\rA: b\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET\r / HTTP/1.1\r\nA: b\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET /\r HTTP/1.1\r\nA: b\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\nA\r: b\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\nA:\rb\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\nA: b\rB: c\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\nA: b\r\r\n\r\n"sv},
           {"GET / HTTP/1.1\r\nA: b\r\n\r\n"sv, "GET / HTTP/1.1\r\nA: b\r\n\r\r\n"sv},
       }) {
    CHECK(request_error(good) == error::none);
    CHECK(request_error(bad) == error::bad_line_ending);
  }
  CHECK(response_error("HTTP/1.1 101 ok\nA: b\r\n\r\n") == error::bad_line_ending);
  CHECK(response_error("HTTP/1.1 101 o\rk\r\nA: b\r\n\r\n") == error::bad_line_ending);
  CHECK(response_error("HTTP/1.1 101 ok\r\nA: b\n\r\n") == error::bad_line_ending);
  CHECK(response_error("HTTP/1.1 101 ok\r\nA: b\rc\r\n\r\n") == error::bad_line_ending);
  CHECK(response_error("HTTP/1.1 101 ok\r\nA: b\r\n\n") == error::bad_line_ending);
}

TEST_CASE("folded headers are refused", "[http1][rfc9112-5.2]") {
  for (const std::string fold : {" b", "\tb", " ", "\t", " B: c"}) {
    CHECK(request_error("GET / HTTP/1.1\r\nA: b\r\n" + fold + "\r\n\r\n") == error::folded_header);
    CHECK(request_error("GET / HTTP/1.1\r\n" + fold + "\r\n\r\n") == error::folded_header);
    CHECK(response_error("HTTP/1.1 101 ok\r\nA: b\r\n" + fold + "\r\n\r\n") ==
          error::folded_header);
    CHECK(response_error("HTTP/1.1 101 ok\r\n" + fold + "\r\n\r\n") == error::folded_header);
  }
}

TEST_CASE("white space before a colon and names that are no tokens are refused",
          "[http1][rfc9112-5.1]") {
  for (const std::string line : {"Host : a", "Host\t: a", ": a", "Host", "Ho st: a", "Ho(st: a",
                                 "H\xc3\xb6st: a", "Host\x7F: a"}) {
    CHECK(request_error("GET / HTTP/1.1\r\n" + line + "\r\n\r\n") == error::bad_header_name);
    CHECK(response_error("HTTP/1.1 101 ok\r\n" + line + "\r\n\r\n") == error::bad_header_name);
  }
  // RFC 6455 handshakes were printed with two headers on one line: that is one header.
  const result parsed =
      request("GET / HTTP/1.1\r\nCookie: __utma=99as Connection: Upgrade\r\n\r\n");
  REQUIRE(parsed.headers.size() == 1);
  CHECK(parsed.headers[0].second == "__utma=99as Connection: Upgrade");
}

// One server aborted on a byte beyond ASCII in a subprotocol, another on a NUL.
TEST_CASE("a control byte in any header of a handshake is refused by both roles",
          "[http1][rfc9110-5.5][security]") {
  for (const auto* name : {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key",
                           "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin"}) {
    for (int value = 0; value < 256; ++value) {
      if (value == '\r' || value == '\n') continue;
      const std::string line = std::string{name} + ": a" + static_cast<char>(value) + "b\r\n\r\n";
      const bool is_control = (value < 0x20 && value != '\t') || value == 0x7F;
      const error of_request =
          parse_pieces<request_head_parser>("GET / HTTP/1.1\r\n" + line, {}).error;
      const error of_response =
          parse_pieces<response_head_parser>("HTTP/1.1 101 ok\r\n" + line, {}).error;
      CAPTURE(name, value);
      REQUIRE(of_request == (is_control || value >= 0x80 ? error::bad_header_value : error::none));
      REQUIRE(of_response == (is_control ? error::bad_header_value : error::none));
    }
  }
  CHECK(request_error("GET / HTTP/1.1\r\nSec-WebSocket-Protocol: ch\xe4t\r\n\r\n") ==
        error::bad_header_value);
  CHECK(request_error("GET / HTTP/1.1\r\nA: b\0\r\n\r\n"s) == error::bad_header_value);
}

TEST_CASE("a client takes bytes beyond ASCII in values as they are", "[http1][rfc9110-5.5]") {
  const result parsed = response("HTTP/1.1 101 ok\r\nServer: \xe4\xbd\xa0\xff\r\n\r\n");
  REQUIRE(parsed.headers.size() == 1);
  CHECK(parsed.headers[0].second == "\xe4\xbd\xa0\xff");
}

TEST_CASE("values that are empty or only white space are empty", "[http1][rfc9112-5.1][security]") {
  const auto lines = "A:\r\nB: \r\nC:\t\r\nD: \t \t\r\nE: \t e \t\r\n\r\n"s;
  for (const result& parsed :
       {request("GET / HTTP/1.1\r\n" + lines), response("HTTP/1.1 101 ok\r\n" + lines)}) {
    REQUIRE(parsed.state == parse_state::complete);
    const decltype(parsed.headers) expected{{"A", ""}, {"B", ""}, {"C", ""}, {"D", ""}, {"E", "e"}};
    CHECK(parsed.headers == expected);
  }
}

TEST_CASE("repeated fields are all kept, in their order and their case", "[http1]") {
  const result parsed = request("GET / HTTP/1.1\r\nCookie: a\r\nHOST: b\r\ncookie: c\r\n\r\n");
  const decltype(parsed.headers) expected{{"Cookie", "a"}, {"HOST", "b"}, {"cookie", "c"}};
  CHECK(parsed.headers == expected);
}

TEST_CASE("a head may be exactly as large as the limit", "[http1][limits]") {
  const std::size_t size = rfc_request.size();
  const std::string text = std::string{rfc_request} + "frames";
  const result exact = parse_everyhow<request_head_parser>(text, size);
  CHECK(exact.state == parse_state::complete);
  CHECK(exact.consumed == size);
  const result beyond = parse_everyhow<request_head_parser>(text, size - 1);
  CHECK(beyond.error == error::head_too_large);
  CHECK(beyond.consumed == size - 1);

  const result exact_response =
      parse_everyhow<response_head_parser>(rfc_response, rfc_response.size());
  CHECK(exact_response.state == parse_state::complete);
  const result beyond_response =
      parse_everyhow<response_head_parser>(rfc_response, rfc_response.size() - 1);
  CHECK(beyond_response.error == error::head_too_large);

  // The line that is ignored counts.
  CHECK(parse_everyhow<request_head_parser>("\r\nGET / HTTP/1.1\r\n\r\n", 20).error == error::none);
  CHECK(parse_everyhow<request_head_parser>("\r\nGET / HTTP/1.1\r\n\r\n", 19).error ==
        error::head_too_large);
  CHECK(parse_everyhow<request_head_parser>("GET", 0).error == error::head_too_large);
}

// Heads of 20 MB have kept servers busy for minutes, by one byte a read.
TEST_CASE("a head without an end fails as soon as it passes the limit",
          "[http1][limits][security]") {
  const auto feed = [](auto& parser, std::string_view start, std::string_view forever) {
    REQUIRE(parser.parse(start).state == parse_state::incomplete);
    std::size_t size = start.size();
    while (parser.state() == parse_state::incomplete) {
      size += parser.parse(forever.substr((size - start.size()) % forever.size(), 1)).consumed;
      REQUIRE(size <= 16384);
      if (parser.state() == parse_state::incomplete) REQUIRE(parser.size() == size);
    }
    CHECK(parser.error() == error::head_too_large);
    CHECK(size == 16384);
    CHECK(parser.size() == 0);  // Nothing is kept.
    CHECK(parser.parse("GET / HTTP/1.1\r\n\r\n"sv).consumed == 0);
  };
  for (const auto& [start, forever] : {std::pair{"G"sv, "E"sv},
                                       {"GET /"sv, "a"sv},
                                       {"GET / HTTP/1.1\r\nA"sv, "a"sv},
                                       {"GET / HTTP/1.1\r\nA:"sv, " "sv}}) {
    request_head_parser parser;
    feed(parser, start, forever);
  }
  for (const auto& [start, forever] :
       {std::pair{"HTTP/1.1 101 "sv, "a"sv}, {"HTTP/1.1 101\r\nA: "sv, "b"sv}}) {
    response_head_parser parser;
    feed(parser, start, forever);
  }
}

TEST_CASE("a head of the largest size parses byte by byte", "[http1][limits]") {
  std::string text = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 99; ++i) text += "Name" + std::to_string(100 + i) + ": value\r\n";
  text += "Z: " + std::string(16384 - text.size() - 7, 'z') + "\r\n\r\n";
  REQUIRE(text.size() == 16384);
  std::vector<std::size_t> every;
  for (std::size_t i = 1; i < text.size(); ++i) every.push_back(i);
  const result parsed = parse_pieces<request_head_parser>(text, every);
  CHECK(parsed.state == parse_state::complete);
  CHECK(parsed.headers.size() == 100);
  CHECK(parsed == parse_pieces<request_head_parser>(text, {}));
}

TEST_CASE("a head may have exactly as many fields as the limit", "[http1][limits]") {
  const auto lines = "A: b\r\nC: d\r\nE: f\r\n\r\n"s;
  CHECK(parse_everyhow<request_head_parser>("GET / HTTP/1.1\r\n" + lines, 1000, 3).error ==
        error::none);
  CHECK(parse_everyhow<request_head_parser>("GET / HTTP/1.1\r\n" + lines, 1000, 2).error ==
        error::too_many_headers);
  CHECK(parse_everyhow<response_head_parser>("HTTP/1.1 101\r\n" + lines, 1000, 3).error ==
        error::none);
  CHECK(parse_everyhow<response_head_parser>("HTTP/1.1 101\r\n" + lines, 1000, 2).error ==
        error::too_many_headers);
  CHECK(parse_everyhow<request_head_parser>("GET / HTTP/1.1\r\n\r\n", 1000, 0).error ==
        error::none);
  CHECK(parse_everyhow<request_head_parser>("GET / HTTP/1.1\r\nA: b\r\n\r\n", 1000, 0).error ==
        error::too_many_headers);
}

TEST_CASE("2000 headers fail at the 101st", "[http1][limits][security]") {
  std::string text = "GET / HTTP/1.1\r\n";
  std::size_t allowed = 0;
  for (int i = 0; i < 2000; ++i) {
    text += "A: b\r\n";
    if (i == 100) allowed = text.size();
  }
  const result parsed = parse_pieces<request_head_parser>(text + "\r\n", {});
  CHECK(parsed.error == error::too_many_headers);
  CHECK(parsed.consumed == allowed);
  CHECK(parsed.headers.empty());
}

TEST_CASE("a storage of fixed size bounds the head as the limits do", "[http1][limits][storage]") {
  using parser = basic_head_parser<role::server, fixed_head_storage<32, 2>>;
  CHECK(parse_everyhow<parser>("GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n").state ==
        parse_state::complete);
  CHECK(parse_everyhow<parser>("GET / HTTP/1.1\r\nA: b\r\nC: defg\r\n\r\n").error ==
        error::head_too_large);
  CHECK(parse_everyhow<parser>("GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n").error ==
        error::too_many_headers);
  CHECK(parse_everyhow<parser>("GET / HTTP/1.1\r\nA:\r\n\r\n", 20).error == error::head_too_large);
  STATIC_REQUIRE(noexcept(std::declval<parser&>().parse(byte_view{})));
  STATIC_REQUIRE(!noexcept(std::declval<request_head_parser&>().parse(byte_view{})));
}

TEST_CASE("a failed parser stays failed and says why again", "[http1]") {
  request_head_parser parser;
  REQUIRE(parser.parse("GET / HTTP/1.1\r\nHost : a\r\n\r\n"sv).error == error::bad_header_name);
  const head_progress again = parser.parse("\r\nGET / HTTP/1.1\r\n\r\n"sv);
  CHECK(again.state == parse_state::failed);
  CHECK(again.error == error::bad_header_name);
  CHECK(again.consumed == 0);
  CHECK(parser.method().empty());
  CHECK(parser.target().empty());
  CHECK(parser.headers().empty());
}

TEST_CASE("an empty piece changes nothing", "[http1]") {
  request_head_parser parser;
  CHECK(parser.parse({}).state == parse_state::incomplete);
  CHECK(parser.parse("GET / HTTP/1.1\r\n"sv).consumed == 16);
  CHECK(parser.parse({}).consumed == 0);
  CHECK(parser.parse("\r\n"sv).state == parse_state::complete);
  CHECK(parser.parse({}).state == parse_state::complete);
}

TEST_CASE("a parser that is reset takes the next head", "[http1][rfc9110-15.2]") {
  const auto text =
      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 101 ok\r\nUpgrade: websocket\r\n\r\n"sv;
  response_head_parser parser;
  const std::size_t first = parser.parse(text).consumed;
  REQUIRE(parser.status() == 103);
  parser.reset();
  CHECK(parser.state() == parse_state::incomplete);
  CHECK(parser.size() == 0);
  CHECK(parser.status() == 0);
  const head_progress second = parser.parse(text.substr(first));
  CHECK(second.state == parse_state::complete);
  CHECK(first + second.consumed == text.size());
  CHECK(parser.status() == 101);
  CHECK(parser.reason() == "ok");
  REQUIRE(parser.headers().size() == 1);
  CHECK(parser.headers()[0].name == "Upgrade");

  request_head_parser failed;
  REQUIRE(failed.parse("\x16"sv).state == parse_state::failed);
  failed.reset();
  CHECK(failed.error() == error::none);
  CHECK(failed.parse(rfc_request).state == parse_state::complete);
}

TEST_CASE("views into a head stay right when the parser is moved", "[http1]") {
  request_head_parser parser;
  REQUIRE(parser.parse(rfc_request.substr(0, 60)).state == parse_state::incomplete);
  request_head_parser half{std::move(parser)};
  REQUIRE(half.parse(rfc_request.substr(60)).state == parse_state::complete);
  const std::string_view target = half.target();
  const std::string_view host = half.headers().value("Host");
  request_head_parser other{1, 1};
  other = std::move(half);
  CHECK(target == "/chat");
  CHECK(host == "server.example.com");
  CHECK(other.target().data() == target.data());
  CHECK(other.headers().value("Host").data() == host.data());
  STATIC_REQUIRE(!std::is_copy_constructible_v<request_head_parser>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<request_head_parser>);
}

TEST_CASE("a head takes no more heap than was said", "[http1][limits][storage]") {
  // The largest heads: of one long field, of the most fields, and of the shortest fields.
  std::string longest = "GET / HTTP/1.1\r\nA: ";
  longest += std::string(16384 - longest.size() - 4, 'a') + "\r\n\r\n";
  std::string most = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 100; ++i) most += "A: b\r\n";
  most += "\r\n";
  std::string shortest = "GET / HTTP/1.1\r\n";
  while (shortest.size() + 6 <= 16384) shortest += "A:\r\n";
  shortest += "\r\n";

  const auto check = [](std::string_view text, std::size_t max_fields, bool in_one_piece) {
    const support::allocation_watch watch;
    parse_state state = parse_state::incomplete;
    {
      request_head_parser parser{16384, max_fields};
      const std::size_t step = in_one_piece ? text.size() : 1;
      for (std::size_t i = 0; i < text.size(); i += step) {
        state = parser.parse(text.substr(i, step)).state;
      }
    }
    const std::size_t peak = watch.peak();
    const std::ptrdiff_t live = watch.live();
    CHECK(state == parse_state::complete);
    CHECK(peak >= text.size());
    CHECK(peak <= hawser::heap_head_storage::max_heap_size(16384, max_fields));
    CHECK(live == 0);
  };
  for (const bool in_one_piece : {true, false}) {
    check(longest, 100, in_one_piece);
    check(most, 100, in_one_piece);
    check(shortest, 5000, in_one_piece);
    check(shortest, static_cast<std::size_t>(-1), in_one_piece);
  }
}

TEST_CASE("the heap follows the bytes that arrived", "[http1][limits][storage]") {
  const std::string text = "ET / HTTP/1.1\r\n\r\n" + std::string(100'000, '\x81');
  // Assertions allocate too: the counts are taken without one in between.
  std::array<std::ptrdiff_t, 4> live{};
  std::array<head_progress, 4> progress{};
  {
    const support::allocation_watch watch;
    request_head_parser parser;
    live[0] = watch.live();
    progress[0] = parser.parse("G"sv);
    live[1] = watch.live();
    // Frames behind the head, however many, take nothing.
    progress[1] = parser.parse(text);
    live[2] = watch.live();
    parser.reset();
    progress[2] = parser.parse(rfc_request.substr(0, 100));
    progress[3] = parser.parse("\n"sv);
    live[3] = watch.live();
  }
  CHECK(progress[0].state == parse_state::incomplete);
  CHECK(progress[1].state == parse_state::complete);
  CHECK(progress[1].consumed == 17);
  CHECK(progress[2].state == parse_state::incomplete);
  CHECK(progress[3].state == parse_state::failed);
  CHECK(live[0] == 0);
  CHECK(live[1] <= 512);
  CHECK(live[2] <= 512);
  CHECK(live[3] == 0);
}

TEST_CASE("a head goes on after an allocation failed", "[http1][storage]") {
  // More than one growth of the bytes and of the fields.
  std::string text = "GET /a HTTP/1.1\r\n";
  for (int i = 0; i < 90; ++i)
    text += "Name" + std::to_string(i) + ": " + std::string(40, 'v') + "\r\n";
  text += "\r\nframes";
  const result whole = parse_pieces<request_head_parser>(text, {});
  const std::size_t failures = support::for_each_failing_allocation([&](std::size_t n) {
    request_head_parser parser;
    bool has_failed = false;
    {
      const support::failing_allocation failing{n};
      try {
        parser.parse(text);
      } catch (const std::bad_alloc&) {
        has_failed = true;
      }
    }
    const std::size_t taken = parser.size();
    const std::size_t rest = parser.parse(std::string_view{text}.substr(taken)).consumed;
    REQUIRE(result_of(parser, taken + rest) == whole);
    return has_failed;
  });
  CHECK(failures >= 3);
}
