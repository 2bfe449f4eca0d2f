#include "hawser/entropy.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/fixed_entropy.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <vector>

using namespace hawser;
using support::bytes;
using support::counting_entropy;

namespace {

bytes take(entropy& from, std::size_t size) {
  bytes result(size);
  from.take(result);
  return result;
}

}  // namespace

TEST_CASE("entropy is what a source gives, in its order, drawn 256 bytes at a time", "[entropy]") {
  counting_entropy counting{0};
  entropy random{counting.source()};
  CHECK(counting.draws() == 0);  // nothing before it is needed
  CHECK(support::to_hex(take(random, 4)) == "00 01 02 03");
  CHECK(counting.draws() == 1);
  CHECK(counting.bytes() == 256);
  for (unsigned i = 1; i < 64; ++i) {
    std::array<std::byte, 4> key{};
    random.next_masking_key().to_bytes(key.data());
    CHECK(key[0] == static_cast<std::byte>(4 * i));
    CHECK(key[3] == static_cast<std::byte>(4 * i + 3));
  }
  CHECK(counting.draws() == 1);
  static_cast<void>(random.next_masking_key());
  CHECK(counting.draws() == 2);
  CHECK(counting.bytes() == 512);
}

TEST_CASE("no byte of entropy is used twice", "[entropy][rfc6455-5.3]") {
  // The source gives a different number in each four bytes, so each can be told again.
  struct numbers {
    std::uint32_t next = 0;
    static void fill(void* self, std::span<std::byte> to) {
      for (std::size_t i = 0; i + 4 <= to.size(); i += 4) {
        const std::uint32_t number = static_cast<numbers*>(self)->next++;
        std::memcpy(to.data() + i, &number, 4);
      }
    }
  } source;
  entropy random{{&source, numbers::fill}};
  std::vector<std::uint32_t> seen;
  support::seeded sizes;
  for (int i = 0; i < 3000; ++i) {
    const bytes taken = take(random, 4 * sizes.below(57));
    for (std::size_t at = 0; at < taken.size(); at += 4) {
      std::uint32_t number = 0;
      std::memcpy(&number, taken.data() + at, 4);
      seen.push_back(number);
    }
  }
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("any size up to 224 bytes is filled", "[entropy]") {
  for (std::size_t size = 0; size <= 224; ++size) {
    counting_entropy counting{1};
    entropy random{counting.source()};
    static_cast<void>(take(random, 3));
    bytes taken(size + 2, std::byte{0xEE});
    random.take(std::span{taken}.subspan(1, size));
    CHECK(taken.front() == std::byte{0xEE});
    CHECK(taken.back() == std::byte{0xEE});
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < size; ++i) {
      if (taken[i + 1] != static_cast<std::byte>((4 + i) & 0xFFU)) ++wrong;
    }
    CHECK(wrong == 0);
    // Where what is left does not suffice, it goes on with the next 256 bytes.
    random.take(std::span{taken}.first(size));
    const std::size_t first = 3 + 2 * size <= 256 ? 4 + size : 1;
    CHECK((size == 0 || taken[0] == static_cast<std::byte>(first & 0xFFU)));
  }
}

TEST_CASE("a source that throws leaves nothing that could be taken for random", "[entropy]") {
  struct source {
    bool is_broken = true;
    static void fill(void* self, std::span<std::byte> to) {
      std::fill(to.begin(), to.begin() + 10, std::byte{0});
      if (static_cast<source*>(self)->is_broken) throw std::bad_alloc{};
      std::fill(to.begin(), to.end(), std::byte{0x5A});
    }
  } broken;
  entropy random{{&broken, source::fill}};
  CHECK_THROWS_AS(random.next_masking_key(), std::bad_alloc);
  CHECK_THROWS_AS(random.next_masking_key(), std::bad_alloc);
  broken.is_broken = false;
  CHECK(random.next_masking_key().memory() == 0x5A5A5A5AU);
}

TEST_CASE("the system's entropy is a stream that nobody else has", "[entropy][rfc6455-10.3]") {
  entropy one;
  entropy other;
  std::vector<bytes> seen;
  for (int i = 0; i < 300; ++i) {
    seen.push_back(take(one, 16));
    seen.push_back(take(other, 16));
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("a million masking keys repeat no more than chance has it", "[entropy][rfc6455-10.3]") {
  entropy random;
  std::vector<std::uint32_t> keys(1'000'000);
  for (std::uint32_t& key : keys) key = random.next_masking_key().memory();
  // Not in order, nor a counter.
  CHECK_FALSE(std::is_sorted(keys.begin(), keys.end()));
  std::array<std::size_t, 32> bits{};
  for (const std::uint32_t key : keys) {
    for (unsigned i = 0; i < 32; ++i) bits[i] += key >> i & 1U;
  }
  for (const std::size_t set : bits) CHECK((set > 495'000 && set < 505'000));  // ten deviations
  std::sort(keys.begin(), keys.end());
  std::size_t repeats = 0;
  for (std::size_t i = 1; i < keys.size(); ++i) repeats += keys[i] == keys[i - 1] ? 1 : 0;
  // Expected: n * n / 2^33 = 116, with a deviation of 11.
  CHECK(repeats < 230);
  CHECK(repeats > 20);
}
