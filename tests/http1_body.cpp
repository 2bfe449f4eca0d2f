#include "hawser/http1_body.hpp"

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::literals;
using hawser::body_decoder;
using hawser::body_framing;
using hawser::body_kind;
using hawser::byte_view;
using hawser::header;
using hawser::header_list;
using hawser::parse_state;

body_framing framing_of(unsigned status, std::initializer_list<header> fields,
                        unsigned version_minor = 1) {
  return hawser::response_body_framing(status, version_minor, header_list(fields));
}

body_framing sized(std::uint64_t size) { return {body_kind::sized, size}; }

struct result {
  parse_state state = parse_state::incomplete;
  std::size_t consumed = 0;
  std::string body;

  friend bool operator==(const result&, const result&) = default;
};

result decode_pieces(body_framing framing, std::string_view text, std::vector<std::size_t> cuts,
                     std::size_t max_size) {
  body_decoder decoder{framing};
  result all;
  std::size_t begin = 0;
  cuts.push_back(text.size());
  for (const std::size_t end : cuts) {
    const byte_view piece_view{text.substr(begin, end - begin)};
    const std::vector<std::byte> piece{piece_view.begin(), piece_view.end()};
    const hawser::body_progress progress = decoder.decode(piece, all.body, max_size);
    REQUIRE(progress.state == decoder.state());
    if (progress.state == parse_state::incomplete) REQUIRE(progress.consumed == piece.size());
    all.consumed += progress.consumed;
    begin = end;
  }
  all.state = decoder.state();
  return all;
}

// Decodes the text whole, at every split in two, and byte by byte: with one result.
result decode(body_framing framing, std::string_view text, std::size_t max_size = 1000) {
  const result whole = decode_pieces(framing, text, {}, max_size);
  std::vector<std::size_t> every;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    INFO("split at " << i << " of " << text);
    REQUIRE(decode_pieces(framing, text, {i}, max_size) == whole);
    every.push_back(i);
  }
  REQUIRE(decode_pieces(framing, text, every, max_size) == whole);
  return whole;
}

result decode_chunks(std::string_view text, std::size_t max_size = 1000) {
  return decode({body_kind::chunked, 0}, text, max_size);
}

}  // namespace

TEST_CASE("some statuses have no body whatever the headers say", "[http1][body][rfc9112-6.3]") {
  for (const unsigned status : {100U, 101U, 103U, 199U, 204U, 304U}) {
    CAPTURE(status);
    CHECK(framing_of(status, {{"Content-Length", "5"}}).kind == body_kind::none);
    CHECK(framing_of(status, {{"Transfer-Encoding", "chunked"}}).kind == body_kind::none);
    CHECK(framing_of(status, {}).kind == body_kind::none);
  }
}

TEST_CASE("Content-Length gives the size of a body", "[http1][body][rfc9112-6.3]") {
  CHECK(framing_of(400, {{"Content-Length", "5"}}) == sized(5));
  CHECK(framing_of(400, {{"content-length", "0"}}) == sized(0));
  CHECK(framing_of(400, {{"Content-Length", "007"}}) == sized(7));
  CHECK(framing_of(400, {{"Content-Length", "18446744073709551615"}}) == sized(UINT64_MAX));
  CHECK(framing_of(400, {{"Content-Length", "5, 5"}}) == sized(5));
  CHECK(framing_of(400, {{"Content-Length", "5"}, {"Content-Length", "5"}}) == sized(5));
  static_assert(hawser::response_body_framing(404, 1, {}).kind == body_kind::until_close);
}

TEST_CASE("a Content-Length that is invalid makes the framing invalid",
          "[http1][body][rfc9112-6.3][security]") {
  for (const auto* value : {"", " ", ",", "+5", "-5", "5a", "0x5", "5 5", "5;", "5, 6", "5,a",
                            "18446744073709551616", "99999999999999999999999"}) {
    CAPTURE(value);
    CHECK(framing_of(400, {{"Content-Length", value}}).kind == body_kind::malformed);
  }
  CHECK(framing_of(400, {{"Content-Length", "5"}, {"Content-Length", "6"}}).kind ==
        body_kind::malformed);
}

TEST_CASE("Transfer-Encoding goes before Content-Length", "[http1][body][rfc9112-6.3]") {
  CHECK(framing_of(400, {{"Transfer-Encoding", "chunked"}}).kind == body_kind::chunked);
  CHECK(framing_of(400, {{"transfer-encoding", "CHUNKED"}}).kind == body_kind::chunked);
  CHECK(framing_of(400, {{"Transfer-Encoding", "gzip, chunked"}}).kind == body_kind::chunked);
  CHECK(framing_of(400, {{"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}}).kind ==
        body_kind::chunked);
  CHECK(framing_of(400, {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}).kind ==
        body_kind::chunked);
  CHECK(framing_of(400, {{"Transfer-Encoding", "chunked, gzip"}}).kind == body_kind::until_close);
  CHECK(framing_of(400, {{"Transfer-Encoding", "xchunked"}, {"Content-Length", "5"}}).kind ==
        body_kind::until_close);
  CHECK(framing_of(400, {{"Transfer-Encoding", ""}}).kind == body_kind::until_close);
  CHECK(framing_of(400, {{"Transfer-Encoding", "chunked, chunked"}}).kind == body_kind::malformed);
  CHECK(framing_of(400, {{"Transfer-Encoding", "chunked"}}, 0).kind == body_kind::malformed);
}

TEST_CASE("a body without any framing ends with the stream", "[http1][body][rfc9112-6.3]") {
  REQUIRE(framing_of(400, {{"Server", "a"}}).kind == body_kind::until_close);
  body_decoder decoder{{body_kind::until_close, 0}};
  std::string body;
  CHECK(decoder.decode("Hello"sv, body, 100).consumed == 5);
  CHECK(decoder.state() == parse_state::incomplete);
  CHECK(decoder.end_of_stream() == parse_state::complete);
  CHECK(decoder.decode("more"sv, body, 100).consumed == 0);
  CHECK(body == "Hello");
}

TEST_CASE("a body of known size ends there", "[http1][body][rfc9112-6.2]") {
  CHECK(decode(sized(5), "Hello, world") == result{parse_state::complete, 5, "Hello"});
  CHECK(decode(sized(5), "Hell") == result{parse_state::incomplete, 4, "Hell"});
  CHECK(decode(sized(0), "Hello") == result{parse_state::complete, 0, ""});
  CHECK(decode({body_kind::none, 0}, "Hello") == result{parse_state::complete, 0, ""});
  CHECK(decode({body_kind::malformed, 0}, "Hello") == result{parse_state::failed, 0, ""});
  CHECK(decode(sized(UINT64_MAX), "Hello") == result{parse_state::incomplete, 5, "Hello"});
}

TEST_CASE("a body that the end of the stream cuts off has failed", "[http1][body][rfc9112-8]") {
  std::string body;
  body_decoder of_size{sized(5)};
  CHECK(of_size.decode("Hell"sv, body, 100).state == parse_state::incomplete);
  CHECK(of_size.end_of_stream() == parse_state::failed);
  body_decoder chunked{{body_kind::chunked, 0}};
  CHECK(chunked.decode("5\r\nHello\r\n0\r\n"sv, body, 100).state == parse_state::incomplete);
  CHECK(chunked.end_of_stream() == parse_state::failed);
  body_decoder whole{sized(1)};
  CHECK(whole.decode("a"sv, body, 100).state == parse_state::complete);
  CHECK(whole.end_of_stream() == parse_state::complete);
}

TEST_CASE("a chunked body is taken out of its chunks", "[http1][body][rfc9112-7.1]") {
  const auto text = "5\r\nHello\r\n7\r\n, world\r\n0\r\n\r\n"sv;
  CHECK(decode_chunks(text) == result{parse_state::complete, text.size(), "Hello, world"});
  CHECK(decode_chunks(std::string{text} + "5\r\n") ==
        result{parse_state::complete, text.size(), "Hello, world"});
  CHECK(decode_chunks("0\r\n\r\n") == result{parse_state::complete, 5, ""});
  CHECK(decode_chunks("000\r\n\r\n") == result{parse_state::complete, 7, ""});
  CHECK(decode_chunks("00A\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n").body == "\r\n\r\n\r\n\r\n\r\n");
  CHECK(decode_chunks("a\r\n0123456789\r\n0\r\n\r\n").body == "0123456789");
}

TEST_CASE("chunk extensions and trailer fields are read over", "[http1][body][rfc9112-7.1.1]") {
  const auto text = "5;a=b;c=\"d\"\r\nHello\r\n0 ;x\r\nA: b\r\nC: d\r\n\r\n"sv;
  CHECK(decode_chunks(text) == result{parse_state::complete, text.size(), "Hello"});
}

TEST_CASE("malformed chunks fail", "[http1][body][rfc9112-7.1][security]") {
  for (const auto text : {"\r\n"sv,
                          "g\r\n"sv,
                          ";a\r\n"sv,
                          "-5\r\n"sv,
                          "+5\r\n"sv,
                          " 5\r\n"sv,
                          "0x5\r\n"sv,
                          "5\n"sv,
                          "5\rHello"sv,
                          "5;a\n"sv,
                          "5;a\rb"sv,
                          "5;\0\r\n"sv,
                          "5\r\nHelloo"sv,
                          "5\r\nHello\n"sv,
                          "5\r\nHello\rX"sv,
                          "0\r\n\n"sv,
                          "0\r\n\rX"sv,
                          "0\r\nA: b\n"sv,
                          "0\r\nA\rX"sv,
                          "0\r\n\0\r\n"sv,
                          "10000000000000000\r\n"sv,
                          "fffffffffffffffff\r\n"sv}) {
    CAPTURE(text);
    CHECK(decode_chunks(text).state == parse_state::failed);
  }
  CHECK(decode_chunks("ffffffffffffffff\r\nHello") == result{parse_state::incomplete, 23, "Hello"});
}

TEST_CASE("what is kept of a body is bounded, and the rest is read over", "[http1][body][limits]") {
  const auto text = "5\r\nHello\r\n7\r\n, world\r\n0\r\n\r\n"sv;
  for (std::size_t bound = 0; bound < 14; ++bound) {
    const std::string kept{"Hello, world"sv.substr(0, bound)};
    CHECK(decode_chunks(text, bound) == result{parse_state::complete, text.size(), kept});
    CHECK(decode(sized(12), "Hello, world", bound) == result{parse_state::complete, 12, kept});
    CHECK(decode({body_kind::until_close, 0}, "Hello, world", bound) ==
          result{parse_state::incomplete, 12, kept});
  }
}

TEST_CASE("extensions and trailers without an end fail", "[http1][body][limits][security]") {
  for (const auto start : {"5;"sv, "0\r\nA"sv}) {
    std::string body;
    body_decoder decoder{{body_kind::chunked, 0}};
    REQUIRE(decoder.decode(start, body, 100).state == parse_state::incomplete);
    const std::string forever(1000, 'a');
    std::size_t consumed = 0;
    while (decoder.state() == parse_state::incomplete) {
      consumed += decoder.decode(forever, body, 100).consumed;
      REQUIRE(consumed < 20'000);
    }
    CHECK(decoder.state() == parse_state::failed);
    CHECK(consumed > 16'000);
    CHECK(body.empty());
  }
}

TEST_CASE("a body decoder is small", "[http1][body]") {
  STATIC_REQUIRE(sizeof(body_decoder) <= 16);
}
