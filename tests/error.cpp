#include "hawser/error.hpp"

#include "support/catch.hpp"

#include <cstddef>
#include <set>
#include <string_view>
#include <vector>

using namespace hawser;

namespace {

// Each enumerator: the compiler warns where to_string knows one not, and only numbers of none are
// "unknown error".
std::vector<error> all_errors() {
  std::vector<error> result;
  for (unsigned i = 0; i < 256; ++i) {
    const auto e = static_cast<error>(i);
    if (to_string(e) != "unknown error") result.push_back(e);
  }
  return result;
}

// What a peer can break in frames, which is answered by a close frame.
bool is_of_frames(error e) {
  return e >= error::reserved_bits && e <= error::too_many_control_frames;
}

static_assert(error{} == error::none);
static_assert(sizeof(error) == 1);
static_assert(to_string(error::output_full) == "the output is full");

}  // namespace

TEST_CASE("each error has a text of its own that fits a close frame", "[error]") {
  std::set<std::string_view> texts;
  CHECK(all_errors().size() > 60);
  CHECK(static_cast<std::size_t>(all_errors().back()) == all_errors().size() - 1);  // no gap
  for (const error e : all_errors()) {
    const std::string_view text = to_string(e);
    CAPTURE(static_cast<unsigned>(e), text);
    CHECK_FALSE(text.empty());
    CHECK(text.size() <= max_close_reason_size);
    CHECK(texts.insert(text).second);
    for (const char each : text) CHECK((each >= 0x20 && each < 0x7F));
  }
}

TEST_CASE("each error is of one family, and no error of none", "[error]") {
  for (const error e : all_errors()) {
    CAPTURE(to_string(e));
    const int families =
        int{is_misuse(e)} + int{is_violation(e)} + int{is_refusal(e)} + int{is_loss(e)};
    CHECK(families == (e == error::none ? 0 : 1));
  }
  CHECK((is_misuse(error::not_open) && is_misuse(error::bad_url)));
  CHECK((is_violation(error::reserved_bits) && is_violation(error::extension_not_offered)));
  CHECK((is_refusal(error::origin_refused) && is_refusal(error::handshake_refused)));
  CHECK((is_loss(error::end_of_stream) && is_loss(error::transport_failed)));
}

TEST_CASE("a violation in frames is told by its close code", "[error][rfc6455-7.4.1]") {
  for (const error e : all_errors()) {
    if (!is_of_frames(e)) continue;
    CAPTURE(to_string(e));
    close_code expected = close_code::protocol_error;
    if (e == error::reason_not_utf8 || e == error::invalid_utf8 ||
        e == error::bad_compressed_data) {
      expected = close_code::invalid_payload;
    }
    if (e == error::frame_too_big || e == error::message_too_big) {
      expected = close_code::message_too_big;
    }
    if (e == error::too_many_fragments || e == error::ratio_too_high ||
        e == error::too_many_control_frames) {
      expected = close_code::policy_violation;
    }
    CHECK(close_code_for(e) == expected);
  }
  CHECK(close_code_for(error::none) == close_code::normal);
}

TEST_CASE("a lost connection has the close code of no close frame", "[error][rfc6455-7.1.5]") {
  for (const error e : all_errors()) {
    if (!is_loss(e)) continue;
    CAPTURE(to_string(e));
    CHECK(close_code_for(e) == close_code::abnormal);
  }
}

TEST_CASE("a violation in HTTP is told by its status", "[error][rfc9110-15]") {
  for (const error e : all_errors()) {
    if (!is_violation(e) && !is_refusal(e)) continue;
    CAPTURE(to_string(e));
    CHECK((http_status_for(e) >= 400 && http_status_for(e) <= 599));
  }
  CHECK(http_status_for(error::bad_http_version) == 505);
  CHECK(http_status_for(error::bad_method) == 405);
  CHECK(http_status_for(error::head_too_large) == 431);
  CHECK(http_status_for(error::too_many_headers) == 431);
  CHECK(http_status_for(error::missing_upgrade) == 426);
  CHECK(http_status_for(error::bad_version) == 426);
  CHECK(http_status_for(error::origin_refused) == 403);
  CHECK(http_status_for(error::host_refused) == 421);
  for (const error e :
       {error::bad_request_line, error::bad_target, error::bad_line_ending, error::bad_header_name,
        error::bad_header_value, error::folded_header, error::missing_host, error::repeated_header,
        error::bad_host, error::missing_connection, error::missing_key, error::bad_key,
        error::bad_subprotocol_list, error::bad_extension_list, error::too_much_early_data}) {
    CAPTURE(to_string(e));
    CHECK(http_status_for(e) == 400);
  }
}
