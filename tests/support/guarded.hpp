#pragma once

// Memory with a page that nobody may touch before and behind it: a read or write that leaves the
// bytes by one stops the program, also where no sanitizer looks (vector instructions, inline
// assembly, the kernel).

#include "support/bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#if !defined(__wasm__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace support {

class guarded_pages {
 public:
#if defined(__wasm__)
  // WebAssembly guards nothing but the end of all memory: so the newest of these guards its end,
  // as long as the heap has room left for what is allocated later.
  explicit guarded_pages(std::size_t capacity)
      : page_{65536}, size_{std::max<std::size_t>((capacity + page_ - 1) / page_, 1) * page_} {
    void* volatile room = std::malloc(std::size_t{4} << 20);
    std::free(room);
    first_ = reinterpret_cast<std::byte*>(__builtin_wasm_memory_grow(0, size_ / page_) * page_);
  }
#else
  // Room for `capacity` bytes, rounded up to pages.
  explicit guarded_pages(std::size_t capacity)
      : page_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))},
        size_{std::max<std::size_t>((capacity + page_ - 1) / page_, 1) * page_} {
    void* mapped =
        ::mmap(nullptr, size_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) std::abort();
    first_ = static_cast<std::byte*>(mapped) + page_;
    if (::mprotect(first_, size_, PROT_READ | PROT_WRITE) != 0) std::abort();
  }
  guarded_pages(const guarded_pages&) = delete;
  guarded_pages& operator=(const guarded_pages&) = delete;
  ~guarded_pages() { ::munmap(first_ - page_, size_ + 2 * page_); }
#endif

  // The last `size` bytes: the next one is out of bounds.
  [[nodiscard]] std::span<std::byte> at_end(std::size_t size) const {
    return {first_ + size_ - size, size};
  }
  // The first `size` bytes: the one before is out of bounds.
  [[nodiscard]] std::span<std::byte> at_start(std::size_t size) const { return {first_, size}; }

  // False where a guard is gone, which WebAssembly's end of memory is once more was asked for.
  [[nodiscard]] bool are_guarded() const {
#if defined(__wasm__)
    return reinterpret_cast<std::uintptr_t>(first_ + size_) ==
           __builtin_wasm_memory_size(0) * page_;
#else
    return true;
#endif
  }

  [[nodiscard]] std::span<std::byte> copy_to_end(std::span<const std::byte> from) const {
    std::copy(from.begin(), from.end(), at_end(from.size()).begin());
    return at_end(from.size());
  }
  [[nodiscard]] std::span<std::byte> copy_to_start(std::span<const std::byte> from) const {
    std::copy(from.begin(), from.end(), at_start(from.size()).begin());
    return at_start(from.size());
  }

 private:
  std::size_t page_;
  std::size_t size_;
  std::byte* first_ = nullptr;
};

}  // namespace support
