#pragma once

// A codec without a library: it writes stored blocks, and inflates nothing else. It shows how much
// a codec is.

#include "hawser/deflate_codec.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace support {

struct stored_codec {
  static constexpr std::uint8_t min_window_bits = 8;  // what has no window keeps within any

  class deflater {
   public:
    deflater(const hawser::memory& /*source*/, const hawser::deflate_settings& /*settings*/) {}

    hawser::codec_step deflate(std::span<const std::byte> in, std::span<std::byte> out) noexcept {
      constexpr std::size_t header = 5;
      hawser::codec_step step;
      if (out.size() <= 2 * header) return step;
      step.consumed = std::min({in.size(), out.size() - 2 * header - 1, std::size_t{65535}});
      if (step.consumed != 0) step.produced = put(out, in.first(step.consumed));
      if (step.consumed == in.size()) step.produced += put(out.subspan(step.produced), {});
      return step;
    }
    void restart() noexcept {}

   private:
    static std::size_t put(std::span<std::byte> out, std::span<const std::byte> data) noexcept {
      const auto low = static_cast<std::byte>(data.size() & 0xFFU);
      const auto high = static_cast<std::byte>(data.size() >> 8);
      const std::array header{std::byte{0}, low, high, ~low, ~high};
      std::copy(header.begin(), header.end(), out.begin());
      std::copy(data.begin(), data.end(), out.begin() + header.size());
      return header.size() + data.size();
    }
  };

  class inflater {
   public:
    inflater(const hawser::memory& /*source*/, std::uint8_t /*window_bits*/) {}

    hawser::codec_step inflate(std::span<const std::byte> in, std::span<std::byte> out) noexcept {
      hawser::codec_step step;
      while (step.consumed < in.size() && (left_ == 0 || step.produced < out.size())) {
        if (left_ != 0) {
          const std::size_t size =
              std::min({left_, in.size() - step.consumed, out.size() - step.produced});
          std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(step.consumed), size,
                      out.begin() + static_cast<std::ptrdiff_t>(step.produced));
          step.consumed += size;
          step.produced += size;
          left_ -= size;
          continue;
        }
        header_[size_++] = std::to_integer<unsigned>(in[step.consumed++]);
        step.is_wrong = header_[0] > 1;
        if (step.is_wrong) return step;
        if (size_ < header_.size()) continue;
        left_ = header_[1] | header_[2] << 8;
        is_last_ = header_[0] == 1;
        step.is_wrong = left_ + (header_[3] | header_[4] << 8) != 0xFFFF;
        size_ = 0;
        if (step.is_wrong) return step;
      }
      return step;
    }
    [[nodiscard]] bool has_ended() const noexcept { return is_at_boundary() && is_last_; }
    [[nodiscard]] bool is_at_boundary() const noexcept { return left_ == 0 && size_ == 0; }
    void restart(std::uint8_t /*window_bits*/) noexcept { *this = inflater{{}, 15}; }

   private:
    std::array<unsigned, 5> header_{};
    std::size_t size_ = 0;  // of the header, as far as it came
    std::size_t left_ = 0;  // of the block
    bool is_last_ = false;
  };

  static constexpr std::size_t deflater_size(const hawser::deflate_settings& /*of*/) noexcept {
    return sizeof(deflater);
  }
  static constexpr std::size_t inflater_size(std::uint8_t /*window_bits*/) noexcept {
    return sizeof(inflater);
  }
};

}  // namespace support
