#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/mask.hpp"
#include "hawser/simd/chacha20.hpp"
#include "hawser/simd/target.hpp"
#include "hawser/system_entropy.hpp"
#include "hawser/version.hpp"

#include <array>
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
///
/// The system's source is slow: a call for each 64 frames, and a cipher that takes longer than to
/// mask 1000 bytes. So 32 bytes of it are stretched by ChaCha20 (RFC 8439) to a mebibyte, and the
/// key of what follows is a part of the stream that is used for nothing else: who learns what an
/// endpoint holds can tell nothing of the keys that it used. Where the compiler has no vectors, and
/// from any other source, all bytes come from the source itself.
class entropy {
 public:
  explicit entropy(const entropy_source& source = {}) noexcept : source_{source} {}

  /// A fresh key for one frame.
  [[nodiscard]] masking_key next_masking_key() {
    std::array<std::byte, 4> bytes;
    take(bytes);
    return masking_key::from_bytes(bytes.data());
  }

  /// Fills `bytes`, which are at most 224.
  void take(std::span<std::byte> bytes) {
    HAWSER_ASSERT(bytes.size() <= drawn_.size() - key_size && "that many at once are never there");
    const unsigned forks = detail::fork_count();
    if (left_ < bytes.size() || forks != forks_) draw(forks);
    const std::span<std::byte> taken =
        std::span{drawn_}.subspan(drawn_.size() - left_, bytes.size());
    detail::copy_bytes(bytes.data(), taken.data(), taken.size());
    for (std::byte& byte : taken) byte = std::byte{0};
    left_ -= bytes.size();
  }

 private:
  static constexpr std::size_t key_size = 32;
  static constexpr unsigned draws_of_a_key = 4096;

  HAWSER_NO_INLINE void draw(unsigned forks) {
    if (forks != forks_) draws_ = 0;
    left_ = 0;
#if defined(HAWSER_SIMD_VECTORS)
    if (source_.fill == detail::fill_from_system) {
      const auto key = std::span{drawn_}.first<key_size>();
      if (draws_ % draws_of_a_key == 0) source_.fill(source_.context, key);
      simd::write_chacha20_stream(drawn_, key);
      ++draws_;
      left_ = drawn_.size() - key_size;
      forks_ = forks;
      return;
    }
#endif
    source_.fill(source_.context, drawn_);
    left_ = drawn_.size();
    forks_ = forks;
  }

  entropy_source source_;
  std::size_t left_ = 0;  // at the end of those that were drawn
  unsigned forks_ = 0;
  unsigned draws_ = 0;  // with the same key or what came of it
  std::array<std::byte, 256> drawn_ = {};
};

}  // namespace hawser::inline v0
