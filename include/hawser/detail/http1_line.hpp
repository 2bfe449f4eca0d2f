#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// The grammar of single lines of a message head, RFC 9112 3 to 5. A line comes without its CR LF
// and has no LF inside.
namespace hawser::inline v0 {
namespace detail {

// RFC 9110 5.5: obs-text, bytes whose meaning HTTP leaves open.
[[nodiscard]] constexpr bool is_obs_text(char c) noexcept {
  return static_cast<unsigned char>(c) >= 0x80;
}

// What to say of a byte that must not stand where it stands.
// RFC 9112 2.2: "A recipient of such a bare CR MUST consider that element to be invalid or replace
// each bare CR with SP".
[[nodiscard]] constexpr error blame(char c, error otherwise) noexcept {
  return c == '\r' ? error::bad_line_ending : otherwise;
}

// RFC 9110 5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous [...].
// Field values containing other CTL characters are also invalid".
[[nodiscard]] constexpr bool is_text_char(char c, bool with_obs_text) noexcept {
  return is_field_char(c) || (with_obs_text && is_obs_text(c));
}

// How many bytes at the front are text.
[[nodiscard]] HAWSER_NO_INLINE constexpr std::size_t text_size(std::string_view text,
                                                               bool with_obs_text) noexcept {
  std::size_t i = 0;
  while (i < text.size() && is_text_char(text[i], with_obs_text)) ++i;
  return i;
}

[[nodiscard]] constexpr error check_text(std::string_view text, bool with_obs_text,
                                         error otherwise) noexcept {
  const std::size_t good = text_size(text, with_obs_text);
  return good == text.size() ? error::none : blame(text[good], otherwise);
}

// RFC 9112 2.3: "HTTP-version = HTTP-name "/" DIGIT "." DIGIT", and the name is case-sensitive.
// 1.0 is read too: it takes an HTTP/1.1 answer that says why it gets no WebSocket.
[[nodiscard]] constexpr error parse_http_version(std::string_view text, error otherwise,
                                                 unsigned& minor) noexcept {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7])) {
    return otherwise;
  }
  if (text[5] != '1' || text[7] > '1') return error::bad_http_version;
  minor = static_cast<unsigned>(text[7] - '0');
  return error::none;
}

struct request_line {
  std::string_view method;
  std::string_view target;
  unsigned version_minor = 1;
};

// RFC 9112 3: "request-line = method SP request-target SP HTTP-version". 3.2: "No whitespace is
// allowed in the request-target." Other white space between the three, which RFC 9112 3 lets a
// lenient parser take, is refused: "lenient parsing can result in request smuggling security
// vulnerabilities".
[[nodiscard]] HAWSER_NO_INLINE constexpr error parse_request_line(std::string_view line,
                                                                  request_line& to) noexcept {
  std::size_t at = count_token(line);
  if (at == line.size()) return error::bad_request_line;
  if (line[at] != ' ' || at == 0) return blame(line[at], error::bad_request_line);
  to.method = front(line, at);

  // RFC 9112 3.2: none of the four forms has a fragment.
  const std::size_t target = ++at;
  at += count_target({line.data() + at, line.size() - at});
  if (at == line.size()) return error::bad_request_line;
  if (line[at] != ' ' || at == target) return blame(line[at], error::bad_target);
  to.target = {line.data() + target, at - target};

  const std::string_view version{line.data() + at + 1, line.size() - at - 1};
  if (version.find('\r') != std::string_view::npos) return error::bad_line_ending;
  return parse_http_version(version, error::bad_request_line, to.version_minor);
}

struct status_line {
  std::string_view reason;
  unsigned status = 0;
  unsigned version_minor = 1;
};

// RFC 9112 4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]". The SP after the
// code may be missing where there is no reason: many servers leave it out, and "A client SHOULD
// ignore the reason-phrase content".
[[nodiscard]] constexpr error parse_status_line(std::string_view line, status_line& to) noexcept {
  if (const error e = check_text(line, true, error::bad_status_line); e != error::none) return e;
  if (const error e =
          parse_http_version(line.substr(0, 8), error::bad_status_line, to.version_minor);
      e != error::none) {
    return e;
  }
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) {
    return error::bad_status_line;
  }
  to.status = 0;
  for (const char c : line.substr(9, 3)) {
    if (!is_digit(c)) return error::bad_status_line;
    to.status = to.status * 10 + static_cast<unsigned>(c - '0');
  }
  // RFC 9110 15: "All valid status codes are within the range of 100 to 599, inclusive."
  if (to.status < 100 || to.status > 599) return error::bad_status_line;
  to.reason = line.substr(line.size() > 12 ? 13 : 12);
  return error::none;
}

// RFC 9112 5: "field-line = field-name ":" OWS field-value OWS".
[[nodiscard]] HAWSER_COLD constexpr error parse_field_line(std::string_view line,
                                                           bool with_obs_text,
                                                           header& to) noexcept {
  // RFC 9112 5.2: "A server that receives an obs-fold in a request message that is not within a
  // "message/http" container MUST either reject the message by sending a 400 (Bad Request) [...] or
  // replace each received obs-fold with one or more SP octets". 2.2 wants the same of white space
  // between the start-line and the first field. Of a response a user agent should only do the
  // latter; no server that speaks WebSocket folds its headers, and a client refuses them too.
  if (line.starts_with(' ') || line.starts_with('\t')) return error::folded_header;

  // RFC 9112 5.1: "No whitespace is allowed between the field name and colon. [...] A server MUST
  // reject, with a response status code of 400 (Bad Request), any received request message that
  // contains whitespace between a header field name and colon."
  const std::size_t colon = count_token(line);
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    return blame(colon == line.size() ? ':' : line[colon], error::bad_header_name);
  }
  to.name = front(line, colon);

  // RFC 9112 5.1: "OWS occurring before the first non-whitespace octet of the field line value, or
  // after the last non-whitespace octet of the field line value, is excluded by parsers".
  to.value = trim({line.data() + colon + 1, line.size() - colon - 1});
  return check_text(to.value, with_obs_text, error::bad_header_value);
}

[[nodiscard]] constexpr bool has_line_end(std::string_view in, std::size_t at) noexcept {
  return in.size() - at >= 2 && in[at] == '\r' && in[at + 1] == '\n';
}

// What find_fields takes at once at most, in bytes.
inline constexpr std::size_t most_searched_size = 4096;

// Room for what it finds, on the stack: nothing is written to it beforehand.
struct field_room {
  static constexpr std::size_t capacity = 32;
  [[nodiscard]] header* data() noexcept { return reinterpret_cast<header*>(memory); }

  alignas(header) std::byte memory[capacity * sizeof(header)];
};

// What find_fields found.
struct found_fields {
  std::size_t size = 0;   // of the lines, with the empty line
  std::size_t count = 0;  // of fields
  bool is_end = false;    // the empty line was there
};

// Where bytes stand that are no text, or tabs, in a text of 64 bytes or more: found 64 at a time.
class text_stops {
 public:
  text_stops(std::string_view in, bool with_obs_text) noexcept
      : in_{in}, with_obs_text_{with_obs_text}, stops_{find(in, 0, with_obs_text)} {}

  // The first that was not passed; in.size() where there is none.
  [[nodiscard]] std::size_t next() noexcept {
    while (stops_ == 0) {
      if (in_.size() - block_ <= 64) return in_.size();
      advance();
    }
    return block_ + static_cast<std::size_t>(std::countr_zero(stops_));
  }

  // Passes those before `end`, which is at most two bytes behind the last that next() found.
  void pass(std::size_t end) noexcept {
    const std::size_t size = end - block_;
    if (size < 64) {
      stops_ &= ~std::uint64_t{0} << size;
    } else {
      stops_ = 0;
      is_next_passed_ = size != 64;
    }
  }

 private:
  [[nodiscard]] HAWSER_NO_INLINE static std::uint64_t find(std::string_view text, std::size_t at,
                                                           bool with_obs_text) noexcept {
    std::uint64_t stops = 0;
#if defined(HAWSER_SIMD_X86)
    const text_bytes obs_text = text_bytes{} - static_cast<signed char>(with_obs_text);
    for (unsigned i = 0; i < 64; i += 16) {
      const text_bytes in = load_text(text, at + i);
      // Bytes from 0x80 on are negative.
      stops |= std::uint64_t{text_bits(((in < ' ') & ~(in & obs_text)) | (in == '\x7F'))} << i;
    }
#else
    for (unsigned i = 0; i < 64; ++i) {
      const bool is_stop = text[at + i] == '\t' || !is_text_char(text[at + i], with_obs_text);
      stops |= std::uint64_t{is_stop} << i;
    }
#endif
    return stops;
  }

  // There is a next block. The last one lies behind the others, or else over the one before.
  void advance() noexcept {
    block_ += 64;
    const std::size_t first = detail::min_of(block_, in_.size() - 64);
    stops_ = find(in_, first, with_obs_text_) >> (block_ - first);
    if (is_next_passed_) stops_ &= ~std::uint64_t{1};
    is_next_passed_ = false;
  }

  std::string_view in_;
  bool with_obs_text_;
  bool is_next_passed_ = false;  // the first byte behind the 64
  std::size_t block_ = 0;
  std::uint64_t stops_;  // of the 64 bytes from there on, the first in the lowest bit
};

// Finds the fields of the whole lines at the front of `in`, which are 64 bytes or more, up to the
// first with which anything is wrong or unusual, and for which parse_field_line is: a good field is
// found as that finds it.
[[nodiscard]] HAWSER_NO_INLINE inline found_fields find_fields(std::string_view in,
                                                               bool with_obs_text, header* to,
                                                               std::size_t most) noexcept {
  const char* const text = in.data();
  text_stops stops{in, with_obs_text};
  header* next = to;
  header* const last = to + most;
  std::size_t line = 0;
  bool is_end = false;
  for (;;) {
    // A line ends in CR LF.
    const std::size_t end = stops.next();
    if (!has_line_end(in, end)) break;
    if (end == line) {
      is_end = true;
      line += 2;
      break;
    }
    const char* const name = text + line;
    const char* value_end = text + end;
    const char* colon = name + skip_usual({name, end - line});
    if (*colon != ':') {
      while (is_token_char(*colon)) ++colon;
      if (*colon != ':') break;
    }
    if (colon == name || next == last) break;
    // The colon ends the way back.
    const char* value = colon + 1;
    while (*value == ' ') ++value;
    while (value_end[-1] == ' ') --value_end;
    value = detail::min_of(value, value_end);
    new (next++) header{{name, static_cast<std::size_t>(colon - name)},
                        {value, static_cast<std::size_t>(value_end - value)}};
    line = end + 2;
    stops.pass(line);
  }
  return {line, static_cast<std::size_t>(next - to), is_end};
}

}  // namespace detail
}  // namespace hawser::inline v0
