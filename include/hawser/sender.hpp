#pragma once

#include "hawser/close_payload.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/entropy.hpp"
#include "hawser/error.hpp"
#include "hawser/frame.hpp"
#include "hawser/outbox.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/simd/small.hpp"
#include "hawser/utf8.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hawser::inline v0 {

/// What a sender writes with. Lives in the endpoint.
struct sender_context {
  std::size_t max_output_size = 0;
  bool checks_text = true;
  detail::block_pool* pool = nullptr;
  hawser::entropy* entropy = nullptr;
};

/// Messages to frames, written to an outbox. Knows nothing of what is received.
///
/// Each call either queues a complete frame or, returning an error, nothing.
template <role Role>
class sender {
 public:
  /// Sends a whole message in one frame.
  [[nodiscard]] error send(outbox& out, opcode type, std::span<const std::byte> payload,
                           const sender_context& context) {
    if (message_ != opcode::continuation) return error::message_in_progress;
    if (type == opcode::text && context.checks_text && !is_utf8(payload)) {
      return error::text_not_utf8;
    }
    return write(out, {.opcode = type}, payload, context);
  }

  /// As send, for text that is known to be UTF-8.
  [[nodiscard]] error send_checked(outbox& out, opcode type, std::span<const std::byte> payload,
                                   const sender_context& context) {
    if (message_ != opcode::continuation) return error::message_in_progress;
    return write(out, {.opcode = type}, payload, context);
  }

  /// Writes a whole message, of which text is known to be UTF-8, to `room` instead, behind
  /// `waiting` bytes that are not sent yet. Returns its size; 0: there is no room.
  [[nodiscard]] static std::size_t write_to(std::span<std::byte> room, std::size_t waiting,
                                            opcode type, std::span<const std::byte> payload,
                                            const sender_context& context) {
    const std::size_t size = room_for(payload.size(), waiting, context);
    if (size == 0 || size > room.size()) return 0;
    return put(room.data(), header_for({.opcode = type}, payload.size(), context), payload);
  }

  /// Begins a message of which the size need not be known. Sends nothing yet.
  [[nodiscard]] error begin(opcode type) noexcept {
    if (message_ != opcode::continuation) return error::message_in_progress;
    message_ = next_ = type;
    text_ = {};
    return error::none;
  }

  /// Sends the next part of the message that was begun, as a frame of its own; with `fin` the last.
  [[nodiscard]] error append(outbox& out, std::span<const std::byte> part, bool fin,
                             const sender_context& context) {
    if (message_ == opcode::continuation) return error::no_message_begun;
    utf8_state text = text_;
    if (message_ == opcode::text && context.checks_text &&
        (validate_utf8(text, part) != part.size() || (fin && !text.is_complete()))) {
      return error::text_not_utf8;
    }
    const error result = write(out, {.opcode = next_, .fin = fin}, part, context);
    if (result != error::none) return result;
    text_ = text;
    next_ = opcode::continuation;
    if (fin) message_ = opcode::continuation;
    return error::none;
  }

  /// True between begin and the last append.
  [[nodiscard]] bool is_in_message() const noexcept { return message_ != opcode::continuation; }

  /// Queues a ping or pong, or the close frame, with at most 125 bytes of the payload. A close
  /// frame stands behind all that waits.
  HAWSER_COLD void send_control(outbox& out, opcode type, std::span<const std::byte> payload,
                                const sender_context& context) {
    std::array<std::byte, max_frame_header_size + max_control_payload_size> frame;
    payload = payload.first(detail::min_of(payload.size(), max_control_payload_size));
    const frame_header header = header_for({.opcode = type}, payload.size(), context);
    const std::size_t size = put(frame.data(), header, payload);
    out.add_control(*context.pool, std::span{frame}.first(size), type == opcode::close);
  }

  void send_close(outbox& out, close_code code, std::string_view reason,
                  const sender_context& context) {
    std::array<std::byte, max_control_payload_size> payload;
    const std::size_t size =
        write_close_payload(payload.data(), code, reason.substr(0, max_close_reason_size));
    send_control(out, opcode::close, {payload.data(), size}, context);
  }

 protected:
  [[nodiscard]] static frame_header header_for(frame_header header, std::size_t payload_size,
                                               const sender_context& context) {
    header.payload_size = payload_size;
    if constexpr (Role == role::client) {
      // RFC 6455 5.3: "The masking key is a 32-bit value chosen at random by the client. When
      // preparing a masked frame, the client MUST pick a fresh masking key"
      header.masked = true;
      header.key = context.entropy->next_masking_key();
    }
    return header;
  }

  static std::size_t put(std::byte* to, const frame_header& header,
                         std::span<const std::byte> payload) noexcept {
    const std::size_t size = write_frame_header(to, header);
    if constexpr (Role == role::client) {
      mask_copy(to + size, payload, header.key);
    } else if (payload.size() <= simd::max_small_size) {
      simd::copy_small(to + size, payload.data(), payload.size());
    } else {
      detail::copy_bytes(to + size, payload.data(), payload.size());
    }
    return size + payload.size();
  }

  // The size of a frame; 0: it is too much behind `waiting` bytes.
  [[nodiscard]] static std::size_t room_for(std::size_t payload_size, std::size_t waiting,
                                            const sender_context& context) noexcept {
    const std::size_t header_size = frame_header_size(payload_size, Role == role::client);
    const std::size_t most = context.max_output_size;
    const bool fits = waiting <= most && payload_size <= most - waiting &&
                      header_size <= most - waiting - payload_size;
    return fits ? header_size + payload_size : 0;
  }

  [[nodiscard]] static error write(outbox& out, const frame_header& kind,
                                   std::span<const std::byte> payload,
                                   const sender_context& context) {
    const std::size_t size = room_for(payload.size(), out.size(), context);
    if (size == 0) return error::output_full;
    const frame_header header = header_for(kind, payload.size(), context);
    put(out.room(*context.pool, size), header, payload);
    out.add(size, payload.size());
    return error::none;
  }

  utf8_state text_;
  opcode message_ = opcode::continuation;  // of the message that was begun; else this
  opcode next_ = opcode::continuation;     // of its next frame
};

}  // namespace hawser::inline v0
