#include "hawser/simd/scalar.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

using namespace hawser;
using namespace support::literals;
using support::bytes;

namespace {

// What the kernels do in a constant expression, byte by byte, and what they do at run time, word by
// word, is the same: the first is written down here, the second asked below.
constexpr std::size_t size = 77;
using text = std::array<std::byte, size>;

constexpr text counted() {
  text result{};
  for (std::size_t i = 0; i < size; ++i) result[i] = static_cast<std::byte>(i * 3 % 128);
  return result;
}

constexpr text masked(std::uint32_t key) {
  text to{};
  simd::scalar::mask(to.data(), counted().data(), size, key);
  return to;
}

constexpr std::size_t first_bad(std::size_t where, unsigned byte) {
  text bad = counted();
  bad[where] = static_cast<std::byte>(byte);
  simd::scalar::utf8_expectation next;
  return simd::scalar::validate_utf8(next, bad.data(), size);
}

constexpr std::uint32_t key = 0xA1B2C3D4U;
constexpr text masked_early = masked(key);
static_assert(first_bad(0, 0xFF) == 0 && first_bad(40, 0xFF) == 40 && first_bad(76, 0xFF) == 76);
static_assert(first_bad(75, 0xE2) == 76 && first_bad(76, 0xE2) == size);

}  // namespace

TEST_CASE("the kernels give the same in constant expressions and at run time", "[scalar]") {
  CHECK(masked(key) == masked_early);
  text in_place = counted();
  simd::scalar::mask(in_place.data(), in_place.data(), size, key);
  CHECK(in_place == masked_early);
  for (std::size_t i = 0; i < size; ++i) CHECK(first_bad(i, 0xFF) == i);
  CHECK(first_bad(75, 0xE2) == 76);
  CHECK(first_bad(76, 0xE2) == size);
}

TEST_CASE("a key masks by its bytes in memory on every machine", "[scalar]") {
  const auto in_memory = std::bit_cast<std::array<std::byte, 4>>(key);
  text zero{};
  simd::scalar::mask(zero.data(), zero.data(), size, key);
  for (std::size_t i = 0; i < size; ++i) CHECK(zero[i] == in_memory[i % 4]);
}

TEST_CASE("ASCII is skipped in words, and no other byte with it", "[scalar]") {
  const support::guarded_pages pages{128};
  for (std::size_t length = 0; length <= 80; ++length) {
    const bytes plain = support::repeat(length, "7f"_hex);
    for (const auto part : {pages.copy_to_end(plain), pages.copy_to_start(plain)}) {
      const std::size_t skipped = simd::scalar::skip_ascii_words(part.data(), length);
      CAPTURE(length, skipped);
      CHECK(skipped <= length);
      CHECK(skipped + 8 > length);
    }
    for (std::size_t where = 0; where < length; ++where) {
      bytes text = plain;
      text[where] = std::byte{0x80};
      if (simd::scalar::skip_ascii_words(text.data(), length) > where) FAIL("a byte was skipped");
    }
  }
}

TEST_CASE("a leading byte says what must follow", "[scalar][rfc3629-4]") {
  const auto check = [](unsigned first, unsigned last, simd::scalar::utf8_expectation expected) {
    for (unsigned byte = first; byte <= last; ++byte) {
      CAPTURE(byte);
      const auto found = simd::scalar::after_leading_byte(static_cast<std::uint8_t>(byte));
      CHECK(found.pending == expected.pending);
      if (expected.pending != 0) CHECK(found == expected);
    }
  };
  check(0x80, 0xC1, {});
  check(0xC2, 0xDF, {1, 0x80, 0xBF});
  check(0xE0, 0xE0, {2, 0xA0, 0xBF});
  check(0xE1, 0xEC, {2, 0x80, 0xBF});
  check(0xED, 0xED, {2, 0x80, 0x9F});
  check(0xEE, 0xEF, {2, 0x80, 0xBF});
  check(0xF0, 0xF0, {3, 0x90, 0xBF});
  check(0xF1, 0xF3, {3, 0x80, 0xBF});
  check(0xF4, 0xF4, {3, 0x80, 0x8F});
  check(0xF5, 0xFF, {});
}
