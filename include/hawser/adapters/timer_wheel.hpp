#pragma once

#include "hawser/time.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace hawser::inline v0 {

/// What a timer_wheel holds: a part of whatever has a deadline. It neither owns nor allocates.
class timer_node {
 public:
  timer_node() = default;
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;
  ~timer_node() { unlink(); }

  [[nodiscard]] bool is_linked() const noexcept { return next_ != nullptr; }

 private:
  friend class timer_wheel;

  void unlink() noexcept {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = nullptr;
  }

  timer_node* previous_ = nullptr;
  timer_node* next_ = nullptr;
  std::uint64_t tick_ = 0;
};

/// Deadlines of very many connections: a ring of slots of 32 ms that turns once in 65 s. Setting a
/// deadline takes constant time, and so does a turn for each that is due. A deadline fires up to 32
/// ms late and never early; one beyond the ring fires at its end, to be set again.
class timer_wheel {
 public:
  explicit timer_wheel(time_point now) noexcept : current_{floor_tick(now)} {
    for (timer_node& slot : slots_) slot.previous_ = slot.next_ = &slot;
    due_.previous_ = due_.next_ = &due_;
  }
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;
  ~timer_wheel() {
    for (timer_node& slot : slots_) clear(slot);
    clear(due_);
  }

  /// Sets or moves the deadline of `node`; time_point::max() takes it away.
  void set(timer_node& node, time_point deadline) noexcept {
    if (deadline == time_point::max()) {
      node.unlink();
      return;
    }
    if (node.is_linked()) {
      // Mostly it moves within its tick, or not at all.
      const auto latest = static_cast<std::int64_t>(node.tick_ * tick_length);
      const std::int64_t moved_to = deadline.nanoseconds();
      if (moved_to <= latest && moved_to > latest - static_cast<std::int64_t>(tick_length)) return;
    }
    const std::uint64_t tick = tick_of(deadline);
    if (node.is_linked()) {
      if (node.tick_ == tick) return;
      node.unlink();
    }
    node.tick_ = tick;
    timer_node& slot = slots_[tick % slot_count];
    node.previous_ = slot.previous_;
    node.next_ = &slot;
    slot.previous_->next_ = &node;
    slot.previous_ = &node;
    used_[tick % slot_count / 64] |= std::uint64_t{1} << (tick % 64);
  }

  /// Calls `fire` with each node whose deadline has passed; it is unlinked then, and may be set
  /// again or destroyed, as may any other. Where `fire` throws, those that are left are due still.
  template <class Fire>
  void advance(time_point now, Fire&& fire) {
    fire_due(fire);
    const std::uint64_t last = floor_tick(now);
    if (last > current_ + slot_count) current_ = last - slot_count;
    while (current_ <= last) {
      take_slot(current_ % slot_count);
      ++current_;
      fire_due(fire);
    }
  }

  /// When advance should be called next; time_point::max() where nothing is set.
  [[nodiscard]] time_point next_deadline() noexcept {
    if (due_.next_ != &due_) return time_point::min();
    for (std::size_t ahead = 0; ahead < slot_count;) {
      const std::size_t slot = (current_ + ahead) % slot_count;
      const std::uint64_t word = used_[slot / 64] >> (slot % 64);
      if (word == 0) {
        ahead += 64 - slot % 64;
        continue;
      }
      ahead += static_cast<std::size_t>(std::countr_zero(word));
      const std::size_t found = (current_ + ahead) % slot_count;
      if (slots_[found].next_ != &slots_[found]) {
        return time_point{static_cast<std::int64_t>((current_ + ahead) * tick_length)};
      }
      used_[found / 64] &= ~(std::uint64_t{1} << (found % 64));
    }
    return time_point::max();
  }

 private:
  static constexpr std::size_t slot_count = 2048;
  static constexpr std::uint64_t tick_length = 32'000'000;  // nanoseconds

  [[nodiscard]] static std::uint64_t floor_tick(time_point when) noexcept {
    return when.nanoseconds() <= 0 ? 0
                                   : static_cast<std::uint64_t>(when.nanoseconds()) / tick_length;
  }

  // The first tick that does not begin before the deadline, among those that are still to come.
  [[nodiscard]] std::uint64_t tick_of(time_point deadline) const noexcept {
    const std::uint64_t floor = floor_tick(deadline);
    const bool is_exact = deadline.nanoseconds() <= 0 ||
                          static_cast<std::uint64_t>(deadline.nanoseconds()) % tick_length == 0;
    const std::uint64_t tick = is_exact ? floor : floor + 1;
    if (tick < current_) return current_;
    return tick < current_ + slot_count ? tick : current_ + slot_count - 1;
  }

  // Makes those of a slot the ones that are due, of which there are none.
  void take_slot(std::size_t index) noexcept {
    timer_node& slot = slots_[index];
    if (slot.next_ != &slot) {
      due_.next_ = slot.next_;
      due_.previous_ = slot.previous_;
      due_.next_->previous_ = &due_;
      due_.previous_->next_ = &due_;
      slot.previous_ = slot.next_ = &slot;
    }
    used_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
  }

  template <class Fire>
  void fire_due(Fire& fire) {
    while (due_.next_ != &due_) {
      timer_node& node = *due_.next_;
      node.unlink();
      fire(node);
    }
  }

  static void clear(timer_node& list) noexcept {
    while (list.next_ != &list) list.next_->unlink();
    list.previous_ = list.next_ = nullptr;
  }

  std::uint64_t current_;  // the next tick that advance looks at
  std::array<timer_node, slot_count> slots_;
  timer_node due_;  // a list of its own: what is set again while they fire is not fired twice
  std::array<std::uint64_t, slot_count / 64> used_ = {};  // a slot that is not marked is empty
};

}  // namespace hawser::inline v0
