#include "hawser/simd/small.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

using namespace hawser;
using support::bytes;

namespace {

constexpr std::uint32_t key = 0xA1B2C3D4U;

bytes masked(std::span<const std::byte> plain) {
  bytes result(plain.size());
  simd::scalar::mask(result.data(), plain.data(), plain.size(), key);
  return result;
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_CASE("a few bytes are masked as by the scalar kernel, and none beside them", "[small]") {
  const support::guarded_pages from{1};
  const support::guarded_pages to{1};
  const bytes random = support::seeded{}.some_bytes(simd::max_small_size);
  for (std::size_t size = 0; size <= simd::max_small_size; ++size) {
    CAPTURE(size);
    const auto plain = std::span{random}.first(size);
    const bytes expected = masked(plain);
    for (const auto source : {from.copy_to_end(plain), from.copy_to_start(plain)}) {
      for (const auto copy : {to.at_end(size), to.at_start(size)}) {
        std::copy(plain.begin(), plain.end(), source.begin());
        simd::mask_small(copy.data(), source.data(), size, key);
        CHECK(same(copy, expected));
        CHECK(same(source, plain));
        simd::copy_small(copy.data(), source.data(), size);
        CHECK(same(copy, plain));
      }
      simd::mask_small(source.data(), source.data(), size, key);
      CHECK(same(source, expected));
    }
  }
}

TEST_CASE("a few bytes are masked at each alignment with the bytes around them untouched",
          "[small]") {
  const bytes random = support::seeded{}.some_bytes(simd::max_small_size);
  std::size_t wrong = 0;
  for (std::size_t at = 0; at < 64; ++at) {
    for (std::size_t size = 0; size <= simd::max_small_size; ++size) {
      bytes around(256, std::byte{0x5A});
      const auto lent = std::span{around}.subspan(64 + at, size);
      std::copy_n(random.begin(), size, lent.begin());
      simd::mask_small(lent.data(), lent.data(), size, key);
      bytes expected(256, std::byte{0x5A});
      const bytes inner = masked(std::span{random}.first(size));
      std::copy(inner.begin(), inner.end(), expected.begin() + static_cast<int>(64 + at));
      if (around != expected) ++wrong;
    }
  }
  REQUIRE(wrong == 0);
}
