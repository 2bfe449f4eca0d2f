#include "hawser/detail/block.hpp"

#include "support/allocations.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

using namespace hawser;
using detail::block;
using detail::block_pool;
using detail::block_size;
using support::allocation_watch;

namespace {

// Memory that remembers the size of each allocation, and checks what is said at its return.
class checked_memory {
 public:
  checked_memory() = default;
  checked_memory(const checked_memory&) = delete;
  checked_memory& operator=(const checked_memory&) = delete;

  [[nodiscard]] memory source() {
    return {this,
            [](void* self, std::size_t size) {
              return static_cast<checked_memory*>(self)->allocate(size);
            },
            [](void* self, void* pointer, std::size_t size) {
              static_cast<checked_memory*>(self)->deallocate(pointer, size);
            }};
  }
  [[nodiscard]] std::size_t calls() const noexcept { return calls_; }
  [[nodiscard]] std::size_t live() const noexcept { return live_.size(); }
  [[nodiscard]] bool is_right() const noexcept { return is_right_; }

 private:
  void* allocate(std::size_t size) {
    ++calls_;
    void* pointer = ::operator new(size);
    live_.emplace_back(pointer, size);
    return pointer;
  }
  void deallocate(void* pointer, std::size_t size) {
    const auto found = std::find(live_.begin(), live_.end(), std::pair{pointer, size});
    is_right_ = is_right_ && found != live_.end();
    if (found == live_.end()) return;
    live_.erase(found);
    ::operator delete(pointer);
  }

  std::size_t calls_ = 0;
  std::vector<std::pair<void*, std::size_t>> live_;
  bool is_right_ = true;
};

constexpr std::size_t keeps_all = std::size_t{1} << 30;
constexpr std::size_t front = sizeof(block);

static_assert(block_size(0) == 256 && block_size(256 - front) == 256);
static_assert(block_size(257 - front) == 512 && block_size(1024 - front) == 1024);
static_assert(block_size(detail::largest_class - front) == detail::largest_class);
static_assert(block_size(detail::largest_class + 1 - front) == detail::largest_class + 1);
static_assert(detail::largest_class == std::size_t{1} << 20);

}  // namespace

TEST_CASE("a block has room for what was asked, and all of it can be written", "[block]") {
  checked_memory checked;
  block_pool pool{checked.source(), keeps_all};
  for (const std::size_t capacity :
       {std::size_t{0}, std::size_t{1}, 256 - front, 257 - front, std::size_t{4000},
        detail::largest_class - front, detail::largest_class - front + 1, std::size_t{3} << 20}) {
    CAPTURE(capacity);
    block* taken = pool.take(capacity);
    CHECK(taken->capacity >= capacity);
    CHECK(taken->room() == taken->capacity);
    CHECK(taken->bytes().empty());
    CHECK(taken->next == nullptr);
    CHECK((taken->begin == 0 && taken->end == 0 && taken->frame == 0 && taken->payload == 0));
    CHECK_FALSE((taken->is_raw || taken->is_lane));
    CHECK(reinterpret_cast<std::uintptr_t>(taken->data()) % alignof(std::uint64_t) == 0);
    std::memset(taken->data(), 0xAB, taken->capacity);
    taken->end = taken->capacity;
    taken->begin = 1 < taken->capacity ? 1 : 0;
    CHECK(taken->bytes().size() == taken->capacity - taken->begin);
    CHECK(taken->room() == 0);
    taken->is_raw = taken->is_lane = true;
    pool.give(taken);
  }
  CHECK(checked.is_right());
}

TEST_CASE("a block that was given is taken again, as new", "[block]") {
  checked_memory checked;
  block_pool pool{checked.source(), keeps_all};
  block* first = pool.take(100);
  first->is_lane = first->is_raw = true;
  first->begin = first->frame = 5;
  first->end = first->payload = 10;
  pool.give(first);
  block* second = pool.take(200);  // of the same class
  CHECK(second == first);
  CHECK_FALSE((second->is_lane || second->is_raw));
  CHECK(second->bytes().empty());
  CHECK((second->frame == 0 && second->payload == 0 && second->next == nullptr));
  block* other = pool.take(300);  // of the next
  CHECK(other != first);
  CHECK(checked.calls() == 2);
  pool.give(second);
  pool.give(other);
  for (int i = 0; i < 100; ++i) {
    block* small = pool.take(1);
    block* large = pool.take(450);
    pool.give(small);
    pool.give(large);
  }
  CHECK(checked.calls() == 2);
}

TEST_CASE("a pool keeps no more than it may, and gives all back at its end", "[block]") {
  checked_memory checked;
  {
    block_pool pool{checked.source(), 1024};
    std::vector<block*> taken;
    for (int i = 0; i < 8; ++i) taken.push_back(pool.take(1));
    CHECK(checked.live() == 8);
    for (block* each : taken) pool.give(each);
    CHECK(checked.live() == 4);
    // What is kept of one class leaves no room for others.
    pool.give(pool.take(900));
    CHECK(checked.live() == 4);
    block* again = pool.take(1);
    CHECK(checked.live() == 4);
    pool.give(pool.take(900));  // 256 bytes are free, 1024 are not
    CHECK(checked.live() == 4);
    pool.give(again);
    CHECK(checked.live() == 4);
  }
  CHECK(checked.live() == 0);
  CHECK(checked.is_right());
}

TEST_CASE("a pool that keeps nothing gives each block back at once", "[block]") {
  checked_memory checked;
  block_pool pool{checked.source(), 0};
  pool.give(pool.take(1));
  CHECK(checked.live() == 0);
}

TEST_CASE("one block is left ready, and taken as it was left", "[block]") {
  checked_memory checked;
  {
    block_pool pool{checked.source(), keeps_all};
    CHECK(pool.take_ready() == nullptr);
    constexpr std::size_t capacity = block_pool::ready_size - front;
    block* smaller = pool.take(capacity / 4);
    CHECK_FALSE(pool.leave_ready(smaller));
    block* larger = pool.take(capacity + 1);
    CHECK_FALSE(pool.leave_ready(larger));
    block* first = pool.take(capacity);
    block* second = pool.take(capacity);
    first->end = 7;
    CHECK(pool.leave_ready(first));
    CHECK_FALSE(pool.leave_ready(second));  // there is one already
    CHECK(pool.take_ready() == first);
    CHECK(first->end == 7);
    CHECK(pool.take_ready() == nullptr);
    CHECK(pool.leave_ready(second));
    for (block* each : {smaller, larger, first}) pool.give(each);
  }
  CHECK(checked.live() == 0);
  CHECK(checked.is_right());
}

TEST_CASE("a block that is left ready counts as one that is kept", "[block]") {
  for (const std::size_t most : {std::size_t{0}, block_pool::ready_size - 1}) {
    checked_memory checked;
    block_pool pool{checked.source(), most};
    block* taken = pool.take(block_pool::ready_size - front);
    CHECK_FALSE(pool.leave_ready(taken));
    pool.give(taken);
    CHECK(checked.live() == 0);
  }
  checked_memory checked;
  block_pool pool{checked.source(), block_pool::ready_size + 256};
  block* taken = pool.take(block_pool::ready_size - front);
  CHECK(pool.leave_ready(taken));
  pool.give(pool.take(1));
  CHECK(checked.live() == 2);
  pool.give(pool.take(257));
  CHECK(checked.live() == 2);
}

TEST_CASE("blocks beyond the largest class are as large as need be and not kept", "[block]") {
  checked_memory checked;
  block_pool pool{checked.source(), keeps_all};
  const allocation_watch watch;
  block* large = pool.take(detail::largest_class);
  CHECK(large->capacity == detail::largest_class);
  CHECK(watch.live() >= static_cast<std::ptrdiff_t>(detail::largest_class + front));
  pool.give(large);
  CHECK(checked.live() == 0);
}

TEST_CASE("reserve keeps the bytes, and doubles", "[block]") {
  checked_memory checked;
  block_pool pool{checked.source(), 0};
  block* target = nullptr;
  const auto add = [&](std::size_t size, std::size_t most) {
    detail::reserve(pool, target, size, most);
    REQUIRE(target->room() >= size);
    for (std::size_t i = 0; i < size; ++i, ++target->end) {
      target->data()[target->end] = static_cast<std::byte>(target->end % 251);
    }
  };
  const std::size_t most = 2'000'000;
  std::size_t grown = 0;
  for (std::size_t size = 1; target == nullptr || target->end + size <= most;
       size = size % 777 + 1) {
    const block* before = target;
    const std::size_t capacity = target == nullptr ? 0 : target->capacity;
    add(size, most);
    if (target != before) {
      ++grown;
      CHECK(target->capacity >= std::min(2 * capacity, most));
      CHECK(target->capacity <= std::max(2 * (most + front), detail::largest_class));
    }
    CHECK(checked.live() == 1);
  }
  CHECK(grown < 16);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < target->end; ++i) {
    if (target->data()[i] != static_cast<std::byte>(i % 251)) ++wrong;
  }
  CHECK(wrong == 0);
  // Near the most there is no doubling beyond it.
  CHECK(target->capacity <= most + 777);
  pool.give(target);
  CHECK(checked.is_right());
}

TEST_CASE("reserve that fails leaves the block as it was", "[block]") {
  block_pool pool{memory{}, 0};
  block* target = nullptr;
  {
    const support::failing_allocation failing{1};
    CHECK_THROWS_AS(detail::reserve(pool, target, 10, 1000), std::bad_alloc);
  }
  CHECK(target == nullptr);
  detail::reserve(pool, target, 10, 1000);
  target->data()[0] = std::byte{7};
  target->end = target->capacity;
  const block* before = target;
  {
    const support::failing_allocation failing{1};
    CHECK_THROWS_AS(detail::reserve(pool, target, 1, 1000), std::bad_alloc);
  }
  CHECK(target == before);
  CHECK(target->data()[0] == std::byte{7});
  CHECK(target->end == target->capacity);
  pool.give(target);
}
