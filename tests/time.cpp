#include "hawser/time.hpp"

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>
#include <vector>

using namespace hawser;
using namespace std::chrono_literals;

namespace {

using bounds = std::numeric_limits<std::int64_t>;

static_assert(duration{10s} == duration::seconds(10));
static_assert(duration{10ms} == duration::milliseconds(10));
static_assert(duration{}.nanoseconds() == 0 && time_point{}.nanoseconds() == 0);
static_assert(std::is_convertible_v<std::chrono::milliseconds, duration>);
static_assert(std::is_convertible_v<std::chrono::steady_clock::time_point, time_point>);
static_assert(!std::is_convertible_v<duration, std::chrono::milliseconds>, "only when it is said");
static_assert(!std::is_convertible_v<int, duration>, "a number has no unit");
static_assert(!std::is_convertible_v<std::int64_t, time_point>);
static_assert(std::is_trivially_copyable_v<duration> && sizeof(duration) == 8);
static_assert(std::is_trivially_copyable_v<time_point> && sizeof(time_point) == 8);

}  // namespace

TEST_CASE("durations come from every unit of chrono", "[time]") {
  CHECK(duration{7ns}.nanoseconds() == 7);
  CHECK(duration{7us}.nanoseconds() == 7'000);
  CHECK(duration{7ms}.nanoseconds() == 7'000'000);
  CHECK(duration{7s}.nanoseconds() == 7'000'000'000);
  CHECK(duration{7min}.nanoseconds() == 420'000'000'000);
  CHECK(duration{7h}.nanoseconds() == 25'200'000'000'000);
  CHECK(duration{std::chrono::days{7}}.nanoseconds() == 604'800'000'000'000);
  CHECK(duration{std::chrono::years{1}}.nanoseconds() == 31'556'952'000'000'000);
  CHECK(duration{std::chrono::duration<std::int64_t, std::pico>{7999}}.nanoseconds() == 7);
  CHECK(duration{std::chrono::duration<double>{1.5}}.nanoseconds() == 1'500'000'000);
  CHECK(duration{std::chrono::duration<float, std::milli>{0.25F}}.nanoseconds() == 250'000);
  CHECK(duration{std::chrono::duration<short>{30}}.nanoseconds() == 30'000'000'000);
  CHECK(duration{-3s}.nanoseconds() == -3'000'000'000);
}

TEST_CASE("durations go back to chrono, cut to its unit", "[time]") {
  const duration length{std::int64_t{90'061'999'999'999}};
  CHECK(static_cast<std::chrono::nanoseconds>(length).count() == 90'061'999'999'999);
  CHECK(static_cast<std::chrono::microseconds>(length).count() == 90'061'999'999);
  CHECK(static_cast<std::chrono::milliseconds>(length).count() == 90'061'999);
  CHECK(static_cast<std::chrono::seconds>(length).count() == 90'061);
  CHECK(static_cast<std::chrono::minutes>(length).count() == 1501);
  CHECK(static_cast<std::chrono::hours>(length).count() == 25);
  CHECK(static_cast<std::chrono::duration<std::int64_t, std::pico>>(duration{7ns}).count() == 7000);
}

TEST_CASE("milliseconds are rounded up, so that no wait ends early", "[time]") {
  CHECK(duration{}.milliseconds_up() == 0);
  CHECK(duration{1ns}.milliseconds_up() == 1);
  CHECK(duration{999'999ns}.milliseconds_up() == 1);
  CHECK(duration{1ms}.milliseconds_up() == 1);
  CHECK(duration{1'000'001ns}.milliseconds_up() == 2);
  CHECK(duration{-1ns}.milliseconds_up() == 0);
  CHECK(duration{-1'000'001ns}.milliseconds_up() == -1);
  CHECK(duration{bounds::max()}.milliseconds_up() == bounds::max() / 1'000'000 + 1);
}

TEST_CASE("points in time come from any clock", "[time]") {
  const auto when = std::chrono::steady_clock::time_point{5s};
  CHECK(time_point{when}.nanoseconds() == 5'000'000'000);
  const auto system = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>{8s};
  CHECK(time_point{system}.nanoseconds() == 8'000'000'000);
  CHECK(time_point{when} + 2s == time_point{std::int64_t{7'000'000'000}});
  CHECK(time_point{when} - time_point{std::int64_t{1'000'000'000}} == duration{4s});
}

TEST_CASE("a sum that does not fit means never", "[time]") {
  constexpr time_point late{bounds::max() - 5};
  CHECK(late + duration{5ns} == time_point::max());
  CHECK(late + duration{4ns} < time_point::max());
  CHECK(late + duration{6ns} == time_point::max());
  CHECK(time_point::max() + duration{1ns} == time_point::max());
  CHECK(time_point::max() + duration{bounds::max()} == time_point::max());
  CHECK(time_point::max() + duration{} == time_point::max());
  CHECK(time_point{} + duration{bounds::max()} == time_point::max());
  CHECK(time_point::min() + duration{bounds::max()} == time_point{std::int64_t{-1}});
  CHECK(time_point::min() + duration{} == time_point::min());
}

TEST_CASE("a difference that does not fit is the largest that does", "[time]") {
  CHECK(time_point::max() - time_point::min() == duration{bounds::max()});
  CHECK(time_point::min() - time_point::max() == duration{bounds::min()});
  CHECK(time_point::max() - time_point{std::int64_t{-1}} == duration{bounds::max()});
  CHECK(time_point{} - time_point::min() == duration{bounds::max()});
  CHECK(time_point{std::int64_t{-1}} - time_point::min() == duration{bounds::max()});
  CHECK(time_point::min() - time_point{} == duration{bounds::min()});
  CHECK(time_point::min() - time_point{std::int64_t{1}} == duration{bounds::min()});
  CHECK(time_point::min() - time_point::min() == duration{});
  CHECK(time_point::max() - time_point::max() == duration{});
}

TEST_CASE("points in time and durations are ordered as their numbers", "[time]") {
  const std::vector<std::int64_t> numbers{bounds::min(), -2, -1, 0, 1, 2, bounds::max()};
  for (const std::int64_t a : numbers) {
    for (const std::int64_t b : numbers) {
      CHECK((time_point{a} < time_point{b}) == (a < b));
      CHECK((time_point{a} == time_point{b}) == (a == b));
      CHECK((duration{a} <= duration{b}) == (a <= b));
    }
  }
}
