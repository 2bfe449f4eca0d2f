#include "hawser/adapters/timer_wheel.hpp"

#include "support/catch.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

using namespace hawser;

namespace {

struct timer : timer_node {
  time_point deadline;
  time_point fired;
  bool has_fired = false;
};

constexpr time_point at_milliseconds(std::int64_t count) {
  return time_point{} + duration::milliseconds(count);
}

// Advances to `now` and notes when each fired.
int advance(timer_wheel& wheel, time_point now) {
  int count = 0;
  wheel.advance(now, [&](timer_node& node) {
    auto& fired = static_cast<timer&>(node);
    fired.fired = now;
    fired.has_fired = true;
    ++count;
  });
  return count;
}

}  // namespace

TEST_CASE("a timer fires at its deadline, at most a slot late and never early", "[timer_wheel]") {
  std::mt19937 random{1};
  timer_wheel wheel{at_milliseconds(5000)};
  std::vector<timer> timers(500);
  for (timer& each : timers) {
    each.deadline = at_milliseconds(5000 + static_cast<std::int64_t>(random() % 60'000)) +
                    duration{static_cast<std::int64_t>(random() % 1'000'000)};
    wheel.set(each, each.deadline);
  }
  for (std::int64_t now = 5000; now <= 66'000; now += 1 + static_cast<std::int64_t>(random() % 5)) {
    advance(wheel, at_milliseconds(now));
  }
  int early = 0;
  int late = 0;
  int missing = 0;
  for (const timer& each : timers) {
    missing += !each.has_fired;
    early += each.fired < each.deadline;
    late += each.fired > each.deadline + duration::milliseconds(32 + 5);
  }
  CHECK(missing == 0);
  CHECK(early == 0);
  CHECK(late == 0);
}

TEST_CASE("waking at the wheel's next deadline misses nothing and turns seldom", "[timer_wheel]") {
  timer_wheel wheel{at_milliseconds(0)};
  std::array<timer, 3> timers;
  wheel.set(timers[0], at_milliseconds(25'000));
  wheel.set(timers[1], at_milliseconds(3'600'000));  // far beyond the ring
  wheel.set(timers[2], at_milliseconds(10));
  int turns = 0;
  time_point now{};
  while (wheel.next_deadline() != time_point::max() && turns < 10'000) {
    REQUIRE(wheel.next_deadline() > now);
    now = wheel.next_deadline();
    ++turns;
    wheel.advance(now, [&](timer_node& node) {
      auto& due = static_cast<timer&>(node);
      if (&due == &timers[1] && now < at_milliseconds(3'600'000)) {
        wheel.set(due, at_milliseconds(3'600'000));  // the ring ends before it
      } else {
        due.has_fired = true;
        due.fired = now;
      }
    });
  }
  for (const timer& each : timers) CHECK(each.has_fired);
  CHECK(timers[1].fired >= at_milliseconds(3'600'000));
  CHECK(turns < 70);  // once for each, and once for each turn of the ring in an hour
}

TEST_CASE("a timer that is moved fires once, one that is taken away never", "[timer_wheel]") {
  timer_wheel wheel{at_milliseconds(0)};
  timer moved;
  timer taken;
  wheel.set(moved, at_milliseconds(100));
  wheel.set(moved, at_milliseconds(1000));
  wheel.set(taken, at_milliseconds(100));
  wheel.set(taken, time_point::max());
  CHECK_FALSE(taken.is_linked());
  CHECK(advance(wheel, at_milliseconds(500)) == 0);
  wheel.set(moved, at_milliseconds(600));
  CHECK(advance(wheel, at_milliseconds(700)) == 1);
  CHECK(advance(wheel, at_milliseconds(5000)) == 0);
  CHECK(wheel.next_deadline() == time_point::max());
}

TEST_CASE("what fires may set itself again, and destroy others that are due", "[timer_wheel]") {
  timer_wheel wheel{at_milliseconds(0)};
  timer first;
  auto second = std::make_unique<timer>();
  wheel.set(first, at_milliseconds(10));
  wheel.set(*second, at_milliseconds(10));
  int fired = 0;
  wheel.advance(at_milliseconds(100), [&](timer_node&) {
    ++fired;
    second.reset();
    wheel.set(first, at_milliseconds(0));  // at once: in a later turn
  });
  CHECK(fired >= 1);
  CHECK(fired <= 4);  // a slot is not entered twice
  CHECK(first.is_linked());
}

TEST_CASE("what is left where one that fires throws is due still", "[timer_wheel]") {
  timer_wheel wheel{at_milliseconds(0)};
  std::array<timer, 4> timers;
  for (timer& each : timers) wheel.set(each, at_milliseconds(20));
  const auto throwing = [](timer_node& node) {
    static_cast<timer&>(node).has_fired = true;
    throw 1;
  };
  CHECK_THROWS_AS(wheel.advance(at_milliseconds(100), throwing), int);
  CHECK(timers[0].has_fired);
  CHECK(wheel.next_deadline() == time_point::min());
  SECTION("they fire next") {
    CHECK(advance(wheel, at_milliseconds(100)) == 3);
    CHECK(timers[3].has_fired);
  }
  SECTION("one that is set to what it was set to still fires") {
    wheel.set(timers[1], at_milliseconds(20));
    CHECK(advance(wheel, at_milliseconds(100)) == 3);
  }
  SECTION("one that is moved, taken away or destroyed does not") {
    wheel.set(timers[1], at_milliseconds(500));
    wheel.set(timers[2], time_point::max());
    CHECK(advance(wheel, at_milliseconds(100)) == 1);
    CHECK(advance(wheel, at_milliseconds(600)) == 1);
  }
  CHECK(wheel.next_deadline() == time_point::max());
}

TEST_CASE("a deadline of long ago fires in the next turn, a clock that leaps fires all",
          "[timer_wheel]") {
  timer_wheel wheel{at_milliseconds(1'000'000)};
  timer past;
  timer soon;
  wheel.set(past, time_point::min());
  CHECK(wheel.next_deadline() <= at_milliseconds(1'000'000));
  CHECK(advance(wheel, at_milliseconds(1'000'000)) == 1);
  wheel.set(soon, at_milliseconds(1'001'000));
  CHECK(advance(wheel, at_milliseconds(900'000'000)) == 1);
  wheel.set(past, at_milliseconds(900'000'100));
  CHECK(advance(wheel, at_milliseconds(900'000'000)) == 0);
  CHECK(advance(wheel, at_milliseconds(900'000'200)) == 1);
}

TEST_CASE("a timer that is destroyed leaves the wheel, and a wheel its timers", "[timer_wheel]") {
  timer survivor;
  {
    timer_wheel wheel{at_milliseconds(0)};
    {
      timer gone;
      wheel.set(gone, at_milliseconds(10));
    }
    CHECK(advance(wheel, at_milliseconds(100)) == 0);
    wheel.set(survivor, at_milliseconds(1000));
  }
  CHECK_FALSE(survivor.is_linked());
}
