#pragma once

// zlib's codec, and beside it an inflater that is given room for one byte at a time: that one never
// looks back further than its window. zlib looks back as far as the output of a call goes, so that
// what a peer has compressed with more window than was agreed on is refused or not as it is cut.

#include "hawser/codecs/zlib.hpp"
#include "hawser/permessage_deflate.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace support {

struct watching_codec {
  static constexpr std::uint8_t min_window_bits = hawser::zlib_codec::min_window_bits;
  using deflater = hawser::zlib_codec::deflater;

  // Whether a peer was let go back further than was agreed on, since it was set to false.
  static inline bool has_gone_too_far = false;

  class inflater {
   public:
    inflater(const hawser::memory& source, std::uint8_t window_bits)
        : real_{source, window_bits}, strict_{source, window_bits} {}

    hawser::codec_step inflate(std::span<const std::byte> in, std::span<std::byte> out) noexcept {
      const hawser::codec_step step = real_.inflate(in, out);
      if (!is_same_) return step;
      // The last call is for what is left where there is no room.
      std::span<const std::byte> rest = in.first(step.consumed);
      std::size_t produced = 0;
      bool is_wrong = false;
      while (!is_wrong && produced <= step.produced) {
        std::array<std::byte, 1> byte{};
        const std::size_t room = std::min<std::size_t>(1, step.produced - produced);
        if (room == 0 && rest.empty()) break;
        const hawser::codec_step one = strict_.inflate(rest, std::span{byte}.first(room));
        rest = rest.subspan(one.consumed);
        is_same_ = one.produced == 0 || byte[0] == out[produced];
        produced += one.produced;
        is_wrong = one.is_wrong;
        const bool is_stuck = one.consumed + one.produced == 0;
        if (!is_same_ || (is_stuck && (rest.empty() || !strict_.has_ended()))) break;
      }
      is_same_ = is_same_ && produced == step.produced && is_wrong == step.is_wrong;
      if (!is_same_) has_gone_too_far = true;
      return step;
    }
    [[nodiscard]] bool has_ended() const noexcept { return real_.has_ended(); }
    [[nodiscard]] bool is_at_boundary() noexcept { return real_.is_at_boundary(); }
    void restart(std::uint8_t window_bits) {
      real_.restart(window_bits);
      strict_.restart(window_bits);
      is_same_ = true;
    }

   private:
    hawser::zlib_codec::inflater real_;
    hawser::zlib_codec::inflater strict_;
    bool is_same_ = true;
  };

  static constexpr std::size_t deflater_size(const hawser::deflate_settings& settings) noexcept {
    return hawser::zlib_codec::deflater_size(settings);
  }
  static constexpr std::size_t inflater_size(std::uint8_t window_bits) noexcept {
    return 2 * hawser::zlib_codec::inflater_size(window_bits);
  }
};

static_assert(hawser::deflate_codec<watching_codec>);

using watching_deflate = hawser::permessage_deflate<watching_codec>;

}  // namespace support
