#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/header_list.hpp"
#include "hawser/http1_head.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// The body of a response that refused a handshake: how it is framed, and its bytes.
namespace hawser::inline v0 {

/// How the end of a response's body is told. RFC 9112 6.3.
enum class body_kind : std::uint8_t {
  none,         ///< There is no body.
  sized,        ///< It has the size that Content-Length says.
  chunked,      ///< It comes in chunks.
  until_close,  ///< It ends with the stream.
  malformed,    ///< The headers contradict themselves: the response is to be dropped.
};

/// How the body of one response is framed.
struct body_framing {
  body_kind kind = body_kind::none;
  std::uint64_t size = 0;  ///< In bytes, where `kind` is sized.

  friend constexpr bool operator==(const body_framing&, const body_framing&) = default;
};

namespace detail {

// RFC 9110 8.6: "Content-Length = 1*DIGIT". False too where 64 bits do not hold it.
[[nodiscard]] constexpr bool parse_decimal(std::string_view text, std::uint64_t& to) noexcept {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return false;
    value = value * 10 + digit;
  }
  to = value;
  return !text.empty();
}

// RFC 9112 6.3: "If a message is received without Transfer-Encoding and with an invalid
// Content-Length header field, then the message framing is invalid and the recipient MUST treat it
// as an unrecoverable error, unless the field value can be successfully parsed as a comma-separated
// list
// [...], all values in the list are valid, and all values in the list are the same".
[[nodiscard]] constexpr body_framing frame_by_length(header_list headers) noexcept {
  constexpr std::string_view name = "Content-Length";
  if (headers.find(name) == nullptr) return {body_kind::until_close, 0};
  std::uint64_t size = 0;
  std::size_t count = 0;
  const bool all_valid = headers.for_each_element(name, [&](std::string_view element) {
    std::uint64_t value = 0;
    if (!parse_decimal(element, value) || (count != 0 && value != size)) return false;
    size = value;
    ++count;
    return true;
  });
  if (!all_valid || count == 0) return {body_kind::malformed, 0};
  return {body_kind::sized, size};
}

}  // namespace detail

/// Tells from the head of a response to a GET how its body is framed. RFC 9112 6.3.
[[nodiscard]] constexpr body_framing response_body_framing(unsigned status, unsigned version_minor,
                                                           header_list headers) noexcept {
  // "any response with a 1xx (Informational), 204 (No Content), or 304 (Not Modified) status code
  // is always terminated by the first empty line after the header fields".
  if (status < 200 || status == 204 || status == 304) return {body_kind::none, 0};

  constexpr std::string_view name = "Transfer-Encoding";
  if (headers.find(name) == nullptr) return detail::frame_by_length(headers);

  // RFC 9112 6.1: "A server or client that receives an HTTP/1.0 message containing a
  // Transfer-Encoding header field MUST treat the message as if the framing is faulty".
  if (version_minor == 0) return {body_kind::malformed, 0};

  // "If a message is received with both a Transfer-Encoding and a Content-Length header field, the
  // Transfer-Encoding overrides the Content-Length." "If a Transfer-Encoding header field is
  // present in a response and the chunked transfer coding is not the final encoding, the message
  // body length is determined by reading the connection until it is closed by the server." RFC
  // 9112 7.1: "A sender MUST NOT apply the chunked transfer coding more than once".
  std::size_t chunked_count = 0;
  bool chunked_is_last = false;
  headers.for_each_element(name, [&](std::string_view element) {
    chunked_is_last = detail::equals_ignoring_case(element, "chunked");
    chunked_count += chunked_is_last ? 1U : 0U;
    return true;
  });
  if (chunked_count > 1) return {body_kind::malformed, 0};
  return {chunked_is_last ? body_kind::chunked : body_kind::until_close, 0};
}

/// What became of one piece of a body.
struct body_progress {
  std::size_t consumed = 0;  ///< Bytes of the piece that belong to the body.
  parse_state state = parse_state::incomplete;
};

/// Takes the body of a message out of its framing as its bytes arrive, and keeps no memory of its
/// own. RFC 9112 6 and 7.
class body_decoder {
 public:
  constexpr explicit body_decoder(body_framing framing) noexcept
      : left_{framing.size}, phase_{first_phase(framing)} {}

  /// Takes the next piece of input. Appends to `body` what it carries as long as `body` has less
  /// than `max_size` bytes; the rest is read and dropped. After completion or failure it consumes
  /// nothing.
  body_progress decode(byte_view in, std::string& body, std::size_t max_size) {
    std::size_t consumed = 0;
    while (state() == parse_state::incomplete && consumed < in.size()) {
      const std::span<const std::byte> rest = in.subspan(consumed);
      if (is_framing(phase_)) {
        phase_ = after(static_cast<char>(rest.front()));
        ++consumed;
      } else {
        consumed += take_data(rest, body, max_size);
      }
    }
    return {consumed, state()};
  }

  /// To be called at the end of the stream: completes a body that ends with it, fails any other
  /// that is not complete. RFC 9112 8.
  constexpr parse_state end_of_stream() noexcept {
    if (state() == parse_state::incomplete) {
      phase_ = phase_ == phase::until_close ? phase::complete : phase::failed;
    }
    return state();
  }

  [[nodiscard]] constexpr parse_state state() const noexcept {
    if (phase_ == phase::complete) return parse_state::complete;
    return phase_ == phase::failed ? parse_state::failed : parse_state::incomplete;
  }

 private:
  // RFC 9112 7.1: "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF".
  enum class phase : std::uint8_t {
    chunk_size,         // Digits of a size, none so far.
    chunk_size_more,    // More digits, an extension or CR.
    chunk_extension,    // Skipped up to CR.
    chunk_line_feed,    // The LF of that line.
    data_return,        // The CR behind the data of a chunk.
    data_line_feed,     // The LF behind the data of a chunk.
    trailer_begin,      // The first byte of a trailer field, or of the last line.
    trailer,            // Skipped up to CR.
    trailer_line_feed,  // The LF of that line.
    last_line_feed,     // The LF of the last line.
    chunk_data,
    sized_data,
    until_close,
    complete,
    failed,
  };

  // RFC 9112 7.1.1: "A server ought to limit the total length of chunk extensions received in a
  // request to an amount reasonable for the services provided": of trailer fields likewise, and a
  // client has as much reason to.
  static constexpr std::uint16_t max_skipped = 16U << 10;

  static constexpr phase first_phase(body_framing framing) noexcept {
    switch (framing.kind) {
      case body_kind::none:
        return phase::complete;
      case body_kind::sized:
        return framing.size == 0 ? phase::complete : phase::sized_data;
      case body_kind::chunked:
        return phase::chunk_size;
      case body_kind::until_close:
        return phase::until_close;
      case body_kind::malformed:
        break;
    }
    return phase::failed;
  }

  static constexpr bool is_framing(phase p) noexcept { return p < phase::chunk_data; }

  std::size_t take_data(std::span<const std::byte> in, std::string& body, std::size_t max_size) {
    const bool is_counted = phase_ != phase::until_close;
    const std::size_t size =
        is_counted ? static_cast<std::size_t>(detail::min_of<std::uint64_t>(in.size(), left_))
                   : in.size();
    const std::size_t room = max_size - detail::min_of(max_size, body.size());
    body.append(as_text(in.first(detail::min_of(size, room))));
    if (is_counted) {
      left_ -= size;
      if (left_ == 0) {
        phase_ = phase_ == phase::chunk_data ? phase::data_return : phase::complete;
      }
    }
    return size;
  }

  // The phase that follows when `c` comes in a phase of framing.
  constexpr phase after(char c) noexcept {
    const auto expect = [c](char wanted, phase next) { return c == wanted ? next : phase::failed; };
    switch (phase_) {
      case phase::chunk_size:
        left_ = 0;
        return detail::hex_value(c) < 0 ? phase::failed : after_digit(c);
      case phase::chunk_size_more:
        if (detail::hex_value(c) >= 0) return after_digit(c);
        return c == ';' || c == ' ' || c == '\t' ? phase::chunk_extension
                                                 : expect('\r', phase::chunk_line_feed);
      case phase::chunk_extension:
        return after_skipped(c, phase::chunk_line_feed);
      case phase::chunk_line_feed:
        return expect('\n', left_ == 0 ? phase::trailer_begin : phase::chunk_data);
      case phase::data_return:
        return expect('\r', phase::data_line_feed);
      case phase::data_line_feed:
        return expect('\n', phase::chunk_size);
      case phase::trailer_begin:
        return c == '\r' ? phase::last_line_feed : after_skipped(c, phase::trailer_line_feed);
      case phase::trailer:
        return after_skipped(c, phase::trailer_line_feed);
      case phase::trailer_line_feed:
        return expect('\n', phase::trailer_begin);
      case phase::last_line_feed:
        return expect('\n', phase::complete);
      default:
        return phase_;
    }
  }

  // RFC 9112 7.1: "recipients MUST anticipate potentially large hexadecimal numerals and prevent
  // parsing errors due to integer conversion overflows".
  constexpr phase after_digit(char c) noexcept {
    if (left_ >> 60 != 0) return phase::failed;
    left_ = left_ << 4 | static_cast<std::uint64_t>(detail::hex_value(c));
    return phase::chunk_size_more;
  }

  // Chunk extensions and trailer fields are read over. RFC 9112 7.1.1: "A recipient MUST ignore
  // unrecognized chunk extensions." 7.1.2: trailer fields may be discarded.
  constexpr phase after_skipped(char c, phase at_end) noexcept {
    if (c == '\r') return at_end;
    if (c == '\n' || c == '\0' || skipped_ == max_skipped) return phase::failed;
    ++skipped_;
    return phase_ == phase::chunk_extension ? phase::chunk_extension : phase::trailer;
  }

  std::uint64_t left_;  // Bytes until the end of the body, or of the chunk.
  phase phase_;
  std::uint16_t skipped_ = 0;
};

}  // namespace hawser::inline v0
