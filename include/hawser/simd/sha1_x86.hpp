#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/simd/cpu.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

// SHA-1 by the instructions that x86 has for it. detail/sha1.hpp is what it is held against.
#if defined(HAWSER_SIMD_X86)

namespace hawser::inline v0 {
namespace simd::sha1_x86 {

#define HAWSER_SHA_TARGET [[gnu::target("sha,ssse3,sse4.1")]]

using bytes = std::uint8_t __attribute__((vector_size(16)));
using words = int __attribute__((vector_size(16)));
using letters = signed char __attribute__((vector_size(16)));
using unsigned_words = std::uint32_t __attribute__((vector_size(16)));

// The five words in registers: A to D, A on top, and what E is made of: D to A four steps before.
struct state {
  words abcd;
  words before;
};

HAWSER_SHA_TARGET HAWSER_ALWAYS_INLINE words sum(words a, words b) noexcept {
  return reinterpret_cast<words>(reinterpret_cast<unsigned_words>(a) +
                                 reinterpret_cast<unsigned_words>(b));
}

// The instructions want the words of the message as numbers, the first on top.
HAWSER_SHA_TARGET HAWSER_ALWAYS_INLINE words load_words(const std::byte* from) noexcept {
  const auto in = detail::load<bytes>(from);
  return reinterpret_cast<words>(
      __builtin_shufflevector(in, in, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}

// The four words behind `d`, in place of `a`.
HAWSER_SHA_TARGET HAWSER_ALWAYS_INLINE words schedule(words& a, words b, words c,
                                                      words d) noexcept {
  a = __builtin_ia32_sha1msg2(__builtin_ia32_sha1msg1(a, b) ^ c, d);
  return a;
}

// Four steps with each of the four functions: which one is part of the instruction.
HAWSER_SHA_TARGET HAWSER_ALWAYS_INLINE void steps_0(state& s, words w) noexcept {
  const words e = __builtin_ia32_sha1nexte(s.before, w);
  s.before = s.abcd;
  s.abcd = __builtin_ia32_sha1rnds4(s.abcd, e, 0);
}
HAWSER_SHA_TARGET HAWSER_ALWAYS_INLINE void steps_1(state& s, words w) noexcept {
  const words e = __builtin_ia32_sha1nexte(s.before, w);
  s.before = s.abcd;
  s.abcd = __builtin_ia32_sha1rnds4(s.abcd, e, 1);
}
HAWSER_SHA_TARGET HAWSER_ALWAYS_INLINE void steps_2(state& s, words w) noexcept {
  const words e = __builtin_ia32_sha1nexte(s.before, w);
  s.before = s.abcd;
  s.abcd = __builtin_ia32_sha1rnds4(s.abcd, e, 2);
}
HAWSER_SHA_TARGET HAWSER_ALWAYS_INLINE void steps_3(state& s, words w) noexcept {
  const words e = __builtin_ia32_sha1nexte(s.before, w);
  s.before = s.abcd;
  s.abcd = __builtin_ia32_sha1rnds4(s.abcd, e, 3);
}

// As detail::sha1_block, where the machine has these instructions. `e` has the fifth word on top.
HAWSER_SHA_TARGET HAWSER_NO_INLINE inline void block(words& abcd, words& e,
                                                     const std::byte* from) noexcept {
  words a = load_words(from);
  words b = load_words(from + 16);
  words c = load_words(from + 32);
  words d = load_words(from + 48);

  // The first four steps take E as it is; all others make it of what A was.
  state s{__builtin_ia32_sha1rnds4(abcd, sum(e, a), 0), abcd};
  steps_0(s, b);
  steps_0(s, c);
  steps_0(s, d);
  steps_0(s, schedule(a, b, c, d));
  steps_1(s, schedule(b, c, d, a));
  steps_1(s, schedule(c, d, a, b));
  steps_1(s, schedule(d, a, b, c));
  steps_1(s, schedule(a, b, c, d));
  steps_1(s, schedule(b, c, d, a));
  steps_2(s, schedule(c, d, a, b));
  steps_2(s, schedule(d, a, b, c));
  steps_2(s, schedule(a, b, c, d));
  steps_2(s, schedule(b, c, d, a));
  steps_2(s, schedule(c, d, a, b));
  steps_3(s, schedule(d, a, b, c));
  steps_3(s, schedule(a, b, c, d));
  steps_3(s, schedule(b, c, d, a));
  steps_3(s, schedule(c, d, a, b));
  steps_3(s, schedule(d, a, b, c));

  abcd = sum(abcd, s.abcd);
  e = __builtin_ia32_sha1nexte(s.before, e);
}

// Four groups of 24 bits to their characters in base64.
HAWSER_SHA_TARGET HAWSER_NO_INLINE inline letters encode_groups(unsigned_words groups) noexcept {
  const auto digits =
      reinterpret_cast<letters>(groups >> 18 | (groups >> 4 & 0x3F00U) |
                                (groups << 10 & 0x3F0000U) | (groups << 24 & 0x3F000000U));
  // From 'A' on, from 'a', from '0', '+' and '/': what each is further from its digit.
  return digits + 'A' + ((digits > 25) & ('a' - 'Z' - 1)) + ((digits > 51) & ('0' - 'z' - 1)) +
         ((digits > 61) & ('+' - '9' - 1)) + ((digits > 62) & ('/' - '+' - 1));
}

// The base64 of the digest of two blocks: 28 characters.
HAWSER_SHA_TARGET HAWSER_NO_INLINE inline void hash_and_encode(
    const std::array<std::uint32_t, 5>& start, const std::byte* blocks, char* out) noexcept {
  words abcd{static_cast<int>(start[3]), static_cast<int>(start[2]), static_cast<int>(start[1]),
             static_cast<int>(start[0])};
  words e{0, 0, 0, static_cast<int>(start[4])};
  block(abcd, e, blocks);
  block(abcd, e, blocks + 64);

  // The digest begins with the highest byte of A, which is the last of `abcd`. Each group is its
  // three bytes as a number; the fourth is 0.
  const auto front = reinterpret_cast<bytes>(abcd);
  const letters first = encode_groups(reinterpret_cast<unsigned_words>(__builtin_shufflevector(
      front, bytes{}, 13, 14, 15, 16, 10, 11, 12, 16, 7, 8, 9, 16, 4, 5, 6, 16)));
  const letters last = encode_groups(reinterpret_cast<unsigned_words>(
      __builtin_shufflevector(front, reinterpret_cast<bytes>(e), 1, 2, 3, 16, 30, 31, 0, 16, 16, 28,
                              29, 16, 16, 16, 16, 16)));
  std::memcpy(out, &first, 16);
  std::memcpy(out + 16, &last, 12);
  out[27] = '=';
}

#undef HAWSER_SHA_TARGET

// 0: nobody asked yet; 1: there are none; 2: there are.
inline std::uint8_t known = 0;

[[nodiscard]] HAWSER_NO_INLINE inline bool find_out() noexcept {
  const bool has = detect_cpu().sha;
  __atomic_store_n(&known, static_cast<std::uint8_t>(has ? 2 : 1), __ATOMIC_RELAXED);
  return has;
}

// True where the machine has the instructions. Asks it once: to ask takes microseconds in a virtual
// machine. Threads that meet here store the same.
[[nodiscard]] inline bool is_usable() noexcept {
  const std::uint8_t found = __atomic_load_n(&known, __ATOMIC_RELAXED);
  return found == 0 ? find_out() : found == 2;
}

}  // namespace simd::sha1_x86
}  // namespace hawser::inline v0

#endif
