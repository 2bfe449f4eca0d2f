#include "hawser/http1_write.hpp"

#include "hawser/http1_head.hpp"
#include "support/catch.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::literals;
using hawser::error;
using hawser::header;
using hawser::header_list;
using hawser::write_request_head;
using hawser::write_response_head;

constexpr bool is_vchar(int value) { return value >= 0x21 && value <= 0x7E; }

constexpr bool is_tchar(int value) {
  return is_vchar(value) &&
         "\"(),/:;<=>?@[\\]{}"sv.find(static_cast<char>(value)) == std::string_view::npos;
}

// The error of writing; what was in the string before must be there still, and nothing else unless
// it was written.
error try_request(std::string_view method, std::string_view target, header_list headers) {
  std::string out = "before";
  const error e = write_request_head(out, method, target, headers);
  REQUIRE(out.starts_with("before"));
  REQUIRE((out.size() > 6) == (e == error::none));
  return e;
}

error try_response(unsigned status, std::string_view reason, header_list headers) {
  std::string out = "before";
  const error e = write_response_head(out, status, reason, headers);
  REQUIRE(out.starts_with("before"));
  REQUIRE((out.size() > 6) == (e == error::none));
  return e;
}

// Puts a header between two good ones: each of a list is looked at.
template <class Write>
error try_header(const header& field, Write write) {
  const std::array fields{header{"A", "b"}, field, header{"C", "d"}};
  return write(header_list{fields});
}

error try_header_both_ways(const header& field) {
  const error e =
      try_header(field, [](header_list headers) { return try_request("GET", "/", headers); });
  REQUIRE(e ==
          try_header(field, [](header_list headers) { return try_response(101, "ok", headers); }));
  return e;
}

}  // namespace

TEST_CASE("a request head is appended to what is there", "[http1][rfc9112-3]") {
  const std::array fields{header{"Host", "a.example"}, header{"X-Empty", ""},
                          header{"Cookie", "a=b; c=\"d\""}};
  std::string out = "before";
  REQUIRE(write_request_head(out, "GET", "/chat?a=1", header_list{fields}) == error::none);
  CHECK(out ==
        "beforeGET /chat?a=1 HTTP/1.1\r\n"
        "Host: a.example\r\n"
        "X-Empty: \r\n"
        "Cookie: a=b; c=\"d\"\r\n"
        "\r\n");
}

TEST_CASE("a response head is appended to what is there", "[http1][rfc9112-4]") {
  const std::array fields{header{"Upgrade", "websocket"}};
  std::string out = "before";
  REQUIRE(write_response_head(out, 101, "Switching Protocols", header_list{fields}) == error::none);
  CHECK(out == "beforeHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("a head without fields ends after its first line", "[http1]") {
  std::string out;
  REQUIRE(write_request_head(out, "HEAD", "http://a/", {}) == error::none);
  CHECK(out == "HEAD http://a/ HTTP/1.1\r\n\r\n");
  out.clear();
  // RFC 9112 4: the space stays even where there is no reason.
  REQUIRE(write_response_head(out, 204, "", {}) == error::none);
  CHECK(out == "HTTP/1.1 204 \r\n\r\n");
}

TEST_CASE("what is written parses to the same", "[http1]") {
  const std::array fields{header{"Host", "a.example"}, header{"Empty", ""}, header{"B", "c d\te"}};
  std::string out;
  REQUIRE(write_request_head(out, "GET", "/a", header_list{fields}) == error::none);
  hawser::request_head_parser request;
  REQUIRE(request.parse(out).consumed == out.size());
  CHECK(request.method() == "GET");
  CHECK(request.target() == "/a");
  CHECK(std::vector(request.headers().begin(), request.headers().end()) ==
        std::vector(fields.begin(), fields.end()));

  out.clear();
  REQUIRE(write_response_head(out, 426, "Upgrade Required", header_list{fields}) == error::none);
  hawser::response_head_parser response;
  REQUIRE(response.parse(out).consumed == out.size());
  CHECK(response.status() == 426);
  CHECK(response.reason() == "Upgrade Required");
  CHECK(std::vector(response.headers().begin(), response.headers().end()) ==
        std::vector(fields.begin(), fields.end()));
}

TEST_CASE("a name to be written must be a token", "[http1][rfc9110-5.1][security]") {
  CHECK(try_header_both_ways({"", "a"}) == error::bad_header);
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const error expected = is_tchar(value) ? error::none : error::bad_header;
    CAPTURE(value);
    CHECK(try_header_both_ways({std::string{c}, "a"}) == expected);
    CHECK(try_header_both_ways({"Na"s + c + "me", "a"}) == expected);
  }
}

TEST_CASE("a value to be written must have no control bytes", "[http1][rfc9110-5.5][security]") {
  CHECK(try_header_both_ways({"Name", ""}) == error::none);
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool is_control = (value < 0x20 && value != '\t') || value == 0x7F;
    const error expected = is_control ? error::bad_header : error::none;
    CAPTURE(value);
    CHECK(try_header_both_ways({"Name", std::string{c}}) == expected);
    CHECK(try_header_both_ways({"Name", "va"s + c + "lue"}) == expected);
  }
}

TEST_CASE("a target to be written must be visible ASCII without a fragment",
          "[http1][rfc9112-3.2][security]") {
  CHECK(try_request("GET", "", {}) == error::bad_header);
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const error expected = is_vchar(value) && c != '#' ? error::none : error::bad_header;
    CAPTURE(value);
    CHECK(try_request("GET", std::string{c}, {}) == expected);
    CHECK(try_request("GET", "/a"s + c + "b", {}) == expected);
  }
}

TEST_CASE("a method to be written must be a token", "[http1][rfc9110-9.1][security]") {
  CHECK(try_request("", "/", {}) == error::bad_header);
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const error expected = is_tchar(value) ? error::none : error::bad_header;
    CAPTURE(value);
    CHECK(try_request("G"s + c + "T", "/", {}) == expected);
  }
}

TEST_CASE("a reason to be written must have no control bytes", "[http1][rfc9112-4][security]") {
  for (int value = 0; value < 256; ++value) {
    const bool is_control = (value < 0x20 && value != '\t') || value == 0x7F;
    CAPTURE(value);
    CHECK(try_response(400, "a"s + static_cast<char>(value) + "b", {}) ==
          (is_control ? error::bad_header : error::none));
  }
}

TEST_CASE("a status to be written must be one of HTTP", "[http1][rfc9110-15]") {
  for (const unsigned status : {0U, 1U, 99U, 600U, 999U, 1000U, 1101U, 65536U + 200U, ~0U}) {
    CAPTURE(status);
    CHECK(try_response(status, "", {}) == error::bad_header);
  }
  for (const unsigned status : {100U, 101U, 200U, 299U, 404U, 500U, 599U}) {
    std::string out;
    REQUIRE(write_response_head(out, status, "", {}) == error::none);
    CHECK(out == "HTTP/1.1 " + std::to_string(status) + " \r\n\r\n");
  }
}

// Clients let an option of their callers write whole requests into the connection.
TEST_CASE("nothing that is written can start a line of its own", "[http1][security]") {
  for (const auto* end : {"\r\n", "\r", "\n", "\r\n\r\nGET / HTTP/1.1\r\n\r\n"}) {
    const std::string injected = "a"s + end + "X-Injected: 1";
    CHECK(try_header_both_ways({"Name", injected}) == error::bad_header);
    CHECK(try_header_both_ways({injected, "value"}) == error::bad_header);
    CHECK(try_request("GET", "/" + injected, {}) == error::bad_header);
    CHECK(try_request("GET" + injected, "/", {}) == error::bad_header);
    CHECK(try_response(200, injected, {}) == error::bad_header);
  }
}

TEST_CASE("every status has a reason phrase that can be written", "[http1][rfc9110-15]") {
  static_assert(hawser::reason_phrase(101) == "Switching Protocols");
  CHECK(hawser::reason_phrase(426) == "Upgrade Required");
  CHECK(hawser::reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(hawser::reason_phrase(599) == "Server Error");
  CHECK(hawser::reason_phrase(0) == "Unknown");
  for (unsigned status = 100; status < 600; ++status) {
    CAPTURE(status);
    CHECK(!hawser::reason_phrase(status).empty());
    CHECK(try_response(status, hawser::reason_phrase(status), {}) == error::none);
  }
  // Each status with which a request can be refused has a phrase of its own.
  for (int value = 0; value < 256; ++value) {
    const unsigned status = hawser::http_status_for(static_cast<error>(value));
    CAPTURE(status);
    CHECK(hawser::reason_phrase(status) != hawser::reason_phrase(status / 100 * 100 + 99));
  }
}

TEST_CASE("a head is written at once into memory that is asked for when its size is known",
          "[http1]") {
  struct memory {
    std::string text;
    int calls = 0;
  } given;
  const hawser::text_room room{&given, [](void* context, std::size_t size) {
                                 memory& self = *static_cast<memory*>(context);
                                 ++self.calls;
                                 self.text.assign(size, '?');
                                 return self.text.data();
                               }};
  REQUIRE(hawser::write_response_head(room, 200, "OK", {{"A", "b"}, {"C", ""}}) ==
          hawser::error::none);
  CHECK(given.calls == 1);
  CHECK(given.text == "HTTP/1.1 200 OK\r\nA: b\r\nC: \r\n\r\n");
  REQUIRE(hawser::write_response_head(room, 200, "OK", {{"A", "b\n"}}) ==
          hawser::error::bad_header);
  CHECK(given.calls == 1);
}
