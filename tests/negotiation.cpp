#include "hawser/negotiation.hpp"

#include "hawser/http1_head.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// A list of header fields that can be changed. It refers to literals.
class fields {
 public:
  fields(std::initializer_list<header> list) : list_{list} {}

  fields with(std::string_view name, std::string_view value) const {
    fields copy = *this;
    copy.list_.push_back({name, value});
    return copy;
  }

  fields without(std::string_view name) const {
    fields copy = *this;
    std::erase_if(copy.list_, [&](const header& each) {
      return detail::equals_ignoring_case(each.name, name);
    });
    return copy;
  }

  fields replaced(std::string_view name, std::string_view value) const {
    return without(name).with(name, value);
  }

  [[nodiscard]] header_list headers() const { return std::span<const header>{list_}; }

 private:
  std::vector<header> list_;
};

const fields upgrade_fields{{"Host", "a.example"},
                            {"Upgrade", "websocket"},
                            {"Connection", "Upgrade"},
                            {"Sec-WebSocket-Key", sample_key},
                            {"Sec-WebSocket-Version", "13"}};

const fields plain_fields{{"Host", "a.example"}, {"User-Agent", "curl"}};

const fields response_fields{
    {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", sample_accept}};

error error_of(const fields& from, std::string_view target = "/", std::string_view method = "GET",
               unsigned version_minor = 1, const handshake_rules& rules = {}) {
  return classify({method, target, version_minor, from.headers()}, rules).error;
}

error error_by(const fields& from, const handshake_rules& rules) {
  return error_of(from, "/", "GET", 1, rules);
}

classified_request classified(const fields& from, std::string_view target = "/",
                              const handshake_rules& rules = {}) {
  return classify({"GET", target, 1, from.headers()}, rules);
}

error answer_error(const fields& from, const std::vector<std::string>& offered = {},
                   std::string_view key = sample_key) {
  return check_response({101, 1, from.headers()}, key, offered).error;
}

// What a server makes of a request as text: the error of the parser, or of the negotiation.
error error_of_text(std::string_view text) {
  request_head_parser parser;
  const head_progress progress = parser.parse(text);
  if (progress.state != parse_state::complete) return progress.error;
  return classify({parser.method(), parser.target(), parser.version_minor(), parser.headers()}, {})
      .error;
}

// The value with a byte in its midst.
std::string with_byte(std::string_view value, int code) {
  return std::string{value.substr(0, 3)} + static_cast<char>(code) + std::string{value.substr(3)};
}

}  // namespace

// --- A server's side: upgrades

TEST_CASE("a server lets in the handshake of the RFC", "[negotiation][rfc6455-1.3]") {
  const fields request{{"Host", "server.example.com"},
                       {"Upgrade", "websocket"},
                       {"Connection", "Upgrade"},
                       {"Sec-WebSocket-Key", sample_key},
                       {"Origin", "http://server.example.com"},
                       {"Sec-WebSocket-Protocol", "chat, superchat"},
                       {"Sec-WebSocket-Version", "13"}};
  const std::vector<std::string> supported{"superchat", "chat"};
  const classified_request result =
      classified(request, "/chat?room=1", {.subprotocols = supported});
  REQUIRE(result.error == error::none);
  CHECK(result.kind == request_kind::upgrade);
  CHECK(result.target.path == "/chat");
  CHECK(result.target.query == "room=1");
  CHECK(result.host.host == "server.example.com");
  CHECK_FALSE(result.host.has_port());
  CHECK(result.key == sample_key);
  CHECK(result.origin == "http://server.example.com");
  CHECK(result.subprotocol == &supported[1]);
}

TEST_CASE("a server lets in an upgrade without Origin, subprotocols or extras", "[negotiation]") {
  const classified_request result = classified(upgrade_fields);
  REQUIRE(result.error == error::none);
  CHECK(result.kind == request_kind::upgrade);
  CHECK(result.origin.empty());
  CHECK(result.subprotocol == nullptr);
}

TEST_CASE("a server takes Upgrade and Connection as lists in any case",
          "[negotiation][rfc6455-4.2.1]") {
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "WebSocket")) == error::none);
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "h2c, WEBSOCKET")) == error::none);
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "h2c").with("upgrade", "websocket")) ==
        error::none);
  CHECK(error_of(upgrade_fields.replaced("Connection", "keep-alive, Upgrade")) == error::none);
  CHECK(error_of(upgrade_fields.replaced("Connection", "keep-alive,UPGRADE,")) == error::none);
  CHECK(
      error_of(upgrade_fields.replaced("Connection", "keep-alive").with("CONNECTION", "upgrade")) ==
      error::none);
}

TEST_CASE("a server does not take a part of a token for the token",
          "[negotiation][rfc6455-4.2.1]") {
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "websockets")) == error::missing_upgrade);
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "web socket")) == error::missing_upgrade);
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "websocket/13")) == error::missing_upgrade);
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "\"websocket\"")) == error::missing_upgrade);
  CHECK(error_of(upgrade_fields.replaced("Upgrade", "")) == error::missing_upgrade);
  CHECK(error_of(upgrade_fields.replaced("Connection", "Upgrades")) == error::missing_connection);
  CHECK(error_of(upgrade_fields.replaced("Connection", "keep-alive Upgrade")) ==
        error::missing_connection);
  CHECK(error_of(upgrade_fields.replaced("Connection", "")) == error::missing_connection);
}

TEST_CASE("a server tells which part of an upgrade is missing", "[negotiation][rfc6455-4.2.1]") {
  CHECK(error_of(upgrade_fields.without("Host")) == error::missing_host);
  CHECK(error_of(upgrade_fields.without("Upgrade")) == error::missing_upgrade);
  CHECK(error_of(upgrade_fields.without("Connection")) == error::missing_connection);
  CHECK(error_of(upgrade_fields.without("Sec-WebSocket-Key")) == error::missing_key);
  CHECK(error_of(upgrade_fields.without("Sec-WebSocket-Version")) == error::bad_version);
  // A key or a version alone tells that an upgrade was meant.
  CHECK(error_of(plain_fields.with("Sec-WebSocket-Key", sample_key)) == error::missing_upgrade);
  CHECK(error_of(plain_fields.with("Sec-WebSocket-Version", "13")) == error::missing_upgrade);
  CHECK(error_of(plain_fields.with("Upgrade", "websocket")) == error::missing_connection);
}

TEST_CASE("a server refuses what stands twice", "[negotiation][security]") {
  const auto name = GENERATE(values<std::string_view>(
      {"Host", "Sec-WebSocket-Key", "sec-websocket-KEY", "Sec-WebSocket-Version"}));
  CAPTURE(name);
  const std::string value{upgrade_fields.headers().value(name)};
  CHECK(error_of(upgrade_fields.with(name, value)) == error::repeated_header);
  CHECK(error_of(upgrade_fields.with(name, "other")) == error::repeated_header);
  CHECK(error_of(upgrade_fields.with(name, "")) == error::repeated_header);
}

TEST_CASE("a server refuses two Origins, two lengths and any Accept", "[negotiation][security]") {
  CHECK(error_of(
            upgrade_fields.with("Origin", "http://a.example").with("Origin", "http://a.example")) ==
        error::repeated_header);
  CHECK(error_of(upgrade_fields.with("Content-Length", "0").with("Content-Length", "0")) ==
        error::repeated_header);
  CHECK(error_of(upgrade_fields.with("Sec-WebSocket-Accept", sample_accept)) ==
        error::repeated_header);
}

TEST_CASE("a server wants GET and HTTP/1.1 for an upgrade", "[negotiation][rfc6455-4.2.1]") {
  const auto method = GENERATE(
      values<std::string_view>({"POST", "HEAD", "CONNECT", "OPTIONS", "get", "GETS", "PUT", ""}));
  CAPTURE(method);
  CHECK(error_of(upgrade_fields, "/", method) == error::bad_method);
  CHECK(error_of(upgrade_fields, "/", "GET", 0) == error::bad_http_version);
}

TEST_CASE("a server knows version 13 only", "[negotiation][rfc6455-4.4]") {
  const auto value = GENERATE(
      values<std::string_view>({"", "0", "7", "8", "12", "14", "013", "13.0", "+13", "13, 8",
                                "8, 13", "13,13", "1 3", "0x0D", "4294967309", "13;", "thirteen"}));
  CAPTURE(value);
  CHECK(error_of(upgrade_fields.replaced("Sec-WebSocket-Version", value)) == error::bad_version);
}

TEST_CASE("a server wants a key of 16 bytes in base64", "[negotiation][rfc6455-4.2.1]") {
  const auto key = GENERATE(values<std::string_view>({
      "",
      "x",
      "dGhlIHNhbXBsZSBub25jZQ",
      "dGhlIHNhbXBsZSBub25jZQ=",
      "dGhlIHNhbXBsZSBub25jZQ===",
      "dGhlIHNhbXBsZSBub25jZQ==, x",
      "dGhlIHNhbXBsZSBub25jZ===",
      "dGhlIHNhbXBsZSBub25jZQ!=",
      "dGhlIHNhbXBsZSBub25jZQAA",
      "dGhlIHNhbXBs ZSBub25jZQ==",
      "dGhlIHNhbXBsZSBub25jZQAAAA==",
  }));
  CAPTURE(key);
  CHECK(error_of(upgrade_fields.replaced("Sec-WebSocket-Key", key)) == error::bad_key);
}

TEST_CASE("a key of any other length is a bad key", "[negotiation][security]") {
  for (std::size_t size = 0; size <= 10'000; size += size < 64 ? 1 : 97) {
    CAPTURE(size);
    const std::string key(size, 'A');
    CHECK(error_of(upgrade_fields.replaced("Sec-WebSocket-Key", key)) == error::bad_key);
  }
}

TEST_CASE("a server takes any offer of extensions that is well-formed",
          "[negotiation][rfc6455-9.1]") {
  const auto offer = GENERATE(values<std::string_view>(
      {"permessage-deflate; client_max_window_bits", "constructor, __proto__; a=\"b\""}));
  const auto wrong =
      GENERATE(values<std::string_view>({"constructor, __proto__; a=\"b", "", "=;,\""}));
  CAPTURE(offer, wrong);
  const fields good = upgrade_fields.with("Sec-WebSocket-Extensions", offer);
  CHECK(error_of(good) == error::none);
  CHECK(error_of(upgrade_fields.with("Sec-WebSocket-Extensions", wrong)) ==
        error::bad_extension_list);
  CHECK(error_of(good.with("sec-websocket-extensions", wrong)) == error::bad_extension_list);
}

TEST_CASE("a server wants one well-formed Host", "[negotiation][rfc9112-3.2]") {
  const auto host = GENERATE(values<std::string_view>(
      {"", "a b", "a:b", "user@a", "a/b", "http://a", "a, b:1", "[::1", "a:0", "a:65536"}));
  CAPTURE(host);
  CHECK(error_of(upgrade_fields.replaced("Host", host)) == error::bad_host);
  CHECK(error_of(plain_fields.replaced("Host", host)) == error::bad_host);
}

TEST_CASE("no request has a body", "[negotiation][security]") {
  const auto base = GENERATE(values<fields>({upgrade_fields, plain_fields}));
  CHECK(error_of(base.with("Content-Length", "0")) == error::none);
  CHECK(error_of(base.with("Content-Length", "1")) == error::unexpected_body);
  CHECK(error_of(base.with("Content-Length", "00")) == error::unexpected_body);
  CHECK(error_of(base.with("Content-Length", "0, 0")) == error::unexpected_body);
  CHECK(error_of(base.with("Content-Length", "")) == error::unexpected_body);
  CHECK(error_of(base.with("Content-Length", "-0")) == error::unexpected_body);
  CHECK(error_of(base.with("Content-Length", "99999999999999999999")) == error::unexpected_body);
  CHECK(error_of(base.with("Content-Length", "0").with("content-length", "7")) ==
        error::repeated_header);
  CHECK(error_of(base.with("Transfer-Encoding", "chunked")) == error::unexpected_body);
  CHECK(error_of(base.with("Transfer-Encoding", "identity")) == error::unexpected_body);
  CHECK(error_of(base.with("Transfer-Encoding", "")) == error::unexpected_body);
  CHECK(error_of(base.with("Content-Length", "0").with("transfer-encoding", "chunked")) ==
        error::unexpected_body);
}

TEST_CASE("an absolute-form names the host that Host names", "[negotiation][rfc9112-3.2.2]") {
  const auto with_host = [](std::string_view host) {
    return upgrade_fields.replaced("Host", host);
  };
  CHECK(error_of(with_host("a.example"), "ws://a.example/x") == error::none);
  CHECK(error_of(with_host("a.example"), "http://A.example/x") == error::none);
  CHECK(error_of(with_host("a.example:80"), "ws://a.example/x") == error::none);
  CHECK(error_of(with_host("a.example"), "ws://a.example:80") == error::none);
  CHECK(error_of(with_host("a.example:443"), "wss://a.example/x") == error::none);
  CHECK(error_of(with_host("a.example"), "https://a.example:443?y") == error::none);
  CHECK(error_of(with_host("[::1]:9001"), "ws://[::1]:9001/") == error::none);

  CHECK(error_of(with_host("a.example"), "ws://b.example/x") == error::bad_host);
  CHECK(error_of(with_host("a.example"), "ws://169.254.169.254/latest") == error::bad_host);
  CHECK(error_of(with_host("a.example"), "ws://a.example:81/x") == error::bad_host);
  CHECK(error_of(with_host("a.example:443"), "ws://a.example/x") == error::bad_host);
  CHECK(error_of(with_host("a.example:80"), "wss://a.example/x") == error::bad_host);
  CHECK(error_of(with_host("a.example"), "ws://a.example./x") == error::bad_host);

  CHECK(error_of(upgrade_fields, "ws://user@a.example/x") == error::bad_target);
  CHECK(error_of(upgrade_fields, "ftp://a.example/x") == error::bad_target);
}

TEST_CASE("an absolute-form gives its path only", "[negotiation][security]") {
  const classified_request result = classified(upgrade_fields, "ws://a.example?x=1");
  REQUIRE(result.error == error::none);
  CHECK(result.target.path == "/");
  CHECK(result.target.query == "x=1");
}

TEST_CASE("other targets are refused for upgrades and plain requests", "[negotiation]") {
  const auto base = GENERATE(values<fields>({upgrade_fields, plain_fields}));
  const auto target = GENERATE(values<std::string_view>(
      {"", "*", "a.example:443", "chat", "?x", "/#x", "/a b", "/\xC3\xBC", "//a\r\n"}));
  CAPTURE(target);
  CHECK(error_of(base, target) == error::bad_target);
}

TEST_CASE("a path is not decoded", "[negotiation]") {
  const classified_request result = classified(upgrade_fields, "/%2e%2e/a%20b?c=%26&d");
  REQUIRE(result.error == error::none);
  CHECK(result.target.path == "/%2e%2e/a%20b");
  CHECK(result.target.query == "c=%26&d");
}

// --- A server's policy

TEST_CASE("a server refuses a page of another site unless told otherwise", "[negotiation][csrf]") {
  const fields foreign = upgrade_fields.with("Origin", "https://evil.example");
  const fields same = upgrade_fields.with("Origin", "https://a.example");
  const fields sandboxed = upgrade_fields.with("Origin", "null");
  const fields empty = upgrade_fields.with("Origin", "");

  CHECK(error_of(foreign) == error::origin_refused);
  CHECK(error_of(sandboxed) == error::origin_refused);
  CHECK(error_of(empty) == error::origin_refused);
  CHECK(error_of(same) == error::none);

  const origin_policy any = origin_policy::any();
  CHECK(error_by(foreign, {.origins = &any}) == error::none);
  CHECK(error_by(sandboxed, {.origins = &any}) == error::none);
  CHECK(error_by(empty, {.origins = &any}) == error::none);

  const origin_policy listed = origin_policy::listed({"https://evil.example"});
  CHECK(error_by(foreign, {.origins = &listed}) == error::none);
  CHECK(error_by(same, {.origins = &listed}) == error::origin_refused);

  const origin_policy by_default;
  CHECK(error_by(foreign, {.origins = &by_default}) == error::origin_refused);
  CHECK(error_by(same, {.origins = &by_default}) == error::none);
}

TEST_CASE("a server may insist on an Origin", "[negotiation]") {
  origin_policy policy;
  CHECK(error_by(upgrade_fields, {.origins = &policy}) == error::none);
  policy.allow_absent = false;
  CHECK(error_by(upgrade_fields, {.origins = &policy}) == error::origin_refused);
  CHECK(error_by(upgrade_fields.with("Origin", "http://a.example"), {.origins = &policy}) ==
        error::none);
  policy.allow = origin_policy::rule::any;
  CHECK(error_by(upgrade_fields, {.origins = &policy}) == error::origin_refused);
}

TEST_CASE("a server answers for its own hosts only", "[negotiation][dns-rebinding]") {
  const std::vector<std::string> allowed = loopback_hosts();
  const handshake_rules rules{.allowed_hosts = allowed};
  // The page's own host and port, but a name that was made to resolve to this machine.
  const fields rebound = upgrade_fields.replaced("Host", "evil.example:9001")
                             .with("Origin", "http://evil.example:9001");
  CHECK(error_of(rebound) == error::none);
  CHECK(error_by(rebound, rules) == error::host_refused);
  CHECK(error_by(upgrade_fields.replaced("Host", "localhost:9001"), rules) == error::none);
  CHECK(error_by(upgrade_fields.replaced("Host", "[::1]:9001"), rules) == error::none);
  CHECK(error_by(plain_fields, rules) == error::host_refused);
  CHECK(error_by(plain_fields.replaced("Host", "127.0.0.1"), rules) == error::none);
}

TEST_CASE("a server without a common subprotocol goes on without one",
          "[negotiation][rfc6455-4.2.2]") {
  const std::vector<std::string> supported{"chat"};
  const classified_request result = classified(
      upgrade_fields.with("Sec-WebSocket-Protocol", "mqtt"), "/", {.subprotocols = supported});
  CHECK(result.error == error::none);
  CHECK(result.subprotocol == nullptr);
}

TEST_CASE("a server refuses a malformed list of subprotocols", "[negotiation][rfc6455-4.1]") {
  CHECK(error_of(upgrade_fields.with("Sec-WebSocket-Protocol", "a, a")) ==
        error::bad_subprotocol_list);
  CHECK(error_of(upgrade_fields.with("Sec-WebSocket-Protocol", "")) == error::bad_subprotocol_list);
  CHECK(error_of(upgrade_fields.with("Sec-WebSocket-Protocol", "ch\xC3\xA4t")) ==
        error::bad_subprotocol_list);
}

TEST_CASE("of several faults the first is told, from the request line to the policy",
          "[negotiation]") {
  fields worst = upgrade_fields.with("Origin", "http://evil.example")
                     .with("Sec-WebSocket-Protocol", "")
                     .replaced("Sec-WebSocket-Key", "x")
                     .replaced("Sec-WebSocket-Version", "8")
                     .replaced("Connection", "close")
                     .with("Content-Length", "1")
                     .replaced("Host", "");
  CHECK(error_of(worst, "*", "POST") == error::bad_method);
  CHECK(error_of(worst, "*") == error::bad_target);
  CHECK(error_of(worst) == error::bad_host);
  worst = worst.replaced("Host", "a.example");
  CHECK(error_of(worst) == error::unexpected_body);
  worst = worst.without("Content-Length");
  CHECK(error_of(worst) == error::missing_connection);
  worst = worst.replaced("Connection", "upgrade");
  CHECK(error_of(worst) == error::bad_version);
  worst = worst.replaced("Sec-WebSocket-Version", "13");
  CHECK(error_of(worst) == error::bad_key);
  worst = worst.replaced("Sec-WebSocket-Key", sample_key);
  CHECK(error_of(worst) == error::origin_refused);
  worst = worst.without("Origin");
  CHECK(error_of(worst) == error::bad_subprotocol_list);
  worst = worst.without("Sec-WebSocket-Protocol");
  CHECK(error_of(worst) == error::none);
}

TEST_CASE("an error leaves nothing that could be taken for an agreement", "[negotiation]") {
  const classified_request result =
      classified(upgrade_fields.with("Origin", "http://evil.example"));
  CHECK(result.kind == request_kind::upgrade);
  CHECK(result.key.empty());
  CHECK(result.accept_key == std::array<char, 28>{});
  CHECK(result.origin.empty());
  CHECK(result.subprotocol == nullptr);
}

// --- A server's side: plain requests

TEST_CASE("a request without an upgrade to websocket is plain", "[negotiation][rfc9110-7.8]") {
  const auto request = GENERATE(values<fields>({
      plain_fields,
      plain_fields.with("Upgrade", "h2c").with("Connection", "Upgrade, HTTP2-Settings"),
      plain_fields.with("Upgrade", "websocketx"),
      plain_fields.with("Connection", "Upgrade"),
      plain_fields.with("Origin", "https://evil.example"),
      plain_fields.with("Sec-WebSocket-Protocol", "chat"),
  }));
  const classified_request result = classified(request, "/index.html?x=1");
  CHECK(result.error == error::none);
  CHECK(result.kind == request_kind::plain);
  CHECK(result.target.path == "/index.html");
  CHECK(result.target.query == "x=1");
  CHECK(result.host.host == "a.example");
  CHECK(result.key.empty());
}

TEST_CASE("a plain request is GET or HEAD, in HTTP/1.0 or 1.1", "[negotiation]") {
  CHECK(error_of(plain_fields, "/", "HEAD") == error::none);
  CHECK(error_of(plain_fields, "/", "GET", 0) == error::none);
  CHECK(error_of(plain_fields, "/", "HEAD", 0) == error::none);
  const auto method = GENERATE(values<std::string_view>(
      {"POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "head", ""}));
  CAPTURE(method);
  CHECK(error_of(plain_fields, "/", method) == error::bad_method);
}

TEST_CASE("HTTP/1.0 needs no Host, but a good one if any", "[negotiation][rfc9112-3.2]") {
  CHECK(error_of(plain_fields.without("Host")) == error::missing_host);
  CHECK(error_of(plain_fields.without("Host"), "/", "GET", 0) == error::none);
  CHECK(error_of(plain_fields.replaced("Host", "a b"), "/", "GET", 0) == error::bad_host);
  CHECK(error_of(plain_fields.with("Host", "b"), "/", "GET", 0) == error::repeated_header);

  const std::vector<std::string> allowed{"a.example"};
  const handshake_rules rules{.allowed_hosts = allowed};
  CHECK(error_of(plain_fields.without("Host"), "/", "GET", 0, rules) == error::host_refused);
  CHECK(error_of(plain_fields.without("Host"), "http://a.example/", "GET", 0, rules) ==
        error::none);
}

// --- A server's side: text

TEST_CASE("a Connection that slid into the Cookie before it is no Connection",
          "[negotiation][lecture]") {
  CHECK(error_of_text("GET /chat HTTP/1.1\r\n"
                      "Host: a.example\r\n"
                      "Upgrade: websocket\r\n"
                      "Cookie: __utma=99as Connection: Upgrade\r\n"
                      "Sec-WebSocket-Key: uRovscZjNol/umbTt5uKmw==\r\n"
                      "Sec-WebSocket-Version: 13\r\n\r\n") == error::missing_connection);
  CHECK(error_of_text("GET /chat HTTP/1.1\r\n"
                      "Host: a.example\r\n"
                      "Upgrade: websocket\r\n"
                      "Cookie: __utma=99as\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Key: uRovscZjNol/umbTt5uKmw==\r\n"
                      "Sec-WebSocket-Version: 13\r\n\r\n") == error::none);
}

TEST_CASE("values of white space only are empty values", "[negotiation][security]") {
  const auto name =
      GENERATE(values<std::string_view>({"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
                                         "Origin", "Content-Length", "Cookie"}));
  const auto space = GENERATE(values<std::string_view>({"", " ", "\t", " \t \t "}));
  CAPTURE(name, space);
  std::string text = "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n";
  text.append("Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
  text.append(sample_key).append("\r\n").append(name).append(":").append(space).append("\r\n\r\n");
  const error expected = name == "Sec-WebSocket-Protocol"     ? error::bad_subprotocol_list
                         : name == "Sec-WebSocket-Extensions" ? error::bad_extension_list
                         : name == "Origin"                   ? error::origin_refused
                         : name == "Content-Length"           ? error::unexpected_body
                                                              : error::none;
  CHECK(error_of_text(text) == expected);
}

TEST_CASE("a byte of no token, host or key in a header is refused", "[negotiation][security]") {
  for (int code = 0; code < 256; ++code) {
    if (code > 0x20 && code < 0x7F) continue;
    CAPTURE(code);
    CHECK(error_of(upgrade_fields.replaced("Host", with_byte("a.example", code))) ==
          error::bad_host);
    CHECK(error_of(upgrade_fields.replaced("Upgrade", with_byte("websocket", code))) ==
          error::missing_upgrade);
    CHECK(error_of(upgrade_fields.replaced("Connection", with_byte("Upgrade", code))) ==
          error::missing_connection);
    CHECK(error_of(upgrade_fields.replaced("Sec-WebSocket-Key", with_byte(sample_key, code))) ==
          error::bad_key);
    const std::string version_13 = std::string{"13"} + static_cast<char>(code);
    CHECK(error_of(upgrade_fields.replaced("Sec-WebSocket-Version", version_13)) ==
          error::bad_version);
    CHECK(error_of(upgrade_fields.with("Origin", with_byte("http://a.example", code))) ==
          error::origin_refused);
    CHECK(error_of(upgrade_fields.with("Sec-WebSocket-Protocol", with_byte("chatter", code))) ==
          error::bad_subprotocol_list);
  }
}

// --- A client's side

TEST_CASE("a client takes the answer of the RFC", "[negotiation][rfc6455-1.3]") {
  const std::vector<std::string> offered{"superchat", "chat"};
  const fields answer = response_fields.with("Sec-WebSocket-Protocol", "chat");
  const choice result = check_response({101, 1, answer.headers()}, sample_key, offered);
  REQUIRE(result.error == error::none);
  CHECK(result.subprotocol == &offered[1]);
}

TEST_CASE("a client takes an answer that chooses nothing", "[negotiation][rfc6455-4.1]") {
  const std::vector<std::string> offered{"chat"};
  const choice result = check_response({101, 1, response_fields.headers()}, sample_key, offered);
  CHECK(result.error == error::none);
  CHECK(result.subprotocol == nullptr);
}

TEST_CASE("a client takes no other status for an agreement", "[negotiation][rfc6455-4.1]") {
  const auto status =
      GENERATE(values<unsigned>({100, 102, 103, 200, 204, 301, 400, 403, 426, 500}));
  CAPTURE(status);
  CHECK(check_response({status, 1, response_fields.headers()}, sample_key, {}).error ==
        error::handshake_refused);
}

TEST_CASE("a client takes no upgrade in HTTP/1.0", "[negotiation][rfc6455-4.1]") {
  CHECK(check_response({101, 0, response_fields.headers()}, sample_key, {}).error ==
        error::bad_http_version);
}

TEST_CASE("a client wants Upgrade to be websocket alone, in any case",
          "[negotiation][rfc6455-4.1]") {
  CHECK(answer_error(response_fields.replaced("Upgrade", "WebSocket")) == error::none);
  CHECK(answer_error(response_fields.without("Upgrade")) == error::missing_upgrade);
  const auto value = GENERATE(values<std::string_view>(
      {"", "websockets", "web", "h2c", "websocket, h2c", "websocket,", "websocket/13"}));
  CAPTURE(value);
  CHECK(answer_error(response_fields.replaced("Upgrade", value)) == error::missing_upgrade);
  CHECK(answer_error(response_fields.with("Upgrade", value)) == error::missing_upgrade);
}

TEST_CASE("a client wants Upgrade among the tokens of Connection", "[negotiation][rfc6455-4.1]") {
  CHECK(answer_error(response_fields.replaced("Connection", "upgrade")) == error::none);
  CHECK(answer_error(response_fields.replaced("Connection", "keep-alive, UPGRADE")) == error::none);
  CHECK(answer_error(response_fields.replaced("Connection", "x").with("connection", "Upgrade")) ==
        error::none);
  CHECK(answer_error(response_fields.without("Connection")) == error::missing_connection);
  CHECK(answer_error(response_fields.replaced("Connection", "close")) == error::missing_connection);
  CHECK(answer_error(response_fields.replaced("Connection", "notUpgrade")) ==
        error::missing_connection);
}

TEST_CASE("a client takes the one accept key that answers its own",
          "[negotiation][rfc6455-4.1][lecture]") {
  const auto answers = [](std::string_view key, std::string_view accept) {
    return answer_error(response_fields.replaced("Sec-WebSocket-Accept", accept), {}, key);
  };
  CHECK(answers("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk=") == error::none);
  CHECK(answers("uRovscZjNol/umbTt5uKmw==", "rLHCkw/SKsO9GAH/ZSFhBATDKrU=") == error::none);
  // Slides that were read wrongly: a digit for a letter, in the answer or in the key.
  CHECK(answers("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sM1YUkAGmm5OPpG2HaGWk=") ==
        error::accept_mismatch);
  CHECK(answers("uRovscZjNo1/umbTt5uKmw==", "rLHCkw/SKs09GAH/ZSFhBATDKrU=") ==
        error::accept_mismatch);
}

TEST_CASE("a client takes no other accept key", "[negotiation][rfc6455-4.1]") {
  CHECK(answer_error(response_fields.without("Sec-WebSocket-Accept")) == error::accept_mismatch);
  CHECK(answer_error(response_fields.with("Sec-WebSocket-Accept", sample_accept)) ==
        error::repeated_header);
  const auto accept = GENERATE(values<std::string_view>({
      "",
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
      "s3pplmbitxaq9kygzzhzrbk+xoo=",
      "S3PPLMBITXAQ9KYGZZHZRBK+XOO=",
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo==",
      "\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"",
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, x",
      "dGhlIHNhbXBsZSBub25jZQ==",
  }));
  CAPTURE(accept);
  CHECK(answer_error(response_fields.replaced("Sec-WebSocket-Accept", accept)) ==
        error::accept_mismatch);
}

TEST_CASE("a client takes no subprotocol that it did not offer", "[negotiation][rfc6455-4.1]") {
  const auto chosen = GENERATE(values<std::string_view>(
      {"chat", "Superchat", "superchat, chat", "superchatter", "super", ""}));
  CAPTURE(chosen);
  const fields answer = response_fields.with("Sec-WebSocket-Protocol", chosen);
  CHECK(answer_error(answer, {"superchat"}) == error::subprotocol_not_offered);
  CHECK(answer_error(answer, {}) == error::subprotocol_not_offered);
  CHECK(answer_error(answer.with("Sec-WebSocket-Protocol", chosen), {"superchat"}) ==
        error::repeated_header);
}

TEST_CASE("a client takes no extension, because it offers none", "[negotiation][rfc6455-4.1]") {
  const auto chosen = GENERATE(values<std::string_view>(
      {"permessage-deflate", "x", "a, b", ",a", "permessage-deflate; server_max_window_bits=15",
       "\"", ";", "", " , ,"}));
  CAPTURE(chosen);
  CHECK(answer_error(response_fields.with("Sec-WebSocket-Extensions", chosen)) ==
        error::extension_not_offered);
  CHECK(answer_error(response_fields.with("Sec-WebSocket-Extensions", "")
                         .with("Sec-WebSocket-Extensions", chosen)) ==
        error::extension_not_offered);
}

// --- What does not depend on HTTP/1.1

TEST_CASE("version, policy and choice are checked without a request line, Upgrade or key",
          "[negotiation][rfc8441-5]") {
  // RFC 8441 5.1: the host stands in ":authority", and Sec-WebSocket-Key is not used.
  const fields request{{"sec-websocket-protocol", "chat, superchat"},
                       {"sec-websocket-version", "13"},
                       {"origin", "http://www.example.com"}};
  CHECK(check_version(request.headers()) == error::none);
  const parsed<authority> host = parse_authority("www.example.com");
  CHECK(check_policy(request.headers(), *host, {}) == error::none);
  const parsed<authority> other = parse_authority("server.example.com");
  CHECK(check_policy(request.headers(), *other, {}) == error::origin_refused);

  const fields answer{{"sec-websocket-protocol", "chat"}};
  const std::vector<std::string> offered{"chat", "superchat"};
  const choice result = check_choice(answer.headers(), offered);
  CHECK(result.error == error::none);
  CHECK(result.subprotocol == offered.data());
}
