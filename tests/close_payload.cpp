#include "hawser/close_payload.hpp"

#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

using namespace hawser;
using namespace support::literals;
using support::bytes;
using support::close_body;

namespace {

static_assert(is_wire_close_code(close_code::normal) && !is_wire_close_code(close_code::no_status));
static_assert(cut_close_reason("short") == "short");

constexpr std::size_t size_of_written(close_code code, std::string_view reason) {
  std::array<std::byte, max_control_payload_size> to{};
  return write_close_payload(to.data(), code, reason);
}
static_assert(size_of_written(close_code::normal, "bye") == 5);
static_assert(size_of_written(close_code::no_status, "") == 0);

}  // namespace

TEST_CASE("exactly the assigned close codes are taken", "[close_payload][rfc6455-7.4]") {
  std::size_t wrong = 0;
  std::size_t taken = 0;
  for (unsigned code = 0; code < 65536; ++code) {
    // RFC 6455 7.4.1 and 7.4.2, with what IANA assigned since: 1012, 1013 and 1014.
    bool is_valid = code >= 3000 && code < 5000;
    for (const unsigned one :
         {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U, 1012U, 1013U, 1014U}) {
      is_valid = is_valid || code == one;
    }
    taken += is_valid ? 1 : 0;
    const bytes in = close_body(code, "why");
    const close_payload found = parse_close_payload(in);
    if (is_wire_close_code(static_cast<close_code>(code)) != is_valid) ++wrong;
    if (found.error != (is_valid ? error::none : error::close_code_invalid)) ++wrong;
    if (is_valid && (found.code != static_cast<close_code>(code) || found.reason != "why")) ++wrong;
    if (parse_close_payload(std::span{in}.first(2)).error != found.error) ++wrong;

    const close_payload relaxed = parse_close_payload(in, {.close_codes = false});
    if (relaxed.error != error::none || relaxed.code != static_cast<close_code>(code)) ++wrong;
  }
  CHECK(taken == 2012);
  REQUIRE(wrong == 0);
}

TEST_CASE("a close frame has no payload, or a code and a reason",
          "[close_payload][rfc6455-5.5.1]") {
  const close_payload empty = parse_close_payload({});
  CHECK(empty.error == error::none);
  CHECK(empty.code == close_code::no_status);
  CHECK(empty.reason.empty());

  for (unsigned byte = 0; byte < 256; ++byte) {
    const bytes one{static_cast<std::byte>(byte)};
    CHECK(parse_close_payload(one).error == error::close_payload_size);
    CHECK(parse_close_payload(one, {.close_codes = false, .utf8 = false}).error ==
          error::close_payload_size);
  }

  for (std::size_t size = 0; size <= max_close_reason_size; ++size) {
    const std::string reason(size, 'r');
    const bytes in = close_body(1000, reason);
    const close_payload found = parse_close_payload(in);
    CHECK(found.error == error::none);
    CHECK(found.reason == reason);
    // A view of the payload, not of anything else.
    CHECK(static_cast<const void*>(found.reason.data()) == static_cast<const void*>(&in[1] + 1));
  }
}

TEST_CASE("a close reason is UTF-8", "[close_payload][rfc6455-8.1]") {
  for (const auto& bad : support::every_bad_utf8()) {
    CAPTURE(bad.what);
    const bytes in = support::concat(close_body(1000, "so "), bad.text, support::to_bytes("."));
    CHECK(parse_close_payload(in).error == error::reason_not_utf8);
    CHECK(parse_close_payload(in, {.utf8 = false}).error == error::none);
    CHECK(parse_close_payload(in, {.utf8 = false}).reason.size() == in.size() - 2);
    // A wrong code is what is told of a frame that has both.
    CHECK(parse_close_payload(support::concat(close_body(1005), bad.text)).error ==
          error::close_code_invalid);
  }
  for (const bytes& cut : support::every_cut_utf8()) {
    CHECK(parse_close_payload(support::concat(close_body(4999), cut)).error ==
          error::reason_not_utf8);
  }
  for (const bytes& edge : support::every_edge_utf8()) {
    const close_payload found = parse_close_payload(support::concat(close_body(3000), edge));
    CHECK(found.error == error::none);
  }
}

TEST_CASE("a close payload is read within its bytes", "[close_payload][security]") {
  const support::guarded_pages pages{125};
  for (std::size_t size = 0; size <= max_close_reason_size; ++size) {
    const bytes in = close_body(1000, std::string(size, 'r'));
    CHECK(parse_close_payload(pages.copy_to_end(in)).error == error::none);
    CHECK(parse_close_payload(pages.copy_to_start(in)).error == error::none);
  }
}

TEST_CASE("a reason that is too long is cut between code points", "[close_payload]") {
  const std::array<std::string, 4> points{"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
  for (const std::string& point : points) {
    for (std::size_t shift = 0; shift <= 8; ++shift) {
      for (std::size_t count = 0; count * point.size() <= 140; ++count) {
        std::string text(shift, 'x');
        for (std::size_t i = 0; i < count; ++i) text += point;
        const std::string_view kept = cut_close_reason(text);
        CAPTURE(text);
        CHECK(text.starts_with(kept));
        CHECK(is_utf8(kept));
        CHECK(kept.size() <= max_close_reason_size);
        if (text.size() <= max_close_reason_size) {
          CHECK(kept == text);
        } else {
          CHECK(kept.size() + point.size() > max_close_reason_size);  // no more than need be
        }
      }
    }
  }
  // What lies behind the text is none of it.
  const std::string longer = std::string(max_close_reason_size, 'x') + "\x80\x80";
  CHECK(cut_close_reason(std::string_view{longer}.substr(0, max_close_reason_size)).size() ==
        max_close_reason_size);
  // No text at all, but still no more than fits.
  CHECK(cut_close_reason(std::string(500, '\x80')).size() <= max_close_reason_size);
  CHECK(cut_close_reason(std::string(500, '\xFF')).size() == max_close_reason_size);
}

TEST_CASE("what is written is read again", "[close_payload][rfc6455-5.5.1]") {
  const support::guarded_pages pages{max_control_payload_size};
  for (std::size_t size = 0; size <= max_close_reason_size; ++size) {
    const std::string reason(size, 'r');
    const auto to = pages.at_end(2 + size);
    REQUIRE(write_close_payload(to.data(), close_code::going_away, reason) == 2 + size);
    CHECK(bytes(to.begin(), to.end()) == close_body(1001, reason));
    const close_payload found = parse_close_payload(to);
    CHECK(found.code == close_code::going_away);
    CHECK(found.reason == reason);
  }
  CHECK(write_close_payload(pages.at_end(0).data(), close_code::no_status, {}) == 0);
}
