#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>

// The grammar of single lines of a message head, RFC 9112 3 to 5. A line comes without its CR LF
// and has no LF inside.
namespace hawser::inline v0 {
namespace detail {

// RFC 9110 5.5: obs-text, bytes whose meaning HTTP leaves open.
[[nodiscard]] constexpr bool is_obs_text(char c) noexcept {
  return static_cast<unsigned char>(c) >= 0x80;
}

// RFC 5234: VCHAR.
[[nodiscard]] constexpr bool is_visible(char c) noexcept { return c > ' ' && c < '\x7F'; }

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

#if defined(HAWSER_SIMD_X86)
using text_bytes = signed char __attribute__((vector_size(16)));
using text_mask = char __attribute__((vector_size(16)));
#endif

// How many bytes at the front are text.
template <bool WithObsText>
[[nodiscard]] HAWSER_ALWAYS_INLINE constexpr std::size_t count_text(
    std::string_view text) noexcept {
  std::size_t i = 0;
#if defined(HAWSER_SIMD_X86)
  if (!std::is_constant_evaluated()) {
    for (; text.size() - i >= 16; i += 16) {
      text_bytes bytes;
      std::memcpy(&bytes, text.data() + i, sizeof bytes);
      // Bytes from 0x80 on are negative.
      auto is_wrong = ((bytes < 0x20) & (bytes != '\t')) | (bytes == 0x7F);
      if constexpr (WithObsText) is_wrong &= bytes >= 0;
      const int wrong = __builtin_ia32_pmovmskb128(reinterpret_cast<text_mask>(is_wrong));
      if (wrong != 0) {
        return i + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(wrong)));
      }
    }
  }
#endif
  while (i < text.size() && is_text_char(text[i], WithObsText)) ++i;
  return i;
}

[[nodiscard]] HAWSER_NO_INLINE constexpr std::size_t text_size(std::string_view text,
                                                               bool with_obs_text) noexcept {
  return with_obs_text ? count_text<true>(text) : count_text<false>(text);
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
[[nodiscard]] constexpr error parse_request_line(std::string_view line, request_line& to) noexcept {
  const auto take_while = [&](auto accepts) {
    std::size_t size = 0;
    while (size < line.size() && accepts(line[size])) ++size;
    const std::string_view taken = line.substr(0, size);
    line.remove_prefix(size);
    return taken;
  };

  to.method = take_while(is_token_char);
  if (line.empty()) return error::bad_request_line;
  if (line.front() != ' ' || to.method.empty()) {
    return blame(line.front(), error::bad_request_line);
  }
  line.remove_prefix(1);

  // RFC 9112 3.2: none of the four forms has a fragment.
  to.target = take_while([](char c) { return is_visible(c) && c != '#'; });
  if (line.empty()) return error::bad_request_line;
  if (line.front() != ' ' || to.target.empty()) return blame(line.front(), error::bad_target);
  line.remove_prefix(1);

  if (line.find('\r') != std::string_view::npos) return error::bad_line_ending;
  return parse_http_version(line, error::bad_request_line, to.version_minor);
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
[[nodiscard]] constexpr error parse_field_line(std::string_view line, bool with_obs_text,
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
  std::size_t colon = 0;
  while (colon < line.size() && is_token_char(line[colon])) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    return blame(colon == line.size() ? ':' : line[colon], error::bad_header_name);
  }
  to.name = line.substr(0, colon);

  // RFC 9112 5.1: "OWS occurring before the first non-whitespace octet of the field line value, or
  // after the last non-whitespace octet of the field line value, is excluded by parsers".
  to.value = trim(line.substr(colon + 1));
  return check_text(to.value, with_obs_text, error::bad_header_value);
}

// How many bytes at the front are those of a token.
[[nodiscard]] HAWSER_ALWAYS_INLINE constexpr std::size_t token_size(
    std::string_view text) noexcept {
  std::size_t i = 0;
#if defined(HAWSER_SIMD_X86)
  if (!std::is_constant_evaluated()) {
    for (; text.size() - i >= 16; i += 16) {
      // Letters and "-", of which nearly all names are.
      text_bytes bytes;
      std::memcpy(&bytes, text.data() + i, sizeof bytes);
      const text_bytes lower = bytes | 0x20;
      const auto is_usual = ((lower >= 'a') & (lower <= 'z')) | (bytes == '-');
      const int usual = __builtin_ia32_pmovmskb128(reinterpret_cast<text_mask>(is_usual));
      if (usual != 0xFFFF) {
        i += static_cast<std::size_t>(std::countr_one(static_cast<unsigned>(usual)));
        break;
      }
    }
  }
#endif
  while (i < text.size() && is_token_char(text[i])) ++i;
  return i;
}

// The size of the field line at the front of `in`, with its CR LF, where it is whole and nothing is
// wrong with it; else 0, and parse_field_line says what is.
template <bool WithObsText>
[[nodiscard]] HAWSER_ALWAYS_INLINE constexpr std::size_t take_field_line(std::string_view in,
                                                                         header& to) noexcept {
  const std::size_t colon = token_size(in);
  if (colon == 0 || colon == in.size() || in[colon] != ':') return 0;
  const std::size_t begin = colon + 1;
  const std::size_t end = begin + count_text<WithObsText>(in.substr(begin));
  if (in.size() - end < 2 || in[end] != '\r' || in[end + 1] != '\n') return 0;
  to.name = in.substr(0, colon);
  to.value = trim({in.data() + begin, end - begin});
  return end + 2;
}

}  // namespace detail
}  // namespace hawser::inline v0
