#include "hawser/timeouts.hpp"

#include "support/catch.hpp"

#include <chrono>

using namespace hawser;
using namespace std::chrono_literals;

TEST_CASE("timeouts are the ones that the documentation names, unless others are given",
          "[timeouts]") {
  const timeouts usual;
  CHECK(usual.opening == duration{10s});
  CHECK(usual.closing == duration{5s});
  CHECK(usual.ping == duration{25s});
  CHECK(usual.pong == duration{20s});
  CHECK(usual.output == duration{30s});

  constexpr timeouts own{.opening = 2s, .ping = duration{}, .output = 1min};
  CHECK(own.opening == duration::seconds(2));
  CHECK(own.ping.nanoseconds() == 0);
  CHECK(own.output == duration::seconds(60));
  CHECK(own.pong == usual.pong);
}
