#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/http1_line.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace hawser::inline v0 {

/// Where a text goes that is written as a whole once its size is known. A std::string stands for
/// one that appends to it.
struct text_room {
  text_room(void* whose, char* (*maker)(void* context, std::size_t size)) noexcept
      : context{whose}, make{maker} {}
  text_room(std::string& to) noexcept  // NOLINT(google-explicit-constructor)
      : context{&to}, make{[](void* string, std::size_t size) {
          std::string& end = *static_cast<std::string*>(string);
          end.resize(end.size() + size);
          return end.data() + end.size() - size;
        }} {}

  void* context;
  /// Gives memory for `size` characters, all of which are written to. Called once, and not at all
  /// where nothing is written; what it throws passes through.
  char* (*make)(void* context, std::size_t size);
};

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
[[nodiscard]] HAWSER_NO_INLINE constexpr std::string_view reason_phrase(unsigned status) noexcept {
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
  return !target.empty() && count_target(target) == target.size();
}

// A message in pieces of text around the headers of somebody else, which are checked.
struct message_text {
  std::span<const std::string_view> before;  // the first line, and what headers we begin with
  header_list headers = {};
  std::span<const std::string_view> after = end_of_head;

  static constexpr std::string_view end_of_head[] = {"\r\n"};
};

HAWSER_NO_INLINE inline char* put(char* to, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

[[nodiscard]] HAWSER_NO_INLINE inline error write_message(const text_room& out,
                                                          const message_text& message) {
  if (!may_write(message.headers)) return error::bad_header;
  std::size_t size = 0;
  for (const std::string_view piece : message.before) size += piece.size();
  for (const header& field : message.headers) size += field.name.size() + field.value.size() + 4;
  for (const std::string_view piece : message.after) size += piece.size();

  char* to = out.make(out.context, size);
  for (const std::string_view piece : message.before) to = put(to, piece);
  for (const header& field : message.headers) {
    to = put(put(put(put(to, field.name), ": "), field.value), "\r\n");
  }
  for (const std::string_view piece : message.after) to = put(to, piece);
  return error::none;
}

// A number in decimal digits.
class decimal {
 public:
  HAWSER_COLD explicit decimal(std::size_t number) noexcept {
    do {
      digits_[--begin_] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
  }
  [[nodiscard]] std::string_view text() const noexcept {
    return {digits_.data() + begin_, digits_.size() - begin_};
  }

 private:
  std::array<char, 20> digits_;
  std::size_t begin_ = 20;
};

}  // namespace detail

/// Appends the head of a request to `out`, with the empty line that ends it. RFC 9112 3.
///
/// Returns `error::bad_header` and leaves `out` as it was where the method or a name is no token,
/// the target has anything but visible ASCII without '#', or a value has a control byte other than
/// a tab. Bytes from 0x80 are let through in values only.
[[nodiscard]] inline error write_request_head(const text_room& out, std::string_view method,
                                              std::string_view target, header_list headers) {
  if (!detail::is_token(method) || !detail::may_write_target(target)) return error::bad_header;
  const std::array<std::string_view, 4> line{method, " ", target, " HTTP/1.1\r\n"};
  return detail::write_message(out, {.before = line, .headers = headers});
}

/// Appends the head of a response to `out`, with the empty line that ends it. RFC 9112 4.
///
/// Returns `error::bad_header` and leaves `out` as it was where the status is not 100 to 599, a
/// name is no token, or the reason or a value has a control byte other than a tab. The reason may
/// be empty; `reason_phrase(status)` is the usual one.
[[nodiscard]] inline error write_response_head(const text_room& out, unsigned status,
                                               std::string_view reason, header_list headers) {
  if (status < 100 || status > 599 ||
      detail::check_text(reason, true, error::bad_header) != error::none) {
    return error::bad_header;
  }
  const detail::decimal digits{status};
  // RFC 9112 4: "A server MUST send the space that separates the status-code from the reason-phrase
  // even when the reason-phrase is absent".
  const std::array<std::string_view, 5> line{"HTTP/1.1 ", digits.text(), " ", reason, "\r\n"};
  return detail::write_message(out, {.before = line, .headers = headers});
}

}  // namespace hawser::inline v0
