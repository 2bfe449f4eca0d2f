// All frames, however they are cut. Part of hawser/receiver.hpp.

namespace hawser::inline v0 {

template <role Role>
event receiver<Role>::next(std::byte*& position, std::byte* end, const receiver_context& context) {
  // Until it is known again: where memory runs out on the way, what comes next may be a payload.
  fast_limit_ = 0;
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
bool receiver<Role>::take_middle(std::byte*& position, const std::byte* end,
                                 const receiver_context& context) noexcept {
  const auto size = static_cast<std::size_t>(end - position);
  if (!in_frame_ || is_ended_ || !is_whole_ || is_control(frame_) || is_skipped_) return false;
  if (assembly_ == nullptr || assembly_->room() < size || size >= reader_.remaining()) return false;
  std::byte* const to = assembly_->data() + assembly_->end;
  assembly_->end += size;
  message_size_ += size;
  if (!is_checked_text(context)) {
    reader_.take_copy(position, size, to);
    return true;
  }
  is_text_bad_ = reader_.take_text(position, size, to, text_) != size;
  return !is_text_bad_;
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

// Room for `size` more bytes of the frame behind what the assembly holds, which they belong to now.
//
// Memory follows the bytes that came, in steps that double. Where a sixteenth of a small frame is
// there, in however many reads, all of it has room at once: what follows is then not copied again.
template <role Role>
HAWSER_NO_INLINE std::byte* receiver<Role>::room_for(std::size_t size, std::uint64_t most,
                                                     const receiver_context& context) {
  const std::uint64_t whole = reader_.remaining();
  const std::size_t came = size + (assembly_ == nullptr ? 0 : assembly_->end);
  const bool is_soon_whole = whole <= max_trusted_size && whole / 16 <= came;
  detail::reserve(*context.pool, assembly_, is_soon_whole ? static_cast<std::size_t>(whole) : size,
                  static_cast<std::size_t>(most));
  std::byte* to = assembly_->data() + assembly_->end;
  assembly_->end += size;
  return to;
}

template <role Role>
HAWSER_COLD event receiver<Role>::take_control(std::byte*& position, std::byte* end,
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
    if (const std::size_t size = reader_.available_payload(position, end); size != 0) {
      reader_.take_copy(position, size, room_for(size, most_assembled(context), context));
    }
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
HAWSER_COLD event receiver<Role>::take_close(std::span<const std::byte> payload,
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
  const std::size_t size = reader_.available_payload(position, end);
  const bool is_alone =
      message_size_ == 0 && fin_ && assembly_ == nullptr && size == reader_.remaining();
  std::byte* const to =
      is_alone || size == 0 ? position : room_for(size, context.limits.max_message_size, context);
  message_size_ += size;
  if (!is_checked_text(context)) {
    reader_.take_copy(position, size, to);
  } else if (reader_.take_text(position, size, to, text_) != size) {
    return fail(error::invalid_utf8, context);
  }
  in_frame_ = reader_.remaining() != 0;
  if (in_frame_ || !fin_) return {};
  if (is_checked_text(context) && !text_.is_complete()) return fail(error::invalid_utf8, context);
  const std::uint8_t flags = message_ == opcode::text ? event::text_flag : std::uint8_t{0};
  std::span<std::byte> part{to, size};
  if (assembly_ != nullptr) part = assembly_->bytes();
  is_delivered_ = assembly_ != nullptr;
  message_ = opcode::continuation;
  return event{event_kind::message, part, flags};
}

template <role Role>
HAWSER_COLD event receiver<Role>::take_piece(std::byte*& position, std::byte* end,
                                             const receiver_context& context) {
  std::span<std::byte> part{position, reader_.available_payload(position, end)};
  std::size_t valid = part.size();
  if (is_checked_text(context)) {
    valid = reader_.take_text(position, part.size(), position, text_);
  } else {
    static_cast<void>(reader_.take(position, end));
  }
  in_frame_ = reader_.remaining() != 0;
  bool is_last = !in_frame_ && fin_;
  if (is_checked_text(context)) {
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
HAWSER_COLD event receiver<Role>::fail(error why, const receiver_context& context) noexcept {
  end(context);
  return event{event_kind::failed, why, close_code_for(why)};
}

// The event that viewed the assembly is over: what it showed goes, a message's beginning stays.
template <role Role>
HAWSER_COLD void receiver<Role>::forget_delivered(const receiver_context& context) noexcept {
  is_delivered_ = false;
  assembly_->end = is_ended_ ? 0 : assembled_message();
  if (assembly_->end == 0) release(context);
}

}  // namespace hawser::inline v0
