#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/header_list.hpp"
#include "hawser/memory.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

// Where a basic_head_parser keeps the bytes of a head and the fields that it found in them. A
// storage has the members of the two here; it may be an application's own. It is told how far it
// may grow, and the parser never asks for more. Once `reserve` made room, `append` leaves the bytes
// where they are.
namespace hawser::inline v0 {

/// Grows with the bytes that arrive, on the heap. Moving it leaves all views into it right.
class heap_head_storage {
 public:
  heap_head_storage(std::size_t max_size, std::size_t max_fields,
                    const memory& source = {}) noexcept
      : source_{source}, max_size_{max_size}, max_fields_{max_fields} {}
  heap_head_storage(heap_head_storage&& other) noexcept
      : heap_head_storage{other.max_size_, other.max_fields_, other.source_} {
    swap(other);
  }
  heap_head_storage& operator=(heap_head_storage&& other) noexcept {
    heap_head_storage taken{std::move(other)};
    swap(taken);
    return *this;
  }
  heap_head_storage(const heap_head_storage&) = delete;
  heap_head_storage& operator=(const heap_head_storage&) = delete;
  ~heap_head_storage() { release(); }

  /// The most heap that a storage of these limits ever has, in bytes, while it grows included.
  [[nodiscard]] static constexpr std::size_t max_heap_size(std::size_t max_size,
                                                           std::size_t max_fields) noexcept {
    // While it grows the old memory and the new are there. No field is shorter than 4 bytes, which
    // bounds them where max_fields does not: there is room for four times as many at most.
    return 2 * (max_size + sizeof(header) * detail::min_of(max_fields, max_size + fewest_fields));
  }

  [[nodiscard]] std::size_t max_size() const noexcept { return max_size_; }
  [[nodiscard]] std::size_t max_fields() const noexcept { return max_fields_; }

  /// Makes room for so many more, so that `append` and `add_field` cannot fail. Views into the
  /// bytes are void afterwards, those of `fields()` excepted.
  void reserve(std::size_t bytes, std::size_t fields) {
    if (bytes > bytes_.capacity - bytes_.size || fields > fields_.capacity - fields_.size) {
      grow(bytes_.size + bytes, fields_.size + fields);
    }
  }

  void append(std::span<const std::byte> in) noexcept {
    detail::copy_bytes(reinterpret_cast<std::byte*>(text_ + bytes_.size), in.data(), in.size());
    bytes_.size += in.size();
  }

  void add_field(const header& field) noexcept {
    new (first_field() + fields_.size++) header{field};
  }

  [[nodiscard]] std::string_view bytes() const noexcept { return {text_, bytes_.size}; }
  [[nodiscard]] header_list fields() const noexcept {
    return std::span<const header>{first_field(), fields_.size};
  }

  /// Forgets everything and frees the memory.
  void clear() noexcept {
    release();
    memory_ = nullptr;
    text_ = nullptr;
    bytes_ = fields_ = {};
  }

 private:
  static constexpr std::size_t smallest_size = 512;
  static constexpr std::size_t fewest_fields = 16;

  struct usage {
    std::size_t size = 0;
    std::size_t capacity = 0;
  };

  // Both grow at once where both are half full: not one after the other, each with a copy of both.
  [[nodiscard]] static std::size_t grown(const usage& now, std::size_t needed, std::size_t fewest,
                                         std::size_t most) noexcept {
    if (needed <= now.capacity / 2) return now.capacity;
    return detail::min_of(most, detail::max_of(detail::max_of(needed, 2 * now.capacity), fewest));
  }

  [[nodiscard]] header* first_field() const noexcept { return static_cast<header*>(memory_); }

  HAWSER_NO_INLINE void grow(std::size_t bytes, std::size_t fields) {
    const std::size_t byte_capacity = grown(bytes_, bytes, smallest_size, max_size_);
    const std::size_t field_capacity = grown(fields_, fields, fewest_fields, max_fields_);
    void* const larger =
        source_.allocate(source_.context, field_capacity * sizeof(header) + byte_capacity);
    char* const text = static_cast<char*>(larger) + field_capacity * sizeof(header);
    if (bytes_.size != 0) std::memcpy(text, text_, bytes_.size);
    for (std::size_t i = 0; i < fields_.size; ++i) {
      const header& field = first_field()[i];
      new (static_cast<header*>(larger) + i)
          header{{text + (field.name.data() - text_), field.name.size()},
                 {text + (field.value.data() - text_), field.value.size()}};
    }
    release();
    memory_ = larger;
    text_ = text;
    bytes_.capacity = byte_capacity;
    fields_.capacity = field_capacity;
  }

  void release() noexcept {
    if (memory_ == nullptr) return;
    source_.deallocate(source_.context, memory_,
                       fields_.capacity * sizeof(header) + bytes_.capacity);
  }

  void swap(heap_head_storage& other) noexcept {
    std::swap(source_, other.source_);
    std::swap(memory_, other.memory_);
    std::swap(text_, other.text_);
    std::swap(bytes_, other.bytes_);
    std::swap(fields_, other.fields_);
    std::swap(max_size_, other.max_size_);
    std::swap(max_fields_, other.max_fields_);
  }

  memory source_;
  void* memory_ = nullptr;  // the fields, and behind the room for them the bytes
  char* text_ = nullptr;
  usage bytes_;
  usage fields_;
  std::size_t max_size_;
  std::size_t max_fields_;
};

/// Room for `Bytes` bytes and `Fields` fields inside the parser, without a heap and usable in
/// constant expressions. It can be neither copied nor moved.
template <std::size_t Bytes, std::size_t Fields>
class fixed_head_storage {
 public:
  constexpr fixed_head_storage(std::size_t max_size, std::size_t max_fields) noexcept
      : max_size_{detail::min_of(max_size, Bytes)},
        max_fields_{detail::min_of(max_fields, Fields)} {}
  fixed_head_storage(const fixed_head_storage&) = delete;
  fixed_head_storage& operator=(const fixed_head_storage&) = delete;
  constexpr ~fixed_head_storage() = default;

  [[nodiscard]] constexpr std::size_t max_size() const noexcept { return max_size_; }
  [[nodiscard]] constexpr std::size_t max_fields() const noexcept { return max_fields_; }

  constexpr void reserve(std::size_t, std::size_t) noexcept {}

  constexpr void append(std::span<const std::byte> in) noexcept {
    for (const std::byte byte : in) bytes_[size_++] = static_cast<char>(byte);
  }

  constexpr void add_field(const header& field) noexcept { fields_[field_count_++] = field; }

  [[nodiscard]] constexpr std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }
  [[nodiscard]] constexpr header_list fields() const noexcept {
    return std::span<const header>{fields_.data(), field_count_};
  }

  constexpr void clear() noexcept { size_ = field_count_ = 0; }

 private:
  std::array<char, Bytes> bytes_{};
  std::array<header, Fields> fields_{};
  std::size_t size_ = 0;
  std::size_t field_count_ = 0;
  std::size_t max_size_;
  std::size_t max_fields_;
};

}  // namespace hawser::inline v0
