#pragma once

// What a peer that compresses sends, from a script: frames around what zlib itself makes of texts,
// right and wrong ones. An input that is compressed already hardly survives a mutation; a script
// does.

#include "support/fuzzing.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <zlib.h>

namespace support {

// A script: a byte of settings (bits: 0-2 window bits above 8, 3 the window is forgotten after each
// message, 4-7 the level), then messages. Each is a byte of bits, one that says how many bytes of
// text follow, and the text. The bits:
//   0 text, else binary     1 compressed     2 in three fragments     3 with a ping between them
//   4-5 0 sync flush, 1 full flush, 2 BFINAL and an empty block, 3 BFINAL alone
//   6 the text stands there 64 times     7 the next byte says which byte of the payload is wrong
// Behind 255 stand frames as they are.
class compressed_wire {
 public:
  explicit compressed_wire(bool is_masked) : is_masked_{is_masked} {}
  compressed_wire(const compressed_wire&) = delete;
  compressed_wire& operator=(const compressed_wire&) = delete;
  ~compressed_wire() { deflateEnd(&stream_); }

  std::string make(fuzz_input script) {
    const unsigned settings = script.byte();
    begin_stream(8 + static_cast<int>(settings & 7U), static_cast<int>(settings >> 4) % 10);
    while (!script.empty() && wire_.size() < max_size) {
      const unsigned bits = script.byte();
      if (bits == 0xFF) break;
      add(bits, script);
      if ((settings & 8U) != 0) deflateReset(&stream_);
    }
    return std::move(wire_) + std::string{script.take_all()};
  }

 private:
  static constexpr std::size_t max_size = std::size_t{1} << 18;

  void begin_stream(int window_bits, int level) {
    deflateInit2(&stream_, level, Z_DEFLATED, -std::max(window_bits, 9), 8, Z_DEFAULT_STRATEGY);
  }

  void add(unsigned bits, fuzz_input& script) {
    const std::string_view unit = script.take(script.byte());
    std::string text{unit};
    for (int i = 1; (bits & 0x40U) != 0 && i < 64; ++i) text += unit;
    const bool is_compressed = (bits & 2U) != 0;
    std::string payload = is_compressed ? compressed(text, bits >> 4 & 3U) : text;
    if ((bits & 0x80U) != 0 && !payload.empty()) {
      char& wrong = payload[script.byte() % payload.size()];
      wrong = static_cast<char>(wrong ^ 0x10);
    }
    const unsigned first = ((bits & 1U) != 0 ? 1U : 2U) | (is_compressed ? 0x40U : 0U);
    if ((bits & 4U) == 0) return add_frame(first | 0x80U, payload);
    const std::size_t third = payload.size() / 3;
    add_frame(first, std::string_view{payload}.substr(0, third));
    if ((bits & 8U) != 0) add_frame(0x89, "between");
    add_frame(0, std::string_view{payload}.substr(third, third));
    add_frame(0x80, std::string_view{payload}.substr(2 * third));
  }

  std::string compressed(std::string_view text, unsigned how) {
    constexpr std::array<int, 4> flushes = {Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH, Z_FINISH};
    std::string in{text};
    std::string out(deflateBound(&stream_, static_cast<uLong>(in.size())) + 64, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    deflate(&stream_, flushes[how]);
    out.resize(out.size() - stream_.avail_out);
    if (how >= 2) deflateReset(&stream_);
    if (how == 2) return out + '\0';
    if (how < 2) out.resize(out.size() - std::min<std::size_t>(out.size(), 4));
    return out;
  }

  void add_frame(unsigned first, std::string_view payload) {
    constexpr std::array<unsigned char, 4> key = {0x37, 0xFA, 0x21, 0x3D};
    const unsigned mask = is_masked_ ? 0x80U : 0U;
    wire_ += static_cast<char>(first);
    if (payload.size() < 126) {
      wire_ += static_cast<char>(mask | static_cast<unsigned>(payload.size()));
    } else {
      const unsigned bytes = payload.size() < 65536 ? 2 : 8;
      wire_ += static_cast<char>(mask | (bytes == 2 ? 126U : 127U));
      for (unsigned i = bytes; i-- != 0;) {
        wire_ += static_cast<char>(std::uint64_t{payload.size()} >> (8 * i) & 0xFFU);
      }
    }
    if (!is_masked_) {
      wire_ += payload;
      return;
    }
    for (const unsigned char byte : key) wire_ += static_cast<char>(byte);
    for (std::size_t i = 0; i < payload.size(); ++i) {
      wire_ += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ key[i % 4]);
    }
  }

  bool is_masked_;
  z_stream stream_{};
  std::string wire_;
};

}  // namespace support
