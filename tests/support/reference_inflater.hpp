#pragma once

// RFC 7692 7.2.2 once more: zlib by itself, a byte in and a byte out at a time, so that it never
// looks back further than its window.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <zlib.h>

namespace support {

class reference_inflater {
 public:
  // `agreed` is the response's header, `is_server` whether it is the server that compressed.
  reference_inflater(std::string_view agreed, bool is_server)
      : takeover_{agreed.find(is_server ? "server_no_context" : "client_no_context") ==
                  std::string_view::npos},
        window_bits_{std::max(9, bits_of(agreed, is_server ? "server_max_window_bits="
                                                           : "client_max_window_bits="))} {
    inflateInit2(&stream_, -window_bits_);
  }
  reference_inflater(const reference_inflater&) = delete;
  reference_inflater& operator=(const reference_inflater&) = delete;
  ~reference_inflater() { inflateEnd(&stream_); }

  void begin() {
    size_ = 0;
    if (!takeover_) reset();
  }
  // What one byte more of the payload brings; false where it is wrong.
  [[nodiscard]] bool add(char byte, std::string& out) {
    ++size_;
    return inflate_byte(byte, out);
  }
  [[nodiscard]] bool finish(std::string& out) {
    if (size_ == 0 || has_ended_) return true;
    constexpr std::string_view tail{"\0\0\xFF\xFF", 4};
    for (const char byte : tail) {
      if (!inflate_byte(byte, out)) return false;
    }
    return has_ended_ || (stream_.data_type & 0xBF) == 0x80;
  }
  // Bytes of the payload so far.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  static int bits_of(std::string_view agreed, std::string_view name) {
    const std::size_t place = agreed.find(name);
    if (place == std::string_view::npos) return 15;
    int bits = 0;
    for (const char digit : agreed.substr(place + name.size(), 2)) {
      if (digit >= '0' && digit <= '9') bits = bits * 10 + (digit - '0');
    }
    return bits;
  }

  void reset() {
    inflateReset(&stream_);
    has_ended_ = false;
  }

  [[nodiscard]] bool inflate_byte(char byte, std::string& out) {
    Bytef in = static_cast<Bytef>(byte);
    stream_.next_in = &in;
    stream_.avail_in = 1;
    for (;;) {
      // A stream may also end on bits that were taken before.
      if (has_ended_) inflateResetKeep(&stream_);
      has_ended_ = false;
      Bytef produced = 0;
      stream_.next_out = &produced;
      stream_.avail_out = 1;
      const int result = ::inflate(&stream_, Z_SYNC_FLUSH);
      if (stream_.avail_out == 0) out += static_cast<char>(produced);
      if (result == Z_STREAM_END) has_ended_ = true;
      if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) return false;
      if (has_ended_ && stream_.avail_in != 0) continue;
      if (has_ended_ || stream_.avail_out != 0) return true;
    }
  }

  bool takeover_;
  int window_bits_;
  bool has_ended_ = false;
  z_stream stream_{};
  std::uint64_t size_ = 0;
};

}  // namespace support
