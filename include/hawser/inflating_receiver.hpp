#pragma once

#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_contexts.hpp"
#include "hawser/deflate_message.hpp"
#include "hawser/deflate_negotiation.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/event.hpp"
#include "hawser/frame.hpp"
#include "hawser/gathered_message.hpp"
#include "hawser/receiver.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace hawser::inline v0 {

/// What a receiver of compressed messages works with. Lives in the endpoint.
template <class Codec>
struct inflating_context : receiver_context {
  deflate_contexts<Codec>* contexts = nullptr;
};

/// A receiver that inflates compressed messages, where that was agreed on: inflate, size limit,
/// UTF-8 on what came out, event. What events of them view is memory of the receiver's own.
///
/// With a codec of whole messages a message is inflated when all of it has come: where messages are
/// delivered in pieces it is one piece.
template <role Role, class Codec>
class inflating_receiver : public receiver<Role> {
  using base = receiver<Role>;

 public:
  using context_type = inflating_context<Codec>;

  explicit inflating_receiver(const context_type& context) noexcept : base{context} {}

  /// From here on RSV1 marks compressed messages.
  void start_inflating(const deflate_direction& agreed) noexcept {
    agreed_ = agreed;
    is_agreed_ = true;
  }

  /// As receiver::next.
  [[nodiscard]] event next(std::byte*& position, std::byte* end, const context_type& context) {
    if (!is_agreed_) return base::next(position, end, context);
    this->fast_limit_ = 0;  // as there
    if (this->is_delivered_) this->forget_delivered(context);
    if (this->is_text_bad_) return fail(error::invalid_utf8, context);
    if (pending_ != error::none) return fail(pending_, context);
    while (!this->is_ended_) {
      if (!this->in_frame_) {
        const auto progress = read_header(position, end, context);
        if (progress.error != error::none) return fail(progress.error, context);
        if (!progress.complete) return {};
      }
      const event found = take_frame(position, end, context);
      if (found) return found;
      if (this->in_frame_) return {};
    }
    this->drop(position, end);
    return {};
  }

  /// As of receiver, for messages that are not compressed.
  [[nodiscard]] bool take_middle(std::byte*& position, const std::byte* end,
                                 const context_type& context) noexcept {
    return !is_compressed_ && base::take_middle(position, end, context);
  }

  /// As of receiver, with the inflater.
  void end(const context_type& context) noexcept {
    base::end(context);
    release_compressed(context);
  }
  void release(const context_type& context) noexcept {
    base::release(context);
    release_compressed(context);
  }

 private:
  static constexpr bool is_gathered = message_codec<Codec>;
  static constexpr std::byte rsv1{0x40};
  // What is inflated at a time where messages are delivered in pieces: of the input, and at least
  // of the output where there is more.
  static constexpr std::size_t slice_size = 1024;
  static constexpr std::size_t piece_size = std::size_t{16} << 10;
  // The input of a message may have so many times the size limit, for each empty fragment adds
  // five bytes.
  static constexpr std::uint64_t compressed_excess = 8;

  [[nodiscard]] static bool is_data(opcode code) noexcept {
    return code == opcode::text || code == opcode::binary;
  }

  [[nodiscard]] typename frame_reader::progress read_header(std::byte*& position, std::byte* end,
                                                            const context_type& context) {
    std::byte* const first = position;
    const bool is_marked = !this->reader_.is_cut() && position != end && take_rsv1(*first);
    const frame_rules rules{.self = Role,
                            .in_message = this->message_ != opcode::continuation,
                            .strictness = context.strictness};
    frame_header header;
    auto progress = this->reader_.read_header(position, end, rules, header);
    if (is_marked && position == first) *first |= rsv1;  // a header that is wrong is not used
    if (progress.complete) progress.error = begin(header, context);
    return progress;
  }

  // RFC 7692 6: "A message with the "Per-Message Compressed" bit set on the first fragment of the
  // message is called a "compressed message"." 6.1: "This bit MUST NOT be set on" other fragments
  // and control frames: there it stays, and is the violation that it would be without us.
  [[nodiscard]] bool take_rsv1(std::byte& first) noexcept {
    if (!is_data(static_cast<opcode>(std::to_integer<unsigned>(first) & 0x0FU))) return false;
    is_next_compressed_ = (first & rsv1) != std::byte{0};
    first &= ~rsv1;
    return is_next_compressed_;
  }

  [[nodiscard]] error begin(const frame_header& header, const context_type& context) {
    if (is_data(header.opcode)) {
      is_compressed_ = is_next_compressed_;
      if (is_compressed_) deflated_ = {};
    }
    const bool is_of_message = is_data(header.opcode) || header.opcode == opcode::continuation;
    if (!is_compressed_ || !is_of_message) return this->begin_frame(header, context);
    const limits& most = context.limits;
    if (most.max_frame_size != 0 && header.payload_size > most.max_frame_size) {
      return error::frame_too_big;
    }
    if (header.payload_size > most_compressed(most) - deflated_.compressed_size()) {
      return error::message_too_big;
    }
    // How large the message is only inflating it tells.
    frame_header unknown = header;
    unknown.payload_size = 0;
    return this->begin_frame(unknown, context);
  }

  [[nodiscard]] static std::uint64_t most_compressed(const limits& most) noexcept {
    constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    constexpr std::uint64_t least = 1024;
    if constexpr (is_gathered) return max_gathered_size(most);
    const std::uint64_t size = most.max_message_size;
    if (size == 0 || size > (largest - least) / compressed_excess) return largest;
    return size * compressed_excess + least;
  }

  [[nodiscard]] event take_frame(std::byte*& position, std::byte* end,
                                 const context_type& context) {
    if (is_control(this->frame_) || this->is_skipped_) {
      return this->take_control(position, end, context);
    }
    if (is_compressed_) return take_compressed(position, end, context);
    return this->is_whole_ ? this->take_whole(position, end, context)
                           : this->take_piece(position, end, context);
  }

  [[nodiscard]] event take_compressed(std::byte*& position, std::byte* end,
                                      const context_type& context) {
    if constexpr (is_gathered) {
      gather(position, end, context);
    } else {
      take_inflater(context);
      pending_ = inflate(position, end, context);
    }
    const bool is_frame_left = this->reader_.remaining() != 0;
    bool is_last = !is_frame_left && this->fin_;
    if (is_last && pending_ == error::none) pending_ = finish(context);
    this->in_frame_ = is_frame_left;
    std::span<std::byte> part = take_inflated();
    if (this->is_checked_text(context)) {
      const std::size_t valid = validate_utf8(this->text_, part);
      this->is_text_bad_ = valid != part.size();
      part = part.first(valid);
    }
    is_last = is_last && pending_ == error::none && !this->is_text_bad_;
    if (is_last && this->is_checked_text(context) && !this->text_.is_complete()) {
      this->is_text_bad_ = true;
      is_last = false;
    }
    const auto flag = this->message_ == opcode::text ? event::text_flag : std::uint8_t{0};
    if (is_last) end_message(context);
    return this->is_whole_ ? deliver_whole(flag, is_last, context)
                           : deliver_piece(part, flag, is_last, context);
  }

  // Keeps what lies in [position, end), unmasked.
  void gather(std::byte*& position, std::byte* end, const context_type& context)
    requires(is_gathered)
  {
    const std::size_t size = this->reader_.available_payload(position, end);
    if (size == 0) return;
    const std::uint64_t whole = this->reader_.remaining();
    const std::uint64_t came = size + deflated_.compressed_size();
    const bool is_soon_whole = whole <= max_trusted_size && whole / 16 <= came;
    std::byte* const to = deflated_.add(size, is_soon_whole ? static_cast<std::size_t>(whole) : 0,
                                        most_compressed(context.limits), *context.pool);
    this->reader_.take_copy(position, size, to);
  }

  // Inflates what is left when all of the message has come.
  [[nodiscard]] error finish(const context_type& context) {
    if constexpr (is_gathered) {
      take_inflater(context);
      return deflated_.inflate(*inflater_, bounds(context), *context.pool, this->assembly_);
    } else {
      return deflated_.finish(*inflater_, bounds(context), *context.pool, this->assembly_);
    }
  }

  // Inflates what lies in [position, end), or enough of it.
  [[nodiscard]] error inflate(std::byte*& position, std::byte* end, const context_type& context)
    requires(!is_gathered)
  {
    const inflate_bounds most = bounds(context);
    const std::uint64_t before = deflated_.size();
    error wrong = error::none;
    while (wrong == error::none && position != end && this->reader_.remaining() != 0 &&
           (this->is_whole_ || deflated_.size() - before < piece_size)) {
      const auto available = static_cast<std::size_t>(end - position);
      std::byte* stop = this->is_whole_ ? end : position + detail::min_of(available, slice_size);
      // What is not used goes back, also where memory runs out.
      struct giver {
        ~giver() { reader.give_back(position, part.size()); }
        frame_reader& reader;
        std::byte*& position;
        std::span<const std::byte> part;
      } rest{this->reader_, position, this->reader_.take(position, stop)};
      wrong = deflated_.take(*inflater_, rest.part, most, *context.pool, this->assembly_);
    }
    return wrong;
  }

  [[nodiscard]] inflate_bounds bounds(const context_type& context) const noexcept {
    return {.max_size =
                is_gathered ? max_inflated_size(context.limits) : context.limits.max_message_size,
            .max_ratio = context.contexts->options().max_ratio,
            .enough = this->is_whole_ ? 0 : piece_size};
  }

  // What was inflated and not looked at yet: it is now.
  [[nodiscard]] std::span<std::byte> take_inflated() noexcept {
    const auto size = static_cast<std::size_t>(deflated_.size() - this->message_size_);
    this->message_size_ = deflated_.size();
    this->piece_size_ = size;
    return this->assembly_ == nullptr ? std::span<std::byte>{}
                                      : this->assembly_->bytes().last(size);
  }

  [[nodiscard]] event deliver_whole(std::uint8_t flag, bool is_last,
                                    const context_type& context) noexcept {
    if (this->is_text_bad_) return fail(error::invalid_utf8, context);
    if (pending_ != error::none) return fail(pending_, context);
    if (!is_last) return {};
    std::span<std::byte> message;
    if (this->assembly_ != nullptr) message = this->assembly_->bytes();
    this->is_delivered_ = this->assembly_ != nullptr;
    return event{event_kind::message, message, flag};
  }

  // A part that comes before what is wrong is delivered; the failure is the next event.
  [[nodiscard]] event deliver_piece(std::span<std::byte> part, unsigned flags, bool is_last,
                                    const context_type& context) noexcept {
    this->message_size_ -= this->piece_size_ - part.size();
    this->piece_size_ = part.size();
    if (part.empty() && !is_last) {
      if (this->is_text_bad_) return fail(error::invalid_utf8, context);
      return pending_ != error::none ? fail(pending_, context) : event{};
    }
    if (this->message_size_ == part.size()) flags |= event::first_flag;
    if (is_last) flags |= event::last_flag;
    this->is_delivered_ = this->assembly_ != nullptr;
    return event{event_kind::piece, part, static_cast<std::uint8_t>(flags)};
  }

  void end_message(const context_type& context) noexcept {
    this->message_ = opcode::continuation;
    is_compressed_ = false;
    if (!agreed_.takeover) give_inflater(context);
  }

  void take_inflater(const context_type& context) {
    if (inflater_ == nullptr) inflater_ = context.contexts->take_inflater(agreed_.window_bits);
  }
  void give_inflater(const context_type& context) noexcept {
    context.contexts->give(inflater_);
    inflater_ = nullptr;
  }

  void release_compressed(const context_type& context) noexcept {
    if constexpr (is_gathered) deflated_.release(*context.pool);
    give_inflater(context);
  }

  [[nodiscard]] event fail(error why, const context_type& context) noexcept {
    end(context);
    pending_ = error::none;
    return event{event_kind::failed, why, close_code_for(why)};
  }

  deflate_direction agreed_;
  bool is_agreed_ : 1 = false;
  bool is_next_compressed_ : 1 = false;  // the message whose first byte came
  bool is_compressed_ : 1 = false;       // the message that is being received
  error pending_ = error::none;          // the next event is this failure
  typename deflate_contexts<Codec>::inflater* inflater_ = nullptr;
  std::conditional_t<is_gathered, gathered_message, inflating_message> deflated_;
};

}  // namespace hawser::inline v0
