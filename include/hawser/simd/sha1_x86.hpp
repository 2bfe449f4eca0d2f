#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/simd/cpu.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

// SHA-1 by the instructions that x86 has for it. detail/sha1.hpp is what it is held against.
#if defined(HAWSER_SIMD_X86)

namespace hawser::inline v0 {
namespace simd::sha1_x86 {

#define HAWSER_SHA_TARGET [[gnu::target("sha,ssse3,sse4.1")]]

using bytes = std::uint8_t __attribute__((vector_size(16)));
using words = int __attribute__((vector_size(16)));
using unsigned_words = std::uint32_t __attribute__((vector_size(16)));

// The five words in registers: A to D, A on top, and what E is made of: D to A four steps before.
struct state {
  words abcd;
  words before;
};

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

// As detail::sha1_block, where the machine has these instructions.
HAWSER_SHA_TARGET HAWSER_NO_INLINE inline void block(std::array<std::uint32_t, 5>& h,
                                                     const std::byte* from) noexcept {
  const words abcd{static_cast<int>(h[3]), static_cast<int>(h[2]), static_cast<int>(h[1]),
                   static_cast<int>(h[0])};
  const words e{0, 0, 0, static_cast<int>(h[4])};
  words a = load_words(from);
  words b = load_words(from + 16);
  words c = load_words(from + 32);
  words d = load_words(from + 48);

  // The first four steps take E as it is; all others make it of what A was.
  const auto first = reinterpret_cast<unsigned_words>(e) + reinterpret_cast<unsigned_words>(a);
  state s{__builtin_ia32_sha1rnds4(abcd, reinterpret_cast<words>(first), 0), abcd};
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

  const words last = __builtin_ia32_sha1nexte(s.before, e);
  for (unsigned i = 0; i < 4; ++i) h[i] += static_cast<std::uint32_t>(s.abcd[3 - i]);
  h[4] = static_cast<std::uint32_t>(last[3]);
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
