#pragma once

#include "hawser/detail/config.hpp"
#include "hawser/version.hpp"

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace hawser::inline v0 {
namespace detail {

// An array on the heap of things that can be copied as bytes. It grows when it is told to and not
// by itself, which takes a tenth of the code that std::vector does.
template <class T>
class heap_array {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(std::max_align_t));

 public:
  heap_array() = default;
  heap_array(heap_array&& other) noexcept { swap(other); }
  heap_array& operator=(heap_array&& other) noexcept {
    heap_array taken{std::move(other)};
    swap(taken);
    return *this;
  }
  heap_array(const heap_array&) = delete;
  heap_array& operator=(const heap_array&) = delete;
  ~heap_array() { ::operator delete(data_); }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  // Makes room for `capacity` of them in all, which are more than there is room for.
  HAWSER_NO_INLINE void grow(std::size_t capacity) {
    T* larger = static_cast<T*>(::operator new(capacity * sizeof(T)));
    if (size_ != 0) std::memcpy(static_cast<void*>(larger), data_, size_ * sizeof(T));
    ::operator delete(data_);
    data_ = larger;
    capacity_ = capacity;
  }

  // Adds some for which there is room.
  void append(std::span<const T> more) noexcept {
    if (!more.empty())
      std::memcpy(static_cast<void*>(data_ + size_), more.data(), more.size_bytes());
    size_ += more.size();
  }

  void append_one(const T& one) noexcept { new (data_ + size_++) T{one}; }

  // Makes room for some and adds them, twice as much room as before at the least.
  void append_growing(std::span<const T> more) {
    const std::size_t needed = size_ + more.size();
    if (needed > capacity_) grow(needed > 2 * capacity_ ? needed : 2 * capacity_);
    append(more);
  }

  void clear() noexcept { size_ = 0; }

 private:
  void swap(heap_array& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace detail
}  // namespace hawser::inline v0
