#pragma once

#include "hawser/close_payload.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/error.hpp"
#include "hawser/event.hpp"
#include "hawser/frame.hpp"
#include "hawser/frame_reader.hpp"
#include "hawser/limits.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/strictness.hpp"
#include "hawser/utf8.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace hawser::inline v0 {

/// What a control frame may carry where strictness.control_size is relaxed: in bytes.
inline constexpr std::size_t max_relaxed_control_size = 65535;

/// What a receiver holds frames against, and where it assembles messages. Lives in the endpoint.
struct receiver_context {
  hawser::limits limits = {};
  hawser::strictness strictness = {};
  hawser::delivery delivery = delivery::whole;
  detail::block_pool* pool = nullptr;
};

/// Where a piece stands in its message.
struct piece_position {
  std::uint64_t offset = 0;           ///< Bytes of the message before the piece.
  std::uint64_t frame_remaining = 0;  ///< Bytes of its frame that are still to come.
  bool is_last_frame = false;         ///< With them the message ends.
};

/// Frames to events: assembles messages, checks all that RFC 6455 says of frames, and sends
/// nothing. After a failure or a close frame it drops what comes.
template <role Role>
class receiver {
 public:
  explicit receiver(const receiver_context& context) noexcept
      : is_whole_{context.delivery == delivery::whole} {}
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;

  /// The next event in [position, end), and moves `position` behind what it used; no event where
  /// all is used up. Payloads are unmasked in place.
  [[nodiscard]] event next(std::byte*& position, std::byte* end, const receiver_context& context);

  /// The next event where it is a whole small message that lies in [position, end) and nothing
  /// unusual holds; else none, and nothing was touched.
  [[nodiscard]] HAWSER_ALWAYS_INLINE event next_small(std::byte*& position,
                                                      const std::byte* end) noexcept;

  /// Sets what next_small may take from the facts. Call it when one of them may have changed.
  /// `usual` is false where the caller has reasons of its own to see every byte.
  void update_fast_limit(const receiver_context& context, bool usual) noexcept {
    fast_limit_ = usual ? fast_limit(context) : std::uint8_t{0};
  }
  /// 1 + the largest payload that next_small takes; 0: it takes nothing.
  [[nodiscard]] std::uint8_t fast_limit() const noexcept { return fast_limit_; }
  /// What fast_limit() is by the facts of this receiver alone.
  [[nodiscard]] std::uint8_t fast_limit(const receiver_context& context) const noexcept;

  /// True after a failure or a close frame.
  [[nodiscard]] bool is_ended() const noexcept { return is_ended_; }
  /// True where no header, payload or message is cut.
  [[nodiscard]] bool is_between_messages() const noexcept {
    return message_ == opcode::continuation && !reader_.is_cut() && !in_frame_;
  }
  /// Where the last piece stood.
  [[nodiscard]] piece_position position_of_piece() const noexcept {
    return {.offset = message_size_ - piece_size_,
            .frame_remaining = in_frame_ ? reader_.remaining() : 0,
            .is_last_frame = fin_};
  }
  /// The reason of the peer's close frame, as long as this object lives.
  [[nodiscard]] std::string_view close_reason() const noexcept {
    return is_ended_ && !is_delivered_ && assembly_ != nullptr ? as_text(assembly_->bytes())
                                                               : std::string_view{};
  }

  /// Drops what comes after the end.
  void drop(std::byte*& position, std::byte* end) noexcept {
    message_size_ += static_cast<std::uint64_t>(end - position);
    position = end;
  }
  /// How many bytes were dropped since the end.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return is_ended_ ? message_size_ : 0; }

  /// Begins another second of the budget of control frames.
  void renew_control_budget() noexcept { control_frames_ = 0; }
  [[nodiscard]] bool has_used_control_budget() const noexcept { return control_frames_ != 0; }

  /// Drops what is being assembled and whatever comes. What an event views stays until forget().
  void end(const receiver_context& context) noexcept {
    if (!is_delivered_) release(context);
    set_ended();
  }
  /// The last event is over: gives back what it viewed, where it came before the end.
  void forget(const receiver_context& context) noexcept {
    if (is_delivered_) release(context);
  }
  /// Gives the memory back. Before the end of its life.
  void release(const receiver_context& context) noexcept {
    is_delivered_ = false;
    if (assembly_ == nullptr) return;
    context.pool->give(assembly_);
    assembly_ = nullptr;
  }

 private:
  void set_ended() noexcept {
    is_ended_ = true;
    is_text_bad_ = false;
    message_size_ = piece_size_ = 0;
    fast_limit_ = 0;
  }
  [[nodiscard]] error begin_frame(const frame_header& header, const receiver_context& context);
  [[nodiscard]] error begin_data_frame(const frame_header& header,
                                       const receiver_context& context) noexcept;
  [[nodiscard]] event take_control(std::byte*& position, std::byte* end,
                                   const receiver_context& context);
  [[nodiscard]] event take_whole(std::byte*& position, std::byte* end,
                                 const receiver_context& context);
  [[nodiscard]] event take_piece(std::byte*& position, std::byte* end,
                                 const receiver_context& context);
  [[nodiscard]] event take_close(std::span<const std::byte> payload,
                                 const receiver_context& context) noexcept;
  [[nodiscard]] std::span<std::byte> assemble(std::byte*& position, const std::byte* end,
                                              std::uint64_t most, const receiver_context& context);
  [[nodiscard]] event fail(error why, const receiver_context& context) noexcept;
  void forget_delivered(const receiver_context& context) noexcept;

  // How many bytes of a message lie in the assembly; those of a cut control frame follow them.
  [[nodiscard]] std::size_t assembled_message() const noexcept {
    return is_whole_ && message_ != opcode::continuation ? static_cast<std::size_t>(message_size_)
                                                         : 0;
  }
  // The most that lies there: a control frame that is cut behind all of a message. Grows as for the
  // message alone, or else each such frame would have the message copied again.
  [[nodiscard]] static std::uint64_t most_assembled(const receiver_context& context) noexcept {
    constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    return std::min(context.limits.max_message_size, largest - max_relaxed_control_size) +
           max_relaxed_control_size;
  }
  [[nodiscard]] bool is_checked_text(const receiver_context& context) const noexcept {
    return message_ == opcode::text && context.strictness.utf8;
  }

  frame_reader reader_;
  detail::block* assembly_ = nullptr;
  std::uint64_t message_size_ = 0;  // after the end: bytes that were dropped
  std::size_t piece_size_ = 0;
  utf8_state text_;
  std::uint8_t fast_limit_ = 0;
  std::uint32_t fragments_ = 0;
  std::uint32_t control_frames_ = 0;
  opcode message_ = opcode::continuation;  // of the message that is being received; else this
  opcode frame_ = opcode::continuation;
  bool fin_ : 1 = true;
  bool in_frame_ : 1 = false;
  bool is_ended_ : 1 = false;
  bool is_delivered_ : 1 = false;  // an event views the assembly
  bool is_whole_ : 1;              // messages are delivered whole
  bool is_skipped_ : 1 = false;    // a reserved opcode, let through
  bool is_text_bad_ : 1 = false;   // the next event is invalid_utf8
};

template <role Role>
HAWSER_ALWAYS_INLINE event receiver<Role>::next_small(std::byte*& position,
                                                      const std::byte* end) noexcept {
  constexpr unsigned mask_bit = Role == role::server ? 0x80U : 0U;
  constexpr std::size_t header_size = Role == role::server ? 6 : 2;
  const auto available = static_cast<std::size_t>(end - position);
  if (available < header_size) return {};
  // FIN and an opcode of 1 or 2, and a length below the limit with the right mask bit: the wrong
  // bit makes the length 128 or more, which no limit lets through.
  const auto code = std::to_integer<unsigned>(position[0]) - 0x81U;
  const auto length = std::to_integer<unsigned>(position[1]) ^ mask_bit;
  if (code > 1 || length >= fast_limit_ || available - header_size < length) return {};
  const std::span<std::byte> payload{position + header_size, length};
  masking_key key;
  if constexpr (Role == role::server) {
    key = masking_key::from_bytes(position + 2);
    mask(payload, key);
  }
  if (code == 0 && !is_utf8(payload)) {
    mask(payload, key);  // as it was, for the general path, which says what is wrong
    return {};
  }
  position += header_size + length;
  const auto text = code == 0 ? event::text_flag : std::uint8_t{0};
  if (is_whole_) return event{event_kind::message, payload, text};
  message_size_ = piece_size_ = length;
  return event{event_kind::piece, payload,
               static_cast<std::uint8_t>(text | event::first_flag | event::last_flag)};
}

template <role Role>
std::uint8_t receiver<Role>::fast_limit(const receiver_context& context) const noexcept {
  if (is_ended_ || is_delivered_ || !is_between_messages() || !context.strictness.utf8) return 0;
  std::uint64_t most = max_control_payload_size;
  if (context.limits.max_message_size != 0) most = std::min(most, context.limits.max_message_size);
  if (context.limits.max_frame_size != 0) most = std::min(most, context.limits.max_frame_size);
  return static_cast<std::uint8_t>(most + 1);
}

template <role Role>
event receiver<Role>::next(std::byte*& position, std::byte* end, const receiver_context& context) {
  if (is_delivered_) forget_delivered(context);
  if (is_text_bad_) return fail(error::invalid_utf8, context);
  while (!is_ended_) {
    if (!in_frame_) {
      const frame_rules rules{.self = Role,
                              .in_message = message_ != opcode::continuation,
                              .strictness = context.strictness};
      frame_header header;
      const auto progress = reader_.read_header(position, end, rules, header);
      if (progress.error != error::none) return fail(progress.error, context);
      if (!progress.complete) return {};
      if (const error wrong = begin_frame(header, context); wrong != error::none) {
        return fail(wrong, context);
      }
    }
    const event found = is_control(frame_) || is_skipped_ ? take_control(position, end, context)
                        : is_whole_                       ? take_whole(position, end, context)
                                                          : take_piece(position, end, context);
    if (found) return found;
    if (in_frame_) return {};
  }
  drop(position, end);
  return {};
}

template <role Role>
error receiver<Role>::begin_frame(const frame_header& header, const receiver_context& context) {
  frame_ = header.opcode;
  is_skipped_ = is_reserved(header.opcode);
  if (is_control(header.opcode) || is_skipped_) {
    ++control_frames_;
    if (context.limits.max_control_frames != 0 &&
        control_frames_ > context.limits.max_control_frames) {
      return error::too_many_control_frames;
    }
    if (header.payload_size > max_relaxed_control_size) {
      return is_skipped_ ? error::frame_too_big : error::control_over_125;
    }
  } else if (const error wrong = begin_data_frame(header, context); wrong != error::none) {
    return wrong;
  }
  in_frame_ = true;
  return error::none;
}

template <role Role>
error receiver<Role>::begin_data_frame(const frame_header& header,
                                       const receiver_context& context) noexcept {
  const limits& most = context.limits;
  if (header.opcode != opcode::continuation) {
    message_ = header.opcode;
    message_size_ = piece_size_ = 0;
    fragments_ = 0;
    text_ = {};
  }
  fin_ = header.fin;
  ++fragments_;
  if (most.max_fragments != 0 && fragments_ > most.max_fragments) return error::too_many_fragments;
  if (most.max_frame_size != 0 && header.payload_size > most.max_frame_size) {
    return error::frame_too_big;
  }
  const std::uint64_t largest = most.max_message_size != 0
                                    ? most.max_message_size
                                    : std::numeric_limits<std::uint64_t>::max();
  return header.payload_size > largest - message_size_ ? error::message_too_big : error::none;
}

// Brings what lies in [position, end) of the frame behind what the assembly holds, unmasked on the
// way; returns it there.
template <role Role>
std::span<std::byte> receiver<Role>::assemble(std::byte*& position, const std::byte* end,
                                              std::uint64_t most, const receiver_context& context) {
  const std::size_t size = reader_.available_payload(position, end);
  if (size == 0) return {};
  detail::reserve(*context.pool, assembly_, size, static_cast<std::size_t>(most));
  std::byte* to = assembly_->data() + assembly_->end;
  reader_.take_copy(position, end, to);
  assembly_->end += size;
  return {to, size};
}

template <role Role>
event receiver<Role>::take_control(std::byte*& position, std::byte* end,
                                   const receiver_context& context) {
  if (is_skipped_) {
    static_cast<void>(reader_.take(position, end));
    in_frame_ = reader_.remaining() != 0;
    return {};
  }
  const std::size_t before = assembled_message();
  const bool is_cut = assembly_ != nullptr && assembly_->end != before;
  const bool is_kept = frame_ == opcode::close;  // its reason outlives the event
  std::span<std::byte> payload;
  if (!is_cut && !is_kept && reader_.available_payload(position, end) == reader_.remaining()) {
    payload = reader_.take(position, end);
  } else {
    static_cast<void>(assemble(position, end, most_assembled(context), context));
    if (reader_.remaining() != 0) return {};
    if (assembly_ != nullptr) payload = assembly_->bytes().subspan(before);
    is_delivered_ = !is_kept && assembly_ != nullptr;
  }
  in_frame_ = false;
  if (is_kept) return take_close(payload, context);
  return event{frame_ == opcode::ping ? event_kind::ping : event_kind::pong, payload};
}

// `payload` ends where the assembly ends.
template <role Role>
event receiver<Role>::take_close(std::span<const std::byte> payload,
                                 const receiver_context& context) noexcept {
  const close_payload close = parse_close_payload(payload, context.strictness);
  if (close.error != error::none) return fail(close.error, context);
  set_ended();
  if (close.reason.empty()) {
    release(context);
  } else {
    assembly_->begin = assembly_->end - close.reason.size();
  }
  event found{event_kind::close, std::as_bytes(std::span{close_reason()})};
  found.code_ = close.code;
  return found;
}

template <role Role>
event receiver<Role>::take_whole(std::byte*& position, std::byte* end,
                                 const receiver_context& context) {
  std::span<std::byte> part;
  const bool is_alone = message_size_ == 0 && fin_ && assembly_ == nullptr;
  if (is_alone && reader_.available_payload(position, end) == reader_.remaining()) {
    part = reader_.take(position, end);
  } else {
    part = assemble(position, end, context.limits.max_message_size, context);
  }
  message_size_ += part.size();
  if (is_checked_text(context) && validate_utf8(text_, part) != part.size()) {
    return fail(error::invalid_utf8, context);
  }
  in_frame_ = reader_.remaining() != 0;
  if (in_frame_ || !fin_) return {};
  if (is_checked_text(context) && !text_.is_complete()) return fail(error::invalid_utf8, context);
  const std::uint8_t flags = message_ == opcode::text ? event::text_flag : std::uint8_t{0};
  if (assembly_ != nullptr) part = assembly_->bytes();
  is_delivered_ = assembly_ != nullptr;
  message_ = opcode::continuation;
  return event{event_kind::message, part, flags};
}

template <role Role>
event receiver<Role>::take_piece(std::byte*& position, std::byte* end,
                                 const receiver_context& context) {
  std::span<std::byte> part = reader_.take(position, end);
  in_frame_ = reader_.remaining() != 0;
  bool is_last = !in_frame_ && fin_;
  if (is_checked_text(context)) {
    const std::size_t valid = validate_utf8(text_, part);
    is_text_bad_ = valid != part.size() || (is_last && !text_.is_complete());
    part = part.first(valid);
    is_last = is_last && !is_text_bad_;
  }
  if (part.empty() && is_text_bad_) return fail(error::invalid_utf8, context);
  if (part.empty() && !is_last) return {};
  unsigned flags = message_ == opcode::text ? event::text_flag : 0U;
  if (message_size_ == 0) flags |= event::first_flag;
  if (is_last) flags |= event::last_flag;
  message_size_ += part.size();
  piece_size_ = part.size();
  if (is_last) message_ = opcode::continuation;
  return event{event_kind::piece, part, static_cast<std::uint8_t>(flags)};
}

template <role Role>
event receiver<Role>::fail(error why, const receiver_context& context) noexcept {
  end(context);
  return event{event_kind::failed, why, close_code_for(why)};
}

// The event that viewed the assembly is over: what it showed goes, a message's beginning stays.
template <role Role>
void receiver<Role>::forget_delivered(const receiver_context& context) noexcept {
  is_delivered_ = false;
  assembly_->end = is_ended_ ? 0 : assembled_message();
  if (assembly_->end == 0) release(context);
}

}  // namespace hawser::inline v0
