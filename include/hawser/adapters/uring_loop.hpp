#pragma once

#include "hawser/adapters/loop_turns.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/outbox.hpp"
#include "hawser/time.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <liburing.h>
#include <memory>
#include <new>
#include <poll.h>
#include <span>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace hawser::inline v0 {

/// Something that a uring_loop watches: a descriptor and a deadline. A base for the adapter's own
/// sources and for a user's.
class uring_source : public loop_entry<uring_source> {
 protected:
  ~uring_source() = default;

 private:
  friend class uring_loop;
  template <class>
  friend class loop_turns;

  /// The descriptor is ready: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.
  virtual void on_ready(std::uint32_t events) = 0;
  /// The deadline that was set has passed.
  virtual void on_deadline() = 0;
  /// flush_later() was called in this turn.
  virtual void on_flush() = 0;
  /// The turn in which it was retired is over, and the kernel is done with it: it may destroy
  /// itself.
  virtual void on_retired() = 0;

  /// Of a stream: bytes came, which are its own until this returns.
  virtual void on_received(std::span<std::byte> /*bytes*/) {}
  /// Of a stream: no more will come. `failure` is an errno, or 0: the stream has ended.
  virtual void on_read_end(int /*failure*/) {}
  /// Of a stream that is to be flushed: what may be sent now. It stays as it is until on_sent().
  [[nodiscard]] virtual output_list output_to_send() noexcept { return {}; }
  /// How many bytes of that were sent, or a negative errno. Nothing may be called in here that
  /// calls back to the application.
  virtual void on_sent(int /*result*/) noexcept {}

  int descriptor_ = -1;
  std::uint16_t wanted_ = 0;       // the events that it is watched for
  std::uint16_t polled_ = 0;       // those that the kernel watches for now
  std::uint8_t operations_ = 0;    // that the kernel has of it
  bool is_stream_ : 1 = false;     // the loop itself reads from it
  bool is_receiving_ : 1 = false;  // the kernel has the operation for it
  bool is_receive_cancelled_ : 1 = false;
  bool is_poll_cancelled_ : 1 = false;
  bool is_changed_ : 1 = false;  // what it is watched for, since the kernel was told
  uring_source* next_changed_ = nullptr;
};

/// A single-threaded loop around io_uring, for its own thread or inside another loop: wait until
/// descriptor() is readable or next_deadline() has come, then call poll(duration{}). Linux 6.1 or
/// later, liburing 2.3 or later: link `-luring`.
///
/// All that a turn sends goes to the kernel in one call, and what comes lies in buffers that it has
/// beforehand: where many connections send small messages, each costs less than on an epoll_loop.
/// Where they send tens of KiB at a time it costs more, as the buffers do not stay in the cache:
/// bench/e2e/README.md. Where the kernel has no io_uring, or does not let this process use it, the
/// constructor throws std::system_error: then take epoll_loop.
///
/// Everything but post() and stop() belongs to the thread that polls first; sources and the loop
/// may also be destroyed once that thread has ended.
class uring_loop : public loop_turns<uring_source> {
 public:
  /// What is received lies in so many buffers of this size, which all connections share. Of their
  /// pages those are resident that were once received into. Small messages lie at the beginnings,
  /// which would share few places of the cache if the size were a power of two.
  static constexpr unsigned receive_buffer_count = 256;
  static constexpr std::size_t receive_buffer_size = (std::size_t{16} << 10) + 64;

  uring_loop();
  uring_loop(const uring_loop&) = delete;
  uring_loop& operator=(const uring_loop&) = delete;
  ~uring_loop();

  /// Turns until stop(), also where that came before.
  void run() {
    turn_until_stopped([this] { poll(duration::seconds(3600)); });
  }

  /// One turn: waits until something is ready or due, at most for `longest`, and handles it.
  void poll(duration longest);

  /// Readable where poll() has something to do, deadlines excepted.
  [[nodiscard]] int descriptor() const noexcept { return ring_.ring_fd; }
  /// When poll() should be called at the latest; time_point::max() is never.
  [[nodiscard]] time_point next_deadline() noexcept {
    return has_work() ? time_point::min() : next_due();
  }

  // ---- For sources

  /// Watches `descriptor` for `events`.
  [[nodiscard]] bool watch(uring_source& source, int descriptor, std::uint32_t events) noexcept {
    source.descriptor_ = descriptor;
    change(source, descriptor, events);
    return true;
  }
  /// Watches a socket: for EPOLLIN the loop receives from it, and calls on_received.
  [[nodiscard]] bool watch_stream(uring_source& source, int descriptor,
                                  std::uint32_t events) noexcept {
    source.is_stream_ = true;
    return watch(source, descriptor, events);
  }
  /// Watches for other events from now on.
  void change(uring_source& source, int /*descriptor*/, std::uint32_t events) noexcept {
    source.wanted_ = static_cast<std::uint16_t>(events);
    tell_later(source);
  }
  /// Watches its descriptor no more, before it is closed, and takes its deadline away. Events of
  /// this turn may still come: see retire().
  void forget(uring_source& source, int /*descriptor*/) noexcept {
    source.wanted_ = 0;
    source.descriptor_ = -1;
    tell_later(source);
    forget_deadline(source);
  }
  /// Forgets it altogether: it is about to be destroyed, outside of poll().
  void remove(uring_source& source, int descriptor) noexcept;

 private:
  // What the kernel says with each completion: the source, and which of its operations it was, in
  // the bits that the address of a source leaves free.
  enum class operation : std::uint8_t { other, receive, poll, send, wake };
  static constexpr std::uint64_t operation_bits = 7;
  static_assert(alignof(uring_source) > operation_bits);

  struct completion {
    [[nodiscard]] operation which() const noexcept {
      return static_cast<operation>(data & operation_bits);
    }
    [[nodiscard]] uring_source* source() const noexcept {
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel hands back what it was given
      return reinterpret_cast<uring_source*>(data & ~operation_bits);
    }
    [[nodiscard]] bool is_last() const noexcept { return (flags & IORING_CQE_F_MORE) == 0; }
    [[nodiscard]] bool has_buffer() const noexcept { return (flags & IORING_CQE_F_BUFFER) != 0; }
    [[nodiscard]] unsigned buffer() const noexcept { return flags >> IORING_CQE_BUFFER_SHIFT; }

    std::uint64_t data;
    std::int32_t result;
    std::uint32_t flags;
  };

  // A gathered write, which the kernel reads when it is submitted.
  struct gathered {
    static constexpr std::size_t most = 64;
    ::msghdr header;
    std::array<::iovec, most> parts;
  };
  static constexpr std::size_t gathered_at_once = 16;
  static constexpr unsigned submissions = 512;
  static constexpr unsigned completions = 4096;

  [[nodiscard]] static std::uint64_t name(const uring_source* source, operation which) noexcept {
    return reinterpret_cast<std::uintptr_t>(source) | static_cast<std::uint64_t>(which);
  }
  // EPOLLIN and its like have the numbers of POLLIN and its like.
  static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
                EPOLLHUP == POLLHUP);

  [[nodiscard]] bool has_work() const noexcept {
    return next_completion_ != completions_.size() || changed_ != nullptr;
  }

  void tell_later(uring_source& source) noexcept {
    if (source.is_changed_) return;
    source.is_changed_ = true;
    source.next_changed_ = std::exchange(changed_, &source);
  }

  void tell_never(uring_source& source) noexcept {
    if (!source.is_changed_) return;
    uring_source** link = &changed_;
    while (*link != &source) link = &(*link)->next_changed_;
    *link = std::exchange(source.next_changed_, nullptr);
    source.is_changed_ = false;
  }

  void set_up();
  void provide(unsigned buffer) noexcept;
  void take_into_use();
  [[nodiscard]] ::io_uring_sqe& submission();
  void cancel(const uring_source& source, operation which);
  void tell_kernel();
  void tell_kernel_of(uring_source& source);
  void wait(duration longest);
  void collect();
  void handle(const completion& done);
  void handle_receive(const completion& done);
  void send_all();
  void prepare_send(uring_source& source, const output_list& output);
  void submit_sends();
  void drop_completions(uring_source& source) noexcept;

  ::io_uring ring_{};
  ::io_uring_buf_ring* provided_ = nullptr;
  std::unique_ptr<std::byte[]> buffers_ =
      std::make_unique_for_overwrite<std::byte[]>(receive_buffer_count * receive_buffer_size);
  std::unique_ptr<gathered[]> gathered_ =
      std::make_unique_for_overwrite<gathered[]>(gathered_at_once);
  std::size_t gathered_count_ = 0;
  unsigned sends_ = 0;                   // that were prepared, and said nothing yet
  uring_source* changed_ = nullptr;      // the first of those of which the kernel is to be told
  std::vector<completion> completions_;  // that came
  std::size_t next_completion_ = 0;      // which of them is to be handled
  std::thread::id owner_;                // who polled first
};

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
  while (changed_ != nullptr) {
    uring_source& first = *changed_;
    changed_ = std::exchange(first.next_changed_, nullptr);
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
  run_due();
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
