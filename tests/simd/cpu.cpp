#include "hawser/simd/cpu.hpp"

#include "support/catch.hpp"

using namespace hawser;

#if defined(__x86_64__) && defined(__GNUC__)

TEST_CASE("the machine has what the compiler's runtime says it has", "[cpu]") {
  const simd::cpu_features found = simd::detect_cpu();
  CHECK(found.avx2 == (__builtin_cpu_supports("avx2") != 0));
  CHECK(found.avx512 ==
        (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("bmi2") != 0));
}

TEST_CASE("SHA instructions come with those that they are used with", "[cpu]") {
  const simd::cpu_features found = simd::detect_cpu();
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool is_there = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  CHECK(found.sha == (is_there && __builtin_cpu_supports("ssse3") != 0 &&
                      __builtin_cpu_supports("sse4.1") != 0));
}

#else

TEST_CASE("where nothing is looked for, nothing is found", "[cpu]") {
  const simd::cpu_features found = simd::detect_cpu();
  CHECK_FALSE((found.avx2 || found.avx512 || found.sha));
}

#endif

TEST_CASE("the machine stays the same", "[cpu]") {
  const simd::cpu_features first = simd::detect_cpu();
  const simd::cpu_features second = simd::detect_cpu();
  CHECK(first.avx2 == second.avx2);
  CHECK(first.avx512 == second.avx512);
  CHECK(first.sha == second.sha);
}
