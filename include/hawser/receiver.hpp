#pragma once

#include "hawser/close_payload.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/event.hpp"
#include "hawser/frame.hpp"
#include "hawser/frame_reader.hpp"
#include "hawser/limits.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/strictness.hpp"
#include "hawser/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace hawser::inline v0 {

/// What a control frame may carry where strictness.control_size is relaxed: in bytes.
inline constexpr std::size_t max_relaxed_control_size = 65535;

/// Up to this size a frame gets memory for all of it as soon as a sixteenth came. In bytes.
inline constexpr std::size_t max_trusted_size = std::size_t{64} << 10;

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

  /// The same for a message of any size that lies in [position, end) in one frame.
  [[nodiscard]] event next_alone(std::byte*& position, const std::byte* end,
                                 const receiver_context& context) noexcept;

  /// Takes [position, end) where all of it lies in the middle of a frame of a message that is
  /// delivered whole, and there is room for it already: most of what a large message comes in. Else
  /// false, and next() goes on.
  [[nodiscard]] bool take_middle(std::byte*& position, const std::byte* end,
                                 const receiver_context& context) noexcept;

  /// Sets what next_small may take from the facts. Call it when one of them may have changed.
  /// `usual` is false where the caller has reasons of its own to see every byte.
  void update_fast_limit(const receiver_context& context, bool usual) noexcept {
    fast_limit_ = usual ? fast_limit(context) : std::uint8_t{0};
  }
  /// True where next() would have nothing to do without bytes.
  [[nodiscard]] bool is_usual() const noexcept { return fast_limit_ != 0; }
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

  /// The peer gave a sign of life.
  void hear() noexcept { has_heard_ = true; }
  [[nodiscard]] bool has_heard() const noexcept { return has_heard_; }
  void forget_heard() noexcept { has_heard_ = false; }

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

 protected:
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
  [[nodiscard]] std::byte* room_for(std::size_t size, std::uint64_t most,
                                    const receiver_context& context);
  [[nodiscard]] event deliver_alone(std::span<std::byte> payload, bool is_text) noexcept;
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
    return detail::min_of(context.limits.max_message_size, largest - max_relaxed_control_size) +
           max_relaxed_control_size;
  }
  // The most that a message in one frame may have.
  [[nodiscard]] static std::uint64_t most_alone(const receiver_context& context) noexcept {
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    if (context.limits.max_message_size != 0) most = context.limits.max_message_size;
    if (context.limits.max_frame_size != 0)
      most = detail::min_of(most, context.limits.max_frame_size);
    return most;
  }
  [[nodiscard]] bool is_checked_text(const receiver_context& context) const noexcept {
    return message_ == opcode::text && context.strictness.utf8;
  }

  // What every message touches comes first.
  std::uint8_t fast_limit_ = 0;
  opcode message_ = opcode::continuation;  // of the message that is being received; else this
  opcode frame_ = opcode::continuation;
  utf8_state text_;
  bool fin_ : 1 = true;
  bool in_frame_ : 1 = false;
  bool is_ended_ : 1 = false;
  bool is_delivered_ : 1 = false;  // an event views the assembly
  bool is_whole_ : 1;              // messages are delivered whole
  bool is_skipped_ : 1 = false;    // a reserved opcode, let through
  bool is_text_bad_ : 1 = false;   // the next event is invalid_utf8
  // By itself, and here: a read of more than what was just written waits for the cache.
  bool has_heard_ = false;
  std::uint32_t fragments_ = 0;
  std::uint32_t control_frames_ = 0;
  std::size_t piece_size_ = 0;
  std::uint64_t message_size_ = 0;  // after the end: bytes that were dropped
  detail::block* assembly_ = nullptr;
  frame_reader reader_;
};

}  // namespace hawser::inline v0

#include "hawser/detail/receiver_fast.ipp"
#include "hawser/detail/receiver_general.ipp"
