#pragma once

#include "hawser/adapters/timer_wheel.hpp"
#include "hawser/time.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace hawser::inline v0 {

class epoll_loop;

/// Something that an epoll_loop watches: a descriptor and a deadline. A base for the adapter's own
/// sources and for a user's.
class epoll_source : private timer_node {
 public:
  epoll_source() = default;
  epoll_source(const epoll_source&) = delete;
  epoll_source& operator=(const epoll_source&) = delete;

 protected:
  ~epoll_source() = default;

 private:
  friend class epoll_loop;

  /// The descriptor is ready: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.
  virtual void on_ready(std::uint32_t events) = 0;
  /// The deadline that was set has passed.
  virtual void on_deadline() = 0;
  /// flush_later() was called in this turn.
  virtual void on_flush() = 0;
  /// The turn in which it was retired is over: it may destroy itself.
  virtual void on_retired() = 0;

  epoll_source* next_flush_ = nullptr;
  bool is_flushing_ = false;
};

/// A single-threaded loop around epoll, for its own thread or inside another loop: wait until
/// descriptor() is readable or next_deadline() has come, then call poll(duration{}).
///
/// Everything but post() and stop() belongs to the loop's thread. Errors of set-up (no descriptors
/// left) throw std::system_error; nothing throws later but what handlers throw.
class epoll_loop {
 public:
  /// Sources read into one buffer of this size, in turn: a connection has none of its own. Of its
  /// pages those are resident that were once read into.
  static constexpr std::size_t receive_buffer_size = std::size_t{128} << 10;

  epoll_loop()
      : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.ptr = nullptr;
    if (epoll_ < 0 || wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &interest) != 0) {
      const int why = errno;
      close_all();
      throw std::system_error{why, std::system_category(), "epoll_loop"};
    }
  }
  epoll_loop(const epoll_loop&) = delete;
  epoll_loop& operator=(const epoll_loop&) = delete;
  ~epoll_loop() { close_all(); }

  /// Turns until stop(), also where that came before.
  void run() {
    while (!is_stopped_) poll(duration::seconds(3600));
    is_stopped_ = false;
  }

  /// Ends run() after the present turn. From any thread.
  void stop() noexcept {
    is_stopped_ = true;
    wake();
  }

  /// One turn: waits until something is ready or due, at most for `longest`, and handles it.
  void poll(duration longest);

  /// Calls `task` in the loop's thread, in its next turn. From any thread.
  void post(std::function<void()> task) {
    {
      const std::lock_guard lock{mutex_};
      posted_.push_back(std::move(task));
    }
    wake();
  }

  /// Readable where poll() has something to do, deadlines excepted.
  [[nodiscard]] int descriptor() const noexcept { return epoll_; }
  /// When poll() should be called at the latest; time_point::max() is never.
  [[nodiscard]] time_point next_deadline() noexcept {
    const bool flushes = first_flush_ != nullptr || flushing_ != nullptr;
    return flushes ? time_point::min() : wheel_.next_deadline();
  }
  /// The time at which the present turn began, by std::chrono::steady_clock.
  [[nodiscard]] time_point now() const noexcept { return now_; }

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
  /// Watches its descriptor no more, before it is closed, and takes its deadline away. Events of
  /// this turn may still come: see retire().
  void forget(epoll_source& source, int descriptor) noexcept {
    static_cast<void>(control(EPOLL_CTL_DEL, source, descriptor, 0));
    wheel_.set(source, time_point::max());
  }
  /// Forgets it altogether: it is about to be destroyed, outside of poll().
  void remove(epoll_source& source, int descriptor) noexcept {
    forget(source, descriptor);
    std::erase(retired_, &source);
    flush_never(source);
  }
  /// Sets, moves or, with time_point::max(), takes away the source's deadline.
  void set_deadline(epoll_source& source, time_point deadline) noexcept {
    wheel_.set(source, deadline);
  }
  /// Calls source.on_flush() at the end of this turn: once, however often this was called. Where
  /// that is being done already, at the end of the next turn, which does not wait.
  void flush_later(epoll_source& source) noexcept {
    if (source.is_flushing_) return;
    source.is_flushing_ = true;
    source.next_flush_ = first_flush_;
    first_flush_ = &source;
  }
  /// What flush_later() asked for is done already: on_flush() is spared, where it was the last that
  /// asked.
  void has_flushed(epoll_source& source) noexcept {
    if (first_flush_ == &source) take_first(first_flush_);
  }
  /// Calls source.on_retired() when no source is in use any more: at the end of this turn.
  void retire(epoll_source& source) { retired_.push_back(&source); }

 private:
  [[nodiscard]] bool control(int operation, epoll_source& source, int descriptor,
                             std::uint32_t events) noexcept {
    epoll_event interest{};
    interest.events = events;
    interest.data.ptr = &source;
    return ::epoll_ctl(epoll_, operation, descriptor, &interest) == 0;
  }

  void wake() noexcept {
    const std::uint64_t one = 1;
    // A counter that is full is readable already.
    static_cast<void>(::write(wake_, &one, sizeof one) == 0);
  }

  void close_all() noexcept {
    if (epoll_ >= 0) ::close(epoll_);
    if (wake_ >= 0) ::close(wake_);
  }

  // Of a list of those that are to be flushed.
  static epoll_source& take_first(epoll_source*& list) noexcept {
    epoll_source& first = *list;
    list = std::exchange(first.next_flush_, nullptr);
    first.is_flushing_ = false;
    return first;
  }
  void flush_never(epoll_source& source) noexcept {
    if (!source.is_flushing_) return;
    for (epoll_source** list : {&first_flush_, &flushing_}) {
      epoll_source** link = list;
      while (*link != nullptr && *link != &source) link = &(*link)->next_flush_;
      if (*link != nullptr) take_first(*link);
    }
  }

  [[nodiscard]] int wait_length(duration longest);
  void run_posted();
  void flush();

  int epoll_;
  int wake_;
  std::atomic<bool> is_stopped_{false};
  bool is_woken_ = false;  // tasks may have been posted
  time_point now_ = std::chrono::steady_clock::now();
  timer_wheel wheel_{now_};
  epoll_source* first_flush_ = nullptr;
  epoll_source* flushing_ = nullptr;  // of this turn; what asks again is in the other list
  std::vector<epoll_source*> retired_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  std::unique_ptr<std::byte[]> buffer_ =
      std::make_unique_for_overwrite<std::byte[]>(receive_buffer_size);
};

inline int epoll_loop::wait_length(duration longest) {
  const time_point deadline = next_deadline();
  if (deadline == time_point::max()) return static_cast<int>(longest.milliseconds_up());
  const time_point now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  const duration length = deadline - now;
  return static_cast<int>((length < longest ? length : longest).milliseconds_up());
}

inline void epoll_loop::poll(duration longest) {
  constexpr int most_at_once = 256;
  std::array<epoll_event, most_at_once> ready;
  const int count = ::epoll_wait(epoll_, ready.data(), most_at_once, wait_length(longest));
  now_ = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      std::uint64_t wakes = 0;
      static_cast<void>(::read(wake_, &wakes, sizeof wakes) == 0);
      is_woken_ = true;
    } else {
      static_cast<epoll_source*>(event.data.ptr)->on_ready(event.events);
    }
  }
  wheel_.advance(now_, [](timer_node& node) { static_cast<epoll_source&>(node).on_deadline(); });
  if (is_woken_) run_posted();
  flush();
  while (!retired_.empty()) {
    epoll_source& source = *retired_.back();
    retired_.pop_back();
    flush_never(source);  // also where it asked for it in its last turn
    source.on_retired();
  }
}

inline void epoll_loop::run_posted() {
  std::vector<std::function<void()>> tasks;
  is_woken_ = false;
  {
    const std::lock_guard lock{mutex_};
    tasks.swap(posted_);
  }
  for (const std::function<void()>& task : tasks) task();
}

inline void epoll_loop::flush() {
  // Where one throws, the rest comes in the next turn.
  if (flushing_ == nullptr) flushing_ = std::exchange(first_flush_, nullptr);
  while (flushing_ != nullptr) take_first(flushing_).on_flush();
}

}  // namespace hawser::inline v0
