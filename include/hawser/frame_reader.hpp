#pragma once

#include "hawser/detail/bytes.hpp"
#include "hawser/detail/config.hpp"
#include "hawser/detail/min_max.hpp"
#include "hawser/error.hpp"
#include "hawser/frame.hpp"
#include "hawser/mask.hpp"
#include "hawser/utf8.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hawser::inline v0 {

/// Reads frames that come in parts: a header, then its payload, unmasked. Resumable at any byte;
/// 16 bytes of state; knows nothing of messages.
///
/// Call read_header until it says `complete`, then take the payload until `remaining()` is 0, then
/// read_header again.
class frame_reader {
 public:
  /// What read_header found. Neither complete nor an error: more bytes are needed.
  struct progress {
    bool complete = false;
    hawser::error error = error::none;
  };

  /// Reads as much of a header as lies in [position, end), moves `position` behind it and, where it
  /// is complete, writes it to `header`.
  [[nodiscard]] progress read_header(std::byte*& position, const std::byte* end,
                                     const frame_rules& rules, frame_header& header) noexcept {
    const auto available = static_cast<std::size_t>(end - position);
    const std::size_t cut = cut_size();
    frame_header_result found;
    if (cut == 0) {
      found = parse_frame_header({position, available}, rules);
      position += found.size;
    } else {
      const std::size_t joined = cut + detail::min_of(available, max_frame_header_size - cut);
      detail::copy_bytes(state_.data() + cut, position, joined - cut);
      found = parse_frame_header({state_.data(), joined}, rules);
      if (found.size != 0) position += found.size - cut;
    }
    if (found.error != error::none) return {.error = found.error};
    if (found.size == 0) {
      if (cut == 0) detail::copy_bytes(state_.data(), position, available);
      set_cut_size(cut + available);
      position += available;
      return {};
    }
    set_cut_size(0);
    header = found.header;
    set_remaining(header.payload_size);
    set_key(header.key);
    return {.complete = true};
  }

  /// True where a part of a header has come.
  [[nodiscard]] bool is_cut() const noexcept { return cut_size() != 0; }

  /// Payload bytes of the frame that are still to come.
  [[nodiscard]] std::uint64_t remaining() const noexcept {
    return is_cut() ? 0 : detail::load<std::uint64_t>(state_.data());
  }

  /// Takes as much payload as lies in [position, end), unmasked in place, and moves `position`.
  [[nodiscard]] HAWSER_NO_INLINE std::span<std::byte> take(std::byte*& position,
                                                           const std::byte* end) noexcept {
    const std::span<std::byte> part{position, available_payload(position, end)};
    if (key().memory() != 0) set_key(mask(part, key()));
    advance(position, part.size());
    return part;
  }

  /// Gives back the last `size` bytes of what take() unmasked in place, masked as they came.
  void give_back(std::byte*& position, std::size_t size) noexcept {
    position -= size;
    set_remaining(remaining() + size);
    set_key(key().rotated((4 - size % 4) % 4));
    if (key().memory() != 0) static_cast<void>(mask({position, size}, key()));
  }

  /// Takes `size` bytes of payload, which are no more than available_payload(), unmasked into `to`,
  /// and moves `position`.
  HAWSER_NO_INLINE void take_copy(std::byte*& position, std::size_t size, std::byte* to) noexcept {
    set_key(mask_copy(to, {position, size}, key()));
    advance(position, size);
  }

  /// The same where they are the next part of `text`, and `to` may be `position`: returns how many
  /// of them can stand there, as validate_utf8 does.
  [[nodiscard]] HAWSER_NO_INLINE std::size_t take_text(std::byte*& position, std::size_t size,
                                                       std::byte* to, utf8_state& text) noexcept {
    const std::span<std::byte> part{position, size};
    masking_key next = key();
    const std::size_t valid = next.memory() == 0 && to == position
                                  ? validate_utf8(text, part)
                                  : unmask_utf8(text, to, part, next);
    set_key(next);
    advance(position, size);
    return valid;
  }

  /// How much payload of this frame lies in [position, end).
  [[nodiscard]] std::size_t available_payload(const std::byte* position,
                                              const std::byte* end) const noexcept {
    const auto available = static_cast<std::uint64_t>(end - position);
    return static_cast<std::size_t>(detail::min_of(available, remaining()));
  }

 private:
  // While a header is cut its bytes lie in state_[0..14); else the payload that remains in [0..8)
  // and the key in [8..12). state_[15] is how many bytes of a cut header there are.
  [[nodiscard]] std::size_t cut_size() const noexcept {
    return std::to_integer<std::size_t>(state_[15]);
  }
  void set_cut_size(std::size_t size) noexcept { state_[15] = static_cast<std::byte>(size); }
  void set_remaining(std::uint64_t size) noexcept { detail::store(state_.data(), size); }
  [[nodiscard]] masking_key key() const noexcept {
    return masking_key::from_memory(detail::load<std::uint32_t>(state_.data() + 8));
  }
  void set_key(masking_key key) noexcept { detail::store(state_.data() + 8, key.memory()); }
  void advance(std::byte*& position, std::size_t size) noexcept {
    position += size;
    set_remaining(remaining() - size);
  }

  std::array<std::byte, 16> state_ = {};
};

static_assert(sizeof(frame_reader) == 16);

}  // namespace hawser::inline v0
