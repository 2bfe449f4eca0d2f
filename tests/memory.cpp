#include "hawser/memory.hpp"

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

using namespace hawser;

TEST_CASE("memory is the global operator new, unless it is given", "[memory]") {
  const memory usual;
  const support::allocation_watch watch;
  void* pointer = usual.allocate(usual.context, 100);
  std::memset(pointer, 1, 100);
  CHECK(watch.calls() == 1);
  CHECK(watch.live() == 100);
  CHECK(reinterpret_cast<std::uintptr_t>(pointer) % alignof(std::max_align_t) == 0);
  usual.deallocate(usual.context, pointer, 100);
  CHECK(watch.live() == 0);
}

TEST_CASE("memory that is used up throws", "[memory]") {
  const memory usual;
  const support::failing_allocation failing{1};
  CHECK_THROWS_AS(usual.allocate(usual.context, 100), std::bad_alloc);
}
