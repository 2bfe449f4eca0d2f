#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <compare>
#include <cstdint>
#include <limits>
#include <type_traits>

/// Time as hawser sees it: a number that the caller brings. The core reads no clock.
///
/// Both types convert from and to those of `<chrono>` without including it, which would cost every
/// user a third of a second of compile time: `.opening = 10s` and `on_time(steady_clock::now())`
/// just work.
namespace hawser::inline v0 {

namespace detail {

template <class Duration>
concept chrono_duration = requires(const Duration& value) {
  value.count();
  Duration::period::num;
  Duration::period::den;
};

// The ratio of a chrono duration's unit to a nanosecond; one of the two divides the other for every
// unit of <chrono>.
template <class Duration>
struct nanosecond_ratio {
  static constexpr std::int64_t per_unit =
      Duration::period::den > 1'000'000'000
          ? 0
          : 1'000'000'000 / Duration::period::den* Duration::period::num;
  static constexpr std::int64_t units_per_nanosecond =
      Duration::period::den > 1'000'000'000 ? Duration::period::den / 1'000'000'000 : 1;
};

template <class Duration>
constexpr std::int64_t to_nanoseconds(const Duration& value) noexcept {
  using ratio = nanosecond_ratio<Duration>;
  if constexpr (ratio::per_unit == 0) {
    return static_cast<std::int64_t>(value.count() / ratio::units_per_nanosecond);
  } else {
    return static_cast<std::int64_t>(value.count() * ratio::per_unit);
  }
}

template <class Duration>
constexpr Duration from_nanoseconds(std::int64_t nanoseconds) noexcept {
  using ratio = nanosecond_ratio<Duration>;
  using count = typename Duration::rep;
  if constexpr (ratio::per_unit == 0) {
    return Duration{static_cast<count>(nanoseconds * ratio::units_per_nanosecond)};
  } else {
    return Duration{static_cast<count>(nanoseconds / ratio::per_unit)};
  }
}

template <class TimePoint>
concept chrono_time_point = requires(const TimePoint& value) {
  { value.time_since_epoch() } -> chrono_duration;
  typename TimePoint::clock;
};

}  // namespace detail

/// A span of time in nanoseconds, 292 years at the most.
class duration {
 public:
  constexpr duration() = default;
  constexpr explicit duration(std::int64_t nanoseconds) noexcept : nanoseconds_{nanoseconds} {}

  /// From any `std::chrono::duration`.
  template <detail::chrono_duration Duration>
  constexpr duration(const Duration& value) noexcept  // NOLINT(google-explicit-constructor)
      : nanoseconds_{detail::to_nanoseconds(value)} {}

  [[nodiscard]] static constexpr duration seconds(std::int64_t count) noexcept {
    return duration{count * 1'000'000'000};
  }
  [[nodiscard]] static constexpr duration milliseconds(std::int64_t count) noexcept {
    return duration{count * 1'000'000};
  }

  [[nodiscard]] constexpr std::int64_t nanoseconds() const noexcept { return nanoseconds_; }

  /// Whole milliseconds, rounded up, so that a wait of so many never ends early.
  [[nodiscard]] constexpr std::int64_t milliseconds_up() const noexcept {
    return nanoseconds_ / 1'000'000 + (nanoseconds_ % 1'000'000 > 0 ? 1 : 0);
  }

  /// To any `std::chrono::duration`, truncated to its unit.
  template <detail::chrono_duration Duration>
  [[nodiscard]] constexpr explicit operator Duration() const noexcept {
    return detail::from_nanoseconds<Duration>(nanoseconds_);
  }

  friend constexpr auto operator<=>(duration, duration) = default;

 private:
  std::int64_t nanoseconds_ = 0;
};

/// A point in time: nanoseconds since whatever the caller's clock counts from. Only differences
/// matter, so use one steady clock for all calls.
class time_point {
 public:
  constexpr time_point() = default;
  constexpr explicit time_point(std::int64_t nanoseconds) noexcept : nanoseconds_{nanoseconds} {}

  /// From any `std::chrono::time_point`.
  template <detail::chrono_time_point TimePoint>
  constexpr time_point(const TimePoint& value) noexcept  // NOLINT(google-explicit-constructor)
      : nanoseconds_{detail::to_nanoseconds(value.time_since_epoch())} {}

  /// Before all others: as a deadline it means "at once".
  [[nodiscard]] static constexpr time_point min() noexcept {
    return time_point{std::numeric_limits<std::int64_t>::min()};
  }
  /// After all others: as a deadline it means "never".
  [[nodiscard]] static constexpr time_point max() noexcept {
    return time_point{std::numeric_limits<std::int64_t>::max()};
  }

  [[nodiscard]] constexpr std::int64_t nanoseconds() const noexcept { return nanoseconds_; }

  friend constexpr auto operator<=>(time_point, time_point) = default;

  /// The sum; one that does not fit is `max()` or `min()`.
  HAWSER_NO_INLINE friend constexpr time_point operator+(time_point when,
                                                         duration length) noexcept {
    using bounds = std::numeric_limits<std::int64_t>;
    const std::int64_t by = length.nanoseconds();
    if (by > 0 && when.nanoseconds_ > bounds::max() - by) return max();
    if (by < 0 && when.nanoseconds_ < bounds::min() - by) return min();
    return time_point{when.nanoseconds_ + by};
  }

  /// The time from `b` to `a`; one that does not fit is cut to the largest that does.
  friend constexpr duration operator-(time_point a, time_point b) noexcept {
    using bounds = std::numeric_limits<std::int64_t>;
    if (b.nanoseconds_ < 0 && a.nanoseconds_ > bounds::max() + b.nanoseconds_) {
      return duration{bounds::max()};
    }
    if (b.nanoseconds_ > 0 && a.nanoseconds_ < bounds::min() + b.nanoseconds_) {
      return duration{bounds::min()};
    }
    return duration{a.nanoseconds_ - b.nanoseconds_};
  }

 private:
  std::int64_t nanoseconds_ = 0;
};

}  // namespace hawser::inline v0
