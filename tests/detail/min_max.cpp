#include "hawser/detail/min_max.hpp"

#include "support/catch.hpp"

#include <cstdint>

namespace {

using hawser::detail::max_of;
using hawser::detail::min_of;

TEST_CASE("The smaller and the larger of two, wherever they stand", "[min_max]") {
  STATIC_REQUIRE(min_of(1, 2) == 1);
  STATIC_REQUIRE(min_of(2, 1) == 1);
  STATIC_REQUIRE(max_of(1, 2) == 2);
  STATIC_REQUIRE(max_of(2, 1) == 2);
}

TEST_CASE("Two that are the same are either of both", "[min_max]") {
  CHECK(min_of(-3, -3) == -3);
  CHECK(max_of(-3, -3) == -3);
}

TEST_CASE("The first number, or the caller, says of which type they are", "[min_max]") {
  CHECK(min_of<std::uint64_t>(std::uint32_t{7}, std::uint64_t{1} << 40) == 7);
  CHECK(max_of(std::uint64_t{7}, std::uint32_t{9}) == 9);
}

}  // namespace
