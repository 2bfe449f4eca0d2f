#pragma once

#include "hawser/detail/ascii.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/http1_line.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/header_list.hpp"
#include "hawser/http1_storage.hpp"
#include "hawser/limits.hpp"
#include "hawser/rfc6455.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace hawser::inline v0 {

/// How far a parser that takes its input in pieces has come.
enum class parse_state : std::uint8_t { incomplete, complete, failed };

/// What became of one piece of input.
struct head_progress {
  std::size_t consumed = 0;  ///< Bytes of the piece that belong to the head.
  parse_state state = parse_state::incomplete;
  hawser::error error = hawser::error::none;  ///< Set where `state` is failed.
};

namespace detail {

// The place of the first LF, or in.size(). std::memchr cannot run in constant expressions.
[[nodiscard]] constexpr std::size_t find_line_feed(std::span<const std::byte> in) noexcept {
  if (!std::is_constant_evaluated()) {
    if (in.empty()) return 0;
    const void* found = std::memchr(in.data(), '\n', in.size());
    return found == nullptr
               ? in.size()
               : static_cast<std::size_t>(static_cast<const std::byte*>(found) - in.data());
  }
  std::size_t place = 0;
  while (place < in.size() && in[place] != std::byte{'\n'}) ++place;
  return place;
}

}  // namespace detail

/// Parses the head of one HTTP/1.1 message as its bytes arrive: a server parses requests, a client
/// parses responses. RFC 9112 2 to 5, without the leniency that RFC allows: whatever two parsers
/// could understand in two ways is refused.
///
/// The result does not depend on how the bytes are cut into pieces. Each byte is looked at twice
/// and copied once, into the storage; nothing beyond the head is consumed, so what follows it in
/// the same read (frames) stays the caller's. After completion `headers()` and the parts of the
/// first line are views into the storage: they live until `reset`, and as long as the parser. Where
/// the storage can be moved, so can the parser, and the views stay right; a parser that was moved
/// from can only be destroyed or assigned to.
///
/// Nothing throws but the storage: with heap_head_storage `parse` lets std::bad_alloc pass,
/// `size()` then tells how far it came, and it may be called again with what comes after that.
template <role Role, class Storage = heap_head_storage>
class basic_head_parser {
 public:
  /// A head may have at most `max_size` bytes, all lines together, and `max_fields` header fields.
  /// A storage of fixed size may lower both. `more` is for the storage.
  template <class... More>
  constexpr explicit basic_head_parser(std::size_t max_size = limits{}.max_head_size,
                                       std::size_t max_fields = limits{}.max_headers,
                                       const More&... more)
      : storage_{max_size, max_fields, more...} {}

  /// Takes the next piece of input. Call it with more while the state is incomplete; after
  /// completion or failure it consumes nothing and says the same again.
  constexpr head_progress parse(byte_view in) noexcept(
      noexcept(std::declval<Storage&>().reserve(0, 0))) {
    std::size_t consumed = 0;
    while (state_ == parse_state::incomplete && consumed < in.size()) {
      const byte_view rest{in.data() + consumed, in.size() - consumed};
      std::size_t taken = 0;
      if (!std::is_constant_evaluated()) taken = take_good_lines(rest);
      consumed += taken == 0 ? take_line(rest) : taken;
    }
    return {consumed, state_, error_};
  }

  [[nodiscard]] constexpr parse_state state() const noexcept { return state_; }

  /// What was wrong, once the state is failed.
  [[nodiscard]] constexpr hawser::error error() const noexcept { return error_; }

  /// Bytes of the head so far, with an empty line before it; 0 after a failure.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return storage_.bytes().size(); }

  /// The fields so far, in their order.
  [[nodiscard]] constexpr header_list headers() const noexcept { return storage_.fields(); }

  /// 1 or 0, of HTTP/1.1 or HTTP/1.0: no other version is parsed.
  [[nodiscard]] constexpr unsigned version_minor() const noexcept { return version_minor_; }

  /// The method: a token, in the case in which it came. RFC 9110 9.1.
  [[nodiscard]] constexpr std::string_view method() const noexcept
    requires(Role == role::server)
  {
    return text(first_);
  }

  /// The request target in any of its forms: visible ASCII without '#'. RFC 9112 3.2.
  [[nodiscard]] constexpr std::string_view target() const noexcept
    requires(Role == role::server)
  {
    return text(second_);
  }

  /// The status, 100 to 599. RFC 9110 15.
  [[nodiscard]] constexpr unsigned status() const noexcept
    requires(Role == role::client)
  {
    return status_;
  }

  /// The reason phrase: may be empty, and may have any bytes but control bytes.
  [[nodiscard]] constexpr std::string_view reason() const noexcept
    requires(Role == role::client)
  {
    return text(first_);
  }

  /// Forgets the head and starts with the next message, as after an interim response. RFC
  /// 9110 15.2.
  constexpr void reset() noexcept {
    storage_.clear();
    first_ = second_ = {};
    line_begin_ = 0;
    status_ = 0;
    version_minor_ = 1;
    in_fields_ = false;
    state_ = parse_state::incomplete;
    error_ = hawser::error::none;
  }

 private:
  using start_line =
      std::conditional_t<Role == role::server, detail::request_line, detail::status_line>;

  // A part of the first line. A view would not survive the growth of the storage.
  struct place {
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  constexpr std::string_view text(place at) const noexcept {
    return {storage_.bytes().data() + at.begin, at.size};
  }

  static constexpr hawser::error parse_start(std::string_view line, start_line& to) noexcept {
    if constexpr (Role == role::server) {
      return detail::parse_request_line(line, to);
    } else {
      return detail::parse_status_line(line, to);
    }
  }

  // Keeps where the parts of the first line stand in the head: they are found in `text`, which has
  // `before` bytes of the head before it.
  constexpr void set_start(const start_line& parts, std::string_view text,
                           std::size_t before) noexcept {
    const auto place_of = [&](std::string_view part) {
      return place{before + static_cast<std::size_t>(part.data() - text.data()), part.size()};
    };
    if constexpr (Role == role::server) {
      first_ = place_of(parts.method);
      second_ = place_of(parts.target);
    } else {
      first_ = place_of(parts.reason);
      status_ = static_cast<std::uint16_t>(parts.status);
    }
    version_minor_ = static_cast<std::uint8_t>(parts.version_minor);
    in_fields_ = true;
  }

  // A failed parser holds no memory.
  HAWSER_COLD constexpr void fail(hawser::error reason) noexcept {
    reset();
    state_ = parse_state::failed;
    error_ = reason;
  }

  // Takes the lines that are whole in `in`, with nothing wrong, as nearly all are, and stores them
  // together. Returns how much that was. What is cut, wrong or over a limit is left to take_line.
  // All memory is got before anything changes.
  std::size_t take_good_lines(std::span<const std::byte> bytes) {
    if (line_begin_ != size()) return 0;
    const std::string_view in = as_text(bytes.first(detail::min_of(
        detail::min_of(bytes.size(), storage_.max_size() - size()), detail::most_searched_size)));
    start_line start;
    std::size_t first = 0;
    if (!in_fields_) {
      const std::size_t line_feed = detail::find_line_feed(bytes.first(in.size()));
      if (line_feed < 2 || line_feed == in.size() || in[line_feed - 1] != '\r' ||
          parse_start(detail::front(in, line_feed - 1), start) != hawser::error::none) {
        return 0;
      }
      first = line_feed + 1;
    }
    detail::field_room fields;
    detail::found_fields found;
    if (in.size() - first >= 64) {
      found = detail::find_fields(
          {in.data() + first, in.size() - first}, Role == role::client, fields.data(),
          detail::min_of(detail::field_room::capacity, storage_.max_fields() - headers().size()));
    }
    storage_.reserve(first + found.size, found.count);
    if (first != 0) set_start(start, in, size());
    // From where it was found to where it is stored.
    const std::ptrdiff_t way = storage_.bytes().data() + size() - in.data();
    storage_.append(bytes.first(first + found.size));
    for (std::size_t i = 0; i < found.count; ++i) {
      const header& field = fields.data()[i];
      storage_.add_field({{field.name.data() + way, field.name.size()},
                          {field.value.data() + way, field.value.size()}});
    }
    line_begin_ = size();
    if (found.is_end) state_ = parse_state::complete;
    return first + found.size;
  }

  // Stores input up to the end of the line, parses the line if it is whole, and returns how much
  // was stored. All memory is got before anything changes.
  HAWSER_COLD constexpr std::size_t take_line(std::span<const std::byte> in) {
    const std::size_t room = storage_.max_size() - size();
    if (room == 0) {
      fail(hawser::error::head_too_large);
      return 0;
    }
    in = in.first(detail::min_of(in.size(), room));
    if (!in_fields_) {
      if (const std::size_t good = check_start(in); state_ == parse_state::failed) return good;
    }
    const std::size_t line_feed = detail::find_line_feed(in);
    const bool is_whole = line_feed < in.size();
    if (is_whole) in = in.first(line_feed + 1);
    const bool is_field = is_whole && in_fields_ && size() - line_begin_ + in.size() > 2 &&
                          headers().size() < storage_.max_fields();
    storage_.reserve(in.size(), is_field ? 1 : 0);
    storage_.append(in);
    if (is_whole) end_line();
    return in.size();
  }

  // Fails at the first byte that cannot start a message: there is no need to wait for the end of a
  // line from a peer that speaks another protocol, a TLS hello being the usual one. Returns how
  // many bytes were good.
  constexpr std::size_t check_start(std::span<const std::byte> in) noexcept {
    constexpr std::string_view start = "HTTP/";
    constexpr std::size_t start_size = Role == role::server ? 1 : start.size();
    std::size_t place_in_line = size() - line_begin_;
    for (std::size_t i = 0; i < in.size() && place_in_line < start_size; ++i, ++place_in_line) {
      const char c = static_cast<char>(in[i]);
      if constexpr (Role == role::server) {
        const bool may_be_empty_line = c == '\r' && line_begin_ == 0;
        if (!detail::is_token_char(c) && !may_be_empty_line) {
          fail(c == '\n' ? hawser::error::bad_line_ending : hawser::error::bad_request_line);
          return i;
        }
      } else if (c != start[place_in_line]) {
        fail(hawser::error::bad_status_line);
        return i;
      }
    }
    return in.size();
  }

  constexpr void end_line() noexcept {
    std::string_view line = storage_.bytes();
    line.remove_prefix(line_begin_);
    line.remove_suffix(1);
    // RFC 9112 2.2: "Although the line terminator for the start-line and fields is the sequence
    // CRLF, a recipient MAY recognize a single LF as a line terminator". This one does not.
    if (!line.ends_with('\r')) return fail(hawser::error::bad_line_ending);
    line.remove_suffix(1);

    hawser::error e = hawser::error::none;
    if (in_fields_) {
      if (line.empty()) {
        state_ = parse_state::complete;
      } else {
        e = take_field(line);
      }
    } else if (Role == role::client || !line.empty()) {
      start_line start;
      e = parse_start(line, start);
      if (e == hawser::error::none) set_start(start, storage_.bytes(), 0);
    }
    // Otherwise: RFC 9112 2.2: "a server that is expecting to receive and parse a request-line
    // SHOULD ignore at least one empty line (CRLF) received prior to the request-line." One it is:
    // check_start refuses the next.
    line_begin_ = size();
    if (e != hawser::error::none) fail(e);
  }

  constexpr hawser::error take_field(std::string_view line) noexcept {
    if (headers().size() == storage_.max_fields()) return hawser::error::too_many_headers;
    // RFC 9110 5.5: "a recipient SHOULD treat other allowed octets in field content (i.e.,
    // obs-text) as opaque data." A client does, for servers write all sorts of things; no request
    // of a browser has them, and a server refuses them.
    header field;
    const hawser::error e = detail::parse_field_line(line, Role == role::client, field);
    if (e == hawser::error::none) storage_.add_field(field);
    return e;
  }

  Storage storage_;
  place first_;   // Method or reason.
  place second_;  // Target.
  std::size_t line_begin_ = 0;
  std::uint16_t status_ = 0;
  std::uint8_t version_minor_ = 1;
  bool in_fields_ = false;
  parse_state state_ = parse_state::incomplete;
  hawser::error error_ = hawser::error::none;
};

/// Parses requests, for servers.
using request_head_parser = basic_head_parser<role::server>;

/// Parses responses, for clients.
using response_head_parser = basic_head_parser<role::client>;

namespace detail {

// Parses the bytes of [position, end) and moves `position` behind those that are stored, also where
// there is no memory for more.
template <role Role>
[[nodiscard]] head_progress parse_head(basic_head_parser<Role>& parser, std::byte*& position,
                                       const std::byte* end) {
  struct keeper {
    ~keeper() { position += is_done ? progress.consumed : parser.size() - size; }
    basic_head_parser<Role>& parser;
    std::byte*& position;
    std::size_t size = parser.size();
    head_progress progress = {};
    bool is_done = false;
  } keep{parser, position};
  keep.progress = parser.parse({position, static_cast<std::size_t>(end - position)});
  keep.is_done = true;
  return keep.progress;
}

}  // namespace detail

}  // namespace hawser::inline v0
