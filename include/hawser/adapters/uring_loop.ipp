// What uring_loop.hpp declares. Part of it.

namespace hawser::inline v0 {

inline uring_loop::uring_loop() {
  ::io_uring_params wanted{};
  // Who polls first is the one thread that submits: see take_into_use.
  wanted.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_R_DISABLED;
  wanted.cq_entries = completions;
  if (const int failed = ::io_uring_queue_init_params(submissions, &ring_, &wanted); failed < 0) {
    throw std::system_error{-failed, std::system_category(), "io_uring_setup"};
  }
  try {
    set_up();
  } catch (...) {
    ::io_uring_queue_exit(&ring_);
    ::operator delete(provided_, std::align_val_t{4096});
    throw;
  }
}

inline uring_loop::~uring_loop() {
  ::io_uring_queue_exit(&ring_);
  ::operator delete(provided_, std::align_val_t{4096});
}

// The ring of buffers, which begins at a page.
inline void uring_loop::set_up() {
  constexpr std::size_t size = receive_buffer_count * sizeof(::io_uring_buf);
  provided_ = static_cast<::io_uring_buf_ring*>(::operator new(size, std::align_val_t{4096}));
  ::io_uring_buf_ring_init(provided_);
  ::io_uring_buf_reg described{};
  described.ring_addr = reinterpret_cast<std::uintptr_t>(provided_);
  described.ring_entries = receive_buffer_count;
  if (const int failed = ::io_uring_register_buf_ring(&ring_, &described, 0); failed < 0) {
    throw std::system_error{-failed, std::system_category(), "io_uring_register"};
  }
  for (unsigned i = 0; i < receive_buffer_count; ++i) provide(i);
  completions_.reserve(completions);
}

// Gives the kernel a buffer to receive into.
inline void uring_loop::provide(unsigned buffer) noexcept {
  ::io_uring_buf_ring_add(provided_, buffers_.get() + buffer * receive_buffer_size,
                          receive_buffer_size, static_cast<unsigned short>(buffer),
                          ::io_uring_buf_ring_mask(receive_buffer_count), 0);
  ::io_uring_buf_ring_advance(provided_, 1);
}

// From here on the ring belongs to this thread.
inline void uring_loop::take_into_use() {
  // io_uring_enable_rings, which the shared library of liburing 2.3 lacks.
  if (::syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) !=
      0) {
    throw std::system_error{errno, std::system_category(), "io_uring_register"};
  }
  owner_ = std::this_thread::get_id();
  ::io_uring_sqe& wanted = submission();
  ::io_uring_prep_poll_multishot(&wanted, wake_descriptor(), POLLIN);
  ::io_uring_sqe_set_data64(&wanted, name(nullptr, operation::wake));
}

inline ::io_uring_sqe& uring_loop::submission() {
  ::io_uring_sqe* free = ::io_uring_get_sqe(&ring_);
  while (free == nullptr) {
    ::io_uring_submit(&ring_);
    free = ::io_uring_get_sqe(&ring_);
  }
  return *free;
}

inline void uring_loop::cancel(const uring_source& source, operation which) {
  ::io_uring_sqe& wanted = submission();
  ::io_uring_prep_cancel64(&wanted, name(&source, which), 0);
  ::io_uring_sqe_set_data64(&wanted, name(nullptr, operation::other));
}

inline void uring_loop::tell_kernel() {
  // In the order in which they asked, so that all get their share of the buffers.
  uring_source* in_order = nullptr;
  while (changed_ != nullptr) {
    uring_source* const last = changed_;
    changed_ = std::exchange(last->next_changed_, in_order);
    in_order = last;
  }
  while (in_order != nullptr) {
    uring_source& first = *in_order;
    in_order = std::exchange(first.next_changed_, nullptr);
    tell_kernel_of(first);
  }
}

// Makes the operations that the kernel has of it those that are wanted.
inline void uring_loop::tell_kernel_of(uring_source& source) {
  source.is_changed_ = false;
  const bool receives = source.is_stream_ && (source.wanted_ & EPOLLIN) != 0;
  if (receives && !source.is_receiving_) {
    ::io_uring_sqe& wanted = submission();
    ::io_uring_prep_recv_multishot(&wanted, source.descriptor_, nullptr, 0, 0);
    wanted.flags |= IOSQE_BUFFER_SELECT;
    ::io_uring_sqe_set_data64(&wanted, name(&source, operation::receive));
    source.is_receiving_ = true;
    source.is_receive_cancelled_ = false;
    ++source.operations_;
  } else if (!receives && source.is_receiving_ && !source.is_receive_cancelled_) {
    cancel(source, operation::receive);
    source.is_receive_cancelled_ = true;
  }
  const auto polled = static_cast<std::uint16_t>(
      source.is_stream_ ? source.wanted_ & ~unsigned{EPOLLIN} : source.wanted_);
  if (polled != 0 && source.polled_ == 0) {
    ::io_uring_sqe& wanted = submission();
    ::io_uring_prep_poll_add(&wanted, source.descriptor_, polled);
    ::io_uring_sqe_set_data64(&wanted, name(&source, operation::poll));
    source.polled_ = polled;
    source.is_poll_cancelled_ = false;
    ++source.operations_;
  } else if (polled != source.polled_ && source.polled_ != 0 && !source.is_poll_cancelled_) {
    cancel(source, operation::poll);
    source.is_poll_cancelled_ = true;
  }
}

// Submits what was prepared, and waits until something is complete.
inline void uring_loop::wait(duration longest) {
  ::io_uring_cqe* first = nullptr;
  ::__kernel_timespec limit{};
  limit.tv_sec = longest.nanoseconds() / 1'000'000'000;
  limit.tv_nsec = longest.nanoseconds() % 1'000'000'000;
  ::io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
}

// Takes over all that is complete: what sends say is heard at once.
inline void uring_loop::collect() {
  if (next_completion_ == completions_.size()) {
    completions_.clear();
    next_completion_ = 0;
  }
  completions_.reserve(completions_.size() + ::io_uring_cq_ready(&ring_));
  unsigned head = 0;
  unsigned count = 0;
  ::io_uring_cqe* each = nullptr;
  io_uring_for_each_cqe(&ring_, head, each) {
    ++count;
    const completion done{each->user_data, each->res, each->flags};
    if (done.which() == operation::send) {
      --sends_;
      done.source()->on_sent(done.result);
    } else {
      completions_.push_back(done);
    }
  }
  ::io_uring_cq_advance(&ring_, count);
}

inline void uring_loop::handle(const completion& done) {
  uring_source* const source = done.source();
  switch (done.which()) {
    case operation::receive:
      handle_receive(done);
      return;
    case operation::poll:
      --source->operations_;
      source->polled_ = 0;
      if (source->descriptor_ < 0 || done.result == -ECANCELED) {
        tell_later(*source);
        return;
      }
      // What is still so then is found again, but for a descriptor that cannot be watched.
      if (done.result >= 0) tell_later(*source);
      source->on_ready(done.result >= 0 ? static_cast<std::uint32_t>(done.result) : EPOLLERR);
      return;
    case operation::wake:
      take_wake();
      return;
    default:
      return;
  }
}

inline void uring_loop::handle_receive(const completion& done) {
  uring_source& source = *done.source();
  // The buffer goes back also where a handler throws.
  struct giver {
    ~giver() {
      if (done.has_buffer()) loop.provide(done.buffer());
    }
    uring_loop& loop;
    const completion& done;
  } const rest{*this, done};
  if (done.is_last()) {
    --source.operations_;
    source.is_receiving_ = false;
    if (source.wanted_ != 0) tell_later(source);
  }
  if (source.descriptor_ < 0) return;  // it was forgotten
  if (done.result > 0) {
    source.on_received(std::span{buffers_.get() + done.buffer() * receive_buffer_size,
                                 static_cast<std::size_t>(done.result)});
  } else if (done.result == 0) {
    source.on_read_end(0);
  } else if (done.result != -ENOBUFS && done.result != -ECANCELED && done.result != -EINTR) {
    source.on_read_end(-done.result);
  }
}

// Sends what those that are to be flushed have, before they are. Each send is done when submit
// returns, or says that the socket takes no more: nothing of the output is in use any longer then.
inline void uring_loop::send_all() {
  visit_flushing([this](uring_source& source) {
    const output_list output = source.output_to_send();
    if (!output.empty()) prepare_send(source, output);
  });
  submit_sends();
}

inline void uring_loop::prepare_send(uring_source& source, const output_list& output) {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (sends_ == submissions / 2 || gathered_count_ == gathered_at_once) submit_sends();
  ::io_uring_sqe& wanted = submission();
  if (++output.begin() == output_list::end()) {
    ::io_uring_prep_send(&wanted, source.descriptor_, output.front().data(), output.front().size(),
                         flags);
  } else {
    gathered& write = gathered_[gathered_count_++];
    write.header = {};
    write.header.msg_iov = write.parts.data();
    for (const std::span<const std::byte> part : output) {
      if (write.header.msg_iovlen == gathered::most) break;
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the kernel reads it only
      write.parts[write.header.msg_iovlen++] = {const_cast<std::byte*>(part.data()), part.size()};
    }
    ::io_uring_prep_sendmsg(&wanted, source.descriptor_, &write.header, flags);
  }
  ::io_uring_sqe_set_data64(&wanted, name(&source, operation::send));
  ++sends_;
}

inline void uring_loop::submit_sends() {
  while (sends_ != 0) {
    ::io_uring_submit(&ring_);
    collect();
    // A queue that is full to the brim: the kernel is asked to go on.
    if (sends_ != 0) ::io_uring_get_events(&ring_);
  }
  gathered_count_ = 0;
}

inline void uring_loop::poll(duration longest) {
  if (owner_ == std::thread::id{}) take_into_use();
  HAWSER_ASSERT(owner_ == std::this_thread::get_id() && "one thread polls");
  tell_kernel();
  wait(next_completion_ != completions_.size() ? duration{} : wait_length(longest));
  begin_turn();
  collect();
  // Where one throws, the rest comes in the next turn.
  while (next_completion_ != completions_.size()) {
    const completion done = completions_[next_completion_++];
    handle(done);
  }
  completions_.clear();
  next_completion_ = 0;
  run_due();
  // Here memory may run out, and not while sends are under way.
  completions_.reserve(completions_.size() + completions);
  send_all();
  flush();
  // Where the kernel still has operations of it, their ends come in another turn.
  end_retired([this](uring_source& each) {
    if (each.operations_ != 0) return false;
    tell_never(each);
    return true;
  });
}

// Of a source that is about to go.
inline void uring_loop::drop_completions(uring_source& source) noexcept {
  for (std::size_t i = next_completion_; i < completions_.size(); ++i) {
    completion& each = completions_[i];
    if (each.source() != &source) continue;
    if (each.has_buffer()) provide(each.buffer());
    if (each.is_last()) --source.operations_;
    each = {};
  }
}

inline void uring_loop::remove(uring_source& source, int descriptor) noexcept {
  forget(source, descriptor);
  forget_all(source);
  tell_never(source);
  drop_completions(source);
  // Another thread than the owner is here when that has ended, and then the kernel has given up
  // what it was to do for it.
  if (owner_ != std::this_thread::get_id()) return;
  tell_kernel_of(source);
  while (source.operations_ != 0) {
    wait(duration::seconds(1));
    collect();
    drop_completions(source);
  }
}

}  // namespace hawser::inline v0
