#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/simd/small.hpp"
#include "hawser/simd/tables.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstdint>

#if defined(HAWSER_SIMD_WASM)

#include <wasm_simd128.h>

// The kernels for WebAssembly with its vectors of 128 bits (-msimd128).
namespace hawser::inline v0 {
namespace simd::wasm {

using vec = std::uint8_t __attribute__((vector_size(16)));
using words = std::uint32_t __attribute__((vector_size(16)));

#include "hawser/simd/body/vector.inc"

HAWSER_ALWAYS_INLINE vec lookup(vec table, vec index) noexcept {
  return reinterpret_cast<vec>(
      wasm_i8x16_swizzle(reinterpret_cast<v128_t>(table), reinterpret_cast<v128_t>(index)));
}
HAWSER_ALWAYS_INLINE vec minus_or_zero(vec value, vec less) noexcept {
  return reinterpret_cast<vec>(
      wasm_u8x16_sub_sat(reinterpret_cast<v128_t>(value), reinterpret_cast<v128_t>(less)));
}
HAWSER_ALWAYS_INLINE bool has_high_bit(vec value) noexcept {
  return wasm_i8x16_bitmask(reinterpret_cast<v128_t>(value)) != 0;
}
HAWSER_ALWAYS_INLINE bool has_any_bit(vec value) noexcept {
  return wasm_v128_any_true(reinterpret_cast<v128_t>(value));
}

#include "hawser/simd/body/vector16.inc"
static_assert(width == 16);
#include "hawser/simd/body/four.inc"
static_assert(max_medium_size == 64);
#include "hawser/simd/body/mask.inc"
static_assert(width <= max_small_size);
#include "hawser/simd/body/utf8.inc"
#include "hawser/simd/body/utf8_check.inc"

}  // namespace simd::wasm
}  // namespace hawser::inline v0

#endif
