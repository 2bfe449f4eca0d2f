#include "hawser/parsed.hpp"

#include "support/catch.hpp"

using hawser::error;
using hawser::parsed;

namespace {

struct point {
  int x = 0;
};

constexpr parsed<point> good{error::none, {7}};
constexpr parsed<point> bad{error::bad_url, {}};

}  // namespace

TEST_CASE("a parsed value is true and can be reached", "[parsed]") {
  STATIC_REQUIRE(static_cast<bool>(good));
  STATIC_REQUIRE((*good).x == 7);
  STATIC_REQUIRE(good->x == 7);
}

TEST_CASE("a failed parse is false, says why and holds a default value", "[parsed]") {
  STATIC_REQUIRE_FALSE(static_cast<bool>(bad));
  STATIC_REQUIRE(bad.error == error::bad_url);
  STATIC_REQUIRE(bad->x == 0);
}
