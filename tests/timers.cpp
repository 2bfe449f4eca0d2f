#include "hawser/timers.hpp"

#include "support/catch.hpp"

#include <cstdint>

using namespace hawser;

namespace {

constexpr timeouts usual;

time_point at(std::int64_t milliseconds) {
  return time_point{} + duration::milliseconds(1'000'000 + milliseconds);
}

constexpr duration just_before(duration length) { return duration{length.nanoseconds() - 1}; }

}  // namespace

TEST_CASE("a deadline runs from the first time that is told", "[timers]") {
  timers all;
  all.start_deadline();
  CHECK(all.deadline(usual.opening) == time_point::min());  // at once: nobody told the time
  CHECK_FALSE(all.is_expired(at(0), usual.opening));
  CHECK(all.deadline(usual.opening) == at(10'000));
  CHECK_FALSE(all.is_expired(at(0) + just_before(usual.opening), usual.opening));
  CHECK(all.is_expired(at(10'000), usual.opening));
  CHECK(all.is_expired(at(20'000), usual.opening));

  all.start_deadline();
  CHECK_FALSE(all.is_expired(at(20'000), usual.closing));
  CHECK(all.is_expired(at(25'000), usual.closing));
}

TEST_CASE("a deadline of 0 never passes", "[timers]") {
  timers all;
  all.start_deadline();
  CHECK(all.deadline(duration{}) == time_point::max());
  CHECK_FALSE(all.is_expired(at(0), duration{}));
  CHECK_FALSE(all.is_expired(time_point::max(), duration{}));
}

TEST_CASE("a deadline beyond all time never passes", "[timers]") {
  timers all;
  const duration ages{std::numeric_limits<std::int64_t>::max()};
  all.start_deadline();
  CHECK_FALSE(all.is_expired(at(0), ages));
  CHECK(all.deadline(ages) == time_point::max());
}

TEST_CASE("silence of the peer asks for a ping, and silence after that is a loss", "[timers]") {
  timers all;
  all.start_watch();
  CHECK(all.next_watch(usual) == time_point::min());
  CHECK(all.watch(at(0), usual) == timers::due::nothing);
  CHECK(all.next_watch(usual) == at(25'000));
  CHECK(all.watch(at(0) + just_before(usual.ping), usual) == timers::due::nothing);
  CHECK(all.watch(at(25'000), usual) == timers::due::ping);
  all.ping(at(25'000));
  CHECK(all.next_watch(usual) == at(45'000));
  CHECK(all.watch(at(25'000) + just_before(usual.pong), usual) == timers::due::nothing);
  CHECK(all.watch(at(45'000), usual) == timers::due::pong_missing);
}

TEST_CASE("what is heard counts from the next time that is told", "[timers]") {
  timers all;
  all.start_watch();
  CHECK(all.watch(at(0), usual) == timers::due::nothing);
  all.hear();
  CHECK(all.next_watch(usual) == time_point::min());
  // Nothing is due however late it is told.
  CHECK(all.watch(at(500'000), usual) == timers::due::nothing);
  CHECK(all.next_watch(usual) == at(525'000));
}

TEST_CASE("any sign of life after a ping keeps the connection", "[timers]") {
  timers all;
  all.start_watch();
  CHECK(all.watch(at(0), usual) == timers::due::nothing);
  all.ping(at(25'000));
  all.hear();  // not the pong
  CHECK(all.watch(at(40'000), usual) == timers::due::nothing);
  CHECK(all.is_pinged());
  CHECK(all.next_watch(usual) == at(65'000));
  CHECK(all.watch(at(64'999), usual) == timers::due::nothing);
  CHECK(all.watch(at(65'000), usual) == timers::due::ping);
}

TEST_CASE("the round trip is the time from a ping to its pong", "[timers]") {
  timers all;
  all.start_watch();
  CHECK(all.watch(at(0), usual) == timers::due::nothing);
  CHECK(all.round_trip() == duration{});
  all.ping();
  CHECK(all.next_watch(usual) == time_point::min());
  CHECK(all.watch(at(100), usual) == timers::due::nothing);
  all.hear();
  all.hear_pong();
  CHECK(all.next_watch(usual) == time_point::min());
  CHECK(all.watch(at(137), usual) == timers::due::nothing);
  CHECK(all.round_trip() == duration::milliseconds(37));
  CHECK_FALSE(all.is_pinged());

  // Another pong measures nothing.
  all.hear_pong();
  CHECK(all.watch(at(500), usual) == timers::due::nothing);
  CHECK(all.round_trip() == duration::milliseconds(37));
}

TEST_CASE("a round trip is at least a microsecond, and at most what 32 bits of them hold",
          "[timers]") {
  timers all;
  all.start_watch();
  static_cast<void>(all.watch(at(0), usual));
  all.ping(at(10));
  all.hear_pong();
  static_cast<void>(all.watch(at(10), usual));
  CHECK(all.round_trip() == duration{1000});
  all.ping(at(10));
  all.hear_pong();
  static_cast<void>(all.watch(time_point::max(), usual));
  CHECK(all.round_trip() == duration{std::int64_t{0xFFFFFFFF} * 1000});
}

TEST_CASE("timeouts of 0 ask for nothing", "[timers]") {
  constexpr timeouts off{.ping = {}, .pong = {}};
  timers all;
  all.start_watch();
  CHECK(all.watch(at(0), off) == timers::due::nothing);
  CHECK(all.next_watch(off) == time_point::max());
  CHECK(all.watch(at(1'000'000'000), off) == timers::due::nothing);
  all.ping(at(1));
  CHECK(all.watch(at(1'000'000'001), off) == timers::due::nothing);
  CHECK(all.next_watch(off) == time_point::max());
}

TEST_CASE("a ping does not put off the end of a silence that an earlier one tests", "[timers]") {
  timers all;
  all.start_watch();
  CHECK(all.watch(at(0), usual) == timers::due::nothing);
  all.ping();
  CHECK(all.watch(at(1), usual) == timers::due::nothing);
  for (int second = 1; second < 20; ++second) {
    CHECK(all.is_waiting());
    CHECK(all.watch(at(second * 1000), usual) == timers::due::nothing);
  }
  CHECK(all.watch(at(20'001), usual) == timers::due::pong_missing);
}

TEST_CASE("a pong that was not measured yet is waited for", "[timers]") {
  timers all;
  all.start_watch();
  static_cast<void>(all.watch(at(0), usual));
  CHECK_FALSE(all.is_waiting());
  all.ping(at(0));
  all.hear();
  CHECK(all.watch(at(10), usual) == timers::due::nothing);
  CHECK_FALSE(all.is_waiting());  // the peer lives: another ping may be measured instead
  all.hear_pong();
  CHECK(all.is_waiting());
  static_cast<void>(all.watch(at(20), usual));
  CHECK_FALSE(all.is_waiting());
  CHECK(all.round_trip() == duration::milliseconds(20));
}
