#pragma once

// Masking by the tier in use, against a loop over single bytes.

#include "hawser/mask.hpp"
#include "kernels/failures.hpp"
#include "support/bytes.hpp"
#include "support/guarded.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

inline constexpr std::array mask_bytes{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21},
                                       std::byte{0x3D}};
inline constexpr auto mask_key = hawser::masking_key::from_bytes(mask_bytes.data());

// RFC 6455 5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-j", j = i MOD 4.
inline support::bytes masked(std::span<const std::byte> plain, std::size_t phase) {
  support::bytes result(plain.begin(), plain.end());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] ^= mask_bytes[(phase + i) % 4];
  return result;
}

inline bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Known bytes, of which some part is lent out; the others must stay as they are.
class window {
 public:
  static constexpr std::size_t margin = 64;

  explicit window(std::size_t longest) : bytes_(longest + 3 * margin) {}

  // `alignment`: below 64.
  std::span<std::byte> open(std::size_t alignment, std::size_t size) {
    std::fill(bytes_.begin(), bytes_.end(), canary);
    const auto address = reinterpret_cast<std::uintptr_t>(bytes_.data());
    const auto lent = std::span{bytes_}.subspan(margin - address % 64 + alignment, size);
    lent_ = lent;
    return lent;
  }

  [[nodiscard]] bool is_intact_around() const {
    const auto is_canary = [](std::byte byte) { return byte == canary; };
    return std::all_of(bytes_.data(), lent_.data(), is_canary) &&
           std::all_of(lent_.data() + lent_.size(), bytes_.data() + bytes_.size(), is_canary);
  }

 private:
  static constexpr std::byte canary{0xA5};

  support::bytes bytes_;
  std::span<const std::byte> lent_;
};

inline void check_mask_in_windows(failures& found, std::span<const std::byte> random) {
  constexpr std::size_t longest = 300;
  window from{longest};
  window to{longest};
  for (std::size_t size = 0; size <= longest; ++size) {
    const auto plain = random.first(size);
    for (std::size_t phase = 0; phase < 4; ++phase) {
      const support::bytes expected = masked(plain, phase);
      const auto key = mask_key.rotated(phase);
      for (std::size_t at = 0; at < 64; ++at) {
        const auto source = from.open(at, size);
        const auto copy = to.open((at * 29 + size) % 64, size);
        std::copy(plain.begin(), plain.end(), source.begin());
        const auto copied = hawser::mask_copy(copy.data(), source, key);
        found.expect(same(source, plain) && same(copy, expected) && to.is_intact_around(),
                     "masked while copied: size, phase, alignment", {size, phase, at});
        const auto changed = hawser::mask(source, key);
        found.expect(same(source, expected) && from.is_intact_around(),
                     "masked in place: size, phase, alignment", {size, phase, at});
        found.expect(copied == key.rotated(size) && changed == copied, "the next key: size, phase",
                     {size, phase});
      }
    }
  }
}

inline void check_mask_between_guards(failures& found, std::span<const std::byte> random) {
  const support::guarded_pages others{random.size()};
  const support::guarded_pages pages{random.size()};
  const auto check = [&](std::size_t size) {
    const auto plain = random.first(size);
    const support::bytes expected = masked(plain, 0);
    for (const auto payload : {pages.copy_to_start(plain), pages.copy_to_end(plain)}) {
      for (const auto to : {others.at_start(size), others.at_end(size)}) {
        std::copy(plain.begin(), plain.end(), payload.begin());
        hawser::mask_copy(to.data(), payload, mask_key);
        found.expect(same(to, expected), "masked between guards while copied: size", {size});
        hawser::mask(payload, mask_key);
        found.expect(same(payload, expected), "masked between guards: size", {size});
      }
    }
  };
  for (std::size_t size = 0; size <= 600; ++size) check(size);
  for (const std::size_t size : {4095U, 4096U, 4097U, 65537U, 99'999U, 100'000U}) check(size);
  found.expect(pages.are_guarded(), "the guards stayed", {});
}

inline void check_mask_in_parts(failures& found, std::span<const std::byte> random) {
  for (std::size_t size = 0; size <= 300; ++size) {
    const support::bytes expected = masked(random.first(size), 0);
    for (std::size_t first = 0; first <= size; ++first) {
      support::bytes payload(random.begin(), random.begin() + static_cast<std::ptrdiff_t>(size));
      const auto next = hawser::mask(std::span{payload}.first(first), mask_key);
      hawser::mask(std::span{payload}.subspan(first), next);
      found.expect(same(payload, expected), "masked in two parts: size, first", {size, first});
    }
  }
}

inline void check_masking(failures& found) {
  const support::bytes random = support::seeded{}.some_bytes(100'000);
  check_mask_in_windows(found, random);
  check_mask_between_guards(found, random);
  check_mask_in_parts(found, random);
}
