#include "hawser/simd/dispatch.hpp"

#include "hawser/mask.hpp"
#include "hawser/utf8.hpp"
#include "support/bad_utf8.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/tiers.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// What each kernel makes of bytes is tested in kernels/, for every tier.

using namespace hawser;
using namespace support::literals;
using simd::scalar::utf8_expectation;
using support::bytes;

namespace {

constexpr std::uint32_t key = 0xA1B2C3D4U;

// A tier that counts what reaches it, and does what the scalar one does.
struct calls {
  std::size_t masked = 0;
  std::size_t unmasked = 0;
  std::size_t validated = 0;
  std::uint8_t leading = 0;
};
calls counted;

void count_mask(std::byte* to, const std::byte* from, std::size_t size,
                std::uint32_t with) noexcept {
  ++counted.masked;
  simd::scalar::mask(to, from, size, with);
}
bool count_check(std::uint8_t leading, std::byte* to, const std::byte* from, std::size_t size,
                 std::uint32_t with, bool whole) noexcept {
  ++(to != nullptr ? counted.unmasked : counted.validated);
  counted.leading = leading;
  return simd::mask_then_check<simd::mask_by_words>(leading, to, from, size, with, whole);
}
constexpr simd::tier counting{"counting", count_mask, count_check};

bytes masked(std::span<const std::byte> plain) {
  bytes result(plain.size());
  simd::scalar::mask(result.data(), plain.data(), plain.size(), key);
  return result;
}

std::uint8_t leading_behind(std::span<const std::byte> text) {
  utf8_expectation next;
  for (const std::byte& byte : text) {
    if (simd::scalar::validate_utf8(next, &byte, 1) == 0) FAIL("no text");
  }
  return simd::scalar::leading_byte_for(next);
}

}  // namespace

TEST_CASE("the tiers that a machine can run are the last ones of all", "[dispatch]") {
  const std::span<const simd::tier> all{simd::tiers};
  const auto usable = simd::usable_tiers();
  REQUIRE_FALSE(usable.empty());
  CHECK(usable.size() <= all.size());
  CHECK(&usable.back() == &all.back());
  CHECK(usable.back().name == "scalar");
#if defined(HAWSER_SIMD_X86)
  const simd::cpu_features cpu = simd::detect_cpu();
  CHECK(usable.front().name == (cpu.avx512 ? "avx512" : cpu.avx2 ? "avx2" : "sse2"));
#else
  CHECK(usable.size() == all.size());
#endif
}

TEST_CASE("every tier is known to the build of the tests", "[dispatch]") {
  std::string names;
  for (const simd::tier& each : simd::tiers) {
    names += names.empty() ? "" : " ";
    names += each.name;
  }
  CHECK(names == HAWSER_TESTS_TIERS);
}

TEST_CASE("the tests run on the tier that they were told", "[dispatch]") {
  const char* const wanted = std::getenv("HAWSER_TESTS_TIER");
  const std::string_view expected =
      wanted != nullptr ? std::string_view{wanted} : simd::usable_tiers().front().name;
  CHECK(simd::current_tier().name == expected);
}

TEST_CASE("the first use takes the best tier", "[dispatch]") {
  const support::tier_keeper keeper;
  simd::tier_in_use = nullptr;
  CHECK(simd::current_tier().name == simd::usable_tiers().front().name);
  CHECK(simd::tier_in_use == &simd::best_tier());
}

TEST_CASE("a tier that was taken is used from then on", "[dispatch]") {
  const support::tier_keeper keeper;
  for (const simd::tier& each : simd::usable_tiers()) {
    CHECK(support::take_tier(each.name) == support::tier_choice::taken);
    CHECK(&simd::current_tier() == &each);
  }
  CHECK(support::take_tier("abacus") == support::tier_choice::unknown);
  for (const simd::tier& each : simd::tiers) {
    const auto usable = simd::usable_tiers();
    const bool is_usable = &each >= usable.data();
    CHECK(support::take_tier(each.name) ==
          (is_usable ? support::tier_choice::taken : support::tier_choice::not_here));
  }
}

TEST_CASE("threads that meet at the first use take the same tier", "[dispatch][threads]") {
  const support::tier_keeper keeper;
  simd::tier_in_use = nullptr;
  const bytes plain = support::seeded{}.some_bytes(1000);
  std::vector<bytes> results(4);
  std::vector<std::thread> threads;
  for (bytes& result : results) {
    threads.emplace_back([&] {
      result = plain;
      simd::mask(result.data(), result.data(), result.size(), key);
    });
  }
  for (std::thread& each : threads) each.join();
  for (const bytes& result : results) CHECK(result == masked(plain));
  CHECK(simd::current_tier().name == simd::usable_tiers().front().name);
}

TEST_CASE("few bytes reach no kernel", "[dispatch]") {
  const support::tier_keeper keeper;
  simd::use_tier(counting);
  const bytes plain = support::repeat(200, "78"_hex);
  for (std::size_t size = 0; size <= plain.size(); ++size) {
    CAPTURE(size);
    counted = {};
    bytes copy(size);
    simd::mask(copy.data(), plain.data(), size, key);
    CHECK(counted.masked == (size > simd::max_small_size ? 1 : 0));
    CHECK(copy == masked(std::span{plain}.first(size)));

    std::uint8_t next = 0;
    CHECK(simd::validate_utf8(next, plain.data(), size) == size);
    CHECK(counted.validated == (size >= simd::smallest_utf8 ? 1 : 0));

    CHECK(simd::unmask_utf8(next, copy.data(), copy.data(), size, key) == size);
    CHECK(counted.unmasked == (size >= simd::smallest_utf8 ? 1 : 0));
    CHECK(std::equal(copy.begin(), copy.end(), plain.begin()));

    counted = {};
    simd::mask_small(copy.data(), copy.data(), std::min(size, simd::max_small_size), key);
    if (size <= simd::max_small_size) {
      CHECK(simd::unmask_text(copy.data(), size, key));
      CHECK(counted.unmasked == 0);
    }
  }
}

TEST_CASE("a kernel is told what a cut code point asks for", "[dispatch]") {
  const support::tier_keeper keeper;
  simd::use_tier(counting);
  for (const bytes& cut : support::every_cut_utf8()) {
    CAPTURE(support::to_hex(cut));
    const std::uint8_t leading = leading_behind(cut);
    const utf8_expectation asked = simd::scalar::after_leading_byte(leading);
    const bytes behind =
        support::concat(support::repeat(asked.pending, "90"_hex), support::repeat(40, "78"_hex));
    const bool stands = asked.lowest <= 0x90 && asked.highest >= 0x90;
    std::uint8_t next = leading;
    CHECK(simd::validate_utf8(next, behind.data(), behind.size()) == (stands ? behind.size() : 0));
    CHECK(counted.leading == leading);
    if (stands) CHECK(next == 0);
  }
}

TEST_CASE("the end of a text says what must follow", "[dispatch][rfc3629-4]") {
  const bytes front = support::repeat(16, "78"_hex);
  for (const auto& all : {support::every_cut_utf8(), support::every_edge_utf8()}) {
    for (const bytes& end : all) {
      CAPTURE(support::to_hex(end));
      const bytes text = support::concat(front, end);
      CHECK(simd::leading_behind(simd::last_four(text.data() + text.size())) ==
            leading_behind(end));
    }
  }
  for (const unsigned byte : {0xC0U, 0xC1U, 0xF5U, 0xF8U, 0xFFU}) {
    bytes text = front;
    text.back() = static_cast<std::byte>(byte);
    CHECK(simd::leading_behind(simd::last_four(text.data() + text.size())) == simd::cannot_stand);
  }
}

TEST_CASE("two passes in steps are one pass", "[dispatch]") {
  const auto check = simd::mask_then_check<simd::mask_by_words>;
  // A code point over each place between two steps, and what is wrong at each.
  for (const std::size_t size : {1U, 63U, 4095U, 4096U, 4097U, 4110U, 8191U, 8192U, 12'345U}) {
    CAPTURE(size);
    for (std::size_t shift = 0; shift < 4; ++shift) {
      CAPTURE(shift);
      bytes plain = support::concat(support::repeat(shift, "78"_hex),
                                    support::repeat(size / 4 + 1, "f0 9f 98 80"_hex));
      plain.resize(size);
      const bool is_whole = size <= shift || (size - shift) % 4 == 0;
      const bytes covered = masked(plain);
      bytes copy(size);
      CHECK(check(0, copy.data(), covered.data(), size, key, false));
      CHECK(copy == plain);
      CHECK(check(0, copy.data(), covered.data(), size, key, true) == is_whole);
      CHECK(check(0, nullptr, plain.data(), size, 0, true) == is_whole);
      bytes in_place = covered;
      CHECK(check(0, in_place.data(), in_place.data(), size, key, false));
      CHECK(in_place == plain);

      for (const std::size_t broken : {std::size_t{0}, size / 2, size - 1, std::size_t{4090}}) {
        if (broken >= size) continue;
        bytes bad = plain;
        bad[broken] = std::byte{0xFF};
        const bytes bad_covered = masked(bad);
        CHECK_FALSE(check(0, copy.data(), bad_covered.data(), size, key, false));
        CHECK(copy == bad);  // unmasked all the same
      }
    }
  }
}

TEST_CASE("every tier gives the same, text or not", "[dispatch][utf8][mask]") {
  const support::tier_keeper keeper;
  const bytes front = support::concat(support::repeat(9, "78 c3 a9 e2 82 ac"_hex));
  for (const simd::tier& each : simd::usable_tiers()) {
    CAPTURE(std::string{each.name});
    simd::use_tier(each);
    for (const support::bad_utf8& bad : support::every_bad_utf8()) {
      CAPTURE(bad.what);
      const bytes text = support::concat(front, bad.text, support::repeat(30, "79"_hex));
      bytes payload = masked(text);
      utf8_state state;
      masking_key next = masking_key::from_memory(key);
      CHECK(unmask_utf8(state, payload.data(), payload, next) == front.size() + bad.impossible);
      CHECK(payload == text);
      CHECK(next == masking_key::from_memory(key).rotated(text.size()));
      CHECK_FALSE(is_utf8(text));
    }
  }
}
