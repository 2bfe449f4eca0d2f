#pragma once

#include "hawser/detail/min_max.hpp"
#include "hawser/time.hpp"
#include "hawser/timeouts.hpp"
#include "hawser/version.hpp"

#include <cstdint>
#include <limits>

namespace hawser::inline v0 {

/// The times of one connection. It reads no clock: what happens between two calls with a time gets
/// the time of the second, so that nothing is ever due too early. 24 bytes.
///
/// While a connection opens or closes there is one deadline; while it is open, the silence of the
/// peer is watched.
class timers {
  static constexpr time_point unset = time_point::min();

 public:
  /// What watch() found to be due.
  enum class due : std::uint8_t { nothing, ping, pong_missing };

  /// Starts the deadline of the opening or closing handshake, `length` after the next call of
  /// is_expired; 0 is never.
  void start_deadline() noexcept { mark_ = unset; }

  /// True where the deadline of `length` that was started has passed.
  [[nodiscard]] bool is_expired(time_point now, duration length) noexcept {
    if (length == duration{}) return false;
    if (mark_ == unset) mark_ = now + length;
    return now >= mark_;
  }
  /// When the deadline passes: at once where is_expired was not asked yet.
  [[nodiscard]] time_point deadline(duration length) const noexcept {
    return length == duration{} ? time_point::max() : mark_;
  }

  /// Starts to watch the silence of the peer.
  void start_watch() noexcept {
    mark_ = time_point::max();
    was_heard_ = true;
  }
  /// Bytes of the peer have come.
  void hear() noexcept { was_heard_ = true; }
  /// The pong has come that answers the last ping.
  void hear_pong() noexcept { was_answered_ = is_pinged(); }
  /// A ping is on its way, since `now` or since before the next watch(); it will be measured. Not
  /// while is_waiting().
  void ping(time_point now = unset) noexcept { mark_ = now; }
  /// True from a ping to its pong.
  [[nodiscard]] bool is_pinged() const noexcept { return mark_ != time_point::max(); }
  /// True while the last ping tests whether the peer is there, or has an answer that watch() did
  /// not see yet: another ping neither starts that test anew nor is measured.
  [[nodiscard]] bool is_waiting() const noexcept { return is_unanswered() || was_answered_; }

  /// Takes note of what happened since the last call, and says what is due now. On `ping` send one
  /// and call ping(now).
  [[nodiscard]] due watch(time_point now, const timeouts& lengths) noexcept {
    if (was_heard_) heard_ = now;
    was_heard_ = false;
    if (mark_ == unset) mark_ = now;
    if (was_answered_) {
      set_round_trip(now - mark_);
      mark_ = time_point::max();
      was_answered_ = false;
    }
    if (is_unanswered()) {
      return lengths.pong != duration{} && now >= mark_ + lengths.pong ? due::pong_missing
                                                                       : due::nothing;
    }
    return lengths.ping != duration{} && now >= heard_ + lengths.ping ? due::ping : due::nothing;
  }

  /// When watch() should be called next.
  [[nodiscard]] time_point next_watch(const timeouts& lengths) const noexcept {
    if (was_heard_ || was_answered_ || mark_ == unset) return time_point::min();
    if (is_unanswered()) {
      return lengths.pong == duration{} ? time_point::max() : mark_ + lengths.pong;
    }
    return lengths.ping == duration{} ? time_point::max() : heard_ + lengths.ping;
  }

  /// How long the last measured ping took, to the microsecond and at least one; 0 before the first
  /// pong.
  [[nodiscard]] duration round_trip() const noexcept {
    return duration{std::int64_t{round_trip_} * 1000};
  }

 private:
  // A ping is out and nothing at all came since.
  [[nodiscard]] bool is_unanswered() const noexcept {
    return mark_ != time_point::max() && heard_ < mark_;
  }

  void set_round_trip(duration length) noexcept {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    const std::int64_t microseconds = length.nanoseconds() / 1000;
    round_trip_ = static_cast<std::uint32_t>(
        detail::min_of(detail::max_of(microseconds, std::int64_t{1}), most));
  }

  bool was_heard_ = false;
  bool was_answered_ = false;
  std::uint32_t round_trip_ = 0;  // in microseconds
  time_point heard_;              // when the peer was last heard
  time_point mark_ = unset;       // the deadline; or when the ping went out, max() for none
};

}  // namespace hawser::inline v0
