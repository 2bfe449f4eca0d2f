#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/memory.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <span>

// Memory for bytes: blocks, and the pool of an endpoint that keeps the used ones for the next
// connection that wants one. An idle connection holds no block, and a busy endpoint asks the system
// for none: the block that one connection gave back, still in the cache, is the next one's.
namespace hawser::inline v0 {
namespace detail {

// A piece of memory with what is known of it in front. The bytes [begin, end) are in use.
struct block {
  block* next = nullptr;
  std::size_t capacity = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t frame = 0;    // outbox: where the frame begins in which `begin` lies
  std::size_t payload = 0;  // outbox: payload bytes of messages in [begin, end)
  bool is_raw = false;      // outbox: holds no frames
  bool is_lane = false;     // outbox: holds control frames that overtake

  [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  [[nodiscard]] const std::byte* data() const noexcept {
    return reinterpret_cast<const std::byte*>(this + 1);
  }
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return {data() + begin, end - begin}; }
  [[nodiscard]] std::size_t room() const noexcept { return capacity - end; }
};

inline constexpr std::size_t smallest_block = 256;
inline constexpr std::size_t block_classes = 13;
inline constexpr std::size_t largest_class = smallest_block << (block_classes - 1);

// The size of the allocation for a block of at least `capacity` bytes: a power of two up to 1 MiB,
// so that blocks can be used again, and no more than is needed above.
[[nodiscard]] constexpr std::size_t block_size(std::size_t capacity) noexcept {
  const std::size_t size = capacity + sizeof(block);
  if (size <= smallest_block) return smallest_block;
  return size > largest_class ? size : std::bit_ceil(size);
}

class block_pool {
 public:
  // The size of the allocation of a block that may be left ready.
  static constexpr std::size_t ready_size = 4096;

  // Keeps at most `max_kept` bytes of blocks that nobody uses.
  explicit block_pool(const memory& source, std::size_t max_kept) noexcept
      : source_{source},
        max_kept_{max_kept < ready_size ? max_kept : max_kept - ready_size},
        keeps_ready_{max_kept >= ready_size} {}

  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;

  ~block_pool() {
    if (ready_ != nullptr) source_.deallocate(source_.context, ready_, ready_size);
    for (block* head : free_) {
      while (head != nullptr) {
        block* next = head->next;
        source_.deallocate(source_.context, head, head->capacity + sizeof(block));
        head = next;
      }
    }
  }

  // A block with room for `capacity` bytes or more. Throws what the memory's allocate throws.
  [[nodiscard]] HAWSER_NO_INLINE block* take(std::size_t capacity) {
    const std::size_t size = block_size(capacity);
    if (size <= largest_class) {
      block*& head = free_[class_of(size)];
      if (head != nullptr) {
        block* taken = head;
        head = taken->next;
        kept_ -= size;
        return new (taken) block{.capacity = size - sizeof(block)};
      }
    }
    return new (source_.allocate(source_.context, size)) block{.capacity = size - sizeof(block)};
  }

  // The block that somebody left with leave_ready(), as it was left; null where there is none.
  [[nodiscard]] block* take_ready() noexcept {
    block* const taken = ready_;
    ready_ = nullptr;
    return taken;
  }
  // Keeps a block of ready_size for the next one who wants it as it is. False: give() it.
  [[nodiscard]] bool leave_ready(block* used) noexcept {
    if (ready_ != nullptr || !keeps_ready_ || used->capacity != ready_size - sizeof(block)) {
      return false;
    }
    ready_ = used;
    return true;
  }

  HAWSER_NO_INLINE void give(block* used) noexcept {
    const std::size_t size = used->capacity + sizeof(block);
    if (size <= largest_class && kept_ + size <= max_kept_) {
      block*& head = free_[class_of(size)];
      used->next = head;
      head = used;
      kept_ += size;
    } else {
      source_.deallocate(source_.context, used, size);
    }
  }

 private:
  [[nodiscard]] static constexpr std::size_t class_of(std::size_t size) noexcept {
    return static_cast<std::size_t>(std::countr_zero(size) - std::countr_zero(smallest_block));
  }

  memory source_;
  std::size_t max_kept_;
  std::size_t kept_ = 0;
  block* ready_ = nullptr;
  bool keeps_ready_;
  std::array<block*, block_classes> free_ = {};
};

// Makes room for `more` bytes behind those in use, in another block where need be; bytes keep their
// order and lose their address. A block that is null is made. Never doubles beyond `most` bytes,
// which the sum of both is not larger than.
HAWSER_NO_INLINE inline void reserve(block_pool& pool, block*& target, std::size_t more,
                                     std::size_t most) {
  const std::size_t used = target == nullptr ? 0 : target->end;
  if (target != nullptr && target->room() >= more) return;
  const std::size_t doubled = used > most / 2 ? most : 2 * used;
  block* larger = pool.take(used + more > doubled ? used + more : doubled);
  if (target != nullptr) {
    copy_bytes(larger->data(), target->data(), used);
    larger->end = used;
    pool.give(target);
  }
  target = larger;
}

}  // namespace detail
}  // namespace hawser::inline v0
