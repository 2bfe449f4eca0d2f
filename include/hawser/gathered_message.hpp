#pragma once

#include "hawser/deflate_codec.hpp"
#include "hawser/deflate_message.hpp"
#include "hawser/detail/block.hpp"
#include "hawser/detail/bytes.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/limits.hpp"
#include "hawser/version.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

// A message's payload as RFC 7692 7.2 transforms it, by a codec that takes and gives it as a whole:
// see message_codec.
namespace hawser::inline v0 {

/// Compresses a message to `to`, which has room for deflate_bound(message.size()) bytes, and
/// returns the size; deflate_failed where the codec failed.
///
/// RFC 7692 7.2.3.4: "On platforms where the flush method using an empty DEFLATE block with no
/// compression is not available, implementors can choose to flush data using DEFLATE blocks with
/// "BFINAL" set to 1." The empty block behind it is what the peer completes by deflate_tail.
template <class Deflater>
[[nodiscard]] std::size_t deflate_whole(Deflater& with, std::span<const std::byte> message,
                                        std::span<std::byte> to) noexcept {
  const std::size_t size = with.deflate(message, to.first(to.size() - 1));
  if (size == 0) return deflate_failed;
  to[size] = std::byte{0};
  return size + 1;
}

/// How large a message may be that is gathered: as the limits say, or where they say nothing, since
/// other messages pass in pieces, the default.
[[nodiscard]] constexpr std::uint64_t max_inflated_size(const limits& most) noexcept {
  return most.max_message_size == 0 ? limits{}.max_message_size : most.max_message_size;
}

/// How large its payload may be: twice the size, for what does not shrink grows in each fragment.
[[nodiscard]] constexpr std::uint64_t max_gathered_size(const limits& most) noexcept {
  constexpr std::uint64_t least = 1024;
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t size = max_inflated_size(most);
  return size > (largest - least) / 2 ? largest : 2 * size + least;
}

/// The payload of a compressed message while it comes, and then what it inflates to.
class gathered_message {
 public:
  /// What is put behind the payload.
  static constexpr std::size_t ending_size = 9;

  /// Bytes that came out.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Bytes that came.
  [[nodiscard]] std::uint64_t compressed_size() const noexcept {
    return block_ == nullptr ? 0 : block_->end;
  }

  /// Room for `size` more bytes of the payload, to which they belong now; `soon` of them, and
  /// those, get room at once. There are never more than `most`.
  [[nodiscard]] std::byte* add(std::size_t size, std::size_t soon, std::uint64_t most,
                               detail::block_pool& pool) {
    constexpr std::uint64_t largest = std::numeric_limits<std::size_t>::max() / 2;
    const auto all = static_cast<std::size_t>(detail::min_of(most, largest));
    detail::reserve(pool, block_, detail::max_of(size, soon) + ending_size, all + ending_size);
    std::byte* const to = block_->data() + block_->end;
    block_->end += size;
    return to;
  }

  /// Inflates the payload, all of which has come, to `to`, a block or null, and gives its memory
  /// back. May be called again where memory ran out.
  ///
  /// Errors: bad_compressed_data, message_too_big, ratio_too_high. With any of them nothing lies in
  /// `to`.
  template <class Inflater>
  [[nodiscard]] error inflate(Inflater& with, const inflate_bounds& bounds,
                              detail::block_pool& pool, detail::block*& to) {
    // Nothing at all is an empty message.
    const error wrong = block_ == nullptr ? error::none : inflate_streams(with, bounds, pool, to);
    if (to != nullptr && wrong != error::none) to->end = 0;
    size_ = to == nullptr ? 0 : to->end;
    release(pool);
    return wrong;
  }

  /// Gives the memory of the payload back.
  void release(detail::block_pool& pool) noexcept {
    if (block_ != nullptr) pool.give(block_);
    block_ = nullptr;
  }

 private:
  // RFC 7692 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the
  // message." With an empty block behind them that has BFINAL the stream is complete.
  static constexpr std::array<std::byte, ending_size> ending{
      std::byte{0x00}, std::byte{0x00}, std::byte{0xFF}, std::byte{0xFF}, std::byte{0x01},
      std::byte{0x00}, std::byte{0x00}, std::byte{0xFF}, std::byte{0xFF}};
  // The same with another empty block, of fixed codes.
  static constexpr std::array<std::byte, 6> other_ending{std::byte{0x00}, std::byte{0x00},
                                                         std::byte{0xFF}, std::byte{0xFF},
                                                         std::byte{0x03}, std::byte{0x00}};

  // The most that may come out, and what is wrong with more.
  struct bound {
    std::size_t size;
    error excess;
  };
  [[nodiscard]] bound bound_of(const inflate_bounds& bounds) const noexcept {
    constexpr std::uint64_t largest = std::numeric_limits<std::size_t>::max() / 2;
    const std::uint64_t size =
        bounds.max_size == 0 ? largest : detail::min_of(bounds.max_size, largest);
    bound most{static_cast<std::size_t>(size), error::message_too_big};
    if (bounds.max_ratio == 0) return most;
    const std::uint64_t by_ratio =
        detail::max_of(ratio_free_size, bounds.max_ratio * (compressed_size() + 1) - 1);
    if (by_ratio < size) most = {static_cast<std::size_t>(by_ratio), error::ratio_too_high};
    return most;
  }

  // RFC 7692 7.2.3.4: behind a block with BFINAL the next stream begins.
  template <class Inflater>
  [[nodiscard]] error inflate_streams(Inflater& with, const inflate_bounds& bounds,
                                      detail::block_pool& pool, detail::block*& to) {
    const bound most = bound_of(bounds);
    const std::size_t size = block_->end;
    if (to != nullptr) to->end = 0;
    reserve_first(most.size, pool, to);
    const std::span<const std::byte> payload = complete(ending);
    std::size_t at = 0;
    std::size_t last = 0;
    std::size_t before = 0;
    while (at < size) {
      const inflate_result step = with.inflate(payload.subspan(at), room(most.size, to));
      if (step.outcome == inflate_outcome::wrong) return error::bad_compressed_data;
      if (step.outcome == inflate_outcome::full) {
        if (room(most.size, to).size() == most.size - to->end) return most.excess;
        grow(most.size, pool, to);
        continue;
      }
      last = at;
      before = to->end;
      at += step.consumed;
      to->end += step.produced;
    }
    // Some senders leave out the empty block to which the tail belongs, and some set BFINAL there.
    if (at == size || at == size + deflate_tail.size()) return error::none;
    if (at != payload.size()) return error::bad_compressed_data;
    const std::span<const std::byte> made{to->data() + before, to->end - before};
    if (made.size() < ending.size() ||
        std::memcmp(made.last(ending.size()).data(), ending.data(), ending.size()) != 0) {
      return error::none;
    }
    // A block that claims the ending as its own data gives itself away where that is another one.
    to->end = before;
    const std::span<const std::byte> again = complete(other_ending).subspan(last);
    const inflate_result step = with.inflate(again, room(most.size, to));
    if (step.outcome != inflate_outcome::done || step.consumed != again.size()) {
      return error::bad_compressed_data;
    }
    to->end += step.produced;
    return error::none;
  }

  // The payload with this behind it, for which add() has left room.
  template <std::size_t Size>
  [[nodiscard]] std::span<const std::byte> complete(
      const std::array<std::byte, Size>& with) noexcept {
    detail::copy_bytes(block_->data() + block_->end, with.data(), Size);
    return {block_->data(), block_->end + Size};
  }

  // Memory follows what came, and then what came out. In all, what is inflated in vain is less than
  // twice what is inflated in the end.
  void reserve_first(std::size_t most, detail::block_pool& pool, detail::block*& to) const {
    constexpr std::size_t least = 512;
    constexpr std::size_t usual_ratio = 8;
    const std::size_t guess =
        block_->end > most / usual_ratio ? most : detail::max_of(block_->end * usual_ratio, least);
    detail::reserve(pool, to, detail::min_of(guess, most), most);
  }
  static void grow(std::size_t most, detail::block_pool& pool, detail::block*& to) {
    const std::size_t now = to->capacity;
    const std::size_t next = now > most / 2 ? most : 2 * now;
    if (to->end == 0) {
      pool.give(to);
      to = nullptr;
    }
    const std::size_t used = to == nullptr ? 0 : to->end;
    detail::reserve(pool, to, next - used, most);
  }
  [[nodiscard]] static std::span<std::byte> room(std::size_t most, detail::block* to) noexcept {
    return {to->data() + to->end, detail::min_of(to->room(), most - to->end)};
  }

  detail::block* block_ = nullptr;
  std::uint64_t size_ = 0;
};

/// The most memory that the payload of one message takes while it comes: what a connection over a
/// message_codec may hold beyond max_connection_bytes. As there, the largest number where that is
/// no bound.
[[nodiscard]] constexpr std::size_t max_gathered_bytes(const limits& most) noexcept {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
  if (max_gathered_size(most) > largest / 4) return largest;
  // A block that grows is there twice.
  return 2 * detail::block_size(static_cast<std::size_t>(max_gathered_size(most)) +
                                gathered_message::ending_size);
}

}  // namespace hawser::inline v0
