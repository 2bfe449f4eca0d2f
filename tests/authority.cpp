#include "hawser/authority.hpp"

#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

using namespace hawser;

TEST_CASE("a host and port are taken apart", "[authority]") {
  struct row {
    std::string_view text;
    std::string_view host;
    std::uint16_t port;
  };
  const auto each = GENERATE(values<row>({
      {"example.com", "example.com", 0},
      {"example.com:80", "example.com", 80},
      {"EXAMPLE.com:65535", "EXAMPLE.com", 65535},
      {"example.com:", "example.com", 0},
      {"example.com:0080", "example.com", 80},
      {"example.com.", "example.com.", 0},
      {"localhost:1", "localhost", 1},
      {"127.0.0.1:9001", "127.0.0.1", 9001},
      {"999.1.1.1", "999.1.1.1", 0},
      {"[::1]", "[::1]", 0},
      {"[::1]:8080", "[::1]", 8080},
      {"[2001:DB8::7]:443", "[2001:DB8::7]", 443},
      {"xn--bcher-kva.example", "xn--bcher-kva.example", 0},
      {"a_b~c!$&'()*+,;=d", "a_b~c!$&'()*+,;=d", 0},
      {"%41.example", "%41.example", 0},
  }));
  CAPTURE(each.text);
  const parsed<authority> result = parse_authority(each.text);
  REQUIRE(result);
  CHECK(result->host == each.host);
  CHECK(result->port == each.port);
  CHECK(result->has_port() == (each.port != 0));
  CHECK(result->port_or(77) == (each.port == 0 ? 77 : each.port));
}

TEST_CASE("what is no host and port is a bad host", "[authority]") {
  using namespace std::string_view_literals;
  const auto text = GENERATE(values<std::string_view>({
      "",
      ":",
      ":80",
      "a:b",
      "a:80:81",
      "a:-1",
      "a:+1",
      "a: 1",
      "a:0",
      "a:00",
      "a:65536",
      "a:4294967376",
      "a b",
      " a",
      "a ",
      "a/b",
      "a?b",
      "a#b",
      "user@a",
      "user:p@a",
      "a@",
      "a\\b",
      "a%",
      "a%4",
      "a%4g",
      "b\xC3\xBC"
      "cher.example",
      "a\0b"sv,
      "a\tb",
      "a\x7F",
      "[]",
      "[",
      "]",
      "[::1",
      "::1",
      "[::1]a",
      "[::1]80",
      "[::1]:0",
      "[::1]]",
      "[[::1]]",
      "[v1.a]",
      "[fe80::1%25eth0]",
      "[fe80::1%eth0]",
      "[::1]:80:",
      "a[::1]",
      "\"a\"",
      "a<b",
      "a|b",
  }));
  CAPTURE(text);
  const parsed<authority> result = parse_authority(text);
  CHECK(result.error == error::bad_host);
  CHECK(result->host.empty());
}

TEST_CASE("an IPv6 address has eight groups, or fewer with one pair of colons",
          "[authority][rfc3986-3.2.2]") {
  const auto good = GENERATE(values<std::string_view>({
      "::",
      "::1",
      "1::",
      "1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7::",
      "::2:3:4:5:6:7:8",
      "1::8",
      "1:2::7:8",
      "abcd:EF01:0:00:000:0000:9:a",
      "::1.2.3.4",
      "::ffff:255.255.255.255",
      "1:2:3:4:5:6:1.2.3.4",
      "1::5:1.2.3.4",
      "1:2:3:4:5::1.2.3.4",
  }));
  CAPTURE(good);
  CHECK(parse_authority("[" + std::string{good} + "]"));
}

TEST_CASE("other texts in brackets are no IPv6 address", "[authority][rfc3986-3.2.2]") {
  const auto bad = GENERATE(values<std::string_view>({
      ":",
      "1",
      "1:",
      ":1",
      ":::",
      "1:::2",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8",
      "1:2:3:4::5:6:7:8",
      "12345::",
      "g::",
      "::-1",
      "::1 ",
      " ::1",
      "1.2.3.4",
      "::1.2.3",
      "::1.2.3.4.5",
      "::1.2.3.256",
      "::01.2.3.4",
      "::1.2.3.4:5",
      "1:2:3:4:5:6:7:1.2.3.4",
      "1:2:3:4:5:6::1.2.3.4",
      "::1.2.3.",
      "::.1.2.3",
      "::1..2.3",
      "::a.2.3.4",
      "::1234.2.3.4",
  }));
  CAPTURE(bad);
  CHECK_FALSE(parse_authority("[" + std::string{bad} + "]"));
}

TEST_CASE("every byte that is not of a name is refused in a host", "[authority]") {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool is_good =
        detail::is_alpha(c) || detail::is_digit(c) ||
        (code != 0 && std::string_view{"-._~!$&'()*+,;=:"}.find(c) != std::string_view::npos);
    CAPTURE(code);
    CHECK(static_cast<bool>(parse_authority(std::string{"a"} + c)) == is_good);
  }
}

TEST_CASE("schemes have the ports of the web", "[authority]") {
  CHECK(default_port_of("http") == 80);
  CHECK(default_port_of("WS") == 80);
  CHECK(default_port_of("https") == 443);
  CHECK(default_port_of("wSs") == 443);
  CHECK(default_port_of("ftp") == 0);
  CHECK(default_port_of("") == 0);
}

TEST_CASE("authorities are compared with a default port and nothing else", "[authority]") {
  STATIC_REQUIRE(is_same_authority({"a.example", 0}, {"A.EXAMPLE", 80}, 80));
  STATIC_REQUIRE(is_same_authority({"a.example", 0}, {"a.example", 0}, 80));
  STATIC_REQUIRE_FALSE(is_same_authority({"a.example", 0}, {"a.example", 443}, 80));
  STATIC_REQUIRE_FALSE(is_same_authority({"a.example", 81}, {"a.example", 82}, 80));
  STATIC_REQUIRE_FALSE(is_same_authority({"a.example.", 0}, {"a.example", 0}, 80));
  STATIC_REQUIRE_FALSE(is_same_authority({"b.a.example", 0}, {"a.example", 0}, 80));
}
