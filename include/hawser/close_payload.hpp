#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/error.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/strictness.hpp"
#include "hawser/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// The payload of a close frame: a code and a reason. RFC 6455 5.5.1 and 7.4.
namespace hawser::inline v0 {

/// True for the codes that may stand in a close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999.
/// RFC 6455 7.4.2 and the IANA registry of close codes.
[[nodiscard]] constexpr bool is_wire_close_code(close_code code) noexcept {
  const auto number = static_cast<unsigned>(code);
  return (number >= 1000 && number <= 1003) || (number >= 1007 && number <= 1014) ||
         (number >= 3000 && number <= 4999);
}

/// What a close frame says.
struct close_payload {
  close_code code = close_code::no_status;
  std::string_view reason = {};  ///< A view of the payload; UTF-8.
  hawser::error error = error::none;
};

/// Reads the payload of a close frame. An empty one has the code 1005, no_status.
[[nodiscard]] inline close_payload parse_close_payload(std::span<const std::byte> payload,
                                                       const strictness& rules = {}) noexcept {
  if (payload.empty()) return {};
  // RFC 6455 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned
  // integer (in network byte order) representing a status code"
  if (payload.size() == 1) return {.error = error::close_payload_size};
  const auto code = static_cast<close_code>(detail::load_big_endian<2>(payload.data()));
  if (rules.close_codes && !is_wire_close_code(code)) return {.error = error::close_code_invalid};
  const std::span<const std::byte> reason = payload.subspan(2);
  if (rules.utf8 && !is_utf8(reason)) return {.error = error::reason_not_utf8};
  return {.code = code, .reason = as_text(reason)};
}

/// As much of `text` as fits a close frame: at most 123 bytes, cut between code points.
[[nodiscard]] constexpr std::string_view cut_close_reason(std::string_view text) noexcept {
  if (text.size() <= max_close_reason_size) return text;
  std::size_t size = max_close_reason_size;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size);
}

/// Writes the payload of a close frame to `to`, which has room for 125 bytes, and returns its size.
/// `reason` has at most 123 bytes; with the code no_status the payload is empty.
constexpr std::size_t write_close_payload(std::byte* to, close_code code,
                                          std::string_view reason) noexcept {
  if (code == close_code::no_status) return 0;
  detail::store_big_endian<2>(to, static_cast<std::uint64_t>(code));
  for (std::size_t i = 0; i < reason.size(); ++i) to[2 + i] = static_cast<std::byte>(reason[i]);
  return 2 + reason.size();
}

}  // namespace hawser::inline v0
