#pragma once

#include "hawser/memory.hpp"
#include "hawser/version.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace hawser::inline v0 {

/// With how much memory and effort messages are compressed.
struct deflate_settings {
  std::uint8_t window_bits = 15;  ///< 8 to 15: the window has 2 to this power bytes.
  std::uint8_t memory_level = 8;  ///< 1 to 9: the size of what remembers where strings began.
  std::uint8_t level = 0;         ///< 1 to 9: the effort; 0: what suits the codec.

  friend constexpr bool operator==(const deflate_settings&, const deflate_settings&) = default;
};

/// What one call of a codec did.
struct codec_step {
  std::size_t consumed = 0;  ///< Bytes of the input.
  std::size_t produced = 0;  ///< Bytes of the output.
  bool is_wrong = false;     ///< The input is not what a compressor makes: the stream is dead.
};

/// What any codec has: a `deflater`, an `inflater`, and `deflater_size(settings)` and
/// `inflater_size(window_bits)`, which are how much memory one of them takes, itself included,
/// within 5 %.
///
/// They take all their memory when they are made or restarted, from the memory that is given where
/// the library lets them, and throw what that throws. They keep their place.
template <class Codec>
concept codec_parts = requires(const deflate_settings& settings, std::uint8_t window_bits) {
  { Codec::deflater_size(settings) } -> std::same_as<std::size_t>;
  { Codec::inflater_size(window_bits) } -> std::same_as<std::size_t>;
  requires std::is_constructible_v<typename Codec::deflater, const memory&,
                                   const deflate_settings&>;
  requires std::is_constructible_v<typename Codec::inflater, const memory&, std::uint8_t>;
};

/// What compresses and inflates raw DEFLATE (RFC 1951) as it comes: a library, seen through these
/// names.
///
/// - `min_window_bits` is the smallest window that the deflater can hold itself to.
/// - `deflate(in, out)` compresses all of `in` and ends at a byte with an empty stored block, as
///   zlib's Z_SYNC_FLUSH does; nothing in, nothing out. Where it did not get through `in` it is
///   called again. `out` has room for deflate_bound(in.size()) bytes, which must be enough.
/// - `inflate(in, out)` goes on behind a block with BFINAL as behind any other, with the window
///   that it has.
/// - `has_ended()`: the last byte that was inflated ended a block with BFINAL. `is_at_boundary()`:
///   it ended an empty stored block, or any other at the end of a byte.
/// - `restart` forgets the window.
template <class Codec>
concept deflate_codec =
    codec_parts<Codec> &&
    requires(typename Codec::deflater& out, typename Codec::inflater& in,
             std::span<const std::byte> from, std::span<std::byte> to, std::uint8_t window_bits) {
      { Codec::min_window_bits } -> std::convertible_to<std::uint8_t>;
      { out.deflate(from, to) } noexcept -> std::same_as<codec_step>;
      { out.restart() } noexcept;
      { in.inflate(from, to) } noexcept -> std::same_as<codec_step>;
      { in.has_ended() } noexcept -> std::same_as<bool>;
      { in.is_at_boundary() } noexcept -> std::same_as<bool>;
      { in.restart(window_bits) };
    };

/// How a call of a message_codec ended.
enum class inflate_outcome : std::uint8_t {
  done,   ///< The stream is complete.
  full,   ///< It is not wrong so far, and makes more than there was room for.
  wrong,  ///< It is not what a compressor makes, or is not complete.
};

/// What one call of a message_codec did.
struct inflate_result {
  inflate_outcome outcome = inflate_outcome::wrong;
  std::size_t consumed = 0;  ///< Bytes of the input, where it is done.
  std::size_t produced = 0;  ///< Bytes of the output, where it is done.
};

/// What compresses and inflates whole streams of raw DEFLATE, each by itself. No window is taken
/// over, and its own is always the largest.
///
/// - `deflate(in, out)` makes a stream of `in`, of which the last block has BFINAL, and returns its
///   size; 0 where that is more than there is room for.
/// - `inflate(in, out)` inflates the stream at the front of `in`, up to the end of the byte where
///   the block with BFINAL ends. What lies in `out` where it is not done has no meaning.
template <class Codec>
concept message_codec =
    codec_parts<Codec> && requires(typename Codec::deflater& out, typename Codec::inflater& in,
                                   std::span<const std::byte> from, std::span<std::byte> to) {
      { out.deflate(from, to) } noexcept -> std::same_as<std::size_t>;
      { in.inflate(from, to) } noexcept -> std::same_as<inflate_result>;
    };

/// A codec of either kind.
template <class Codec>
concept any_codec = deflate_codec<Codec> || message_codec<Codec>;

}  // namespace hawser::inline v0
