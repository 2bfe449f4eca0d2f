#include "support/allocations.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(0))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(0))
#endif

namespace support {
namespace {

// In front of each allocation: the size is known again when it is given back.
struct alignas(alignof(std::max_align_t)) header {
  std::size_t size;
  void* start;
};

// No constructor runs for these: memory may be asked for before main and after it.
constinit thread_local allocation_counts counts;
constinit thread_local std::size_t until_failure = 0;
constinit thread_local bool failed = false;

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (until_failure != 0 && --until_failure == 0) {
    failed = true;
    return nullptr;
  }
  // The bytes end where the memory of malloc ends, so that a sanitizer sees the first one beyond.
  const std::size_t slack = alignment > alignof(header) ? alignment : 0;
  void* start = std::malloc(sizeof(header) + slack + size);
  if (start == nullptr) return nullptr;
  void* place = static_cast<std::byte*>(start) + sizeof(header);
  std::size_t room = slack + size;
  place = std::align(alignment, size, place, room);
  header* front = new (static_cast<header*>(place) - 1) header{size, start};
  ASAN_POISON_MEMORY_REGION(front, sizeof(header));
  ++counts.calls;
  counts.requested += size;
  counts.live += size;
  counts.peak = std::max(counts.peak, counts.live);
  return place;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment = alignof(header)) {
  void* place = allocate(size, alignment);
  if (place == nullptr) throw std::bad_alloc{};
  return place;
}

void give_back(void* place) noexcept {
  if (place == nullptr) return;
  const header* front = static_cast<header*>(place) - 1;
  ASAN_UNPOISON_MEMORY_REGION(front, sizeof(header));
  counts.live -= front->size;
  std::free(front->start);
}

}  // namespace

allocation_counts& this_threads_allocations() noexcept { return counts; }

failing_allocation::failing_allocation(std::size_t nth) noexcept {
  failed = false;
  until_failure = nth;
}
failing_allocation::~failing_allocation() { until_failure = 0; }
bool failing_allocation::has_failed() const noexcept { return failed; }

}  // namespace support

// Every form of both, because a sanitizer's own forms do not call each other.

using support::allocate;
using support::allocate_or_throw;
using support::give_back;

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* place) noexcept { give_back(place); }
void operator delete(void* place, std::size_t) noexcept { give_back(place); }
void operator delete(void* place, std::align_val_t) noexcept { give_back(place); }
void operator delete(void* place, std::size_t, std::align_val_t) noexcept { give_back(place); }
void operator delete(void* place, const std::nothrow_t&) noexcept { give_back(place); }
void operator delete(void* place, std::align_val_t, const std::nothrow_t&) noexcept {
  give_back(place);
}
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, alignof(std::max_align_t));
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete[](void* place) noexcept { give_back(place); }
void operator delete[](void* place, std::size_t) noexcept { give_back(place); }
void operator delete[](void* place, std::align_val_t) noexcept { give_back(place); }
void operator delete[](void* place, std::size_t, std::align_val_t) noexcept { give_back(place); }
void operator delete[](void* place, const std::nothrow_t&) noexcept { give_back(place); }
void operator delete[](void* place, std::align_val_t, const std::nothrow_t&) noexcept {
  give_back(place);
}
