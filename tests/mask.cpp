#include "hawser/mask.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

using namespace hawser;
using support::bytes;
using support::guarded_pages;

namespace {

constexpr std::size_t longest = 300;
constexpr std::size_t alignments = 64;
constexpr std::array key_bytes{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};
constexpr masking_key key = masking_key::from_bytes(key_bytes.data());

// RFC 6455 5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-j", j = i MOD 4.
constexpr std::byte masked(std::byte original, std::size_t i) {
  return original ^ key_bytes[i % 4];
}

// RFC 6455 5.7: a masked "Hello".
constexpr bool masks_hello() {
  std::array hello{std::byte{'H'}, std::byte{'e'}, std::byte{'l'}, std::byte{'l'}, std::byte{'o'}};
  constexpr std::array expected{std::byte{0x7F}, std::byte{0x9F}, std::byte{0x4D}, std::byte{0x51},
                                std::byte{0x58}};
  std::array<std::byte, 5> copy{};
  const masking_key next = mask_copy(copy.data(), hello, key);
  return mask(hello, key) == next && hello == expected && copy == expected &&
         next == key.rotated(5) && next == key.rotated(1);
}
static_assert(masks_hello());
static_assert(sizeof(masking_key) == 4);
static_assert(key.rotated(0) == key && key.rotated(4) == key && !(key.rotated(1) == key));

// Any payload, and what each phase of the key makes of it.
struct tables {
  std::array<std::byte, longest> plain;
  std::array<std::array<std::byte, longest>, 4> by_phase;

  tables() {
    support::seeded random;
    for (std::byte& byte : plain) byte = static_cast<std::byte>(random.next() & 0xFFU);
    for (std::size_t phase = 0; phase < 4; ++phase) {
      for (std::size_t i = 0; i < longest; ++i) by_phase[phase][i] = masked(plain[i], phase + i);
    }
  }
};

// A buffer whose every byte outside a window is known, and must stay.
class window {
 public:
  std::byte* open(std::size_t alignment) {
    bytes_.fill(std::byte{0xA5});
    return bytes_.data() + alignments + alignment;
  }

  [[nodiscard]] bool holds(std::size_t alignment, std::span<const std::byte> expected) const {
    const std::byte* begin = bytes_.data() + alignments + alignment;
    const std::byte* end = begin + expected.size();
    const auto is_canary = [](std::byte byte) { return byte == std::byte{0xA5}; };
    return (expected.empty() || std::memcmp(begin, expected.data(), expected.size()) == 0) &&
           std::all_of(begin - alignments, begin, is_canary) &&
           std::all_of(end, end + alignments, is_canary);
  }

 private:
  alignas(alignments) std::array<std::byte, 3 * alignments + longest> bytes_;
};

}  // namespace

TEST_CASE("masking is exact at every length, alignment and phase", "[mask][rfc6455-5.3]") {
  const tables expected;
  window buffer;
  window copy;
  std::size_t wrong = 0;
  std::array<std::size_t, 3> first_wrong{};
  for (std::size_t at = 0; at < alignments; ++at) {
    for (std::size_t length = 0; length <= longest; ++length) {
      for (std::size_t phase = 0; phase < 4; ++phase) {
        const auto plain = std::span{expected.plain}.first(length);
        const auto after = std::span{expected.by_phase[phase]}.first(length);
        std::byte* payload = buffer.open(at);
        if (length != 0) std::memcpy(payload, plain.data(), length);
        const std::size_t at_copy = (at * 29 + 7 + phase) % alignments;
        const masking_key copied =
            mask_copy(copy.open(at_copy), {payload, length}, key.rotated(phase));
        const masking_key changed = mask({payload, length}, key.rotated(phase));
        const bool is_right = copied == key.rotated(phase + length) && changed == copied &&
                              buffer.holds(at, after) && copy.holds(at_copy, after);
        if (!is_right && wrong++ == 0) first_wrong = {at, length, phase};
      }
    }
  }
  CAPTURE(first_wrong[0], first_wrong[1], first_wrong[2]);  // alignment, length, phase
  REQUIRE(wrong == 0);
}

TEST_CASE("masking touches nothing outside the payload", "[mask][security]") {
  const tables expected;
  const guarded_pages pages{longest};
  const guarded_pages others{longest};
  for (std::size_t length = 0; length <= longest; ++length) {
    const auto plain = std::span{expected.plain}.first(length);
    const auto after = std::span{expected.by_phase[0]}.first(length);
    CAPTURE(length);
    bool is_right = true;
    for (const auto payload : {pages.copy_to_end(plain), pages.copy_to_start(plain)}) {
      for (const auto to : {others.at_end(length), others.at_start(length)}) {
        mask_copy(to.data(), payload, key);
        is_right = is_right && std::equal(after.begin(), after.end(), to.begin());
      }
    }
    const auto at_end = pages.copy_to_end(plain);
    mask(at_end, key);
    is_right = is_right && std::equal(after.begin(), after.end(), at_end.begin());
    const auto at_start = pages.copy_to_start(plain);
    mask(at_start, key);
    is_right = is_right && std::equal(after.begin(), after.end(), at_start.begin());
    REQUIRE(is_right);
  }
}

TEST_CASE("a payload in parts is masked as the whole", "[mask][rfc6455-5.3]") {
  const tables expected;
  support::seeded random;
  std::size_t wrong = 0;
  for (std::size_t length = 0; length <= longest; ++length) {
    for (std::size_t round = 0; round <= length + 8; ++round) {
      bytes payload(expected.plain.begin(), expected.plain.begin() + static_cast<int>(length));
      // First each split in two, then some in many.
      std::span<std::byte> rest{payload};
      masking_key next = key;
      if (round <= length) {
        next = mask(rest.first(round), next);
        rest = rest.subspan(round);
      } else {
        while (rest.size() > 1) {
          const std::size_t part = random.below(std::min<std::size_t>(rest.size(), 40)) + 1;
          next = mask(rest.first(part), next);
          rest = rest.subspan(part);
        }
      }
      next = mask(rest, next);
      if (next != key.rotated(length) ||
          !std::equal(payload.begin(), payload.end(), expected.by_phase[0].begin())) {
        ++wrong;
      }
    }
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("masking twice gives the payload again", "[mask]") {
  support::seeded random;
  for (const unsigned size : {1U, 7U, 8U, 31U, 32U, 33U, 4096U, 100'003U}) {
    const bytes plain = random.some_bytes(size);
    bytes payload = plain;
    mask(payload, key);
    CHECK(payload != plain);
    mask(payload, key);
    CHECK(payload == plain);
  }
}

TEST_CASE("a key is its four bytes in the order of the wire", "[mask]") {
  std::array<std::byte, 6> wire{};
  key.to_bytes(wire.data() + 1);  // at any alignment
  CHECK(support::to_hex(wire) == "00 37 fa 21 3d 00");
  CHECK(masking_key::from_bytes(wire.data() + 1) == key);

  std::uint32_t in_memory = 0;
  std::memcpy(&in_memory, key_bytes.data(), 4);
  CHECK(key.memory() == in_memory);
  CHECK(masking_key::from_memory(in_memory) == key);
  CHECK(masking_key{}.memory() == 0);
}

TEST_CASE("a rotated key begins with the byte that is due", "[mask]") {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4},
        std::size_t{127}, std::size_t{1} << 31, most - 1, most}) {
    CAPTURE(count);
    std::array<std::byte, 4> wire{};
    key.rotated(count).to_bytes(wire.data());
    for (std::size_t i = 0; i < 4; ++i) CHECK(wire[i] == key_bytes[(count % 4 + i) % 4]);
    CHECK(key.rotated(count).rotated(3) == key.rotated(count % 4 + 3));
  }
}
