#pragma once

// Sources of entropy without any: bytes that a test knows before.

#include "hawser/entropy.hpp"

#include <cstddef>
#include <span>

namespace support {

// Gives the bytes first, first + 1, ... and counts what was asked of it. It must outlive whoever
// draws from source().
class counting_entropy {
 public:
  explicit counting_entropy(unsigned first = 1) noexcept : next_{first} {}
  counting_entropy(const counting_entropy&) = delete;
  counting_entropy& operator=(const counting_entropy&) = delete;

  [[nodiscard]] hawser::entropy_source source() noexcept {
    return {this, [](void* self, std::span<std::byte> bytes) {
              static_cast<counting_entropy*>(self)->fill(bytes);
            }};
  }

  [[nodiscard]] std::size_t draws() const noexcept { return draws_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  void fill(std::span<std::byte> bytes) noexcept {
    ++draws_;
    bytes_ += bytes.size();
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(next_++ & 0xFFU);
  }

  unsigned next_;
  std::size_t draws_ = 0;
  std::size_t bytes_ = 0;
};

// Gives one byte, again and again.
inline hawser::entropy_source repeated_entropy(unsigned char& byte) noexcept {
  return {&byte, [](void* context, std::span<std::byte> out) {
            for (std::byte& each : out) each = std::byte{*static_cast<unsigned char*>(context)};
          }};
}

}  // namespace support
