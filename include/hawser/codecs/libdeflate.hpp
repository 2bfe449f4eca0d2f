#pragma once

#include "hawser/connection.hpp"
#include "hawser/deflate_codec.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/endpoint.hpp"
#include "hawser/memory.hpp"
#include "hawser/permessage_deflate.hpp"
#include "hawser/rfc6455.hpp"
#include "hawser/version.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <libdeflate.h>
#include <new>
#include <span>
#include <utility>

/// Compression by libdeflate, of whole messages without context takeover: faster than zlib where
/// they have a kilobyte or more. Link it: `-ldeflate`.
namespace hawser::inline v0 {

namespace detail {

// What libdeflate makes. Its memory is the endpoint's from libdeflate 1.19 on; before, it comes
// from malloc, for there is one allocator for all of the program, which is not ours to set.
template <class Made>
class libdeflate_object {
 public:
  // `make` gets what libdeflate is to be called with, or nothing.
  template <class Make>
  libdeflate_object([[maybe_unused]] const memory& source, void (*end)(Made*), Make&& make)
      : end_{end} {
#if LIBDEFLATE_VERSION_MAJOR > 1 || LIBDEFLATE_VERSION_MINOR >= 19
    passed with{source};
    current() = &with;
    libdeflate_options options{};
    options.sizeof_options = sizeof options;
    options.malloc_func = allocate;
    options.free_func = deallocate;
    made_ = make(&options);
#if defined(__cpp_exceptions)
    if (with.thrown) std::rethrow_exception(with.thrown);
#endif
#else
    made_ = make();
#endif
    if (made_ != nullptr) return;
#if defined(__cpp_exceptions)
    throw std::bad_alloc{};
#else
    std::terminate();
#endif
  }
  libdeflate_object(const libdeflate_object&) = delete;
  libdeflate_object& operator=(const libdeflate_object&) = delete;
  ~libdeflate_object() { end_(made_); }

  [[nodiscard]] Made* get() noexcept { return made_; }

 private:
#if LIBDEFLATE_VERSION_MAJOR > 1 || LIBDEFLATE_VERSION_MINOR >= 19
  // What libdeflate's functions for memory are not told.
  struct passed {
    const memory& source;
#if defined(__cpp_exceptions)
    std::exception_ptr thrown = {};
#endif
  };
  // In front of each piece stands whose it is.
  struct front {
    memory source;
    std::size_t size;
  };
  static constexpr std::size_t front_size = (sizeof(front) + alignof(std::max_align_t) - 1) /
                                            alignof(std::max_align_t) * alignof(std::max_align_t);

  [[nodiscard]] static passed*& current() noexcept {
    thread_local passed* place = nullptr;
    return place;
  }

  static void* allocate(std::size_t size) noexcept {
    passed& with = *current();
#if defined(__cpp_exceptions)
    try {
#endif
      const std::size_t whole = front_size + size;
      auto* made = static_cast<std::byte*>(with.source.allocate(with.source.context, whole));
      new (made) front{with.source, whole};
      return made + front_size;
#if defined(__cpp_exceptions)
    } catch (...) {
      with.thrown = std::current_exception();
      return nullptr;
    }
#endif
  }

  static void deallocate(void* pointer) noexcept {
    if (pointer == nullptr) return;
    auto* made = static_cast<std::byte*>(pointer) - front_size;
    const front of = *reinterpret_cast<const front*>(made);
    of.source.deallocate(of.source.context, made, of.size);
  }
#endif

  Made* made_ = nullptr;
  void (*end_)(Made*);
};

}  // namespace detail

/// The codec that is libdeflate: see message_codec. Of the settings it knows the level, from 1 to
/// 12. By default it is 1: as small as zlib's at level 6, or within 5 %, in less than half of the
/// time of level 6.
struct libdeflate_codec {
  class deflater {
   public:
    deflater(const memory& source, const deflate_settings& settings)
        : made_{source, libdeflate_free_compressor, [&](auto... options) {
                  const int level = std::clamp<int>(settings.level, 1, largest_level);
                  if constexpr (sizeof...(options) == 0) {
                    return libdeflate_alloc_compressor(level);
                  } else {
                    return libdeflate_alloc_compressor_ex(level, options...);
                  }
                }} {}

    [[nodiscard]] std::size_t deflate(std::span<const std::byte> in,
                                      std::span<std::byte> out) noexcept {
      return libdeflate_deflate_compress(made_.get(), in.data(), in.size(), out.data(), out.size());
    }

   private:
    static constexpr int largest_level = 12;

    detail::libdeflate_object<libdeflate_compressor> made_;
  };

  class inflater {
   public:
    inflater(const memory& source, std::uint8_t /*window_bits*/)
        : made_{source, libdeflate_free_decompressor, [](auto... options) {
                  if constexpr (sizeof...(options) == 0) {
                    return libdeflate_alloc_decompressor();
                  } else {
                    return libdeflate_alloc_decompressor_ex(options...);
                  }
                }} {}

    [[nodiscard]] inflate_result inflate(std::span<const std::byte> in,
                                         std::span<std::byte> out) noexcept {
      inflate_result step;
      switch (libdeflate_deflate_decompress_ex(made_.get(), in.data(), in.size(), out.data(),
                                               out.size(), &step.consumed, &step.produced)) {
        case LIBDEFLATE_SUCCESS:
          step.outcome = inflate_outcome::done;
          break;
        case LIBDEFLATE_INSUFFICIENT_SPACE:
          step.outcome = inflate_outcome::full;
          break;
        default:
          break;
      }
      return step;
    }

   private:
    detail::libdeflate_object<libdeflate_decompressor> made_;
  };

  /// What libdeflate 1.14 takes for the level.
  [[nodiscard]] static constexpr std::size_t deflater_size(
      const deflate_settings& settings) noexcept {
    constexpr std::size_t fastest = 202'759;
    constexpr std::size_t usual = 668'295;
    constexpr std::size_t smallest_output = 9'009'543;
    return sizeof(deflater) + (settings.level <= 1   ? fastest
                               : settings.level < 10 ? usual
                                                     : smallest_output);
  }
  [[nodiscard]] static constexpr std::size_t inflater_size(std::uint8_t /*window_bits*/) noexcept {
    return sizeof(inflater) + 11'560;
  }
};

static_assert(message_codec<libdeflate_codec>);

/// The extension that compresses messages by libdeflate.
using libdeflate_deflate = permessage_deflate<libdeflate_codec>;

/// Endpoints and connections that compress messages by libdeflate where the peer agrees.
///
/// Every message stands for itself: nothing is taken over, whatever deflate_options say, and
/// connections share one compressor and one inflater. Messages that are given in parts, and those
/// that are larger than a window that the peer asked for, are sent as they are. Compressed messages
/// are gathered before they are inflated, in at most max_gathered_bytes(limits) of memory.
namespace libdeflate {

using server_endpoint = basic_endpoint<role::server, libdeflate_deflate>;
using client_endpoint = basic_endpoint<role::client, libdeflate_deflate>;
using server_connection = basic_connection<role::server, libdeflate_deflate>;
using client_connection = basic_connection<role::client, libdeflate_deflate>;

}  // namespace libdeflate

#if defined(HAWSER_HAS_SRC)
HAWSER_INSTANTIATE_DEFLATE(extern, libdeflate_codec);
#endif

}  // namespace hawser::inline v0
