// Cross-site WebSocket hijacking (CWE-1385) and DNS rebinding, through whole handshakes: which
// pages a server lets in as it comes, and with a list.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

std::string status_for(const http_message& request, const server_options& options = {}) {
  server_endpoint endpoint{options};
  logged_connection<role::server> server{endpoint};
  server.feed(request.text());
  const std::string status = status_of(server.take_output_text());
  if ((status == "101") != server->is_open()) FAIL("the status and the connection differ");
  return status;
}

std::string status_from(std::string_view origin, std::string_view host,
                        const server_options& options = {}) {
  return status_for(upgrade_request().replaced("Host", host).with("Origin", origin), options);
}

}  // namespace

TEST_CASE("a server lets in no page but its own", "[security][security-cswsh]") {
  using row = std::pair<const char*, const char*>;
  for (const auto& [origin, host] :
       {row{"http://a.example", "a.example"}, row{"https://a.example", "a.example"},
        row{"http://a.example:80", "a.example"}, row{"https://a.example", "a.example:443"},
        row{"http://a.example:8080", "a.example:8080"}, row{"HTTP://A.EXAMPLE", "a.example"},
        row{"http://[::1]:9001", "[::1]:9001"}, row{"http://127.0.0.1:9001", "127.0.0.1:9001"},
        row{"http://xn--bcher-kva.example", "xn--bcher-kva.example"}}) {
    INFO(origin << " to " << host);
    CHECK(status_from(origin, host) == "101");
  }
  for (const auto& [origin, host] :
       {row{"http://evil.example", "a.example"},
        // Names that look like it: a suffix, a prefix, a part, a subdomain, the parent.
        row{"http://evila.example", "a.example"}, row{"http://a.example.evil.example", "a.example"},
        row{"http://sub.a.example", "a.example"}, row{"http://example", "a.example"},
        row{"http://a.example.", "a.example"}, row{"http://a-example", "a.example"},
        // Ports.
        row{"http://a.example:81", "a.example"}, row{"http://a.example", "a.example:81"},
        row{"https://a.example", "a.example:80"}, row{"http://a.example", "a.example:443"},
        row{"http://a.example:8080", "a.example:80800"},
        // What is no page of this host at all.
        row{"null", "a.example"}, row{"file://", "a.example"}, row{"", "a.example"},
        row{"a.example", "a.example"}, row{"//a.example", "a.example"},
        row{"chrome-extension://a.example", "a.example"}, row{"http://", "a.example"},
        // Texts that a careless reader takes for the host.
        row{"http://a.example@evil.example", "a.example"},
        row{"http://evil.example/a.example", "a.example"},
        row{"http://evil.example?a.example", "a.example"},
        row{"http://evil.example#a.example", "a.example"}, row{"http://a.example/", "a.example"},
        row{"http://a.example http://evil.example", "a.example"},
        row{"http://evil.example, http://a.example", "a.example"},
        row{"http://127.0.0.1", "localhost"}, row{"http://[::1]", "localhost"},
        row{"http://0x7f000001", "127.0.0.1"}, row{"http://127.1", "127.0.0.1"}}) {
    INFO(origin << " to " << host);
    const std::string status = status_from(origin, host);
    CHECK((status == "403" || status == "400"));
  }
  // Not even the same name in other letters: bytes beyond ASCII are refused as such.
  CHECK(status_from("http://b\xC3\xBC"
                    "cher.example",
                    "xn--bcher-kva.example") == "400");
}

TEST_CASE("a request has one Origin, or it is refused", "[security][security-cswsh]") {
  const http_message request = upgrade_request();
  CHECK(status_for(request.with("Origin", "http://server.example.com")
                       .with("Origin", "http://evil.example")) == "400");
  CHECK(status_for(request.with("Origin", "http://evil.example")
                       .with("Origin", "http://server.example.com")) == "400");
  CHECK(status_for(request.with("origin", "http://evil.example")) == "403");
  CHECK(status_for(request.with("Sec-WebSocket-Origin", "http://evil.example")) == "101");
}

TEST_CASE("a program without an Origin is let in, unless the server wants one",
          "[security][security-cswsh]") {
  CHECK(status_for(upgrade_request()) == "101");
  server_options strict;
  strict.origins.allow_absent = false;
  CHECK(status_for(upgrade_request(), strict) == "403");
  CHECK(status_from("http://server.example.com", "server.example.com", strict) == "101");
}

TEST_CASE("a list of origins is exact", "[security][security-cswsh]") {
  const server_options options{
      .origins = origin_policy::listed({"https://app.example", "http://localhost:3000"})};
  for (const std::string_view good : {"https://app.example", "https://app.example:443",
                                      "HTTPS://APP.example", "http://localhost:3000"}) {
    CHECK(status_from(good, "api.example", options) == "101");
  }
  for (const std::string_view bad :
       {"http://app.example", "https://app.example:8443", "https://evilapp.example",
        "https://app.example.evil", "https://sub.app.example", "http://localhost", "null",
        "http://localhost:30000", "https://api.example", "https://app.example/"}) {
    INFO(bad);
    CHECK(status_from(bad, "api.example", options) == "403");
  }
}

TEST_CASE("a page whose name is made to resolve here still sends its own name",
          "[security][security-rebinding]") {
  const server_options options{.allowed_hosts = loopback_hosts()};
  for (const std::string_view host :
       {"localhost", "localhost:9001", "127.0.0.1:9001", "[::1]:9001", "LOCALHOST"}) {
    CHECK(status_for(upgrade_request().replaced("Host", host), options) == "101");
  }
  for (const std::string_view host : {"evil.example", "evil.example:9001", "localhost.evil.example",
                                      "127.0.0.1.nip.io", "127.0.0.2", "[::2]", "a.localhost"}) {
    INFO(host);
    CHECK(status_for(upgrade_request().replaced("Host", host), options) == "421");
    // Same origin, as the browser sees it: that is what rebinding is for.
    CHECK(status_from("http://" + std::string{host}, host, options) == "421");
  }
}

TEST_CASE("an absolute target must name the host that the Host header names",
          "[security][security-absolute-target]") {
  CHECK(status_for(upgrade_request("http://server.example.com/chat")) == "101");
  CHECK(status_for(upgrade_request("ws://server.example.com:80/chat")) == "101");
  for (const std::string_view target :
       {"http://internal.example/chat", "http://server.example.com:81/chat",
        "http://server.example.com@internal.example/", "ftp://server.example.com/",
        "http:/server.example.com/", "//internal.example/"}) {
    server_endpoint endpoint{{.answers_http = true}};
    logged_connection<role::server> server{endpoint};
    server.feed(upgrade_request(target).text());
    INFO(target);
    // A path that begins with two slashes is a path of this host, and nothing else.
    const std::string status = status_of(server.take_output_text());
    CHECK(status == (target.starts_with("//") ? "101" : "400"));
  }
}
