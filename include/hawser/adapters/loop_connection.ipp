// What loop_connection.hpp declares. Part of it.

namespace hawser::inline v0 {

template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::finish_connect() {
  int wrong = 0;
  ::socklen_t size = sizeof wrong;
  if (::getsockopt(socket_.value(), SOL_SOCKET, SO_ERROR, &wrong, &size) != 0 || wrong != 0) {
    if constexpr (Role == role::client) connect_next();
    return;
  }
  is_connecting_ = false;
  settle();
}

// Begins to connect to the next address; where there is none, that is the end.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::connect_next() {
  Loop& loop = group_->loop();
  if (socket_) loop.forget(*this, socket_.value());
  while (addresses_.next != nullptr) {
    const ::addrinfo& to = *std::exchange(addresses_.next, addresses_.next->ai_next);
    socket_ = detail::open_tcp(to);
    if (!socket_) continue;
    detail::set_no_delay(socket_);
    const bool has_begun =
        ::connect(socket_.value(), to.ai_addr, to.ai_addrlen) == 0 || errno == EINPROGRESS;
    watched_ = EPOLLOUT;
    if (has_begun && this->begin_watching(loop, socket_.value(), watched_)) {
      loop.set_deadline(*this, connection_.next_deadline());
      return;
    }
  }
  connection_.abort(error::transport_failed);
  loop.flush_later(*this);
}

// Bytes came. What was held back comes first.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::take(std::span<std::byte> bytes) {
  has_received_ = true;
  if (held_ || is_interrupted_ || is_held_back()) {
    hold(bytes);
  } else {
    process(bytes);
  }
}

// No more will come. `failure` is an errno, or 0: the stream has ended.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::end_reading(int failure) {
  has_ended_ = true;
  has_failed_ = failure != 0 || is_broken_;
  if (!held_ && !is_interrupted_) end_stream();
}

// All that came is parsed, and no more will come.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::end_stream() {
  if (has_failed_) {
    connection_.abort(error::transport_failed);
  } else {
    connection_.receive_eof();
  }
  process({});
}

template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::process(std::span<std::byte> bytes) {
  turn_guard turn{*this};
  is_interrupted_ = true;  // there may be something to do without bytes
  // The rest is kept, also where a handler throws, or memory runs out.
  struct keeper {
    ~keeper() { self.keep_rest(events.rest()); }
    loop_connection& self;
    event_cursor<Role, Extension> events;
  } keep{*this, connection_.receive(bytes)};
  while (const event found = keep.events.next()) {
    dispatch(found);
    if (is_held_back()) break;
  }
  is_interrupted_ = false;
  turn.is_done = true;
}

// Of what process() was given.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::keep_rest(
    std::span<std::byte> rest) noexcept {
  if (!held_) return hold(rest);
  held_->begin = held_->end - rest.size();
  if (rest.empty()) held_.reset();
}

// Keeps bytes behind those that are held already.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::hold(
    std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return;
  const std::span<const std::byte> before = held_ ? held_->rest() : std::span<std::byte>{};
  const std::size_t size = before.size() + bytes.size();
  if (!held_ || size > held_->capacity - held_->begin) {
    const std::size_t capacity = held_ ? 2 * size : size;
    std::unique_ptr<detail::held_bytes> larger{new (std::nothrow) detail::held_bytes{
        std::unique_ptr<std::byte[]>{new (std::nothrow) std::byte[capacity]}, capacity}};
    // What came is lost, and with it what may still come.
    if (!larger || !larger->all) return connection_.abort();
    detail::copy_bytes(larger->all.get(), before.data(), before.size());
    larger->end = before.size();
    held_ = std::move(larger);
  }
  detail::copy_bytes(held_->all.get() + held_->end, bytes.data(), bytes.size());
  held_->end += bytes.size();
}

// What came and was held back, now that it may go on.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::process_held() {
  process(held_ ? held_->rest() : std::span<std::byte>{});
  if (!held_ && has_ended_) end_stream();
}

// Output leaves, as far as the socket takes it.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::write() {
  if (is_broken_) return drop_output();
  this->write_output();
}

// Where the peer is gone, what cannot be sent is dropped, as it would be in the network. Reading
// goes on: what it sent before, its close frame above all, has still to be seen.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::fail_to_write(int failure) noexcept {
  if (failure != EPIPE && failure != ECONNRESET) {
    return connection_.abort(error::transport_failed);
  }
  is_broken_ = true;
  drop_output();
}

template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::drop_output() noexcept {
  while (connection_.has_output()) {
    std::size_t size = 0;
    for (const std::span<const std::byte> part : connection_.output()) size += part.size();
    connection_.consume_output(size);
  }
}

template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::dispatch(const event& found) {
  Handler& handler = group_->handler();
  switch (found.kind()) {
    case event_kind::request:
      is_known_ = true;
      if constexpr (requires { handler.on_request(*this); }) handler.on_request(*this);
      break;
    case event_kind::open:
      is_known_ = is_open_ = true;
      group_->end_handshake();
      if constexpr (requires { handler.on_open(*this); }) handler.on_open(*this);
      break;
    case event_kind::message:
    case event_kind::piece:
      if constexpr (requires { handler.on_message(*this, found); }) {
        handler.on_message(*this, found);
      }
      break;
    case event_kind::ping:
      if constexpr (requires { handler.on_ping(*this, found); }) handler.on_ping(*this, found);
      break;
    case event_kind::pong:
      if constexpr (requires { handler.on_pong(*this, found); }) handler.on_pong(*this, found);
      break;
    default:
      tell_end();
      break;
  }
}

template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::tell_end() {
  if (is_end_told_) return;
  is_end_told_ = true;
  Handler& handler = group_->handler();
  if (is_known_ || Role == role::client) {
    if constexpr (requires { handler.on_close(*this); }) handler.on_close(*this);
  } else if constexpr (requires { handler.on_refused(*this); }) {
    handler.on_refused(*this);
  }
}

// The end of every turn of a connection: output leaves, time passes, and what follows is done.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::settle() {
  if (is_removed_) return;
  turn_guard turn{*this};
  Loop& loop = group_->loop();
  note_high_output();
  write();
  if (has_drained()) {
    is_above_high_ = false;
    Handler& handler = group_->handler();
    if constexpr (requires { handler.on_drain(*this); }) handler.on_drain(*this);
    note_high_output();
  }
  const bool is_accepted_late = connection_.is_open() && !is_open_;
  if ((held_ || is_interrupted_ || is_accepted_late) && !is_held_back()) {
    process_held();
    write();
  }
  if (is_paused_) connection_.excuse_silence();
  connection_.on_time(loop.now());
  write();
  shut_down_send();
  if (connection_.wants_close()) {
    tell_end();
    turn.is_done = true;
    return group_->remove(*this);
  }
  const bool reads = !has_ended_ && !held_ && !is_held_back();
  const std::uint32_t wanted =
      (reads ? EPOLLIN : 0U) | (is_blocked_ || is_connecting_ ? EPOLLOUT : 0U);
  if (wanted != watched_) loop.change(*this, socket_.value(), watched_ = wanted);
  loop.set_deadline(*this, next_deadline());
  turn.is_done = true;
  // The next turn goes on with held bytes where nothing but their number stopped them, and tells
  // the handler where what it sent on the last drain has left already.
  if (has_drained() || (held_ && !is_held_back()) || can_write()) {
    loop.flush_later(*this);
  } else {
    loop.has_flushed(*this);
  }
}

// Lets the peer see the end where nothing more is sent to it. A proxy may take the end of one
// direction for that of both (nginx does), and cut off a peer in the middle of what it sends, which
// then may not get to read why. So where there is more to come for sure, the end waits until
// nothing comes for a while; as long as the connection lives, whose timeout and limit those are.
template <class Loop, role Role, class Handler, class Extension>
void loop_connection<Loop, Role, Handler, Extension>::shut_down_send() {
  if (is_shut_down_ || !connection_.wants_shutdown()) return;
  if (waits_for_quiet()) {
    const time_point now = group_->loop().now();
    if (has_received_) quiet_at_ = now + quiet_length;
    has_received_ = false;
    if (now < quiet_at_) return;
  }
  is_shut_down_ = true;
  socket_.shutdown_send();
}

template <class Loop, role Role, class Handler, class Extension>
time_point loop_connection<Loop, Role, Handler, Extension>::next_deadline() const noexcept {
  const time_point deadline = connection_.next_deadline();
  return waits_for_quiet() ? std::min(deadline, quiet_at_) : deadline;
}

}  // namespace hawser::inline v0
