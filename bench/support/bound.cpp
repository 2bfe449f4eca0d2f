#include "support/bound.hpp"

#include <cstddef>
#include <string_view>

namespace bench {
namespace {

using vector16 = unsigned long long __attribute__((vector_size(16), may_alias));
using vector32 = unsigned long long __attribute__((vector_size(32), may_alias));
using vector64 = unsigned long long __attribute__((vector_size(64), may_alias));

// A macro, because a template would not get the attribute of the function that calls it.
#define BENCH_FLIP(vector, data, size)                             \
  do {                                                             \
    auto* const all = reinterpret_cast<vector*>(data);             \
    for (std::size_t i = 0; i < (size) / sizeof(vector); i += 4) { \
      all[i] = ~all[i];                                            \
      all[i + 1] = ~all[i + 1];                                    \
      all[i + 2] = ~all[i + 2];                                    \
      all[i + 3] = ~all[i + 3];                                    \
    }                                                              \
  } while (false)

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void flip64(std::byte* data, std::size_t size) noexcept {
  BENCH_FLIP(vector64, data, size);
}
__attribute__((target("avx2"))) void flip32(std::byte* data, std::size_t size) noexcept {
  BENCH_FLIP(vector32, data, size);
}
#endif
void flip16(std::byte* data, std::size_t size) noexcept { BENCH_FLIP(vector16, data, size); }

#undef BENCH_FLIP

struct choice {
  void (*flip)(std::byte*, std::size_t) noexcept;
  std::string_view name;
};

choice choose() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {flip64, "AVX-512"};
  if (__builtin_cpu_supports("avx2")) return {flip32, "AVX2"};
#endif
  return {flip16, "128 bits"};
}

const choice& chosen() noexcept {
  static const choice found = choose();
  return found;
}

}  // namespace

void flip(std::byte* data, std::size_t size) noexcept { chosen().flip(data, size); }

std::string_view widest_vectors() noexcept { return chosen().name; }

}  // namespace bench
