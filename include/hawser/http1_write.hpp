#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/http1_line.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace hawser::inline v0 {

namespace detail {

struct status_name {
  unsigned status;
  std::string_view reason;
};

inline constexpr status_name status_names[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

// RFC 9110 15: the classes of statuses, by the first digit.
inline constexpr std::string_view status_class_names[] = {
    "Unknown", "Informational", "Successful", "Redirection", "Client Error", "Server Error"};

}  // namespace detail

/// The reason phrase of a status as the RFCs name it; for others the name of their class.
[[nodiscard]] constexpr std::string_view reason_phrase(unsigned status) noexcept {
  for (const detail::status_name& name : detail::status_names) {
    if (name.status == status) return name.reason;
  }
  return detail::status_class_names[status < 600 ? status / 100 : 0];
}

namespace detail {

// RFC 9110 5.5: "a recipient of CR, LF, or NUL within a field value MUST either reject the message
// or replace each of those characters with SP": a sender that let them through would let whoever
// gave it the value write fields, or messages, of their own.
[[nodiscard]] constexpr bool may_write(header_list headers) noexcept {
  for (const header& field : headers) {
    if (!is_token(field.name) || check_text(field.value, true, error::bad_header) != error::none) {
      return false;
    }
  }
  return true;
}

[[nodiscard]] constexpr bool may_write_target(std::string_view target) noexcept {
  for (const char c : target) {
    if (!is_visible(c) || c == '#') return false;
  }
  return !target.empty();
}

[[nodiscard]] constexpr std::size_t written_size(header_list headers) noexcept {
  std::size_t size = 2;
  for (const header& field : headers) size += field.name.size() + field.value.size() + 4;
  return size;
}

// The fields and the empty line after them, into room that was made before.
inline void append_headers(std::string& out, header_list headers) {
  for (const header& field : headers) {
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace detail

/// Appends the head of a request, with the empty line that ends it. RFC 9112 3.
///
/// Returns `error::bad_header` and leaves `out` as it was where the method or a name is no token,
/// the target has anything but visible ASCII without '#', or a value has a control byte other than
/// a tab. Bytes from 0x80 are let through in values only.
[[nodiscard]] inline error write_request_head(std::string& out, std::string_view method,
                                              std::string_view target, header_list headers) {
  if (!detail::is_token(method) || !detail::may_write_target(target) ||
      !detail::may_write(headers)) {
    return error::bad_header;
  }
  constexpr std::string_view version_and_end = " HTTP/1.1\r\n";
  out.reserve(out.size() + method.size() + 1 + target.size() + version_and_end.size() +
              detail::written_size(headers));
  out.append(method).append(" ").append(target).append(version_and_end);
  detail::append_headers(out, headers);
  return error::none;
}

/// Appends the head of a response, with the empty line that ends it. RFC 9112 4.
///
/// Returns `error::bad_header` and leaves `out` as it was where the status is not 100 to 599, a
/// name is no token, or the reason or a value has a control byte other than a tab. The reason may
/// be empty; `reason_phrase(status)` is the usual one.
[[nodiscard]] inline error write_response_head(std::string& out, unsigned status,
                                               std::string_view reason, header_list headers) {
  if (status < 100 || status > 599 ||
      detail::check_text(reason, true, error::bad_header) != error::none ||
      !detail::may_write(headers)) {
    return error::bad_header;
  }
  const char digits[] = {static_cast<char>('0' + status / 100),
                         static_cast<char>('0' + status / 10 % 10),
                         static_cast<char>('0' + status % 10)};
  constexpr std::string_view version_part = "HTTP/1.1 ";
  out.reserve(out.size() + version_part.size() + sizeof digits + 1 + reason.size() + 2 +
              detail::written_size(headers));
  // RFC 9112 4: "A server MUST send the space that separates the status-code from the reason-phrase
  // even when the reason-phrase is absent".
  out.append(version_part).append(digits, sizeof digits).append(" ").append(reason).append("\r\n");
  detail::append_headers(out, headers);
  return error::none;
}

}  // namespace hawser::inline v0
