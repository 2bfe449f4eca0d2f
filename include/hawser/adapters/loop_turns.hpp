#pragma once

#include "hawser/adapters/timer_wheel.hpp"
#include "hawser/time.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

// What the loops have in common: the order of a turn, whatever tells them what is ready.
namespace hawser::inline v0 {

/// What a loop knows of each of its sources, a base of their base.
template <class Source>
class loop_entry : private timer_node {
  friend Source;
  template <class>
  friend class loop_turns;

  loop_entry() = default;
  ~loop_entry() = default;

  // Its place in the list of those that are to be flushed, or are retired: the next one, and what
  // points to this one; null where it is in neither.
  Source* next_ = nullptr;
  Source** link_ = nullptr;
};

/// A single-threaded loop without what waits: deadlines, flushes, tasks of other threads, the end
/// of sources. See epoll_loop and uring_loop.
template <class Source>
class loop_turns {
 public:
  using source_type = Source;

  loop_turns(const loop_turns&) = delete;
  loop_turns& operator=(const loop_turns&) = delete;

  /// Ends run() after the present turn. From any thread.
  void stop() noexcept {
    is_stopped_ = true;
    wake();
  }

  /// Calls `task` in the loop's thread, in its next turn. From any thread.
  void post(std::function<void()> task) {
    {
      const std::lock_guard lock{mutex_};
      posted_.push_back(std::move(task));
    }
    wake();
  }

  /// The time at which the present turn began, by std::chrono::steady_clock.
  [[nodiscard]] time_point now() const noexcept { return now_; }

  // ---- For sources

  /// Sets, moves or, with time_point::max(), takes away the source's deadline.
  void set_deadline(Source& source, time_point deadline) noexcept {
    wheel_.set(entry(source), deadline);
  }
  /// Calls source.on_flush() at the end of this turn: once, however often this was called. Where
  /// that is being done already, at the end of the next turn, which does not wait.
  void flush_later(Source& source) noexcept {
    if (source.link_ == nullptr) list(first_flush_, source);
  }
  /// What flush_later() asked for is done already: on_flush() is spared, where it was the last that
  /// asked.
  void has_flushed(Source& source) noexcept {
    if (first_flush_ == &source) unlist(source);
  }
  /// Calls source.on_retired() when no source is in use any more: at the end of this turn. It is
  /// flushed no more.
  void retire(Source& source) noexcept {
    unlist(source);
    list(retired_, source);
  }

 protected:
  loop_turns() : wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (wake_ < 0) throw std::system_error{errno, std::system_category(), "eventfd"};
  }
  ~loop_turns() { ::close(wake_); }

  // Readable where another thread wants something; then call take_wake.
  [[nodiscard]] int wake_descriptor() const noexcept { return wake_; }
  void take_wake() noexcept {
    std::uint64_t wakes = 0;
    static_cast<void>(::read(wake_, &wakes, sizeof wakes) == 0);
    is_woken_ = true;
  }

  // Turns until stop(), also where that came before.
  template <class Turn>
  void turn_until_stopped(Turn&& turn) {
    while (!is_stopped_) turn();
    is_stopped_ = false;
  }

  [[nodiscard]] bool wants_flush() const noexcept {
    return first_flush_ != nullptr || flushing_ != nullptr;
  }
  // When the next deadline of a source, the next flush, or a task that was left, is due.
  [[nodiscard]] time_point next_due() noexcept {
    return wants_flush() || is_woken_ ? time_point::min() : wheel_.next_deadline();
  }
  // How long a turn may wait, at most for `longest`; where that is past, not at all.
  [[nodiscard]] duration wait_length(duration longest) {
    if (longest <= duration{}) return {};
    const time_point deadline = next_due();
    if (deadline == time_point::max()) return longest;
    const time_point now = std::chrono::steady_clock::now();
    if (deadline <= now) return {};
    const duration length = deadline - now;
    return length < longest ? length : longest;
  }

  // The parts of a turn, in their order.
  void begin_turn() noexcept { now_ = std::chrono::steady_clock::now(); }
  void run_due() {
    wheel_.advance(now_, [](timer_node& node) {
      static_cast<Source&>(static_cast<loop_entry<Source>&>(node)).on_deadline();
    });
    if (is_woken_) run_posted();
  }
  void flush() {
    // Where one throws, the rest comes in the next turn.
    if (flushing_ == nullptr) move_list(flushing_, first_flush_);
    while (flushing_ != nullptr) take_first(flushing_).on_flush();
  }
  // Ends those of the retired that `is_free` says may go.
  template <class IsFree>
  void end_retired(IsFree&& is_free) {
    if (ending_ == nullptr) move_list(ending_, retired_);
    while (ending_ != nullptr) {
      Source& source = take_first(ending_);
      if (is_free(source)) {
        source.on_retired();
      } else {
        list(retired_, source);
      }
    }
  }

  // Calls `visit` with each source that flush() is about to call.
  template <class Visitor>
  void visit_flushing(Visitor&& visit) {
    for (Source* each = first_flush_; each != nullptr; each = each->next_) visit(*each);
  }

  void forget_deadline(Source& source) noexcept { set_deadline(source, time_point::max()); }
  // It is about to be destroyed.
  void forget_all(Source& source) noexcept {
    forget_deadline(source);
    unlist(source);
  }

 private:
  [[nodiscard]] static timer_node& entry(loop_entry<Source>& source) noexcept { return source; }

  void wake() noexcept {
    const std::uint64_t one = 1;
    // A counter that is full is readable already.
    static_cast<void>(::write(wake_, &one, sizeof one) == 0);
  }

  static void list(Source*& first, Source& source) noexcept {
    if (first != nullptr) first->link_ = &source.next_;
    source.next_ = std::exchange(first, &source);
    source.link_ = &first;
  }
  static void unlist(Source& source) noexcept {
    if (source.link_ == nullptr) return;
    if (source.next_ != nullptr) source.next_->link_ = source.link_;
    *std::exchange(source.link_, nullptr) = std::exchange(source.next_, nullptr);
  }
  static Source& take_first(Source*& first) noexcept {
    Source& taken = *first;
    unlist(taken);
    return taken;
  }
  // All of a list become another one, which is empty.
  static void move_list(Source*& to, Source*& from) noexcept {
    to = std::exchange(from, nullptr);
    if (to != nullptr) to->link_ = &to;
  }

  // Where one throws, the rest comes in the next turn.
  void run_posted() {
    run_tasks();
    {
      const std::lock_guard lock{mutex_};
      tasks_.swap(posted_);
    }
    run_tasks();
    is_woken_ = false;
  }
  void run_tasks() {
    while (next_task_ != tasks_.size()) {
      const std::function<void()> task = std::move(tasks_[next_task_++]);
      task();
    }
    tasks_ = std::vector<std::function<void()>>{};
    next_task_ = 0;
  }

  int wake_;
  std::atomic<bool> is_stopped_{false};
  bool is_woken_ = false;  // tasks may have been posted
  time_point now_ = std::chrono::steady_clock::now();
  timer_wheel wheel_{now_};
  Source* first_flush_ = nullptr;
  Source* flushing_ = nullptr;  // of this turn; what asks again is in the other list
  Source* retired_ = nullptr;
  Source* ending_ = nullptr;                  // those whose turn is over
  std::vector<std::function<void()>> tasks_;  // that were posted
  std::size_t next_task_ = 0;                 // which of them is to run
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace hawser::inline v0
