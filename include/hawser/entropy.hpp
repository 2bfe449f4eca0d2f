#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/mask.hpp"
#include "hawser/system_entropy.hpp"
#include "hawser/version.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hawser::inline v0 {

/// Where random bytes come from: the system, unless an endpoint is given another source, such as
/// the hardware of a device, or fixed bytes in a test.
///
/// `fill` writes strong random bytes to the whole span. RFC 6455 5.3: "The masking key needs to be
/// unpredictable; thus, the masking key MUST be derived from a strong source of entropy".
struct entropy_source {
  void* context = nullptr;
  void (*fill)(void* context, std::span<std::byte> bytes) = detail::fill_from_system;
};

/// Random bytes for masking keys and handshake keys, drawn from the source 256 at a time. Each is
/// used once; what was drawn before a fork is never used after it.
class entropy {
 public:
  explicit entropy(const entropy_source& source = {}) noexcept : source_{source} {}

  /// A fresh key for one frame.
  [[nodiscard]] masking_key next_masking_key() {
    std::array<std::byte, 4> bytes;
    take(bytes);
    return masking_key::from_bytes(bytes.data());
  }

  /// Fills `bytes`, which are at most 256.
  void take(std::span<std::byte> bytes) {
    const unsigned forks = detail::fork_count().load(std::memory_order_relaxed);
    if (left_ < bytes.size() || forks != forks_) {
      source_.fill(source_.context, drawn_);
      left_ = drawn_.size();
      forks_ = forks;
    }
    const std::span<std::byte> taken =
        std::span{drawn_}.subspan(drawn_.size() - left_, bytes.size());
    detail::copy_bytes(bytes.data(), taken.data(), taken.size());
    for (std::byte& byte : taken) byte = std::byte{0};
    left_ -= bytes.size();
  }

 private:
  entropy_source source_;
  std::size_t left_ = 0;
  unsigned forks_ = 0;
  std::array<std::byte, 256> drawn_ = {};
};

}  // namespace hawser::inline v0
