#pragma once

#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_contexts.hpp"
#include "hawser/deflate_message.hpp"
#include "hawser/deflate_negotiation.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/error.hpp"
#include "hawser/frame.hpp"
#include "hawser/gathered_message.hpp"
#include "hawser/message_options.hpp"
#include "hawser/outbox.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/sender.hpp"
#include "hawser/time.hpp"
#include "hawser/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace hawser::inline v0 {

/// What a sender of compressed messages works with. Lives in the endpoint.
template <class Codec>
struct deflating_context : sender_context {
  deflate_contexts<Codec>* contexts = nullptr;
};

/// A sender that compresses messages, where that was agreed on.
///
/// With a codec of whole messages those that are given in parts are sent as they are, and so are
/// those that are larger than the window that was agreed on: within it no reference goes too far.
template <role Role, class Codec>
class deflating_sender : public sender<Role> {
  using base = sender<Role>;

 public:
  using context_type = deflating_context<Codec>;

  /// From here on messages may be compressed.
  void start_deflating(const deflate_direction& agreed) noexcept {
    agreed_ = agreed;
    if constexpr (is_whole) {
      is_agreed_ = true;
    } else {
      is_agreed_ = agreed.window_bits >= Codec::min_window_bits;
    }
  }

  /// As of sender.
  [[nodiscard]] error send(outbox& out, opcode type, std::span<const std::byte> payload,
                           const context_type& context, const message_options& options = {}) {
    if (this->message_ == opcode::continuation && type == opcode::text && context.checks_text &&
        !is_utf8(payload)) {
      return error::text_not_utf8;
    }
    return send_checked(out, type, payload, context, options);
  }
  [[nodiscard]] error send_checked(outbox& out, opcode type, std::span<const std::byte> payload,
                                   const context_type& context,
                                   const message_options& options = {}) {
    if (this->message_ != opcode::continuation) return error::message_in_progress;
    const bool is_large = payload.size() >= context.contexts->options().min_size;
    if (!wants_deflating(options, is_large) || !fits_window(payload) ||
        out.size() >= context.max_output_size) {
      return base::send_checked(out, type, payload, context);
    }
    return send_deflated(out, type, payload, context);
  }
  [[nodiscard]] error begin(opcode type, const message_options& options = {}) noexcept {
    const error result = base::begin(type);
    if (result == error::none) is_compressed_ = !is_whole && wants_deflating(options, true);
    return result;
  }
  [[nodiscard]] error append(outbox& out, std::span<const std::byte> part, bool fin,
                             const context_type& context) {
    if constexpr (!is_whole) {
      if (this->message_ != opcode::continuation && is_compressed_) {
        return append_deflated(out, part, fin, context);
      }
    }
    return base::append(out, part, fin, context);
  }
  /// A message whose first part is there: begun only where that is queued.
  [[nodiscard]] error begin(outbox& out, opcode type, std::span<const std::byte> part, bool fin,
                            const context_type& context) {
    if constexpr (is_whole) {
      if (fin) return send(out, type, part, context);
    }
    error result = begin(type);
    if (result != error::none) return result;
    // Also where memory runs out.
    struct undo {
      ~undo() {
        if (is_sent) return;
        self.message_ = self.next_ = opcode::continuation;
        if (!self.agreed_.takeover) self.give_deflater(any_size, context);
      }
      deflating_sender& self;
      const context_type& context;
      bool is_sent = false;
    } begun{*this, context};
    result = append(out, part, fin, context);
    begun.is_sent = result == error::none;
    return result;
  }

  /// Gives the compressor back where nothing was asked of it for long.
  void on_time(time_point now, const context_type& context) noexcept {
    if (was_used_) used_ = now;
    was_used_ = false;
    if (now >= idle_deadline(context)) release(context);
  }
  /// When on_time should be called next.
  [[nodiscard]] time_point idle_deadline(const context_type& context) const noexcept {
    const duration idle = context.contexts->options().idle;
    if (deflater_ == nullptr || idle == duration{} || this->is_in_message()) {
      return time_point::max();
    }
    return was_used_ ? time_point::min() : used_ + idle;
  }
  /// Gives the compressor back. Before the end of its life.
  void release(const context_type& context) noexcept {
    context.contexts->destroy(deflater_);
    deflater_ = nullptr;
  }

 private:
  static constexpr bool is_whole = message_codec<Codec>;
  static constexpr std::size_t any_size = deflate_contexts<Codec>::any_size;
  using deflater = typename deflate_contexts<Codec>::deflater;

  [[nodiscard]] bool wants_deflating(const message_options& options, bool is_large) const noexcept {
    if (!is_agreed_ || options.secret || options.compress == compression::never) return false;
    return is_large || options.compress == compression::always;
  }

  // RFC 7692 7.1.2.1: the peer "can reduce the memory needed for the LZ77 sliding window".
  [[nodiscard]] bool fits_window(std::span<const std::byte> payload) const noexcept {
    return !is_whole || agreed_.window_bits == max_window_bits ||
           payload.size() <= std::size_t{1} << agreed_.window_bits;
  }
  // All compressors of whole messages are alike.
  [[nodiscard]] std::uint8_t kind_of_deflater() const noexcept {
    return is_whole ? max_window_bits : agreed_.window_bits;
  }

  // Memory from the pool while a part is compressed.
  class scratch {
   public:
    scratch(detail::block_pool& pool, std::size_t size) : pool_{&pool}, block_{pool.take(size)} {}
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() { pool_->give(block_); }
    [[nodiscard]] std::span<std::byte> room() const noexcept {
      return {block_->data(), block_->capacity};
    }

   private:
    detail::block_pool* pool_;
    detail::block* block_;
  };

  // The use of the compressor for a message. Where what went through it is not on its way at the
  // end, the window begins anew: the peer will not have it.
  class use {
   public:
    use(deflating_sender& self, std::size_t size, const context_type& context)
        : self_{&self}, size_{self.agreed_.takeover ? any_size : size}, context_{&context} {
      self.take_deflater(size_, context);
    }
    use(const use&) = delete;
    use& operator=(const use&) = delete;
    ~use() {
      if (is_whole || !self_->agreed_.takeover) {
        self_->give_deflater(size_, *context_);
      } else if constexpr (!is_whole) {
        if (!is_sent_) self_->deflater_->restart();
      }
    }
    void set_sent() noexcept { is_sent_ = true; }

   private:
    deflating_sender* self_;
    std::size_t size_;
    const context_type* context_;
    bool is_sent_ = false;
  };

  // For a message of that size which stands for itself, or of any.
  void take_deflater(std::size_t size, const context_type& context) {
    if (deflater_ == nullptr) {
      deflater_ = context.contexts->take_deflater(kind_of_deflater(), size);
    }
    was_used_ = true;
  }
  void give_deflater(std::size_t size, const context_type& context) noexcept {
    context.contexts->give(deflater_, kind_of_deflater(), size);
    deflater_ = nullptr;
  }

  [[nodiscard]] error send_deflated(outbox& out, opcode type, std::span<const std::byte> payload,
                                    const context_type& context) {
    const scratch memory{*context.pool, deflate_bound(payload.size())};
    use window{*this, payload.size(), context};
    const std::size_t size = deflate(payload, memory.room());
    if (size == deflate_failed || (size >= payload.size() && !is_better_kept(payload))) {
      return base::send_checked(out, type, payload, context);
    }
    const error result =
        base::write(out, {.opcode = type, .rsv1 = true}, memory.room().first(size), context);
    if (result == error::none) window.set_sent();
    return result;
  }

  [[nodiscard]] std::size_t deflate(std::span<const std::byte> payload,
                                    std::span<std::byte> to) noexcept {
    if constexpr (is_whole) {
      return deflate_whole(*deflater_, payload, to);
    } else {
      return deflate_part(*deflater_, payload, true, to);
    }
  }

  // What did not shrink is sent so nevertheless where the window that went before it is worth more
  // than a few bytes.
  [[nodiscard]] bool is_better_kept(std::span<const std::byte> payload) const noexcept {
    return !is_whole && agreed_.takeover &&
           payload.size() < (std::size_t{1} << agreed_.window_bits) / 4;
  }

  [[nodiscard]] error append_deflated(outbox& out, std::span<const std::byte> part, bool fin,
                                      const context_type& context)
    requires(!is_whole)
  {
    utf8_state text = this->text_;
    if (this->message_ == opcode::text && context.checks_text &&
        (validate_utf8(text, part) != part.size() || (fin && !text.is_complete()))) {
      return error::text_not_utf8;
    }
    // Known before there is work to undo. Where nothing waits, there is nothing to wait for: the
    // part is sent if it shrinks enough.
    const std::size_t bound = deflate_bound(part.size());
    const std::size_t waiting = out.size();
    if (waiting > context.max_output_size ||
        (waiting != 0 && bound + max_frame_header_size > context.max_output_size - waiting)) {
      return error::output_full;
    }
    const scratch memory{*context.pool, bound};
    take_deflater(any_size, context);
    // Where the part does not go, for want of memory, the window begins anew, as the peer will not
    // have what went through the compressor. The frames before end at a byte: the message goes on.
    struct undo {
      ~undo() {
        if (!is_sent) with.restart();
      }
      deflater& with;
      bool is_sent = false;
    } deflated{*deflater_};
    const std::size_t size = deflate_part(*deflater_, part, fin, memory.room());
    if (size == deflate_failed) return error::output_full;
    const bool is_first = this->next_ != opcode::continuation;
    const error result = base::write(out, {.opcode = this->next_, .fin = fin, .rsv1 = is_first},
                                     memory.room().first(size), context);
    if (result != error::none) return result;
    deflated.is_sent = true;
    this->text_ = text;
    this->next_ = opcode::continuation;
    if (!fin) return error::none;
    this->message_ = opcode::continuation;
    if (!agreed_.takeover) give_deflater(any_size, context);
    return error::none;
  }

  deflate_direction agreed_;
  bool is_agreed_ : 1 = false;
  bool is_compressed_ : 1 = false;  // the message that was begun
  bool was_used_ : 1 = false;       // since on_time
  deflater* deflater_ = nullptr;
  time_point used_;
};

}  // namespace hawser::inline v0
