#pragma once

// What the global operator new does, seen and steered: allocations.cpp replaces it in every test
// program. Everything is counted for the thread that asks.

#include <cstddef>
#include <new>

namespace support {

struct allocation_counts {
  std::size_t calls = 0;      // of operator new that gave memory
  std::size_t requested = 0;  // bytes that were asked for, in all
  std::size_t live = 0;       // bytes that were not given back
  std::size_t peak = 0;       // the most that `live` was
};

// This thread's counts, to be changed by operator new and delete alone.
allocation_counts& this_threads_allocations() noexcept;

// What happened since it was made.
class allocation_watch {
 public:
  allocation_watch() noexcept { this_threads_allocations().peak = start_.live; }

  [[nodiscard]] std::size_t calls() const noexcept { return now().calls - start_.calls; }
  [[nodiscard]] std::size_t requested() const noexcept {
    return now().requested - start_.requested;
  }
  // Negative where more was given back than taken.
  [[nodiscard]] std::ptrdiff_t live() const noexcept {
    return static_cast<std::ptrdiff_t>(now().live) - static_cast<std::ptrdiff_t>(start_.live);
  }
  // The most that was live at once, above what was at the start. Of nested watches the inner one
  // begins anew for both.
  [[nodiscard]] std::size_t peak() const noexcept { return now().peak - start_.live; }

 private:
  static const allocation_counts& now() noexcept { return this_threads_allocations(); }

  allocation_counts start_ = now();
};

// While it lives, the n-th allocation from its beginning throws std::bad_alloc, once. n counts
// from 1; 0 fails none.
class failing_allocation {
 public:
  explicit failing_allocation(std::size_t nth) noexcept;
  ~failing_allocation();
  failing_allocation(const failing_allocation&) = delete;
  failing_allocation& operator=(const failing_allocation&) = delete;

  [[nodiscard]] bool has_failed() const noexcept;
};

// Calls `run(n)`, in which the n-th allocation is to be made fail by a failing_allocation, for
// n = 1, 2, ... until run returns false: nothing failed any more. Returns how many did.
template <class Run>
std::size_t for_each_failing_allocation(Run run) {
  std::size_t n = 1;
  while (run(n)) ++n;
  return n - 1;
}

}  // namespace support
