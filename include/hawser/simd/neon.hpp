#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/simd/small.hpp"
#include "hawser/simd/tables.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>

#if defined(HAWSER_SIMD_NEON)

#include <arm_neon.h>

// The kernels for AArch64, all of which have NEON.
namespace hawser::inline v0 {
namespace simd::neon {

using vec = std::uint8_t __attribute__((vector_size(16)));
using words = std::uint32_t __attribute__((vector_size(16)));

#include "hawser/simd/body/vector.inc"

HAWSER_ALWAYS_INLINE vec lookup(vec table, vec index) noexcept { return vqtbl1q_u8(table, index); }
HAWSER_ALWAYS_INLINE vec minus_or_zero(vec value, vec less) noexcept {
  return vqsubq_u8(value, less);
}
HAWSER_ALWAYS_INLINE bool has_high_bit(vec value) noexcept { return vmaxvq_u8(value) > 0x7F; }
HAWSER_ALWAYS_INLINE bool has_any_bit(vec value) noexcept { return vmaxvq_u8(value) != 0; }

#include "hawser/simd/body/vector16.inc"
static_assert(width == 16);
#include "hawser/simd/body/four.inc"
static_assert(max_medium_size == 64);
#include "hawser/simd/body/mask.inc"
static_assert(width <= max_small_size);
#include "hawser/simd/body/utf8.inc"
#include "hawser/simd/body/utf8_check.inc"

}  // namespace simd::neon
}  // namespace hawser::inline v0

#endif
