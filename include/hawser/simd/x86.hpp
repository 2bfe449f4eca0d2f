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
#include "hawser/simd/body/four.inc"
static_assert(max_medium_size == 64);
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
HAWSER_ALWAYS_INLINE vec minus_or_zero(vec value, vec less) noexcept {
#if defined(__clang__)
  return (value > less ? value : less) - less;
#else
  return reinterpret_cast<vec>(
      __builtin_ia32_psubusb256(reinterpret_cast<chars>(value), reinterpret_cast<chars>(less)));
#endif
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
// The first `count` bytes; zeros behind them.
HAWSER_ALWAYS_INLINE vec keep_first(vec value, std::size_t count) noexcept {
  return value & reinterpret_cast<vec>(load(positions.data()) <
                                       splat_byte(static_cast<std::uint8_t>(count)));
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
// The first `count` bytes at `from`, fewer than `width`; zeros behind them, which are not read.
HAWSER_ALWAYS_INLINE vec load_first(const std::byte* from, std::size_t count) noexcept {
  if (count >= 16) return load_last(from + count, count);
  return __builtin_shufflevector(load_tiny(from, count), small_vec{}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                                 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
                                 16, 16, 16, 16, 16);
}

#include "hawser/simd/body/four.inc"  // NOLINT(readability-duplicate-include)
#include "hawser/simd/body/mask.inc"  // NOLINT(readability-duplicate-include)
#include "hawser/simd/body/utf8.inc"
#include "hawser/simd/body/utf8_check.inc"

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
HAWSER_ALWAYS_INLINE vec minus_or_zero(vec value, vec less) noexcept {
#if defined(__clang__)
  return (value > less ? value : less) - less;
#else
  return reinterpret_cast<vec>(__builtin_ia32_psubusb512_mask(
      reinterpret_cast<chars>(value), reinterpret_cast<chars>(less), chars{}, ~0ULL));
#endif
}
HAWSER_ALWAYS_INLINE bool has_high_bit(vec value) noexcept {
  return __builtin_ia32_cvtb2mask512(reinterpret_cast<chars>(value)) != 0;
}
HAWSER_ALWAYS_INLINE bool has_any_bit(vec value) noexcept {
#if defined(__clang__)
  return has_high_bit(reinterpret_cast<vec>(value != vec{}));
#else
  const auto bytes = reinterpret_cast<chars>(value);
  return __builtin_ia32_ptestmb512(bytes, bytes, ~0ULL) != 0;
#endif
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
// A bit for each of the first `count` bytes.
HAWSER_ALWAYS_INLINE std::uint64_t bits_of_first(std::size_t count) noexcept {
  return __builtin_ia32_bzhi_di(~0ULL, count);
}
// The first `count` bytes, at most `width`; zeros behind them.
HAWSER_ALWAYS_INLINE vec keep_first(vec value, std::size_t count) noexcept {
  const auto bytes = reinterpret_cast<chars>(value);
#if defined(__clang__)
  return reinterpret_cast<vec>(__builtin_ia32_selectb_512(bits_of_first(count), bytes, chars{}));
#else
  return reinterpret_cast<vec>(
      __builtin_ia32_movdquqi512_mask(bytes, chars{}, bits_of_first(count)));
#endif
}
// The same of those at `from`, of which no others are read.
HAWSER_ALWAYS_INLINE vec load_first(const std::byte* from, std::size_t count) noexcept {
#if defined(__clang__)
  const auto* source = reinterpret_cast<const chars*>(from);
#else
  const auto* source = reinterpret_cast<const char*>(from);
#endif
  return reinterpret_cast<vec>(
      __builtin_ia32_loaddquqi512_mask(source, chars{}, bits_of_first(count)));
}
// The `count` bytes before `end`, fewer than `width`; zeros behind them.
HAWSER_ALWAYS_INLINE vec load_last(const std::byte* end, std::size_t count) noexcept {
  return load_first(end - count, count);
}

// A frame of up to 128 bytes takes the vectors of AVX2: four halves cover more sizes than two
// wholes.
using avx2::four;
using avx2::load_four;
using avx2::max_medium_size;
using avx2::store_four;

#include "hawser/simd/body/mask.inc"  // NOLINT(readability-duplicate-include)
#include "hawser/simd/body/utf8.inc"  // NOLINT(readability-duplicate-include)

// As run_utf8, for more than half and fewer than twice `width` bytes, with no branch on how many
// there are.
HAWSER_ALWAYS_INLINE bool run_medium_utf8(std::uint8_t leading, std::byte* to,
                                          const std::byte* from, std::size_t size,
                                          std::uint32_t key, bool whole) noexcept {
  const four text = load_four(from, size, key);
  const bool is_ascii = !avx2::has_high_bit((text.first | text.second) | (text.third | text.last));
  const std::size_t first_size = size < width ? size : width;
  const std::size_t rest = size - first_size;
  vec first{};
  vec tail{};
  if (!is_ascii) {
    first = keep_first(load_first(from, first_size) ^ splat(key), first_size);
    tail = keep_first(load_last(from + size, rest) ^ splat(key), rest);
  }
  if (to != nullptr) store_four(to, size, text);
  if (is_ascii) return leading == 0;
  return !has_any_bit(find_last_errors(first, only_last(leading), first_size, whole) |
                      find_last_errors(tail, first, rest, whole));
}

// Unmasks to `to`, or nowhere where that is null, and returns whether the bytes can stand.
inline bool check_utf8(std::uint8_t leading, std::byte* to, const std::byte* from, std::size_t size,
                       std::uint32_t key, bool whole) noexcept {
  if (size <= max_small_size) return run_small_utf8(leading, to, from, size, key, whole);
  if (size < 2 * width) return run_medium_utf8(leading, to, from, size, key, whole);
  return run_large_utf8(leading, to, from, size, key, whole);
}

}  // namespace simd::avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

}  // namespace hawser::inline v0

#endif
