// Opening handshakes of hostile peers: heads that grow, drip, repeat or never end.

#include "hawser/connection.hpp"
#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

std::string status_for(const std::string& request, server_options options = {}) {
  server_endpoint endpoint{std::move(options)};
  logged_connection<role::server> server{endpoint};
  server.feed(request);
  return status_of(server.take_output_text());
}

// All bytes that are asked for while a head comes byte by byte.
template <role Role, class Connection>
std::size_t requested_for(Connection& connection, std::string head) {
  const allocation_watch watch;
  for (char& c : head) {
    auto events = connection.receive(std::as_writable_bytes(std::span{&c, 1}));
    while (events.next()) {
    }
  }
  return watch.requested();
}

std::string head_with_fields(const std::string& first_line, std::size_t count) {
  std::string head = first_line + "\r\nHost: a\r\n";
  for (std::size_t i = 0; i < count; ++i) head += "X-Header: some value of the usual length\r\n";
  return head;
}

}  // namespace

TEST_CASE("a flood of headers gets 431, and holds no more than the limit",
          "[security][security-header-count]") {
  for (const std::size_t count : {100U, 101U, 2000U, 100'000U}) {
    http_message request = plain_request();
    std::string head = request.text();
    head.resize(head.size() - 2);
    for (std::size_t i = 1; i < count; ++i) head += "a:b\r\n";
    head += "\r\n";
    const server_options options{.answers_http = true};
    CHECK(status_for(head, options) == (count <= 100 ? "" : "431"));
  }
  // The headers that matter stand behind the flood.
  std::string head = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) head += "a:b\r\n";
  head += upgrade_request().text().substr(20);
  CHECK(status_for(head) == "431");
}

TEST_CASE("a head over the limit gets 431 at that byte", "[security][security-head-size]") {
  for (const std::size_t limit : {std::size_t{200}, limits{}.max_head_size}) {
    const std::string start = "GET /";
    const std::string end = " HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string fits = start + std::string(limit - start.size() - end.size(), 'x') + end;
    REQUIRE(fits.size() == limit);
    const server_options options{.limits = {.max_head_size = limit}, .answers_http = true};
    CHECK(status_for(fits, options).empty());
    CHECK(status_for("GET /x" + fits.substr(5), options) == "431");

    // What does not end is refused at the limit, and not a byte later.
    server_endpoint endpoint{options};
    logged_connection<role::server> server{endpoint};
    server.feed("GET /" + std::string(limit - 5, 'x'));
    CHECK_FALSE(server.has_ended());
    server.feed("x");
    CHECK(server.last_line() == opening_failure_line(error::head_too_large));
  }
}

TEST_CASE("a client bounds heads like a server does", "[security][security-head-size]") {
  const std::vector<std::pair<std::string, error>> heads{
      {"HTTP/1.1 101 " + std::string(20'000, 'x'), error::head_too_large},
      {head_with_fields("HTTP/1.1 101 x", 101), error::too_many_headers},
      {"HTTP/1.1 101 x\r\nX: " + std::string(1'000'000, 'x'), error::head_too_large}};
  for (const auto& [head, expected] : heads) {
    client_endpoint endpoint{{.entropy = sample_nonce()}};
    logged_connection<role::client> client{endpoint, {.url = "ws://a.example"}};
    const allocation_watch watch;
    auto copy = std::make_unique<char[]>(head.size());
    std::copy(head.begin(), head.end(), copy.get());
    client.feed_in_place(std::as_writable_bytes(std::span{copy.get(), head.size()}));
    CHECK(client->error() == expected);
    CHECK(watch.peak() < head.size() + 64 * 1024);
  }
}

TEST_CASE("a head that comes byte by byte takes work in proportion to its size",
          "[security][security-head-linear]") {
  const auto at_server = [](std::size_t fields) {
    server_endpoint endpoint{{.limits = {.max_head_size = 1 << 20, .max_headers = 10'000}}};
    server_connection connection{endpoint};
    return requested_for<role::server>(connection, head_with_fields("GET / HTTP/1.1", fields));
  };
  const auto at_client = [](std::size_t fields) {
    client_endpoint endpoint{
        {.limits = {.max_head_size = 1 << 20, .max_headers = 10'000}, .entropy = sample_nonce()}};
    client_connection connection{endpoint, {.url = "ws://a.example"}};
    return requested_for<role::client>(connection, head_with_fields("HTTP/1.1 101 x", fields));
  };
  for (const std::size_t fields : {100U, 1000U, 5000U}) {
    const std::size_t size = head_with_fields("GET / HTTP/1.1", fields).size();
    // The pool of a server has blocks of powers of two.
    CHECK(at_server(fields) <= 16 * size + 4096);
    CHECK(at_client(fields) <= 8 * size + 4096);
  }
}

TEST_CASE("long lists in headers are read in one go", "[security][security-list-linear]") {
  const server_options options{.limits = {.max_head_size = 4 << 20}, .subprotocols = {"chat"}};
  const std::string spaces(1 << 20, ' ');
  const auto with = [](std::string_view name, std::string_view value) {
    return upgrade_request().with(name, value).text();
  };
  CHECK(status_for(with("Sec-WebSocket-Protocol", "b" + spaces + "x"), options) == "400");
  CHECK(status_for(with("Sec-WebSocket-Protocol", "chat," + spaces + "x"), options) == "101");
  CHECK(status_for(with("Sec-WebSocket-Protocol", std::string(1 << 20, ',')), options) == "400");
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "p" + std::to_string(i) + ", ";
  CHECK(status_for(with("Sec-WebSocket-Protocol", many + "chat"), options) == "400");
  std::string escapes;
  for (int i = 0; i < 500'000; ++i) escapes += "\\a";
  CHECK(status_for(with("Sec-WebSocket-Extensions", "x; y=\"" + escapes), options) == "400");
  CHECK(status_for(with("Sec-WebSocket-Extensions", "x; y=\"" + escapes + "\""), options) == "101");
  CHECK(status_for(upgrade_request().replaced("Connection", "x" + spaces + ", upgrade"), options) ==
        "101");
  CHECK(status_for(with("Cookie", spaces + ";" + spaces), options) == "101");
}

TEST_CASE("extensions of any name and number are declined",
          "[security][security-extension-names]") {
  for (const std::string_view offer :
       {"constructor", "__proto__; toString=1", "x; a; a; a",
        "permessage-deflate, permessage-deflate", "permessage-deflate; client_max_window_bits=99",
        "etalfed-egassemrep", "x; y=\"\\z\""}) {
    server_endpoint endpoint{};
    logged_connection<role::server> server{endpoint};
    server.feed(upgrade_request().with("Sec-WebSocket-Extensions", offer).text());
    const std::string answer = server.take_output_text();
    INFO(offer);
    CHECK(status_of(answer) == "101");
    CHECK(answer.find("xtension") == std::string::npos);
    CHECK(server->extensions().empty());
  }
}

TEST_CASE("bytes that no header may have are refused in each of them",
          "[security][security-header-bytes]") {
  const http_message request = upgrade_request()
                                   .with("Origin", "http://server.example.com")
                                   .with("Sec-WebSocket-Protocol", "a")
                                   .with("Cookie", "a=b")
                                   .with("X-Other", "x");
  for (const std::string_view name :
       {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin",
        "Sec-WebSocket-Protocol", "Cookie", "X-Other"}) {
    const std::string value = header_of(request.text(), name);
    for (int byte = 0; byte < 256; ++byte) {
      const bool is_bad = (byte < 0x20 && byte != '\t') || byte >= 0x7F;
      if (!is_bad) continue;
      const std::string spoiled = value.substr(0, 1) + static_cast<char>(byte) + value.substr(1);
      if (status_for(request.replaced(name, spoiled)) != "400") FAIL(name << " with byte " << byte);
    }
  }
  // In names and in the request line, too.
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool is_token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') ||
                          std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    if (!is_token && c != ':') {
      const std::string name = std::string{"X"} + c + "Y";
      if (status_for(upgrade_request().with(name, "v").text()) != "400")
        FAIL("a name with " << byte);
    }
    if (byte <= 0x20 || byte >= 0x7F || c == '#') {
      const std::string line = std::string{"GET /a"} + c + "b HTTP/1.1";
      if (status_for(upgrade_request().with_first_line(line).text()) != "400")
        FAIL("a target with " << byte);
    }
  }
  CHECK(status_for(request) == "101");
}

TEST_CASE("values of white space, and none at all, are empty",
          "[security][security-blank-values]") {
  for (const std::string_view blank : {"", " ", "\t", " \t \t", "          "}) {
    CHECK(status_for(upgrade_request().with("X-Blank", blank)) == "101");
    CHECK(status_for(upgrade_request().replaced("Host", blank)) == "400");
    CHECK(status_for(upgrade_request().replaced("Upgrade", blank)) == "426");
    CHECK(status_for(upgrade_request().replaced("Connection", blank)) == "400");
    CHECK(status_for(upgrade_request().replaced("Sec-WebSocket-Key", blank)) == "400");
    CHECK(status_for(upgrade_request().replaced("Sec-WebSocket-Version", blank)) == "426");
    CHECK(status_for(upgrade_request().with("Sec-WebSocket-Protocol", blank)) == "400");
    CHECK(status_for(upgrade_request().with("Origin", blank)) == "403");
  }
}

TEST_CASE("only a key of 16 bytes is one, however long it is", "[security][security-key-size]") {
  const server_options options{.limits = {.max_head_size = 64 << 10}};
  for (std::size_t size = 0; size <= 10'000; size += size < 64 ? 1 : 331) {
    for (const std::string_view end : {"", "=", "=="}) {
      if (end.size() > size) continue;
      const std::string key = std::string(size - end.size(), 'A') + std::string{end};
      const bool is_good = size == 24 && end == "==";
      if (status_for(upgrade_request().replaced("Sec-WebSocket-Key", key), options) !=
          (is_good ? "101" : "400")) {
        FAIL("a key of " << size << " that ends with " << end);
      }
    }
  }
  CHECK(status_for(upgrade_request()) == "101");
}

TEST_CASE("half handshakes hold little, and end at an absolute deadline",
          "[security][security-half-handshakes]") {
  server_endpoint endpoint{{.max_kept_memory = 0, .decides_upgrades = true}};
  constexpr std::size_t count = 200;
  const std::string request = upgrade_request();
  std::vector<std::unique_ptr<server_connection>> all;
  simulated_clock clock;
  const allocation_watch watch;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(std::make_unique<server_connection>(endpoint));
    all.back()->on_time(clock.now());
  }
  // Each sends a byte a second: neither the dripping nor the decision that never comes puts it off.
  for (std::size_t second = 0; second < 10; ++second) {
    for (std::size_t i = 0; i < count; ++i) {
      if (all[i]->wants_close() || all[i]->has_output()) FAIL("too early");
      bytes some = to_bytes(i % 2 == 0 ? request.substr(second, 1) : second == 0 ? request : "");
      auto events = all[i]->receive(some);
      while (events.next()) {
      }
    }
    clock.advance(duration::seconds(1));
    for (auto& each : all) each->on_time(clock.now());
  }
  CHECK(watch.live() < static_cast<std::ptrdiff_t>(count * 4096));
  for (std::size_t i = 0; i < count; ++i) {
    if (!all[i]->has_output() || all[i]->error() != error::opening_timeout) FAIL("too late");
    const std::string answer = to_text(joined(all[i]->output()));
    if (status_of(answer) != (i % 2 == 0 ? "408" : "503")) FAIL("the answer: " << answer);
  }
}

TEST_CASE("a server that streams bytes without an end of the head is given up by its client",
          "[security][security-half-handshakes]") {
  client_endpoint endpoint{{.entropy = sample_nonce()}};
  logged_connection<role::client> client{endpoint, {.url = "ws://a.example"}};
  simulated_clock clock;
  client->on_time(clock.now());
  client.feed("HTTP/1.1 101 ");
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(client->wants_close());
    client.feed("x");
    clock.advance(duration::seconds(1));
    client->on_time(clock.now());
  }
  CHECK(client->error() == error::opening_timeout);
}
