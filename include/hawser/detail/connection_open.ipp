// The open and closing connection. Part of hawser/connection.hpp.

namespace hawser::inline v0 {

// Events are made where the caller wants them: one that is copied right after it was written in
// pieces waits for them. Hence the placement new, and one name for all that a function returns.
template <role Role, class Extension>
event basic_connection<Role, Extension>::next(std::byte*& position, std::byte* end) {
  event found = receiver_.next_alone(position, end, endpoint_->receiving_);
  // Until it is settled, what came early may wait to be parsed.
  if (!found &&
      (eof_ || !is_settled_ || !receiver_.take_middle(position, end, endpoint_->receiving_))) {
    new (&found) event(next_unusual(position, end));
  }
  return found;
}

template <role Role, class Extension>
event basic_connection<Role, Extension>::next_unusual(std::byte*& position, std::byte* end) {
  event found = error_ != error::none || is_answered_ ? next_ended(position, end)
                : is_settled_                         ? next_open(position, end)
                                                      : next_opening(position, end);
  receiver_.update_fast_limit(endpoint_->receiving_, is_settled_ && error_ == error::none && !eof_);
  return found;
}

template <role Role, class Extension>
event basic_connection<Role, Extension>::next_open(std::byte*& position, std::byte* end) {
  event found = next_frames(position, end);
  if (!found && eof_ && position == end && !close_received_) {
    this->end(error::end_of_stream);
    new (&found) event(next_ended(position, end));
  }
  return found;
}

// What the frames in [position, end) bring, and what they ask for in return.
template <role Role, class Extension>
event basic_connection<Role, Extension>::next_frames(std::byte*& position, std::byte* end) {
  event found = receiver_.next(position, end, endpoint_->receiving_);
  switch (found.kind()) {
    case event_kind::ping:
      answer_ping(found);
      break;
    case event_kind::pong:
      if (found.payload().size() == 1 && found.payload()[0] == std::byte{pings_}) {
        timers_.hear_pong();
      }
      break;
    case event_kind::close:
      answer_close(found);
      break;
    case event_kind::failed:
      fail(found.error());
      is_end_told_ = true;
      break;
    default:
      break;
  }
  return found;
}

// After a failure: it is told once, and whatever comes is dropped.
template <role Role, class Extension>
HAWSER_COLD event basic_connection<Role, Extension>::next_ended(std::byte*& position,
                                                                std::byte* end) noexcept {
  receiver_.forget(endpoint_->receiving_);
  if (!is_end_told_) {
    is_end_told_ = true;
    const bool is_refusal = error_ == error::handshake_refused;
    return event{is_refusal ? event_kind::refused : event_kind::failed, error_, close_code_};
  }
  receiver_.drop(position, end);
  return {};
}

// RFC 6455 5.5.3: "A Pong frame sent in response to a Ping frame must have identical "Application
// data" as found in the message body of the Ping frame being replied to."
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::answer_ping(const event& ping) {
  if (!endpoint_->options_.answers_pings || !is_open()) return;
  sender_.send_control(out_, opcode::pong, ping.payload(), endpoint_->sending_);
}

// RFC 6455 5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame,
// the endpoint MUST send a Close frame in response. (When sending a Close frame in response, the
// endpoint typically echos the status code it received.)" The reason is echoed too: some peers take
// nothing else for an answer.
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::answer_close(const event& close) {
  close_received_ = is_end_told_ = true;
  close_code_ = close.code();
  if (close_sent_) return;
  timers_.start_deadline();
  const bool is_echoed = is_wire_close_code(close.code()) && is_utf8(close.reason());
  sender_.send_close(out_, is_echoed ? close.code() : close_code::no_status,
                     is_echoed ? close.reason() : std::string_view{}, endpoint_->sending_);
  close_sent_ = true;
}

// From here on what comes is dropped, and nothing but what waits is sent, until the deadline.
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::end(hawser::error why) noexcept {
  if (error_ == error::none) error_ = why;
  if (error_ != error::none && close_code_ == close_code::none) {
    close_code_ = is_opened_ ? close_code_for(error_) : close_code::abnormal;
  }
  if (!close_received_) receiver_.end(endpoint_->receiving_);
  timers_.start_deadline();
}

// RFC 6455 7.1.7: "If _The WebSocket Connection is Established_ prior to the point where the
// endpoint is required to _Fail the WebSocket Connection_, the endpoint SHOULD send a Close frame
// with an appropriate status code".
template <role Role, class Extension>
HAWSER_COLD void basic_connection<Role, Extension>::fail(hawser::error why) {
  this->end(why);
  if (close_sent_) return;
  sender_.send_close(out_, close_code_, cut_close_reason(to_string(why)), endpoint_->sending_);
  close_sent_ = true;
}

template <role Role, class Extension>
HAWSER_NO_INLINE void basic_connection<Role, Extension>::lose(hawser::error why) noexcept {
  // A loss behind a closing handshake is none: some peers close by a reset.
  if (!was_clean() || !out_.empty()) this->end(why);
  is_over_ = true;
}

template <role Role, class Extension>
HAWSER_NO_INLINE error basic_connection<Role, Extension>::close(hawser::close_code code,
                                                                std::string_view reason) {
  // RFC 6455 7.4.1: 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close control frame
  // by an endpoint"; no_status stands for a frame without a code.
  if (code != close_code::no_status && !is_wire_close_code(code)) return error::bad_close_code;
  if (reason.size() > max_close_reason_size || (code == close_code::no_status && !reason.empty())) {
    return error::reason_too_long;
  }
  if (!is_utf8(reason)) return error::text_not_utf8;
  if (is_ending()) return error::none;
  if (!is_opened_) {
    is_end_told_ = true;
    if (handshake_ == nullptr) {
      lose(error::aborted);
    } else {
      fail_opening(error::aborted, 503);
    }
    return error::none;
  }
  sender_.send_close(out_, code, reason, endpoint_->sending_);
  close_sent_ = true;
  timers_.start_deadline();
  return error::none;
}

template <role Role, class Extension>
error basic_connection<Role, Extension>::send(opcode type, std::span<const std::byte> payload) {
  return is_open() ? sender_.send(out_, type, payload, endpoint_->sending_) : error::not_open;
}

template <role Role, class Extension>
error basic_connection<Role, Extension>::send(const event& message) {
  if (!is_open()) return error::not_open;
  const opcode type = message.is_text() ? opcode::text : opcode::binary;
  if (message.is_message()) {
    return is_text_checked()
               ? sender_.send_checked(out_, type, message.payload(), endpoint_->sending_)
               : sender_.send(out_, type, message.payload(), endpoint_->sending_);
  }
  HAWSER_ASSERT(message.is_piece() && "only what a message event or a piece event brought is sent");
  if (!message.is_first()) return append(message.payload(), message.is_last());
  if constexpr (Extension::is_used) {
    return sender_.begin(out_, type, message.payload(), message.is_last(), endpoint_->sending_);
  } else {
    // Begun only where its first part is queued.
    sender_type begun = sender_;
    hawser::error result = begun.begin(type);
    if (result == error::none) {
      result = begun.append(out_, message.payload(), message.is_last(), endpoint_->sending_);
    }
    if (result == error::none) sender_ = begun;
    return result;
  }
}

template <role Role, class Extension>
HAWSER_ALWAYS_INLINE bool basic_connection<Role, Extension>::send_to(
    sink& to, opcode type, std::span<const std::byte> payload) {
  if constexpr (Extension::is_used) {
    return false;
  } else {
    if (!is_open() || !out_.is_unused() || sender_.is_in_message()) return false;
    if (to.size_ != 0 && to.owner_ != this) return false;
    const std::size_t written = sender_type::write_to(to.room_.subspan(to.size_), to.size_, type,
                                                      payload, endpoint_->sending_);
    to.size_ += written;
    to.owner_ = this;
    return written != 0;
  }
}

template <role Role, class Extension>
error basic_connection<Role, Extension>::begin(opcode type) {
  return is_open() ? sender_.begin(type) : error::not_open;
}

template <role Role, class Extension>
error basic_connection<Role, Extension>::append(byte_view part, bool fin) {
  return is_open() ? sender_.append(out_, part, fin, endpoint_->sending_) : error::not_open;
}

template <role Role, class Extension>
HAWSER_NO_INLINE error
basic_connection<Role, Extension>::send_ping(opcode type, std::span<const std::byte> payload) {
  if (payload.size() > max_control_payload_size) return error::control_too_long;
  if (!is_open()) return error::not_open;
  if (!out_.has_control_room(payload.size() + max_frame_header_size)) return error::output_full;
  sender_.send_control(out_, type, payload, endpoint_->sending_);
  return error::none;
}

// A ping that goes out while another waits for its pong repeats that one's payload: the pong to
// either answers the first.
template <role Role, class Extension>
HAWSER_NO_INLINE error basic_connection<Role, Extension>::ping() {
  const bool is_measured = !timers_.is_waiting();
  const std::byte payload{static_cast<std::uint8_t>(pings_ + (is_measured ? 1 : 0))};
  const hawser::error wrong = send_ping(opcode::ping, {&payload, 1});
  if (wrong != error::none) return wrong;
  if (is_measured) {
    ++pings_;
    timers_.ping();
  }
  return error::none;
}

template <role Role, class Extension>
void basic_connection<Role, Extension>::on_open_time(time_point now) {
  if (receiver_.has_heard()) timers_.hear();
  receiver_.forget_heard();
  switch (timers_.watch(now, lengths())) {
    case timers::due::nothing:
      break;
    case timers::due::ping:
      // Where there is no room, other pings wait to be answered already.
      static_cast<void>(ping());
      timers_.ping(now);
      break;
    case timers::due::pong_missing:
      lose(error::pong_timeout);
      break;
  }
}

template <role Role, class Extension>
void basic_connection<Role, Extension>::on_time(time_point now) {
  if (is_over_) return;
  if constexpr (Extension::is_used) sender_.on_time(now, endpoint_->sending_);
  const auto second = static_cast<std::uint16_t>(now.nanoseconds() / 1'000'000'000);
  if (second != second_) receiver_.renew_control_budget();
  second_ = second;
  if (!out_.empty() && lengths().output != duration{}) {
    if (out_.waiting_since() == time_point::min()) out_.set_waiting_since(now);
    if (now >= out_.waiting_since() + lengths().output) return lose(error::output_timeout);
  }
  if (is_open()) return on_open_time(now);
  if (!is_ending()) return on_opening_time(now);
  if (!timers_.is_expired(now, lengths().closing)) return;
  // Waiting for the peer to answer, or to take the answer, is what can fail; waiting for the end of
  // the stream is not.
  const bool is_done = close_received_ && out_.empty();
  if (close_sent_ && !is_done && error_ == error::none) return lose(error::closing_timeout);
  is_over_ = true;
}

template <role Role, class Extension>
time_point basic_connection<Role, Extension>::next_deadline() const noexcept {
  if (is_over_) return time_point::max();
  time_point deadline =
      is_open()     ? receiver_.has_heard() ? time_point::min() : timers_.next_watch(lengths())
          : is_ending() ? timers_.deadline(lengths().closing)
                    : timers_.deadline(lengths().opening);
  if constexpr (Extension::is_used) {
    deadline = detail::min_of(deadline, sender_.idle_deadline(endpoint_->sending_));
  }
  if (out_.empty() || lengths().output == duration{}) return deadline;
  const time_point since = out_.waiting_since();
  return since == time_point::min() ? since : detail::min_of(deadline, since + lengths().output);
}

template <role Role, class Extension>
ready_state basic_connection<Role, Extension>::ready_state() const noexcept {
  if (wants_close()) return hawser::ready_state::closed;
  if (is_ending()) return hawser::ready_state::closing;
  return is_opened_ ? hawser::ready_state::open : hawser::ready_state::connecting;
}

template <role Role, class Extension>
bool basic_connection<Role, Extension>::wants_close() const noexcept {
  if (is_over_) return true;
  if (!out_.empty() || !is_ending()) return false;
  if (eof_) return is_end_told_ || close_received_;
  // RFC 6455 7.1.1: "one would call shutdown() with SHUT_WR on the socket, call recv() until
  // obtaining a return value of 0 indicating that the peer has also performed an orderly shutdown,
  // and finally call close() on the socket." A server does so first, and a client waits for it:
  // what a peer still sent would be answered by a reset, for which it may lose our close frame.
  return receiver_.is_ended() && receiver_.dropped() >= endpoint_->options_.limits.max_discard_size;
}

}  // namespace hawser::inline v0
