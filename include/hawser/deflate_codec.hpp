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
  std::uint8_t window_bits = 15;  ///< The window has 2 to this power bytes.
  std::uint8_t memory_level = 8;  ///< 1 to 9: the size of what remembers where strings began.
  std::uint8_t level = 6;         ///< 1 to 9: the effort.

  friend constexpr bool operator==(const deflate_settings&, const deflate_settings&) = default;
};

/// What one call of a codec did.
struct codec_step {
  std::size_t consumed = 0;  ///< Bytes of the input.
  std::size_t produced = 0;  ///< Bytes of the output.
  bool is_wrong = false;     ///< The input is not what a compressor makes: the stream is dead.
};

/// What compresses and inflates raw DEFLATE (RFC 1951): a library, seen through these names.
///
/// - `min_window_bits` is the smallest window that the deflater can hold itself to.
/// - `deflater_size(settings)` and `inflater_size(window_bits)` are how much memory one of them
///   takes, itself included, within 5 %.
/// - `deflate(in, out)` compresses all of `in` and ends at a byte with an empty stored block, as
///   zlib's Z_SYNC_FLUSH does; nothing in, nothing out. Where it did not get through `in` it is
///   called again. `out` has room for deflate_bound(in.size()) bytes, which must be enough.
/// - `inflate(in, out)` goes on behind a block with BFINAL as behind any other, with the window
///   that it has.
/// - `has_ended()`: the last byte that was inflated ended a block with BFINAL. `is_at_boundary()`:
///   it ended an empty stored block, or any other at the end of a byte.
/// - `restart` forgets the window.
///
/// They take all their memory when they are made or restarted, from the memory that is given, and
/// throw what that throws. They keep their place.
template <class Codec>
concept deflate_codec = requires(typename Codec::deflater& out, typename Codec::inflater& in,
                                 std::span<const std::byte> from, std::span<std::byte> to,
                                 const deflate_settings& settings, std::uint8_t window_bits) {
  { Codec::min_window_bits } -> std::convertible_to<std::uint8_t>;
  { Codec::deflater_size(settings) } -> std::same_as<std::size_t>;
  { Codec::inflater_size(window_bits) } -> std::same_as<std::size_t>;
  requires std::is_constructible_v<typename Codec::deflater, const memory&,
                                   const deflate_settings&>;
  requires std::is_constructible_v<typename Codec::inflater, const memory&, std::uint8_t>;
  { out.deflate(from, to) } noexcept -> std::same_as<codec_step>;
  { out.restart() } noexcept;
  { in.inflate(from, to) } noexcept -> std::same_as<codec_step>;
  { in.has_ended() } noexcept -> std::same_as<bool>;
  { in.is_at_boundary() } noexcept -> std::same_as<bool>;
  { in.restart(window_bits) };
};

}  // namespace hawser::inline v0
