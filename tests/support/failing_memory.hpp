#pragma once

// A hawser::memory of which one allocation fails, and which knows what was not given back.

#include "hawser/memory.hpp"

#include <cstddef>
#include <new>

namespace support {

class failing_memory {
 public:
  // The n-th allocation throws std::bad_alloc, once. n counts from 1; 0 fails none.
  explicit failing_memory(std::size_t nth) noexcept : nth_{nth} {}
  failing_memory(const failing_memory&) = delete;
  failing_memory& operator=(const failing_memory&) = delete;

  [[nodiscard]] hawser::memory source() noexcept {
    return {this,
            [](void* self, std::size_t size) {
              return static_cast<failing_memory*>(self)->allocate(size);
            },
            [](void* self, void* pointer, std::size_t size) {
              static_cast<failing_memory*>(self)->live_ -= size;
              ::operator delete(pointer);
            }};
  }

  [[nodiscard]] bool has_failed() const noexcept { return nth_ != 0 && calls_ >= nth_; }
  [[nodiscard]] std::size_t calls() const noexcept { return calls_; }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }

 private:
  void* allocate(std::size_t size) {
    if (++calls_ == nth_) throw std::bad_alloc{};
    void* pointer = ::operator new(size);
    live_ += size;
    return pointer;
  }

  std::size_t nth_;
  std::size_t calls_ = 0;
  std::size_t live_ = 0;
};

}  // namespace support
