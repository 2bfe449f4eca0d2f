#pragma once

// Which kernels there are for the architecture that is compiled for, named once.
//
// They are written in the vector types of GCC and Clang. What has none of them, MSVC among them,
// takes the kernels in plain C++.

#if defined(__GNUC__) && defined(__x86_64__)
#define HAWSER_SIMD_X86 1
#elif defined(__GNUC__) && defined(__aarch64__) && defined(__ARM_NEON) && \
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HAWSER_SIMD_NEON 1
#elif defined(__wasm_simd128__)
#define HAWSER_SIMD_WASM 1
#endif

#if defined(HAWSER_SIMD_X86) || defined(HAWSER_SIMD_NEON) || defined(HAWSER_SIMD_WASM)
#define HAWSER_SIMD_VECTORS 1
#endif
