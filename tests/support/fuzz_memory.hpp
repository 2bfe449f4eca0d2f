#pragma once

// Counts what the global operator new has given. It replaces operator new and delete, so that it is
// included by one file of a program only; unlike allocations.hpp it works without exceptions.

#include "support/fuzzing.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace support {

struct heap_counts {
  std::size_t live = 0;  // bytes that were not given back
  std::size_t peak = 0;  // the most that `live` was
};

// Constructed without code: memory is asked for before main.
inline constinit heap_counts heap;

// The heap of a part of the program: that which its calls took and have not given back.
class heap_share {
 public:
  // Calls a function of that part.
  template <class Call>
  decltype(auto) during(Call&& call) {
    const scope counted{*this};
    return call();
  }
  // The most that there was at once.
  [[nodiscard]] std::size_t peak() const noexcept { return peak_; }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }

 private:
  class scope {
   public:
    explicit scope(heap_share& share) noexcept : share_{&share}, before_{heap.live} {
      heap.peak = heap.live;
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() {
      share_->peak_ = std::max(share_->peak_, share_->live_ + heap.peak - before_);
      share_->live_ += heap.live - before_;  // modulo 2^n, where more was given back than taken
    }

   private:
    heap_share* share_;
    std::size_t before_;
  };

  std::size_t live_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace support

void* operator new(std::size_t size) {
  void* place = std::malloc(size == 0 ? 1 : size);
  support::require(place != nullptr, "there is memory");
  support::heap.live += ::malloc_usable_size(place);
  support::heap.peak = std::max(support::heap.peak, support::heap.live);
  return place;
}
void operator delete(void* place) noexcept {
  if (place != nullptr) support::heap.live -= ::malloc_usable_size(place);
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept { ::operator delete(place); }
void* operator new[](std::size_t size) { return ::operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return ::operator new(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return ::operator new(size);
}
void operator delete(void* place, const std::nothrow_t&) noexcept { ::operator delete(place); }
void operator delete[](void* place, const std::nothrow_t&) noexcept { ::operator delete(place); }
void operator delete[](void* place) noexcept { ::operator delete(place); }
void operator delete[](void* place, std::size_t) noexcept { ::operator delete(place); }
