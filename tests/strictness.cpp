#include "hawser/strictness.hpp"

#include "support/catch.hpp"

using namespace hawser;

TEST_CASE("every rule is strict unless it is relaxed by name", "[strictness]") {
  constexpr strictness usual;
  CHECK(usual.mask_direction);
  CHECK(usual.minimal_length);
  CHECK(usual.length_below_2_63);
  CHECK(usual.reserved_bits);
  CHECK(usual.reserved_opcodes);
  CHECK(usual.control_size);
  CHECK(usual.control_fin);
  CHECK(usual.close_codes);
  CHECK(usual.utf8);
  CHECK(sizeof(strictness) ==
        9);  // A rule that is added needs its tests, in frame.cpp and receiver.cpp.

  constexpr strictness relaxed{.utf8 = false};
  CHECK(relaxed != usual);
  CHECK(relaxed.mask_direction);
  CHECK(relaxed == strictness{.utf8 = false});
}
