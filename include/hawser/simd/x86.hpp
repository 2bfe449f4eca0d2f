#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/simd/small.hpp"
#include "hawser/simd/tables.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>

// The kernels for SSE2, AVX2 and AVX-512. <immintrin.h> would take longer to compile than all of
// hawser's codecs: the few instructions that vector types do not reach are named by the compilers'
// builtins.
#if defined(HAWSER_SIMD_X86)

namespace hawser::inline v0 {

// What every x86-64 has. SSE2 cannot look up bytes, which UTF-8 takes.
namespace simd::sse2 {

using vec = std::uint8_t __attribute__((vector_size(16)));
using words = std::uint32_t __attribute__((vector_size(16)));

#include "hawser/simd/body/vector.inc"
static_assert(width == 16);
#include "hawser/simd/body/mask.inc"

}  // namespace simd::sse2

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace simd::avx2 {

using vec = std::uint8_t __attribute__((vector_size(32)));
using words = std::uint32_t __attribute__((vector_size(32)));
using chars = char __attribute__((vector_size(32)));
using quads = long long __attribute__((vector_size(32)));

#include "hawser/simd/body/vector.inc"  // NOLINT(readability-duplicate-include)

HAWSER_ALWAYS_INLINE vec lookup(vec table, vec index) noexcept {
  return reinterpret_cast<vec>(
      __builtin_ia32_pshufb256(reinterpret_cast<chars>(table), reinterpret_cast<chars>(index)));
}
HAWSER_ALWAYS_INLINE bool has_high_bit(vec value) noexcept {
  return __builtin_ia32_pmovmskb256(reinterpret_cast<chars>(value)) != 0;
}
HAWSER_ALWAYS_INLINE bool has_any_bit(vec value) noexcept {
  return __builtin_ia32_ptestz256(reinterpret_cast<quads>(value), reinterpret_cast<quads>(value)) ==
         0;
}
// The bytes that stand one, two, three places before those of `now`.
HAWSER_ALWAYS_INLINE vec behind_1(vec now, vec before) noexcept {
  return __builtin_shufflevector(before, now, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60,
                                 61, 62);
}
HAWSER_ALWAYS_INLINE vec behind_2(vec now, vec before) noexcept {
  return __builtin_shufflevector(before, now, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
                                 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
                                 60, 61);
}
HAWSER_ALWAYS_INLINE vec behind_3(vec now, vec before) noexcept {
  return __builtin_shufflevector(before, now, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
                                 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
                                 59, 60);
}
// What stands `count` bytes further on, at most 16; zeros behind it.
HAWSER_ALWAYS_INLINE small_vec shifted(small_vec value, std::size_t count) noexcept {
  // An index with its high bit set finds zero.
  const small_vec index = load_small(positions.data()) + static_cast<std::uint8_t>(0x70 + count);
  return reinterpret_cast<small_vec>(__builtin_ia32_pshufb128(
      reinterpret_cast<small_chars>(value), reinterpret_cast<small_chars>(index)));
}
// The `count` bytes before `end`, fewer than `width`; zeros behind them. At least 16 bytes before
// `end` can be read.
HAWSER_ALWAYS_INLINE vec load_last(const std::byte* end, std::size_t count) noexcept {
  const std::size_t both = count < 16 ? 16 : count;
  const small_vec low = shifted(load_small(end - both), both - count);
  const small_vec high = shifted(load_small(end - 16), 32 - both);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
}
// The first `count` bytes, at least 16 and fewer than `width`; zeros behind them.
HAWSER_ALWAYS_INLINE vec load_first(const std::byte* from, std::size_t count) noexcept {
  return load_last(from + count, count);
}

#include "hawser/simd/body/mask.inc"  // NOLINT(readability-duplicate-include)
#include "hawser/simd/body/utf8.inc"

}  // namespace simd::avx2

#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,bmi2"))), \
                             apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,bmi2")
#endif

namespace simd::avx512 {

using vec = std::uint8_t __attribute__((vector_size(64)));
using words = std::uint32_t __attribute__((vector_size(64)));
using chars = char __attribute__((vector_size(64)));
using quads = long long __attribute__((vector_size(64)));

#include "hawser/simd/body/vector.inc"  // NOLINT(readability-duplicate-include)

HAWSER_ALWAYS_INLINE vec lookup(vec table, vec index) noexcept {
#if defined(__clang__)
  return reinterpret_cast<vec>(
      __builtin_ia32_pshufb512(reinterpret_cast<chars>(table), reinterpret_cast<chars>(index)));
#else
  return reinterpret_cast<vec>(__builtin_ia32_pshufb512_mask(
      reinterpret_cast<chars>(table), reinterpret_cast<chars>(index), chars{}, ~0ULL));
#endif
}
HAWSER_ALWAYS_INLINE bool has_high_bit(vec value) noexcept {
  return __builtin_ia32_cvtb2mask512(reinterpret_cast<chars>(value)) != 0;
}
HAWSER_ALWAYS_INLINE bool has_any_bit(vec value) noexcept {
  return has_high_bit(reinterpret_cast<vec>(value != vec{}));
}
// The 16 bytes before each 16 of `now`.
HAWSER_ALWAYS_INLINE quads lanes_before(vec now, vec before) noexcept {
  return __builtin_shufflevector(reinterpret_cast<quads>(before), reinterpret_cast<quads>(now), 6,
                                 7, 8, 9, 10, 11, 12, 13);
}
// `count` bytes of each 16 in `before`, and behind them those in `now`.
#if defined(__clang__)
#define HAWSER_JOIN_LANES(now, before, count)                                   \
  reinterpret_cast<vec>(__builtin_ia32_palignr512(reinterpret_cast<chars>(now), \
                                                  reinterpret_cast<chars>(before), 16 - (count)))
#else
#define HAWSER_JOIN_LANES(now, before, count) \
  reinterpret_cast<vec>(                      \
      __builtin_ia32_palignr512(reinterpret_cast<quads>(now), before, 8 * (16 - (count))))
#endif
// The bytes that stand one, two, three places before those of `now`.
HAWSER_ALWAYS_INLINE vec behind_1(vec now, vec before) noexcept {
  return HAWSER_JOIN_LANES(now, lanes_before(now, before), 1);
}
HAWSER_ALWAYS_INLINE vec behind_2(vec now, vec before) noexcept {
  return HAWSER_JOIN_LANES(now, lanes_before(now, before), 2);
}
HAWSER_ALWAYS_INLINE vec behind_3(vec now, vec before) noexcept {
  return HAWSER_JOIN_LANES(now, lanes_before(now, before), 3);
}
#undef HAWSER_JOIN_LANES
// The first `count` bytes, fewer than `width`; zeros behind them, which are not read.
HAWSER_ALWAYS_INLINE vec load_first(const std::byte* from, std::size_t count) noexcept {
#if defined(__clang__)
  const auto* source = reinterpret_cast<const chars*>(from);
#else
  const auto* source = reinterpret_cast<const char*>(from);
#endif
  return reinterpret_cast<vec>(
      __builtin_ia32_loaddquqi512_mask(source, chars{}, ~(~0ULL << count)));
}
// The `count` bytes before `end`, fewer than `width`; zeros behind them.
HAWSER_ALWAYS_INLINE vec load_last(const std::byte* end, std::size_t count) noexcept {
  return load_first(end - count, count);
}

#include "hawser/simd/body/mask.inc"  // NOLINT(readability-duplicate-include)
#include "hawser/simd/body/utf8.inc"  // NOLINT(readability-duplicate-include)

}  // namespace simd::avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

}  // namespace hawser::inline v0

#endif
