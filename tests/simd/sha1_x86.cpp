#include "hawser/simd/sha1_x86.hpp"

#include "hawser/detail/sha1.hpp"
#include "hawser/handshake_key.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

using namespace hawser;

#if defined(HAWSER_SIMD_X86)

namespace {

using words = std::array<std::uint32_t, 5>;

// The digest by the plain code alone.
std::array<std::byte, 20> plain_sha1(std::vector<std::byte> message) {
  words h{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
  const std::uint64_t bits = std::uint64_t{message.size()} * 8;
  message.push_back(std::byte{0x80});
  while (message.size() % 64 != 56) message.push_back(std::byte{0});
  message.resize(message.size() + 8);
  detail::store_big_endian<8>(message.data() + message.size() - 8, bits);
  for (std::size_t i = 0; i < message.size(); i += 64) detail::sha1_block(h, message.data() + i);
  std::array<std::byte, 20> digest{};
  for (std::size_t i = 0; i < h.size(); ++i) detail::store_big_endian<4>(&digest[4 * i], h[i]);
  return digest;
}

void fast_block(words& h, const std::byte* block) {
  simd::sha1_x86::words abcd{static_cast<int>(h[3]), static_cast<int>(h[2]), static_cast<int>(h[1]),
                             static_cast<int>(h[0])};
  simd::sha1_x86::words e{0, 0, 0, static_cast<int>(h[4])};
  simd::sha1_x86::block(abcd, e, block);
  for (unsigned i = 0; i < 4; ++i) h[i] = static_cast<std::uint32_t>(abcd[3 - i]);
  h[4] = static_cast<std::uint32_t>(e[3]);
}

}  // namespace

TEST_CASE("the instructions for SHA-1 do to any block what the plain code does", "[sha1_x86]") {
  if (!simd::sha1_x86::is_usable()) {
    WARN("this machine has no instructions for SHA-1");
    CHECK_FALSE(simd::detect_cpu().sha);
    return;
  }
  std::mt19937 random{42};
  const support::guarded_pages pages{64};
  for (int i = 0; i < 20'000; ++i) {
    // Words of few bits and of many, so that sums carry far and not at all.
    const std::uint32_t limit = i % 3 == 0 ? 0xFFFFFFFFU : i % 3 == 1 ? 1U : 0x80000001U;
    words plain;
    for (std::uint32_t& word : plain) word = static_cast<std::uint32_t>(random()) & limit;
    words fast = plain;
    const std::span<std::byte> block = i % 2 == 0 ? pages.at_end(64) : pages.at_start(64);
    for (std::byte& byte : block) byte = static_cast<std::byte>(random() & limit & 0xFFU);
    detail::sha1_block(plain, block.data());
    fast_block(fast, block.data());
    REQUIRE(fast == plain);
  }
}

TEST_CASE("a hash and its base64 are those of the plain code", "[sha1_x86]") {
  if (!simd::sha1_x86::is_usable()) {
    CHECK_FALSE(simd::detect_cpu().sha);
    return;
  }
  std::mt19937 random{3};
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::byte, 128> blocks;
    for (std::byte& byte : blocks) byte = static_cast<std::byte>(random() & 0xFFU);
    std::array<char, 28> fast;
    simd::sha1_x86::hash_and_encode(detail::sha1_start, blocks.data(), fast.data());
    std::array<char, 28> plain;
    detail::hash_and_encode(blocks, plain.data());
    REQUIRE(fast == plain);
  }
}

TEST_CASE("a digest is that of the plain code for messages of every size", "[sha1_x86][sha1]") {
  std::mt19937 random{7};
  for (std::size_t size = 0; size <= 400; ++size) {
    std::vector<std::byte> message(size);
    for (std::byte& byte : message) byte = static_cast<std::byte>(random() & 0xFFU);
    REQUIRE(detail::sha1(message) == plain_sha1(message));
  }
}

#else

TEST_CASE("other machines have no instructions of x86 for SHA-1", "[sha1_x86]") {
  CHECK_FALSE(simd::detect_cpu().sha);
}

#endif
