#include "hawser/target.hpp"

#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

using namespace hawser;

TEST_CASE("an origin-form is a path and a query", "[target][rfc9112-3.2.1]") {
  struct row {
    std::string_view text, path, query;
  };
  const auto each = GENERATE(values<row>({
      {"/", "/", ""},
      {"/chat", "/chat", ""},
      {"/chat?", "/chat", ""},
      {"/chat?a=b&c", "/chat", "a=b&c"},
      {"/?a?b/c", "/", "a?b/c"},
      {"//evil.example/x", "//evil.example/x", ""},
      {"/../%2e%2E/%00", "/../%2e%2E/%00", ""},
      {"/a%?%zz", "/a%", "%zz"},
      {"/x://y", "/x://y", ""},
      {"/?[]{}|\\^`\"<>", "/", "[]{}|\\^`\"<>"},
  }));
  CAPTURE(each.text);
  const parsed<request_target> result = parse_target(each.text);
  REQUIRE(result);
  CHECK_FALSE(result->is_absolute());
  CHECK(result->place.host.empty());
  CHECK(result->path == each.path);
  CHECK(result->query == each.query);
  CHECK(target_path(each.text) == each.path);
  CHECK(target_query(each.text) == each.query);
}

TEST_CASE("an absolute-form names a host too", "[target][rfc9112-3.2.2]") {
  struct row {
    std::string_view text, scheme, host;
    std::uint16_t port;
    std::string_view path, query;
  };
  const auto each = GENERATE(values<row>({
      {"ws://a.example/chat?x", "ws", "a.example", 0, "/chat", "x"},
      {"wss://a.example:444", "wss", "a.example", 444, "/", ""},
      {"http://a.example?x", "http", "a.example", 0, "/", "x"},
      {"HTTPS://[::1]:80/", "HTTPS", "[::1]", 80, "/", ""},
      {"http://a.example//b", "http", "a.example", 0, "//b", ""},
  }));
  CAPTURE(each.text);
  const parsed<request_target> result = parse_target(each.text);
  REQUIRE(result);
  CHECK(result->is_absolute());
  CHECK(result->scheme == each.scheme);
  CHECK(result->place.host == each.host);
  CHECK(result->place.port == each.port);
  CHECK(result->path == each.path);
  CHECK(result->query == each.query);
}

TEST_CASE("other forms and malformed targets are refused", "[target][rfc9112-3.2]") {
  using namespace std::string_view_literals;
  const auto text = GENERATE(values<std::string_view>({
      "",
      "*",
      "chat",
      "?x",
      "a.example",
      "a.example:443",
      "[::1]:80",
      "a.example/x",
      "://a",
      ":///",
      "ftp://a/",
      "file:///x",
      "javascript://a",
      "http:/a",
      "http:a",
      "http://",
      "http:///x",
      "http://?x",
      "http://:80/",
      "http://u@a/",
      "http://a@b.example/",
      "http://a:0/",
      "http://a:x/",
      "http://[::1/",
      "http://a b/",
      "/#",
      "/a#b",
      "http://a/#b",
      "/a b",
      "/a\tb",
      " /",
      "/ ",
      "/a\r\nX: y",
      "/\0"sv,
      "/\x7F",
      "/\xC3\xBC",
      "/?\xFF",
      "\\",
      "\\\\a",
  }));
  CAPTURE(text);
  CHECK(parse_target(text).error == error::bad_target);
  CHECK(target_path(text).empty());
  CHECK(target_query(text).empty());
}

TEST_CASE("visible characters other than a number sign stand in a target", "[target]") {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    CAPTURE(code);
    const bool is_good = code > 0x20 && code < 0x7F && c != '#';
    CHECK(static_cast<bool>(parse_target(std::string{"/a"} + c)) == is_good);
    CHECK(static_cast<bool>(parse_target(std::string{"/?a"} + c)) == is_good);
  }
}

TEST_CASE("a value is found in a query by its exact name", "[target]") {
  STATIC_REQUIRE(query_value("a=1&b=2", "b") == "2");
  CHECK(query_value("a=1&a=2", "a") == "1");
  CHECK(query_value("ab=1&b=2", "b") == "2");
  CHECK(query_value("A=1", "a") == "");
  CHECK(query_value("a=b=c", "a") == "b=c");
  CHECK(query_value("a=%20+&b", "a") == "%20+");
  CHECK(query_value("b&a=1", "a") == "1");
  CHECK(query_value("a&a=1", "a") == "");
  CHECK(query_value("&&a=1&", "a") == "1");
  CHECK(query_value("", "a") == "");
  CHECK(query_value("=1", "") == "1");
  CHECK(query_value("b=a=1", "a") == "");
}
