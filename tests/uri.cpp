#include "hawser/uri.hpp"

#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

using namespace hawser;

namespace {

// All of it at compile time: default ports, given ports, IPv6, userinfo, and what is refused.
static_assert(parse_uri("ws://example.com")->port == 80);
static_assert(!parse_uri("ws://example.com")->secure);
static_assert(parse_uri("wss://example.com")->port == 443);
static_assert(parse_uri("wss://example.com")->secure);
static_assert(parse_uri("ws://example.com:9001/chat")->port == 9001);
static_assert(parse_uri("ws://[::1]:9001/")->host == "[::1]");
static_assert(parse_uri("ws://[::1]:9001/")->host_without_brackets() == "::1");
static_assert(parse_uri("ws://user:secret@example.com/")->userinfo == "user:secret");
static_assert(parse_uri("ws://example.com/a?b=c")->path == "/a");
static_assert(parse_uri("ws://example.com/a?b=c")->query == "b=c");
static_assert(parse_uri("ws://example.com/#fragment").error == error::bad_url);
static_assert(parse_uri("ws://[fe80::1%25eth0]/").error == error::bad_url);
static_assert(parse_uri("http://example.com/").error == error::bad_url);

}  // namespace

TEST_CASE("a ws or wss URI is taken into its parts", "[uri][rfc6455-3]") {
  struct row {
    std::string_view text;
    bool secure;
    std::string_view userinfo, host;
    std::uint16_t port;
    std::string_view path, query;
    std::string_view resource_name, host_header;
  };
  const auto each = GENERATE(values<row>({
      {"ws://a", false, "", "a", 80, "", "", "/", "a"},
      {"WS://A/", false, "", "A", 80, "/", "", "/", "A"},
      {"wSs://a", true, "", "a", 443, "", "", "/", "a"},
      {"ws://a:80/", false, "", "a", 80, "/", "", "/", "a"},
      {"ws://a:443/", false, "", "a", 443, "/", "", "/", "a:443"},
      {"wss://a:80", true, "", "a", 80, "", "", "/", "a:80"},
      {"wss://a:443", true, "", "a", 443, "", "", "/", "a"},
      {"ws://a:/", false, "", "a", 80, "/", "", "/", "a"},
      {"ws://a:65535", false, "", "a", 65535, "", "", "/", "a:65535"},
      {"ws://a?", false, "", "a", 80, "", "", "/", "a"},
      {"ws://a?x=1", false, "", "a", 80, "", "x=1", "/?x=1", "a"},
      {"ws://a/?", false, "", "a", 80, "/", "", "/", "a"},
      {"ws://a/b/c?d=/e?f", false, "", "a", 80, "/b/c", "d=/e?f", "/b/c?d=/e?f", "a"},
      {"ws://a//b/../c", false, "", "a", 80, "//b/../c", "", "//b/../c", "a"},
      {"ws://a/%C3%BC%00?%20", false, "", "a", 80, "/%C3%BC%00", "%20", "/%C3%BC%00?%20", "a"},
      {"ws://a/:@!$&'()*+,;=-._~", false, "", "a", 80, "/:@!$&'()*+,;=-._~", "",
       "/:@!$&'()*+,;=-._~", "a"},
      {"ws://127.0.0.1:9001", false, "", "127.0.0.1", 9001, "", "", "/", "127.0.0.1:9001"},
      {"wss://[2001:db8::1]/x", true, "", "[2001:db8::1]", 443, "/x", "", "/x", "[2001:db8::1]"},
      {"ws://[::ffff:1.2.3.4]:8080", false, "", "[::ffff:1.2.3.4]", 8080, "", "", "/",
       "[::ffff:1.2.3.4]:8080"},
      {"ws://u@a", false, "u", "a", 80, "", "", "/", "a"},
      {"ws://u:p:q%40@a:81/x", false, "u:p:q%40", "a", 81, "/x", "", "/x", "a:81"},
      {"ws://@a", false, "", "a", 80, "", "", "/", "a"},
      {"ws://a/@b", false, "", "a", 80, "/@b", "", "/@b", "a"},
      {"ws://a?b@c", false, "", "a", 80, "", "b@c", "/?b@c", "a"},
  }));
  CAPTURE(each.text);
  const parsed<uri> result = parse_uri(each.text);
  REQUIRE(result);
  CHECK(result->secure == each.secure);
  CHECK(result->userinfo == each.userinfo);
  CHECK(result->host == each.host);
  CHECK(result->port == each.port);
  CHECK(result->path == each.path);
  CHECK(result->query == each.query);
  CHECK(make_resource_name(*result) == each.resource_name);
  CHECK(make_host(*result) == each.host_header);
}

TEST_CASE("what is no ws or wss URI is a bad URL", "[uri][rfc6455-3]") {
  using namespace std::string_view_literals;
  const auto text = GENERATE(values<std::string_view>({
      // Schemes and shapes.
      "",
      "ws",
      "ws:",
      "ws:/",
      "ws:a",
      "ws:/a",
      "ws:///",
      "ws://",
      "://a",
      "//a",
      "/a",
      "a",
      "http://a",
      "https://a",
      "wsss://a",
      "w://a",
      " ws://a",
      "ws ://a",
      "ws: //a",
      "ws:\\\\a",
      // RFC 6455 3: no fragment.
      "ws://a#",
      "ws://a/#b",
      "ws://a/?b#c",
      "ws://#a",
      "ws://u#@a",
      // Hosts and ports.
      "ws://:80",
      "ws://:80/",
      "ws://u@",
      "ws://u@/x",
      "ws:///x",
      "ws://?x",
      "ws://a:0",
      "ws://a:65536",
      "ws://a:99999999999999999999",
      "ws://a:b",
      "ws://a:8 0",
      "ws://a:-1",
      "ws://a:80:80",
      "ws://[::1",
      "ws://::1",
      "ws://[::1]x",
      "ws://[::g]",
      "ws://[1.2.3.4]",
      "ws://[v1.x]",
      "ws://[fe80::1%25eth0]",
      "ws://[fe80::1%eth0]",
      "ws://a%",
      "ws://a%2",
      "ws://a%2x",
      "ws://a b",
      "ws://a\\b",
      "ws://a^b",
      // Userinfo.
      "ws://u%@a",
      "ws://u%4@a",
      "ws://u v@a",
      "ws://u@v@a",
      "ws://[u]@a",
      "ws://u\\@a",
      // Paths and queries.
      "ws://a/%",
      "ws://a/%4",
      "ws://a/%4x",
      "ws://a/?%",
      "ws://a/?%x1",
      "ws://a/ b",
      "ws://a/?b c",
      "ws://a/[",
      "ws://a/?{}",
      "ws://a/\\",
      "ws://a/\"",
      "ws://a/<>",
      "ws://a/^",
      "ws://a/`",
      "ws://a/|",
      // Bytes that could end a line, or that a URI has only percent-encoded.
      "ws://a/\r\nX: y",
      "ws://a\r\n/",
      "ws://u\n@a",
      "ws://a/?\n",
      "ws://a/\0"sv,
      "ws://a\0b"sv,
      "ws://a/\x7F",
      "ws://a/\t",
      "ws://b\xC3\xBC"
      "cher.example/",
      "ws://a/\xC3\xBC",
      "ws://a/?\xFF",
      "ws://a/ ",
      "ws://a/\n",
  }));
  CAPTURE(text);
  const parsed<uri> result = parse_uri(text);
  CHECK(result.error == error::bad_url);
  CHECK(result->host.empty());
}

TEST_CASE("names and hosts are appended to what is there", "[uri]") {
  const parsed<uri> from = parse_uri("ws://a:8080/b?c");
  REQUIRE(from);
  std::string out = "GET ";
  append_resource_name(out, *from);
  out += " HTTP/1.1\r\nHost: ";
  append_host(out, *from);
  CHECK(out == "GET /b?c HTTP/1.1\r\nHost: a:8080");
}
