#pragma once

// What differs between compilers, named once. HAWSER_COLD is for what hardly ever runs, or where
// time does not matter: compilers make it small instead of fast, and keep it out of the way. Not
// for what an application calls: they take all code for cold that leads to such a call.

#if defined(_MSC_VER) && !defined(__clang__)
#define HAWSER_ALWAYS_INLINE __forceinline
#define HAWSER_NO_INLINE __declspec(noinline)
#define HAWSER_COLD __declspec(noinline)
#else
#define HAWSER_ALWAYS_INLINE [[gnu::always_inline]] inline
#define HAWSER_NO_INLINE [[gnu::noinline]]
#define HAWSER_COLD [[gnu::cold, gnu::noinline]]
#endif

// Where HAWSER_SEPARATE_COMPILATION is defined, what hawser/src.hpp compiles is only declared
// elsewhere. Clang before 16 compiles there what a requires-clause excludes, and fails: for it each
// file compiles what it uses, as without.
#if defined(HAWSER_SEPARATE_COMPILATION) && (!defined(__clang__) || __clang_major__ >= 16)
#define HAWSER_HAS_SRC
#endif

// A member without data takes no room.
#if defined(_MSC_VER)
#define HAWSER_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define HAWSER_NO_UNIQUE_ADDRESS [[no_unique_address]]
#endif

// An assertion names a programming error of the caller. It is checked in builds without NDEBUG, and
// never guards against anything that a peer can do.
#if !defined(HAWSER_ASSERT)
#if defined(NDEBUG)
#define HAWSER_ASSERT(condition) static_cast<void>(0)
#else
#include <cassert>
#define HAWSER_ASSERT(condition) assert(condition)
#endif
#endif
