#include "hawser/detail/http1_line.hpp"

#include "hawser/detail/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace std::literals;
using hawser::error;
using hawser::header;
using hawser::detail::parse_field_line;
using hawser::detail::parse_request_line;
using hawser::detail::parse_status_line;

error request(std::string_view line) {
  hawser::detail::request_line parts;
  return parse_request_line(line, parts);
}

error status(std::string_view line) {
  hawser::detail::status_line parts;
  return parse_status_line(line, parts);
}

error field(std::string_view line, bool with_obs_text = false) {
  header parts;
  return parse_field_line(line, with_obs_text, parts);
}

constexpr bool is_vchar(int value) { return value >= 0x21 && value <= 0x7E; }

// RFC 9110 5.6.2, written as a list of what is left out.
constexpr bool is_tchar(int value) {
  return is_vchar(value) &&
         "\"(),/:;<=>?@[\\]{}"sv.find(static_cast<char>(value)) == std::string_view::npos;
}

}  // namespace

TEST_CASE("lines are parsed in constant expressions", "[http1]") {
  constexpr auto parts = [] {
    hawser::detail::request_line line;
    return parse_request_line("GET /chat?a=1 HTTP/1.1", line) == error::none ? line
                                                                             : decltype(line){};
  }();
  static_assert(parts.method == "GET" && parts.target == "/chat?a=1" && parts.version_minor == 1);
  constexpr auto name = [] {
    header parsed;
    return parse_field_line("Host:  a b\t", false, parsed) == error::none ? parsed : header{};
  }();
  static_assert(name == header{"Host", "a b"});
  REQUIRE(parts.target == "/chat?a=1");
}

TEST_CASE("a request line has three parts and one space between them", "[http1][rfc9112-3]") {
  CHECK(request("GET / HTTP/1.1") == error::none);
  CHECK(request("GET http://a.example/ HTTP/1.1") == error::none);
  CHECK(request("CONNECT a.example:80 HTTP/1.1") == error::none);
  CHECK(request("OPTIONS * HTTP/1.1") == error::none);
  for (const auto* line :
       {"", "GET", "GET ", "GET /", "GET / ", "GET / HTTP/1.1 ", "GET /  HTTP/1.1",
        "GET / a HTTP/1.1", "GET\t/ HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1\t",
        "G(T / HTTP/1.1", " / HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(request(line) == error::bad_request_line);
  }
  for (const auto* line : {"GET  / HTTP/1.1", "GET  HTTP/1.1", "GET /\t HTTP/1.1",
                           "GET /a\tb HTTP/1.1", "GET /#a HTTP/1.1", "GET # HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(request(line) == error::bad_target);
  }
}

TEST_CASE("a request line has a method of token characters", "[http1][rfc9110-9.1]") {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    if (c == ' ' || c == '\n') continue;  // The end of the method; never in a line.
    const error expected = is_tchar(value) ? error::none
                           : c == '\r'     ? error::bad_line_ending
                                           : error::bad_request_line;
    CAPTURE(value);
    CHECK(request("G"s + c + "T / HTTP/1.1") == expected);
    CHECK(request(c + "GET / HTTP/1.1"s) == expected);
    CHECK(request("GET"s + c + " / HTTP/1.1") == expected);
  }
}

TEST_CASE("a request target has visible ASCII without a fragment", "[http1][rfc9112-3.2]") {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    if (c == ' ' || c == '\n') continue;  // The end of the target; never in a line.
    const error expected = is_vchar(value) && c != '#' ? error::none
                           : c == '\r'                 ? error::bad_line_ending
                                                       : error::bad_target;
    CAPTURE(value);
    CHECK(request("GET /a"s + c + "b HTTP/1.1") == expected);
    CHECK(request("GET /"s + c + " HTTP/1.1") == expected);
    CHECK(request("GET "s + c + "/ HTTP/1.1") == expected);
  }
}

TEST_CASE("an HTTP version is HTTP/, digit, dot, digit, and is 1.0 or 1.1",
          "[http1][rfc9112-2.3]") {
  for (const auto* version : {"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0",
                              "HTTP/9.9", "HTTP/0.0", "HTTP/2.1"}) {
    CAPTURE(version);
    CHECK(request("GET / "s + version) == error::bad_http_version);
    CHECK(status(version + " 101 ok"s) == error::bad_http_version);
  }
  for (const auto* version : {"http/1.1", "Http/1.1", "HTTP/1", "HTTP/1.", "HTTP/11", "HTTP/1.10",
                              "HTTP/01.1", "HTTP/1,1", "HTTP/a.1", "HTTP/1.a", "HTTP 1.1",
                              "HTTP/-1.1", "HTTPS/1.1", "HTTP/1.1a", "FOO", ""}) {
    CAPTURE(version);
    CHECK(request("GET / "s + version) == error::bad_request_line);
    CHECK(status(version + " 101 ok"s) == error::bad_status_line);
  }
  hawser::detail::request_line parts;
  CHECK(parse_request_line("GET / HTTP/1.0", parts) == error::none);
  CHECK(parts.version_minor == 0);
  CHECK(request("GET / HTTP/1.1\rX") == error::bad_line_ending);
}

TEST_CASE("a status line has a status of three digits from 100 to 599", "[http1][rfc9112-4]") {
  for (unsigned code = 0; code <= 999; ++code) {
    std::string digits = std::to_string(code);
    digits.insert(0, 3 - digits.size(), '0');
    hawser::detail::status_line parts;
    const error result = parse_status_line("HTTP/1.1 " + digits + " reason", parts);
    CAPTURE(code);
    REQUIRE(result == (code >= 100 && code < 600 ? error::none : error::bad_status_line));
    if (result == error::none) REQUIRE(parts.status == code);
  }
  for (const auto* line :
       {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 1", "HTTP/1.1 10", "HTTP/1.1 10 ok", "HTTP/1.1  101 ok",
        "HTTP/1.1 1010", "HTTP/1.1 101ok", "HTTP/1.1\t101 ok", "HTTP/1.1 101\tok",
        "HTTP/1.1 +10 ok", "HTTP/1.1 1.1 ok", "HTTP/1.1101 ok", ""}) {
    CAPTURE(line);
    CHECK(status(line) == error::bad_status_line);
  }
}

TEST_CASE("a reason may be anything without control bytes, and may be missing",
          "[http1][rfc9112-4]") {
  const auto reason = [](std::string_view line) {
    hawser::detail::status_line parts;
    REQUIRE(parse_status_line(line, parts) == error::none);
    return std::string{parts.reason};
  };
  CHECK(reason("HTTP/1.1 101") == "");
  CHECK(reason("HTTP/1.1 101 ") == "");
  CHECK(reason("HTTP/1.1 101  ") == " ");
  CHECK(reason("HTTP/1.0 404 Not Found") == "Not Found");
  for (int value = 0; value < 256; ++value) {
    if (value == '\n') continue;  // Never in a line.
    const bool is_good = value == '\t' || value == ' ' || is_vchar(value) || value >= 0x80;
    const error expected = is_good         ? error::none
                           : value == '\r' ? error::bad_line_ending
                                           : error::bad_status_line;
    CAPTURE(value);
    CHECK(status("HTTP/1.1 101 a"s + static_cast<char>(value) + "b") == expected);
    CHECK(status("HTTP/1.1 101 "s + static_cast<char>(value)) == expected);
  }
}

TEST_CASE("a field name is a token with the colon right behind it", "[http1][rfc9112-5.1]") {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    if (c == '\n' || c == ':') continue;  // Never in a line; the end of the name.
    const error expected = is_tchar(value) ? error::none
                           : c == '\r'     ? error::bad_line_ending
                                           : error::bad_header_name;
    const error at_front = c == ' ' || c == '\t' ? error::folded_header : expected;
    CAPTURE(value);
    for (const bool with_obs_text : {false, true}) {
      CHECK(field("Na"s + c + "me: a", with_obs_text) == expected);
      CHECK(field("Name"s + c + ": a", with_obs_text) == expected);
      CHECK(field(c + "Name: a"s, with_obs_text) == at_front);
    }
  }
  for (const auto* line : {":", ": a", "Name", "Name a", "Name ", "N\xc3\xa4me: a"}) {
    CAPTURE(line);
    CHECK(field(line) == error::bad_header_name);
  }
}

TEST_CASE("a line that starts with white space folds the one before", "[http1][rfc9112-5.2]") {
  for (const auto* line : {" ", "\t", " a", "\ta", " Name: a", " \t ", " \x01"}) {
    CAPTURE(line);
    CHECK(field(line) == error::folded_header);
  }
}

TEST_CASE("a field value is taken without the white space around it", "[http1][rfc9112-5.1]") {
  const auto value = [](std::string_view line) {
    header parts;
    REQUIRE(parse_field_line(line, false, parts) == error::none);
    REQUIRE(parts.name == "N");
    return std::string{parts.value};
  };
  CHECK(value("N:a") == "a");
  CHECK(value("N: a") == "a");
  CHECK(value("N: \t a \t ") == "a");
  CHECK(value("N: a  b\tc ") == "a  b\tc");
  CHECK(value("N::") == ":");
  CHECK(value("N:") == "");
  CHECK(value("N: ") == "");
  CHECK(value("N: \t \t") == "");
}

TEST_CASE("a field value has no control bytes, and other than ASCII only where let through",
          "[http1][rfc9110-5.5]") {
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    if (c == '\n') continue;  // Never in a line.
    const bool is_ascii_text = c == '\t' || c == ' ' || is_vchar(value);
    const error otherwise = c == '\r' ? error::bad_line_ending : error::bad_header_value;
    for (const auto& line : {"N: a"s + c + "b", "N: "s + c, "N:"s + c + "a", "N: a"s + c}) {
      CAPTURE(value, line);
      CHECK(field(line, false) == (is_ascii_text ? error::none : otherwise));
      CHECK(field(line, true) == (is_ascii_text || value >= 0x80 ? error::none : otherwise));
    }
  }
}

namespace {

// A text that ends where the memory ends.
class text_at_end {
 public:
  explicit text_at_end(std::string_view text)
      : pages_{text.size()}, bytes_{pages_.copy_to_end(hawser::byte_view{text})} {}
  [[nodiscard]] std::string_view text() const { return hawser::as_text(bytes_); }

 private:
  support::guarded_pages pages_;
  std::span<std::byte> bytes_;
};

// Holds what find_fields finds against the function that takes one line. Returns how many fields
// were found.
std::size_t check_found(std::string_view in, bool with_obs_text, std::size_t most) {
  hawser::detail::field_room room;
  const auto found = hawser::detail::find_fields(in, with_obs_text, room.data(), most);
  std::size_t size = 0;
  for (std::size_t i = 0; i < found.count; ++i) {
    const std::size_t end = in.find("\r\n", size);
    REQUIRE(end != std::string_view::npos);
    header slow;
    REQUIRE(parse_field_line(in.substr(size, end - size), with_obs_text, slow) == error::none);
    REQUIRE(room.data()[i] == slow);
    size = end + 2;
  }
  const std::string_view rest = in.substr(size);
  REQUIRE(found.is_end == rest.starts_with("\r\n"));
  REQUIRE(found.size == size + (found.is_end ? 2 : 0));
  // What is left begins with a line that is cut, wrong or one too many, or that has a tab.
  const std::string_view line = rest.substr(0, rest.find('\n'));
  header slow;
  const bool is_good =
      line.size() != rest.size() && line.ends_with('\r') &&
      line.find('\t') == std::string_view::npos &&
      parse_field_line(line.substr(0, line.size() - 1), with_obs_text, slow) == error::none;
  REQUIRE((found.is_end || found.count == most || !is_good));
  return found.count;
}

}  // namespace

TEST_CASE("text and tokens end at the first byte that is none, wherever it stands", "[http1]") {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 31U, 32U, 33U, 50U}) {
    for (std::size_t place = 0; place <= size; ++place) {
      for (int value = 0; value < 256; ++value) {
        std::string text(size, 'a');
        if (place < size) text[place] = static_cast<char>(value);
        const bool is_text = value == '\t' || (value >= 0x20 && value < 0x7F);
        REQUIRE(hawser::detail::text_size(text, false) == (is_text ? size : place));
        REQUIRE(hawser::detail::text_size(text, true) == (is_text || value >= 0x80 ? size : place));
        REQUIRE(hawser::detail::count_token(text) == (is_tchar(value) ? size : place));
        const bool is_target = is_vchar(value) && value != '#';
        REQUIRE(hawser::detail::count_target(text) == (is_target ? size : place));
      }
    }
  }
}

TEST_CASE("looking for the end of text or of a token stays in its bounds", "[http1]") {
  for (std::size_t size = 1; size <= 70; ++size) {
    const text_at_end all{std::string(size, 'x')};
    REQUIRE(hawser::detail::text_size(all.text(), false) == size);
    REQUIRE(hawser::detail::count_token(all.text()) == size);
    REQUIRE(hawser::detail::count_target(all.text()) == size);
  }
}

TEST_CASE("whole fields are found at once, wherever their text is cut", "[http1][rfc9112-5]") {
  std::string text =
      "Host: a.example\r\nX-B3_Trace.1: \r\nSec-WebSocket-Extensions:   permessage  ";
  for (int i = 0; i < 40; ++i) {
    text +=
        "\r\nName" + std::to_string(i) + ":" + std::string(static_cast<std::size_t>(i * 3), 'v');
  }
  text += "\r\n\r\nframes";
  for (std::size_t size = 64; size <= text.size(); ++size) {
    const text_at_end cut{text.substr(0, size)};
    check_found(cut.text(), false, 32);
    check_found(cut.text().substr(cut.text().size() - 64), false, 3);
  }
  CHECK(check_found(text, false, 32) == 32);
}

TEST_CASE("fields that are wrong anywhere are left to who says what is wrong",
          "[http1][rfc9112-5]") {
  const std::string lines =
      "Sec-WebSocket-Extensions: \t permessage-deflate; a\tb \t\r\nNext: one\r\n: \r\n"
      "Host: server.example.com:8080\r\nAccept-Language:en-US,en;q=0.9\r\nA:  \r\nB:b\r\n\r\nabc";
  std::mt19937 random{5};
  std::size_t found = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string changed = lines.substr(random() % 70) + lines;
    if (const std::size_t tab = changed.find('\t'); random() % 2 == 0 && tab < 60)
      changed.erase(0, 60);
    for (std::size_t count = random() % 3; count != 0; --count) {
      constexpr std::string_view bytes = "\r\n\t :;,\x7F\x80\xFF\0aZ_\x1F/@[`{"sv;
      changed[random() % changed.size()] = bytes[random() % bytes.size()];
    }
    const text_at_end all{changed};
    found += check_found(all.text(), i % 2 == 0, 32);
  }
  CHECK(found > 10'000);
}
