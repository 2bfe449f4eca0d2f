#pragma once

#include "hawser/detail/heap_array.hpp"
#include "hawser/header_list.hpp"
#include "hawser/version.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

// Where a basic_head_parser keeps the bytes of a head and the fields that it found in them. A
// storage has the members of the two here; it may be an application's own. It is told how far it
// may grow, and the parser never asks for more. Once `reserve_bytes` made room, `append` leaves the
// bytes where they are.
namespace hawser::inline v0 {

/// Grows with the bytes that arrive, on the heap. Moving it leaves all views into it right.
class heap_head_storage {
 public:
  heap_head_storage(std::size_t max_size, std::size_t max_fields) noexcept
      : max_size_{max_size}, max_fields_{max_fields} {}
  heap_head_storage(heap_head_storage&&) noexcept = default;
  heap_head_storage& operator=(heap_head_storage&&) noexcept = default;
  heap_head_storage(const heap_head_storage&) = delete;
  heap_head_storage& operator=(const heap_head_storage&) = delete;
  ~heap_head_storage() = default;

  /// The most heap that a storage of these limits ever has, in bytes, while it grows included.
  [[nodiscard]] static constexpr std::size_t max_heap_size(std::size_t max_size,
                                                           std::size_t max_fields) noexcept {
    // While one of the two arrays grows, the old one and the new one are there. No field is shorter
    // than 4 bytes, which bounds them where max_fields does not.
    return 2 * max_size + 2 * sizeof(header) * std::min(max_fields, max_size / 2 + fewest_fields);
  }

  [[nodiscard]] std::size_t max_size() const noexcept { return max_size_; }
  [[nodiscard]] std::size_t max_fields() const noexcept { return max_fields_; }

  /// Makes room for `size` more bytes, so that `append` cannot fail. Views into the bytes are void
  /// afterwards, those of `fields()` excepted.
  void reserve_bytes(std::size_t size) {
    if (size > bytes_.capacity() - bytes_.size()) grow_bytes(bytes_.size() + size);
  }

  /// Makes room for one more field, so that `add_field` cannot fail.
  void reserve_field() {
    if (fields_.size() < fields_.capacity()) return;
    fields_.grow(std::min(max_fields_, std::max(2 * fields_.capacity(), fewest_fields)));
  }

  void append(std::span<const std::byte> in) noexcept {
    bytes_.append({reinterpret_cast<const char*>(in.data()), in.size()});
  }

  void add_field(const header& field) noexcept { fields_.append_one(field); }

  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }
  [[nodiscard]] header_list fields() const noexcept {
    return std::span<const header>{fields_.data(), fields_.size()};
  }

  /// Forgets everything and frees the memory.
  void clear() noexcept { *this = heap_head_storage{max_size_, max_fields_}; }

 private:
  static constexpr std::size_t smallest_size = 512;
  static constexpr std::size_t fewest_fields = 16;

  HAWSER_NO_INLINE void grow_bytes(std::size_t needed) {
    detail::heap_array<char> larger;
    larger.grow(std::min(max_size_, std::max({needed, 2 * bytes_.capacity(), smallest_size})));
    larger.append({bytes_.data(), bytes_.size()});
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      header& field = fields_.data()[i];
      field.name = {larger.data() + (field.name.data() - bytes_.data()), field.name.size()};
      field.value = {larger.data() + (field.value.data() - bytes_.data()), field.value.size()};
    }
    bytes_ = std::move(larger);
  }

  detail::heap_array<char> bytes_;
  detail::heap_array<header> fields_;
  std::size_t max_size_;
  std::size_t max_fields_;
};

/// Room for `Bytes` bytes and `Fields` fields inside the parser, without a heap and usable in
/// constant expressions. It can be neither copied nor moved.
template <std::size_t Bytes, std::size_t Fields>
class fixed_head_storage {
 public:
  constexpr fixed_head_storage(std::size_t max_size, std::size_t max_fields) noexcept
      : max_size_{std::min(max_size, Bytes)}, max_fields_{std::min(max_fields, Fields)} {}
  fixed_head_storage(const fixed_head_storage&) = delete;
  fixed_head_storage& operator=(const fixed_head_storage&) = delete;
  constexpr ~fixed_head_storage() = default;

  [[nodiscard]] constexpr std::size_t max_size() const noexcept { return max_size_; }
  [[nodiscard]] constexpr std::size_t max_fields() const noexcept { return max_fields_; }

  constexpr void reserve_bytes(std::size_t) noexcept {}
  constexpr void reserve_field() noexcept {}

  constexpr void append(std::span<const std::byte> in) noexcept {
    std::transform(in.begin(), in.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_),
                   [](std::byte byte) { return static_cast<char>(byte); });
    size_ += in.size();
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
