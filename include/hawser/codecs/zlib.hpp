#pragma once

#include "hawser/connection.hpp"
#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_message.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/memory.hpp"
#include "hawser/permessage_deflate.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/version.hpp"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <span>
#include <utility>
#include <zlib.h>

/// Compression by zlib, or by zlib-ng where that is built to take zlib's place. Link it: `-lz`.
namespace hawser::inline v0 {

namespace detail {

// A z_stream whose memory is the endpoint's. What memory::allocate throws does not pass through
// zlib: it waits here until zlib has returned.
class zlib_stream {
 public:
  // `end` is deflateEnd or inflateEnd.
  zlib_stream(const memory& source, int (*end)(z_stream*)) noexcept : source_{source}, end_{end} {
    stream_.zalloc = allocate;
    stream_.zfree = deallocate;
    stream_.opaque = this;
  }
  zlib_stream(const zlib_stream&) = delete;
  zlib_stream& operator=(const zlib_stream&) = delete;
  ~zlib_stream() { end_(&stream_); }

  [[nodiscard]] z_stream* operator->() noexcept { return &stream_; }
  [[nodiscard]] z_stream* get() noexcept { return &stream_; }

  // Throws what was thrown, where zlib had no memory.
  void require([[maybe_unused]] int result) {
#if defined(__cpp_exceptions)
    if (result == Z_OK) return;
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    throw std::bad_alloc{};
#endif
  }

  // Points zlib to as much of the output as its numbers hold, and to no more of the input than can
  // be compressed into that: what is left of it would not tell that zlib wants to be called again.
  void set(std::span<const std::byte> in, std::span<std::byte> out) noexcept {
    constexpr std::size_t most = UINT_MAX;
    constexpr std::size_t most_in = most / 2;
    static_assert(deflate_bound(most_in) < most);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): zlib reads it only.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream_.avail_in = static_cast<uInt>(std::min(in.size(), most_in));
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), most));
    in_ = stream_.avail_in;
    out_ = stream_.avail_out;
  }
  // What zlib took and gave since.
  [[nodiscard]] codec_step step(bool is_wrong) const noexcept {
    return {in_ - stream_.avail_in, out_ - stream_.avail_out, is_wrong};
  }

 private:
  // In front of each piece stands its size, which deallocate must be told.
  static constexpr std::size_t front = alignof(std::max_align_t);

  static void* allocate(void* opaque, uInt count, uInt size) noexcept {
    auto& self = *static_cast<zlib_stream*>(opaque);
    if (size != 0 && count > (SIZE_MAX - front) / size) return nullptr;
    const std::size_t whole = front + std::size_t{count} * size;
#if defined(__cpp_exceptions)
    try {
#endif
      auto* made = static_cast<std::byte*>(self.source_.allocate(self.source_.context, whole));
      store(made, whole);
      return made + front;
#if defined(__cpp_exceptions)
    } catch (...) {
      self.thrown_ = std::current_exception();
      return nullptr;
    }
#endif
  }

  static void deallocate(void* opaque, void* pointer) noexcept {
    auto& self = *static_cast<zlib_stream*>(opaque);
    auto* made = static_cast<std::byte*>(pointer) - front;
    self.source_.deallocate(self.source_.context, made, load<std::size_t>(made));
  }

  memory source_;
  int (*end_)(z_stream*);
  z_stream stream_ = {};
  uInt in_ = 0;
  uInt out_ = 0;
#if defined(__cpp_exceptions)
  std::exception_ptr thrown_;
#endif
};

}  // namespace detail

/// The codec that is zlib: see deflate_codec.
struct zlib_codec {
  /// zlib's raw DEFLATE has no window of 256 bytes.
  static constexpr std::uint8_t min_window_bits = 9;

  class deflater {
   public:
    deflater(const memory& source, const deflate_settings& settings) : stream_{source, deflateEnd} {
      const int level = settings.level == 0 ? Z_DEFAULT_COMPRESSION
                                            : std::min<int>(settings.level, Z_BEST_COMPRESSION);
      stream_.require(deflateInit2(stream_.get(), level, Z_DEFLATED, -int{settings.window_bits},
                                   settings.memory_level, Z_DEFAULT_STRATEGY));
    }
    deflater(const deflater&) = delete;
    deflater& operator=(const deflater&) = delete;
    ~deflater() = default;

    [[nodiscard]] codec_step deflate(std::span<const std::byte> in,
                                     std::span<std::byte> out) noexcept {
      stream_.set(in, out);
      // Z_BUF_ERROR: there was nothing to do.
      const int result = ::deflate(stream_.get(), Z_SYNC_FLUSH);
      return stream_.step(result != Z_OK && result != Z_BUF_ERROR);
    }
    void restart() noexcept { deflateReset(stream_.get()); }

   private:
    detail::zlib_stream stream_;
  };

  class inflater {
   public:
    inflater(const memory& source, std::uint8_t window_bits)
        : stream_{source, inflateEnd}, window_bits_{window_bits} {
      stream_.require(inflateInit2(stream_.get(), -int{window_bits}));
      take_window();
    }
    inflater(const inflater&) = delete;
    inflater& operator=(const inflater&) = delete;
    ~inflater() = default;

    [[nodiscard]] codec_step inflate(std::span<const std::byte> in,
                                     std::span<std::byte> out) noexcept {
      if (has_ended_ && !in.empty()) {
        inflateResetKeep(stream_.get());
        has_ended_ = false;
      }
      stream_.set(in, out);
      const int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
      if (result == Z_STREAM_END) has_ended_ = true;
      return stream_.step(result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END);
    }
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
    // zlib.h: data_type is the number of bits that are left of the last byte, "plus 128 if
    // inflate() returned immediately after decoding an end-of-block code".
    [[nodiscard]] bool is_at_boundary() noexcept { return (stream_->data_type & 0xBF) == 0x80; }
    void restart(std::uint8_t window_bits) {
      has_ended_ = false;
      if (window_bits == window_bits_) {
        inflateReset(stream_.get());
        return;
      }
      window_bits_ = 0;  // as long as it has no window
      stream_.require(inflateReset2(stream_.get(), -int{window_bits}));
      take_window();
      window_bits_ = window_bits;
    }

   private:
    // Otherwise zlib would take it in the middle of a message.
    void take_window() {
      const Bytef nothing = 0;
      stream_.require(inflateSetDictionary(stream_.get(), &nothing, 0));
    }

    detail::zlib_stream stream_;
    std::uint8_t window_bits_;
    bool has_ended_ = false;
  };

  /// What zlib.h says of deflateInit2, and what zlib 1.2.13 takes for its books; or what
  /// zlib-ng 2.2 takes, whose hash table and inflater have one size.
  [[nodiscard]] static constexpr std::size_t deflater_size(
      const deflate_settings& settings) noexcept {
#if defined(ZLIBNG_VERSION)
    return sizeof(deflater) + alignof(std::max_align_t) + 6272 + (std::size_t{1} << 17) +
           (std::size_t{1} << (settings.window_bits + 2)) +
           (std::size_t{5} << (settings.memory_level + 6));
#else
    return sizeof(deflater) + 5 * alignof(std::max_align_t) + 5952 +
           (std::size_t{1} << (settings.window_bits + 2)) +
           (std::size_t{1} << (settings.memory_level + 9));
#endif
  }
  [[nodiscard]] static constexpr std::size_t inflater_size(
      [[maybe_unused]] std::uint8_t window_bits) noexcept {
#if defined(ZLIBNG_VERSION)
    return sizeof(inflater) + alignof(std::max_align_t) + 42'112;
#else
    return sizeof(inflater) + 2 * alignof(std::max_align_t) + 7160 +
           (std::size_t{1} << window_bits);
#endif
  }
};

static_assert(deflate_codec<zlib_codec>);

/// The extension that compresses messages by zlib.
using zlib_deflate = permessage_deflate<zlib_codec>;

/// Endpoints and connections that compress messages by zlib where the peer agrees.
namespace zlib {

using server_endpoint = basic_endpoint<role::server, zlib_deflate>;
using client_endpoint = basic_endpoint<role::client, zlib_deflate>;
using server_connection = basic_connection<role::server, zlib_deflate>;
using client_connection = basic_connection<role::client, zlib_deflate>;

}  // namespace zlib

#if defined(HAWSER_HAS_SRC)
HAWSER_INSTANTIATE_DEFLATE(extern, zlib_codec);
#endif

}  // namespace hawser::inline v0
