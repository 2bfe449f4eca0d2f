#include "hawser/simd/chacha20.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(HAWSER_SIMD_VECTORS)

using namespace hawser;
using namespace support::literals;
using support::bytes;

namespace {

bytes stream_of(const bytes& key, const simd::chacha20_place& place) {
  bytes stream(simd::chacha20_stream_size);
  simd::write_chacha20_stream(std::span{stream}.first<simd::chacha20_stream_size>(),
                              std::span{key}.first<simd::chacha20_key_size>(), place);
  return stream;
}

bytes block(const bytes& stream, std::size_t number) {
  const auto at = std::span{stream}.subspan(64 * number, 64);
  return {at.begin(), at.end()};
}

}  // namespace

TEST_CASE("the blocks of RFC 8439 come out", "[chacha20][rfc8439-2.3.2][rfc8439-a.1]") {
  bytes key;
  for (unsigned i = 0; i < 32; ++i) key.push_back(static_cast<std::byte>(i));
  const bytes example = stream_of(key, {1, {0x09000000U, 0x4A000000U, 0}});
  CHECK(support::to_hex(block(example, 0)) ==
        support::to_hex("10 f1 e7 e4 d1 3b 59 15 50 0f dd 1f a3 20 71 c4 c7 d1 f4 c7 33 c0 68 03"
                        "04 22 aa 9a c3 d4 6c 4e d2 82 64 46 07 9f aa 09 14 c2 d7 05 d9 8b 02 a2"
                        "b5 12 9c d1 de 16 4e b9 cb d0 83 e8 a2 50 3c 4e"_hex));

  const bytes zeros = stream_of(bytes(32), {});
  CHECK(support::to_hex(block(zeros, 0)) ==
        support::to_hex("76 b8 e0 ad a0 f1 3d 90 40 5d 6a e5 53 86 bd 28 bd d2 19 b8 a0 8d ed 1a"
                        "a8 36 ef cc 8b 77 0d c7 da 41 59 7c 51 57 48 8d 77 24 e0 3f b8 d8 4a 37"
                        "6a 43 b8 f4 15 18 a1 1c c3 87 b6 69 b2 ee 65 86"_hex));
  CHECK(support::to_hex(block(zeros, 1)) ==
        support::to_hex("9f 07 e7 be 55 51 38 7a 98 ba 97 7c 73 2d 08 0d cb 0f 29 a0 48 e3 65 69"
                        "12 c6 53 3e 32 ee 7a ed 29 b7 21 76 9c e6 4e 43 d5 71 33 b0 74 d8 39 d5"
                        "31 ed 1f 28 51 0a fb 45 ac e1 0a 1f 4b 79 4d 6f"_hex));
}

TEST_CASE("each of four blocks is the first one of its counter", "[chacha20][rfc8439-2.3]") {
  const bytes key = support::seeded{}.some_bytes(32);
  for (const std::uint32_t counter : {0U, 7U, 0xFFFFFFFEU}) {
    const bytes stream = stream_of(key, {counter, {1, 2, 3}});
    for (std::uint32_t i = 0; i < 4; ++i) {
      CHECK(block(stream, i) == block(stream_of(key, {counter + i, {1, 2, 3}}), 0));
    }
  }
}

TEST_CASE("a stream may be written over its key", "[chacha20]") {
  const bytes key = support::seeded{}.some_bytes(32);
  bytes place(simd::chacha20_stream_size);
  std::copy(key.begin(), key.end(), place.begin());
  const auto to = std::span{place}.first<simd::chacha20_stream_size>();
  simd::write_chacha20_stream(to, to.first<simd::chacha20_key_size>());
  CHECK(place == stream_of(key, {}));
}

#endif
