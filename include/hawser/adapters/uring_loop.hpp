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
  std::uint16_t polled_ = 0;       // those that the kernel watches for at present
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

}  // namespace hawser::inline v0

#include "hawser/adapters/uring_loop.ipp"
