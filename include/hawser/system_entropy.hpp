#pragma once

#include "hawser/version.hpp"

#include <cstddef>
#include <cstdlib>
#include <span>

#if defined(_WIN32)
#include <windows.h>
// bcrypt.h needs the types of windows.h.
#include <bcrypt.h>
#elif defined(__unix__) || defined(__APPLE__) || defined(__EMSCRIPTEN__)
#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>
#else
#include <random>
#endif

// The one place where the core asks the system for something: strong random bytes, and to be told
// of a fork. Without it a client's masks would be up to its user, and RFC 6455 10.3 rests on them.
namespace hawser::inline v0 {
namespace detail {

// How many times this process came out of a fork. Random bytes that were drawn before are the
// parent's as well, and must not be used by the child. A process made by a bare clone system call,
// which runs no handlers, is not noticed. Counted without <atomic>, which costs every user a
// seventieth of the compile time.
[[nodiscard]] inline unsigned fork_count() noexcept {
#if !defined(_WIN32) && (defined(__unix__) || defined(__APPLE__))
  static unsigned count = 0;
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { __atomic_fetch_add(&count, 1U, __ATOMIC_RELAXED); });
  static_cast<void>(registered);
  return __atomic_load_n(&count, __ATOMIC_RELAXED);
#else
  return 0;
#endif
}

// Fills with bytes from the system's generator. Where it has none the program ends: weak masks are
// not an answer.
inline void fill_from_system(void* /*context*/, std::span<std::byte> bytes) noexcept {
#if defined(_WIN32)
#if defined(_MSC_VER)
#pragma comment(lib, "bcrypt")
#endif
  const auto status =
      ::BCryptGenRandom(nullptr, reinterpret_cast<unsigned char*>(bytes.data()),
                        static_cast<unsigned long>(bytes.size()), BCRYPT_USE_SYSTEM_PREFERRED_RNG);
  if (status != 0) std::abort();
#elif defined(__unix__) || defined(__APPLE__) || defined(__EMSCRIPTEN__)
  constexpr std::size_t most_at_once = 256;  // getentropy(3)
  while (!bytes.empty()) {
    const std::size_t size = bytes.size() < most_at_once ? bytes.size() : most_at_once;
    if (::getentropy(bytes.data(), size) != 0) std::abort();
    bytes = bytes.subspan(size);
  }
#else
  std::random_device device;
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(device() & 0xFFU);
#endif
}

}  // namespace detail
}  // namespace hawser::inline v0
