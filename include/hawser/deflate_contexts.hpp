#pragma once

#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_negotiation.hpp"
#include "hawser/deflate_options.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/memory.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

namespace hawser::inline v0 {

/// The compressors and inflaters of an endpoint's connections: makes them, and where no window is
/// taken over lends them out, so that connections which do not compress at the same time share one.
template <any_codec Codec>
class deflate_contexts {
 public:
  /// That of a message of which the size is not known, or which does not stand for itself.
  static constexpr std::size_t any_size = std::numeric_limits<std::size_t>::max();

  using deflater = typename Codec::deflater;
  using inflater = typename Codec::inflater;

  deflate_contexts(const deflate_options& options, const memory& source) noexcept
      : options_{in_range(options)}, source_{source} {}
  deflate_contexts(const deflate_contexts&) = delete;
  deflate_contexts& operator=(const deflate_contexts&) = delete;
  ~deflate_contexts() {
    for (deflater* kept : deflaters_) destroy(kept);
    destroy(small_deflater_);
    destroy(inflater_);
  }

  [[nodiscard]] const deflate_options& options() const noexcept { return options_; }

  /// A compressor with an empty window of at most this size. Where it is for nothing but one
  /// message, `size` is that message's. Throws what the memory throws.
  [[nodiscard]] deflater* take_deflater(std::uint8_t window_bits, std::size_t size = any_size) {
    deflater*& kept = place_of(window_bits, size);
    if (kept == nullptr) {
      if (is_small(window_bits, size)) {
        return make<deflater>(small_message_settings(options_.settings));
      }
      deflate_settings settings = options_.settings;
      settings.window_bits = window_bits;
      return make<deflater>(settings);
    }
    deflater* taken = kept;
    kept = nullptr;
    if constexpr (deflate_codec<Codec>) taken->restart();
    return taken;
  }
  /// Keeps what was taken so for the next who asks, or destroys it. Null is nothing.
  void give(deflater* used, std::uint8_t window_bits, std::size_t size = any_size) noexcept {
    keep(place_of(window_bits, size), used);
  }

  /// An inflater with an empty window of at least this size. Throws what the memory throws.
  [[nodiscard]] inflater* take_inflater(std::uint8_t window_bits) {
    const std::uint8_t bits = detail::max_of(window_bits, smallest_window);
    if (inflater_ == nullptr) return make<inflater>(bits);
    if constexpr (deflate_codec<Codec>) inflater_->restart(bits);
    inflater* taken = inflater_;
    inflater_ = nullptr;
    return taken;
  }
  /// Keeps it for the next who asks, or destroys it. Null is nothing.
  void give(inflater* used) noexcept { keep(inflater_, used); }

  /// For contexts that are not to be kept. Null is nothing.
  template <class Context>
  void destroy(Context* used) noexcept {
    if (used == nullptr) return;
    used->~Context();
    source_.deallocate(source_.context, used, sizeof(Context));
  }

 private:
  static constexpr std::uint8_t smallest_window = 9;

  [[nodiscard]] static bool is_small(std::uint8_t window_bits, std::size_t size) noexcept {
    return deflate_codec<Codec> && window_bits > small_message_window_bits &&
           size <= small_message_size;
  }
  [[nodiscard]] deflater*& place_of(std::uint8_t window_bits, std::size_t size) noexcept {
    return is_small(window_bits, size) ? small_deflater_
                                       : deflaters_[window_bits - min_window_bits];
  }

  template <class Context, class Settings>
  [[nodiscard]] Context* make(const Settings& settings) {
    // Given back where the constructor throws.
    struct room {
      ~room() {
        if (at != nullptr) source.deallocate(source.context, at, sizeof(Context));
      }
      const memory& source;
      void* at;
    } taken{source_, source_.allocate(source_.context, sizeof(Context))};
    auto* made = new (taken.at) Context{source_, settings};
    taken.at = nullptr;
    return made;
  }

  template <class Context>
  void keep(Context*& place, Context* used) noexcept {
    if (place != nullptr) {
      destroy(used);
    } else {
      place = used;
    }
  }

  deflate_options options_;
  memory source_;
  std::array<deflater*, 8> deflaters_ = {};  // one of each window from 8 bits on
  deflater* small_deflater_ = nullptr;
  inflater* inflater_ = nullptr;
};

}  // namespace hawser::inline v0
