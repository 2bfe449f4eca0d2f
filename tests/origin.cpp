#include "hawser/origin.hpp"

#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

authority host(std::string_view text) {
  const parsed<authority> result = parse_authority(text);
  REQUIRE(result);
  return *result;
}

bool is_allowed_by_default(std::string_view origin_header, std::string_view host_header) {
  return is_origin_allowed({}, origin_header, host(host_header));
}

static_assert(parse_origin("https://example.com")->port == 443);
static_assert(parse_origin("http://[::1]:8080")->host == "[::1]");
static_assert(parse_origin("null")->is_null());
static_assert(!parse_origin("https://example.com/"));

}  // namespace

TEST_CASE("a serialized origin is taken apart", "[origin][rfc6454-6.2]") {
  struct row {
    std::string_view text, scheme, host;
    std::uint16_t port;
  };
  const auto each = GENERATE(values<row>({
      {"http://a.example", "http", "a.example", 80},
      {"https://a.example", "https", "a.example", 443},
      {"ws://a.example", "ws", "a.example", 80},
      {"WSS://A.example", "WSS", "A.example", 443},
      {"http://a.example:8080", "http", "a.example", 8080},
      {"https://[::1]:443", "https", "[::1]", 443},
      {"chrome-extension://abcdefghijklmnop", "chrome-extension", "abcdefghijklmnop", 0},
      {"app+x.y://localhost:81", "app+x.y", "localhost", 81},
  }));
  CAPTURE(each.text);
  const parsed<origin> result = parse_origin(each.text);
  REQUIRE(result);
  CHECK_FALSE(result->is_null());
  CHECK(result->scheme == each.scheme);
  CHECK(result->host == each.host);
  CHECK(result->port == each.port);
}

TEST_CASE("what is no serialized origin is refused", "[origin][rfc6454-7.1]") {
  using namespace std::string_view_literals;
  const auto text = GENERATE(values<std::string_view>({
      "",
      " ",
      "NULL",
      "Null",
      "null ",
      "nul",
      "http",
      "http:",
      "http:/",
      "http://",
      "://a",
      "//a",
      "a",
      "a.example",
      "a:80",
      "http://a/",
      "http://a/b",
      "http://a?b",
      "http://a#b",
      "http://good@evil.example",
      "http://good:80@evil.example",
      "http://@a",
      "http://a b",
      "http://a http://b",
      "http://a, http://b",
      "http://a,null\n",
      "http://a:0",
      "http://a:65536",
      "http://a:x",
      "http://[::1",
      "http://::1",
      "1http://a",
      "ht tp://a",
      "http\t://a",
      " http://a",
      "http://a ",
      "file://",
      "file:///x",
      "http://b\xC3\xBC"
      "cher.example",
      "http://a\0"sv,
      "http://a\\b",
      "-://a",
      "ht*p://a",
  }));
  CAPTURE(text);
  CHECK(parse_origin(text).error == error::origin_refused);
}

TEST_CASE("origins are the same where scheme, host and port are", "[origin][rfc6454-5]") {
  const auto is_same = [](std::string_view a, std::string_view b) {
    return is_same_origin(*parse_origin(a), *parse_origin(b));
  };
  CHECK(is_same("http://a", "HTTP://A:80"));
  CHECK(is_same("https://a:443", "https://a"));
  CHECK_FALSE(is_same("http://a", "https://a"));
  CHECK_FALSE(is_same("http://a:443", "https://a"));
  CHECK_FALSE(is_same("http://a", "ws://a"));
  CHECK_FALSE(is_same("http://a", "http://a."));
  CHECK_FALSE(is_same("http://a", "http://b"));
  CHECK_FALSE(is_same("null", "null"));
}

TEST_CASE("by default the origin must be of the host that is asked", "[origin][csrf]") {
  struct row {
    std::string_view origin, host;
  };
  const auto good = GENERATE(values<row>({
      {"http://a.example", "a.example"},
      {"http://a.example", "a.example:80"},
      {"http://a.example:80", "a.example"},
      {"https://a.example", "a.example"},
      {"https://a.example", "a.example:443"},
      {"https://a.example:443", "a.example"},
      {"ws://a.example", "a.example"},
      {"wss://a.example", "a.example:443"},
      {"http://A.Example", "a.eXample"},
      {"HTTP://a.example:8080", "a.example:8080"},
      {"http://127.0.0.1:9001", "127.0.0.1:9001"},
      {"http://[::1]:9001", "[::1]:9001"},
      {"https://xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"http://a.example.", "a.example."},
  }));
  CAPTURE(good.origin, good.host);
  CHECK(is_allowed_by_default(good.origin, good.host));
}

TEST_CASE("by default a page of anywhere else is kept out", "[origin][csrf]") {
  struct row {
    std::string_view origin, host;
  };
  const auto bad = GENERATE(values<row>({
      // Another site, by suffix, prefix, label or lookalike.
      {"http://evil.example", "a.example"},
      {"http://evil-a.example", "a.example"},
      {"http://evil.a.example", "a.example"},
      {"http://a.example.evil.example", "a.example"},
      {"http://a.exampleevil", "a.example"},
      {"http://a.exampl", "a.example"},
      {"http://example", "a.example"},
      {"http://axexample", "a.example"},
      {"http://a.example.", "a.example"},
      {"http://a.example", "a.example."},
      {"http://%61.example", "a.example"},
      {"http://xn--a-example", "a.example"},
      {"http://xn--bcher-kva.example", "bucher.example"},
      {"http://b\xC3\xBC"
       "cher.example",
       "xn--bcher-kva.example"},
      {"http://127.0.0.1:9001", "localhost:9001"},
      {"http://[::1]:9001", "[0:0:0:0:0:0:0:1]:9001"},
      // The same host, another port.
      {"http://a.example:8080", "a.example"},
      {"http://a.example", "a.example:8080"},
      {"https://a.example", "a.example:80"},
      {"http://a.example", "a.example:443"},
      {"https://a.example:80", "a.example"},
      // No origin of a page, or one with something hidden in it.
      {"null", "a.example"},
      {"", "a.example"},
      {"a.example", "a.example"},
      {"http://a.example/", "a.example"},
      {"http://a.example@evil.example", "a.example"},
      {"http://a.example:80@evil.example", "a.example"},
      {"http://evil.example#a.example", "a.example"},
      {"http://evil.example/a.example", "a.example"},
      {"http://evil.example\\a.example", "a.example"},
      {"http://evil.example http://a.example", "a.example"},
      {"http://a.example, http://evil.example", "a.example"},
      // Schemes that are not the web's: an app, an extension, a file.
      {"chrome-extension://a.example", "a.example"},
      {"file://a.example", "a.example"},
      {"tauri://localhost:9001", "localhost:9001"},
  }));
  CAPTURE(bad.origin, bad.host);
  CHECK_FALSE(is_allowed_by_default(bad.origin, bad.host));
}

TEST_CASE("a list lets in exactly what it names", "[origin][csrf]") {
  const origin_policy policy = origin_policy::listed(
      {"https://a.example", "http://B.example:8080", "http://c.example:80", "app://d.example",
       "https://[::1]", "e.example", "https://f.example/"});
  const authority here = host("here.example");
  const auto is_allowed = [&](std::string_view text) {
    return is_origin_allowed(policy, text, here);
  };
  CHECK(is_allowed("https://a.example"));
  CHECK(is_allowed("HTTPS://A.EXAMPLE:443"));
  CHECK(is_allowed("http://b.example:8080"));
  CHECK(is_allowed("http://c.example"));
  CHECK(is_allowed("app://d.example"));
  CHECK(is_allowed("https://[::1]:443"));

  CHECK_FALSE(is_allowed("http://a.example"));
  CHECK_FALSE(is_allowed("https://a.example:444"));
  CHECK_FALSE(is_allowed("https://www.a.example"));
  CHECK_FALSE(is_allowed("https://a.example.evil.example"));
  CHECK_FALSE(is_allowed("https://evila.example"));
  CHECK_FALSE(is_allowed("https://a.example."));
  CHECK_FALSE(is_allowed("https://a.example@evil.example"));
  CHECK_FALSE(is_allowed("http://b.example"));
  CHECK_FALSE(is_allowed("http://c.example:8080"));
  CHECK_FALSE(is_allowed("app://d.example:80"));
  CHECK_FALSE(is_allowed("http://here.example"));
  CHECK_FALSE(is_allowed("null"));
  CHECK_FALSE(is_allowed(""));
  // Entries that are no origins match nothing, not even themselves.
  CHECK_FALSE(is_allowed("e.example"));
  CHECK_FALSE(is_allowed("https://e.example"));
  CHECK_FALSE(is_allowed("https://f.example"));
  CHECK_FALSE(is_allowed("https://f.example/"));
}

TEST_CASE("null is let in where the list names it", "[origin][csrf]") {
  const origin_policy policy = origin_policy::listed({"https://a.example", "null"});
  CHECK(is_origin_allowed(policy, "null", host("here.example")));
  CHECK(is_origin_allowed(policy, "https://a.example", host("here.example")));
  CHECK_FALSE(is_origin_allowed(policy, "NULL", host("here.example")));
  CHECK_FALSE(is_origin_allowed(policy, "https://null", host("here.example")));
}

TEST_CASE("an empty list lets in no page", "[origin][csrf]") {
  const origin_policy policy = origin_policy::listed({});
  CHECK_FALSE(is_origin_allowed(policy, "https://here.example", host("here.example")));
  CHECK_FALSE(is_origin_allowed(policy, "null", host("here.example")));
}

TEST_CASE("any lets in every origin", "[origin]") {
  const auto text = GENERATE(values<std::string_view>({"https://evil.example", "null", "", "?"}));
  CAPTURE(text);
  CHECK(is_origin_allowed(origin_policy::any(), text, host("here.example")));
}

TEST_CASE("a request without Origin is let in unless the policy says otherwise", "[origin]") {
  CHECK(origin_policy{}.allow == origin_policy::rule::same_host);
  CHECK(origin_policy{}.allow_absent);
  CHECK(origin_policy::listed({"https://a.example"}).allow_absent);
  CHECK(origin_policy::any().allow_absent);
}

TEST_CASE("a bad entry of a list is found at start-up", "[origin]") {
  CHECK(find_bad_origin({}) == nullptr);
  CHECK(find_bad_origin(origin_policy::listed({"https://a.example", "null"})) == nullptr);
  const auto entry = GENERATE(
      values<std::string>({"a.example", "https://a.example/", "*", "https://*.a.example:*", ""}));
  const origin_policy policy = origin_policy::listed({"https://a.example", entry});
  CHECK(find_bad_origin(policy) == &policy.origins[1]);
}

TEST_CASE("only the allowed hosts are answered for", "[origin][dns-rebinding]") {
  const std::vector<std::string> allowed{"a.example", "[2001:db8::1]"};
  CHECK(is_host_allowed(allowed, "a.example"));
  CHECK(is_host_allowed(allowed, "A.EXAMPLE"));
  CHECK(is_host_allowed(allowed, "[2001:DB8::1]"));
  CHECK_FALSE(is_host_allowed(allowed, "a.example."));
  CHECK_FALSE(is_host_allowed(allowed, "b.a.example"));
  CHECK_FALSE(is_host_allowed(allowed, "a.example.evil.example"));
  CHECK_FALSE(is_host_allowed(allowed, "a.exampl"));
  CHECK_FALSE(is_host_allowed(allowed, "2001:db8::1"));
  CHECK_FALSE(is_host_allowed(allowed, ""));
  CHECK(is_host_allowed({}, "anything.example"));
}

TEST_CASE("the loopback names are this machine's, and a rebound name is not",
          "[origin][dns-rebinding]") {
  const std::vector<std::string> allowed = loopback_hosts();
  CHECK(is_host_allowed(allowed, "localhost"));
  CHECK(is_host_allowed(allowed, "LocalHost"));
  CHECK(is_host_allowed(allowed, "127.0.0.1"));
  CHECK(is_host_allowed(allowed, "[::1]"));
  CHECK_FALSE(is_host_allowed(allowed, "localhost.evil.example"));
  CHECK_FALSE(is_host_allowed(allowed, "127.0.0.1.evil.example"));
  CHECK_FALSE(is_host_allowed(allowed, "evil.example"));
  CHECK_FALSE(is_host_allowed(allowed, "localhost."));
  CHECK_FALSE(is_host_allowed(allowed, "127.1"));
}
