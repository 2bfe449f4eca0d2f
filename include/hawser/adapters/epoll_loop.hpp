#pragma once

#include "hawser/adapters/loop_turns.hpp"
#include "hawser/time.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/epoll.h>
#include <system_error>
#include <unistd.h>

namespace hawser::inline v0 {

/// Something that an epoll_loop watches: a descriptor and a deadline. A base for the adapter's own
/// sources and for a user's.
class epoll_source : public loop_entry<epoll_source> {
 protected:
  ~epoll_source() = default;

 private:
  friend class epoll_loop;
  template <class>
  friend class loop_turns;

  /// The descriptor is ready: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.
  virtual void on_ready(std::uint32_t events) = 0;
  /// The deadline that was set has passed.
  virtual void on_deadline() = 0;
  /// flush_later() was called in this turn.
  virtual void on_flush() = 0;
  /// The turn in which it was retired is over: it may destroy itself.
  virtual void on_retired() = 0;
};

/// A single-threaded loop around epoll, for its own thread or inside another loop: wait until
/// descriptor() is readable or next_deadline() has come, then call poll(duration{}).
///
/// Everything but post() and stop() belongs to the loop's thread. Errors of set-up (no descriptors
/// left) throw std::system_error; nothing throws later but what handlers throw.
class epoll_loop : public loop_turns<epoll_source> {
 public:
  /// Sources read into one buffer of this size, in turn: a connection has none of its own. Of its
  /// pages those are resident that were once read into.
  static constexpr std::size_t receive_buffer_size = std::size_t{128} << 10;

  epoll_loop() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.ptr = nullptr;
    if (epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_descriptor(), &interest) != 0) {
      const int why = errno;
      if (epoll_ >= 0) ::close(epoll_);
      throw std::system_error{why, std::system_category(), "epoll_loop"};
    }
  }
  ~epoll_loop() { ::close(epoll_); }
  epoll_loop(const epoll_loop&) = delete;
  epoll_loop& operator=(const epoll_loop&) = delete;

  /// Turns until stop(), also where that came before.
  void run() {
    turn_until_stopped([this] { poll(duration::seconds(3600)); });
  }

  /// One turn: waits until something is ready or due, at most for `longest`, and handles it.
  void poll(duration longest);

  /// Readable where poll() has something to do, deadlines excepted.
  [[nodiscard]] int descriptor() const noexcept { return epoll_; }
  /// When poll() should be called at the latest; time_point::max() is never.
  [[nodiscard]] time_point next_deadline() noexcept { return next_due(); }

  /// Memory to read into; what was in it before is void.
  [[nodiscard]] std::span<std::byte> receive_buffer() noexcept {
    return {buffer_.get(), receive_buffer_size};
  }

  // ---- For sources

  /// Watches `descriptor` for `events`; false where the system refuses.
  [[nodiscard]] bool watch(epoll_source& source, int descriptor, std::uint32_t events) noexcept {
    return control(EPOLL_CTL_ADD, source, descriptor, events);
  }
  /// Watches for other events from now on.
  void change(epoll_source& source, int descriptor, std::uint32_t events) noexcept {
    static_cast<void>(control(EPOLL_CTL_MOD, source, descriptor, events));
  }
  /// Watches its descriptor no more, nor for errors, which change() cannot leave out.
  void unwatch(epoll_source& source, int descriptor) noexcept {
    static_cast<void>(control(EPOLL_CTL_DEL, source, descriptor, 0));
  }
  /// The same before it is closed, and takes its deadline away. Events of this turn may still come:
  /// see retire().
  void forget(epoll_source& source, int descriptor) noexcept {
    unwatch(source, descriptor);
    forget_deadline(source);
  }
  /// Forgets it altogether: it is about to be destroyed, outside of poll().
  void remove(epoll_source& source, int descriptor) noexcept {
    forget(source, descriptor);
    forget_all(source);
  }

 private:
  [[nodiscard]] bool control(int operation, epoll_source& source, int descriptor,
                             std::uint32_t events) noexcept {
    epoll_event interest{};
    interest.events = events;
    interest.data.ptr = &source;
    return ::epoll_ctl(epoll_, operation, descriptor, &interest) == 0;
  }

  int epoll_;
  std::unique_ptr<std::byte[]> buffer_ =
      std::make_unique_for_overwrite<std::byte[]>(receive_buffer_size);
};

inline void epoll_loop::poll(duration longest) {
  constexpr int most_at_once = 256;
  std::array<epoll_event, most_at_once> ready;
  const std::int64_t wait = std::min<std::int64_t>(wait_length(longest).milliseconds_up(), INT_MAX);
  const int count = ::epoll_wait(epoll_, ready.data(), most_at_once, static_cast<int>(wait));
  begin_turn();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      take_wake();
    } else {
      static_cast<epoll_source*>(event.data.ptr)->on_ready(event.events);
    }
  }
  run_due();
  flush();
  end_retired([](const epoll_source&) { return true; });
}

}  // namespace hawser::inline v0
