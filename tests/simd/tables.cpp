#include "hawser/simd/tables.hpp"

#include "hawser/simd/scalar.hpp"
#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>

using namespace hawser;

namespace {

// What the three tables say of two neighbours.
constexpr unsigned looked_up(unsigned first, unsigned second) {
  const auto& tables = simd::utf8_tables;
  return tables.first_high[first >> 4] & tables.first_low[first & 15U] &
         tables.second_high[second >> 4];
}

constexpr bool is_continuation(unsigned byte) { return byte >= 0x80 && byte <= 0xBF; }

constexpr bool is_leading(unsigned byte) {
  return simd::scalar::after_leading_byte(static_cast<std::uint8_t>(byte)).pending != 0;
}

// Whether two bytes can be neighbours in some text: by single bytes.
bool can_stand(unsigned first, unsigned second) {
  if (first < 0x80) return second < 0x80 || is_leading(second);
  if (is_leading(first)) {
    const auto next = simd::scalar::after_leading_byte(static_cast<std::uint8_t>(first));
    return second >= next.lowest && second <= next.highest;
  }
  return is_continuation(first) && (second < 0xC0 || is_leading(second));
}

}  // namespace

TEST_CASE("each pair of bytes is wrong in the tables where it can stand in no text",
          "[tables][rfc3629-4]") {
  std::size_t wrong = 0;
  unsigned first_wrong = 0;
  for (unsigned pair = 0; pair < 0x10000; ++pair) {
    const unsigned first = pair >> 8;
    const unsigned second = pair & 0xFFU;
    // A byte that begins nothing is told by the pair that it is the first of: nothing continues it.
    // So the second may be any such byte here.
    const bool begins_nothing = second >= 0xC0 && !is_leading(second);
    const unsigned bits = looked_up(first, second);
    const bool is_wrong = (bits & ~unsigned{simd::utf8_pair_tables::two_continuations}) != 0;
    const bool is_allowed = can_stand(first, second) || (begins_nothing && can_stand(first, 0xC2));
    if (is_wrong == is_allowed && wrong++ == 0) first_wrong = pair;
  }
  CAPTURE(first_wrong);
  REQUIRE(wrong == 0);
}

TEST_CASE("two continuation bytes are told apart from what else is wrong", "[tables]") {
  std::size_t wrong = 0;
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const bool both = is_continuation(first) && is_continuation(second);
      const bool is_told =
          (looked_up(first, second) & simd::utf8_pair_tables::two_continuations) != 0;
      if (both != is_told) ++wrong;
    }
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("no byte can stand behind one that begins nothing", "[tables][rfc3629-4]") {
  std::size_t told = 0;
  for (const unsigned first : {0xC0U, 0xC1U, 0xF5U, 0xF8U, 0xFBU, 0xFEU, 0xFFU}) {
    for (unsigned second = 0; second < 256; ++second) {
      if (looked_up(first, second) != 0) ++told;
    }
  }
  CHECK(told == std::size_t{7} * 256);
}

TEST_CASE("each sixteen bytes of the tables are the same", "[tables]") {
  const auto& tables = simd::utf8_tables;
  for (std::size_t i = 16; i < 64; ++i) {
    CHECK(tables.first_high[i] == tables.first_high[i % 16]);
    CHECK(tables.first_low[i] == tables.first_low[i % 16]);
    CHECK(tables.second_high[i] == tables.second_high[i % 16]);
  }
}

TEST_CASE("a byte is cut at the end where more must follow than there is room for", "[tables]") {
  for (unsigned byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    // What is larger than its end is cut: 1, 2 or 3 bytes before the end of the text.
    CHECK((byte > simd::utf8_ends[63]) == (byte >= 0xC0));
    CHECK((byte > simd::utf8_ends[62]) == (byte >= 0xE0));
    CHECK((byte > simd::utf8_ends[61]) == (byte >= 0xF0));
    for (std::size_t i = 0; i < 61; ++i) {
      if (byte > simd::utf8_ends[i]) FAIL("cut at " << i);
    }
  }
}

TEST_CASE("positions count from 0", "[tables]") {
  for (std::size_t i = 0; i < simd::positions.size(); ++i) CHECK(simd::positions[i] == i);
}
