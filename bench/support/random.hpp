#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

/// The same numbers in every run and on every machine.
class random {
 public:
  explicit random(std::uint64_t seed) noexcept : state_{seed * 2 + 1} {}

  std::uint64_t next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  /// A number from 0 to `end` - 1.
  std::size_t below(std::size_t end) noexcept {
    return static_cast<std::size_t>((next() >> 11) % end);
  }

 private:
  std::uint64_t state_;
};

}  // namespace bench
