#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/error.hpp"
#include "hawser/mask.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/strictness.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

/// The frame codec: headers of frames between bytes and values, pure and constexpr. RFC 6455 5.2.
namespace hawser::inline v0 {

/// The header of a frame.
struct frame_header {
  hawser::opcode opcode = opcode::binary;
  bool fin = true;
  bool rsv1 = false;
  bool rsv2 = false;
  bool rsv3 = false;
  bool masked = false;
  masking_key key = {};            ///< Where masked.
  std::uint64_t payload_size = 0;  ///< In bytes.

  friend constexpr bool operator==(const frame_header&, const frame_header&) = default;
};

/// What a header is held against.
struct frame_rules {
  role self = role::server;  ///< The end that receives the frame.
  bool in_message = false;   ///< A fragmented message has begun and not ended.
  hawser::strictness strictness = {};
};

/// What parse_frame_header found.
struct frame_header_result {
  frame_header header = {};  ///< Valid where size is not 0.
  std::size_t size = 0;      ///< Bytes of the header; 0: more are needed, or it is wrong.
  hawser::error error = error::none;
};

/// The size of a header in bytes: 2 to 14.
[[nodiscard]] constexpr std::size_t frame_header_size(std::uint64_t payload_size,
                                                      bool masked) noexcept {
  const std::size_t length_size = payload_size < 126 ? 0 : payload_size < 65536 ? 2 : 8;
  return 2 + length_size + (masked ? 4 : 0);
}

/// Writes a header, its length in the shortest form, to `to`, which has room for
/// `frame_header_size()` bytes, and returns that size. Any header is written, also one that breaks
/// the rules: who sends decides. The payload that follows is masked by the caller.
constexpr std::size_t write_frame_header(std::byte* to, const frame_header& header) noexcept {
  const auto bit = [](bool set, unsigned value) { return set ? value : 0U; };
  to[0] = static_cast<std::byte>(bit(header.fin, 0x80) | bit(header.rsv1, 0x40) |
                                 bit(header.rsv2, 0x20) | bit(header.rsv3, 0x10) |
                                 static_cast<unsigned>(header.opcode));
  const auto second = [&](std::uint64_t length) {
    return static_cast<std::byte>(bit(header.masked, 0x80) | static_cast<unsigned>(length));
  };
  std::size_t size = 2;
  // RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length"
  if (header.payload_size < 126) {
    to[1] = second(header.payload_size);
  } else if (header.payload_size < 65536) {
    to[1] = second(126);
    detail::store_big_endian<2>(to + 2, header.payload_size);
    size = 4;
  } else {
    to[1] = second(127);
    detail::store_big_endian<8>(to + 2, header.payload_size);
    size = 10;
  }
  if (header.masked) {
    header.key.to_bytes(to + size);
    size += 4;
  }
  return size;
}

namespace detail {

// The rules that the first byte alone can break.
[[nodiscard]] constexpr error check_first_byte(unsigned byte, const frame_rules& rules) noexcept {
  const auto code = static_cast<opcode>(byte & 0x0FU);
  const bool fin = (byte & 0x80U) != 0;
  // RFC 6455 5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero
  // values. If a nonzero value is received and none of the negotiated extensions defines the
  // meaning of such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_."
  if ((byte & 0x70U) != 0 && rules.strictness.reserved_bits) return error::reserved_bits;
  // RFC 6455 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the
  // WebSocket Connection_."
  if (is_reserved(code) && rules.strictness.reserved_opcodes) return error::reserved_opcode;
  if (is_control(code)) {
    // RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST
    // NOT be fragmented."
    return !fin && rules.strictness.control_fin ? error::control_fragmented : error::none;
  }
  if (is_reserved(code)) return error::none;
  // RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of
  // another message unless an extension has been negotiated that can interpret the interleaving."
  if (code == opcode::continuation) {
    return rules.in_message ? error::none : error::nothing_to_continue;
  }
  return rules.in_message ? error::message_unfinished : error::none;
}

// The rules that the second byte can break, given the first.
[[nodiscard]] constexpr error check_second_byte(unsigned first, unsigned byte,
                                                const frame_rules& rules) noexcept {
  const bool masked = (byte & 0x80U) != 0;
  if (rules.strictness.mask_direction && masked != (rules.self == role::server)) {
    // RFC 6455 5.1: "The server MUST close the connection upon receiving a frame that is not
    // masked." and "A client MUST close a connection if it detects a masked frame."
    return masked ? error::frame_masked : error::frame_not_masked;
  }
  const bool control = is_control(static_cast<opcode>(first & 0x0FU));
  if (control && (byte & 0x7FU) > max_control_payload_size && rules.strictness.control_size) {
    return error::control_over_125;
  }
  return error::none;
}

// The rules on a length that stands in `length_size` bytes of its own.
[[nodiscard]] constexpr error check_length(std::uint64_t length, std::size_t length_size,
                                           const strictness& rules) noexcept {
  // RFC 6455 5.2: "the most significant bit MUST be 0"
  if (length >> 63 != 0 && rules.length_below_2_63) return error::length_too_large;
  const std::uint64_t smallest = length_size == 2 ? 126 : 65536;
  const std::uint64_t value = length & ~(std::uint64_t{1} << 63);
  if (value < smallest && rules.minimal_length) return error::length_not_minimal;
  return error::none;
}

// The same on a length of which not all bytes have come: is it wrong whatever follows?
[[nodiscard]] HAWSER_COLD constexpr error check_cut_length(std::span<const std::byte> come,
                                                           std::size_t length_size,
                                                           const strictness& rules) noexcept {
  if (come.empty()) return error::none;
  std::uint64_t largest = 0;
  for (std::size_t i = 0; i < length_size; ++i) {
    largest = largest << 8 | (i < come.size() ? std::to_integer<std::uint64_t>(come[i]) : 0xFFU);
  }
  return check_length(largest, length_size, rules);
}

}  // namespace detail

/// Parses the header at the front of `in`. A wrong header is refused at the first byte that shows
/// it, however few have come. Needs at most 14 bytes.
[[nodiscard]] constexpr frame_header_result parse_frame_header(std::span<const std::byte> in,
                                                               const frame_rules& rules) noexcept {
  frame_header_result result;
  if (in.empty()) return result;
  const auto first = std::to_integer<unsigned>(in[0]);
  result.error = detail::check_first_byte(first, rules);
  if (result.error != error::none || in.size() < 2) return result;
  const auto second = std::to_integer<unsigned>(in[1]);
  result.error = detail::check_second_byte(first, second, rules);
  if (result.error != error::none) return result;

  const std::size_t length_size = (second & 0x7FU) < 126 ? 0 : (second & 0x7FU) == 126 ? 2 : 8;
  if (in.size() < 2 + length_size) {
    result.error = detail::check_cut_length(in.subspan(2), length_size, rules.strictness);
    return result;
  }
  std::uint64_t length = second & 0x7FU;
  if (length_size != 0) {
    length = length_size == 2 ? detail::load_big_endian<2>(in.data() + 2)
                              : detail::load_big_endian<8>(in.data() + 2);
    result.error = detail::check_length(length, length_size, rules.strictness);
    if (result.error != error::none) return result;
    length &= ~(std::uint64_t{1} << 63);
  }
  const bool masked = (second & 0x80U) != 0;
  const std::size_t size = 2 + length_size + (masked ? 4 : 0);
  if (in.size() < size) return result;

  const auto code = static_cast<opcode>(first & 0x0FU);
  result.size = size;
  result.header = {.opcode = code,
                   .fin = (first & 0x80U) != 0 || is_control(code),
                   .rsv1 = (first & 0x40U) != 0,
                   .rsv2 = (first & 0x20U) != 0,
                   .rsv3 = (first & 0x10U) != 0,
                   .masked = masked,
                   .key = masked ? masking_key::from_bytes(in.data() + size - 4) : masking_key{},
                   .payload_size = length};
  return result;
}

static_assert(frame_header_size(125, false) == 2, "a small frame of a server costs two bytes");

}  // namespace hawser::inline v0
