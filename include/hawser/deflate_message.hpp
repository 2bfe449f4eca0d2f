#pragma once

#include "hawser/deflate_codec.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

// A message's payload as RFC 7692 7.2 transforms it, in parts: what a compressor makes of them, and
// what comes out of them, within bounds.
namespace hawser::inline v0 {

/// What a compressed message lacks of its last block, at its end. RFC 7692 7.2.1: "Remove 4 octets
/// (that are 0x00 0x00 0xff 0xff) from the tail end."
inline constexpr std::array<std::byte, 4> deflate_tail{std::byte{0x00}, std::byte{0x00},
                                                       std::byte{0xFF}, std::byte{0xFF}};

/// Up to this size a message may inflate at any ratio. In bytes.
inline constexpr std::uint64_t ratio_free_size = std::uint64_t{64} << 10;

/// The most that deflate_part writes for a part of this size. Compressors write less: what does not
/// shrink they store, in blocks of 5 bytes more each.
[[nodiscard]] constexpr std::size_t deflate_bound(std::size_t size) noexcept {
  return size + size / 6 + 64;
}

/// After each so many bytes the ratio is looked at, so that it does not matter how the input is
/// cut.
inline constexpr std::size_t ratio_step = std::size_t{16} << 10;

/// What deflate_part returns where the codec failed.
inline constexpr std::size_t deflate_failed = std::numeric_limits<std::size_t>::max();

/// Compresses the next part of a message to `to`, which has room for deflate_bound(part.size())
/// bytes, and returns the size; with `fin` the last part. Every part is complete in what it adds.
template <class Deflater>
[[nodiscard]] std::size_t deflate_part(Deflater& with, std::span<const std::byte> part, bool fin,
                                       std::span<std::byte> to) noexcept {
  std::size_t size = 0;
  for (;;) {
    const std::span<std::byte> room = to.subspan(size);
    const codec_step step = with.deflate(part, room);
    part = part.subspan(step.consumed);
    size += step.produced;
    if (part.empty() && step.produced < room.size()) break;
    if (step.is_wrong || step.consumed + step.produced == 0) return deflate_failed;
  }
  if (!fin) return size;
  // RFC 7692 7.2.1: "If the resulting data does not end with an empty DEFLATE block with no
  // compression (the "BTYPE" bits are set to 00), append an empty DEFLATE block with no compression
  // to the tail end." A compressor that had nothing to flush wrote none, and stands at a byte.
  if (size >= deflate_tail.size()) return size - deflate_tail.size();
  to[0] = std::byte{0};
  return 1;
}

/// How far a message may inflate.
struct inflate_bounds {
  std::uint64_t max_size = 0;   ///< In bytes; 0: unlimited.
  std::uint32_t max_ratio = 0;  ///< Bytes that come of one, beyond ratio_free_size; 0: unlimited.
  std::size_t enough = 0;       ///< Stop after so many, while there is input; 0: take all of it.
};

/// A message while it is inflated. It counts; the window is the inflater's.
class inflating_message {
 public:
  /// Bytes that came out.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Bytes that went in.
  [[nodiscard]] std::uint64_t compressed_size() const noexcept { return compressed_size_; }

  /// Inflates `part`, which is moved over what was used, to the end of `to`.
  ///
  /// Errors: bad_compressed_data, message_too_big, ratio_too_high. With any of them at most
  /// `bounds.max_size` bytes of the message lie in `to`.
  template <class Inflater>
  [[nodiscard]] error take(Inflater& with, std::span<const std::byte>& part,
                           const inflate_bounds& bounds, detail::block_pool& pool,
                           detail::block*& to) {
    return part.empty() ? error::none : take_all(with, part, bounds, pool, to);
  }

  /// Inflates what the sender removed, when all of the message has come. Errors: as above.
  template <class Inflater>
  [[nodiscard]] error finish(Inflater& with, const inflate_bounds& bounds, detail::block_pool& pool,
                             detail::block*& to) {
    // Nothing at all is an empty message; and behind BFINAL some senders leave out the empty block
    // to which the tail belongs.
    if (compressed_size_ == 0) return error::none;
    inflate_bounds all = bounds;
    all.enough = 0;
    // Where memory ran out behind the last byte, the inflater may have more of it.
    if (to == nullptr || to->room() == 0) {
      std::span<const std::byte> nothing;
      const error wrong = take_all(with, nothing, all, pool, to);
      if (wrong != error::none) return wrong;
    }
    if (with.has_ended()) return is_over_ratio(bounds) ? error::ratio_too_high : error::none;
    // RFC 7692 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the
    // message."
    std::span<const std::byte> tail = deflate_tail;
    const error wrong = take_all(with, tail, all, pool, to);
    if (wrong != error::none) return wrong;
    if (!with.is_at_boundary() && !with.has_ended()) return error::bad_compressed_data;
    return is_over_ratio(bounds) ? error::ratio_too_high : error::none;
  }

 private:
  // As take, where there may be nothing but what the inflater has.
  template <class Inflater>
  [[nodiscard]] error take_all(Inflater& with, std::span<const std::byte>& part,
                               const inflate_bounds& bounds, detail::block_pool& pool,
                               detail::block*& to) {
    const std::uint64_t before = size_;
    bool is_drained = false;
    while (!is_drained) {
      // Where the message may not grow, one byte more is what gives it away.
      std::byte excess{};
      std::span<std::byte> room{&excess, 1};
      const std::uint64_t left = bounds.max_size == 0 ? std::numeric_limits<std::uint64_t>::max()
                                                      : bounds.max_size - size_;
      if (left != 0) room = room_for(part.size(), left, pool, to);
      if (bounds.max_ratio != 0) room = room.first(detail::min_of(room.size(), to_next_look()));
      const codec_step step = with.inflate(part, room);
      part = part.subspan(step.consumed);
      compressed_size_ += step.consumed;
      if (left == 0 && step.produced != 0) return error::message_too_big;
      if (left != 0) to->end += step.produced;
      size_ += step.produced;
      if (step.is_wrong) return error::bad_compressed_data;
      const bool is_due = step.produced != 0 && to_next_look() == ratio_step;
      if (is_due && is_over_ratio(bounds)) return error::ratio_too_high;
      const bool is_full = step.produced == room.size();
      const bool is_stuck = !is_full && !part.empty() && step.consumed == 0;
      if (is_stuck && !with.has_ended()) return error::bad_compressed_data;
      is_drained = !is_full && part.empty();
      if (bounds.enough != 0 && size_ - before >= bounds.enough && !part.empty()) break;
    }
    return error::none;
  }

  // Room behind what lies in `to`, at most `left` bytes. Memory follows what came out; only the
  // first guess follows what came.
  [[nodiscard]] static std::span<std::byte> room_for(std::size_t part, std::uint64_t left,
                                                     detail::block_pool& pool, detail::block*& to) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 2;
    const std::size_t used = to == nullptr ? 0 : to->end;
    const auto free = static_cast<std::size_t>(detail::min_of<std::uint64_t>(left, most - used));
    if (to == nullptr || to->room() == 0) {
      constexpr std::size_t largest_guess = std::size_t{16} << 10;
      const std::size_t guess = detail::min_of(part, largest_guess / 4) * 4;
      const std::size_t wanted = to == nullptr ? detail::max_of(guess, std::size_t{512}) : 1;
      detail::reserve(pool, to, detail::min_of(wanted, free), used + free);
    }
    return {to->data() + to->end, detail::min_of(to->room(), free)};
  }

  [[nodiscard]] std::size_t to_next_look() const noexcept {
    return ratio_step - static_cast<std::size_t>(size_ % ratio_step);
  }
  [[nodiscard]] bool is_over_ratio(const inflate_bounds& bounds) const noexcept {
    return bounds.max_ratio != 0 && size_ > ratio_free_size &&
           size_ / bounds.max_ratio > compressed_size_;
  }

  std::uint64_t size_ = 0;
  std::uint64_t compressed_size_ = 0;
};

}  // namespace hawser::inline v0
