#pragma once

// Payloads of compressed messages for tests, by zlib itself, and texts to compress.

#include "hawser/codecs/libdeflate.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/deflate_message.hpp"
#include "hawser/gathered_message.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <zlib.h>

namespace support {

// Built with zlib-ng in zlib's place: a context is one allocation then, which no window changes.
#if defined(ZLIBNG_VERSION)
inline constexpr bool is_zlib_ng = true;
#else
inline constexpr bool is_zlib_ng = false;
#endif

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}

// Raw DEFLATE of `text` as zlib makes it, with everything that ends it.
inline std::string deflated_by_zlib(std::string_view text, int flush = Z_SYNC_FLUSH, int level = 6,
                                    int strategy = Z_DEFAULT_STRATEGY, int window_bits = 15) {
  z_stream stream{};
  deflateInit2(&stream, level, Z_DEFLATED, -window_bits, 8, strategy);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  std::string in{text};
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, flush);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

// The payload of a compressed message.
inline std::string compressed(std::string_view text, int level = 6) {
  std::string out = deflated_by_zlib(text, Z_SYNC_FLUSH, level);
  out.resize(out.size() - 4);
  return out;
}

// Bytes that do not compress, the same each time.
inline std::string noise(std::size_t size, std::uint32_t seed = 1) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 1664525U + 1013904223U;
    c = static_cast<char>(seed >> 24);
  }
  return text;
}

// Text that compresses as JSON does, and does not repeat.
inline std::string json(std::size_t size, std::uint32_t seed = 1) {
  std::string text;
  while (text.size() < size) {
    seed = seed * 1664525U + 1013904223U;
    text += "{\"id\":" + std::to_string(seed >> 8) + ",\"price\":" + std::to_string(seed >> 20) +
            ",\"side\":\"" + (seed >> 31 != 0 ? "buy" : "sell") + "\"},";
  }
  text.resize(size);
  return text;
}

// An inflater and the message that it is at, over memory of its own.
template <class Codec = hawser::zlib_codec>
class message_inflater {
 public:
  explicit message_inflater(const hawser::inflate_bounds& bounds = {},
                            std::uint8_t window_bits = 15)
      : bounds_{bounds}, inflater_{hawser::memory{}, window_bits} {}
  message_inflater(const message_inflater&) = delete;
  message_inflater& operator=(const message_inflater&) = delete;
  ~message_inflater() { begin(); }

  // Forgets the message, not the window.
  void begin() {
    if (block_ != nullptr) pool_.give(block_);
    block_ = nullptr;
    message_ = {};
  }
  hawser::error add(std::string_view part) {
    std::span<const std::byte> rest = bytes_of(part);
    hawser::error wrong = hawser::error::none;
    while (wrong == hawser::error::none && !rest.empty()) {
      wrong = message_.take(inflater_, rest, bounds_, pool_, block_);
    }
    return wrong;
  }
  hawser::error finish() { return message_.finish(inflater_, bounds_, pool_, block_); }

  // A whole message.
  hawser::error inflate(std::string_view payload) {
    begin();
    const hawser::error wrong = add(payload);
    return wrong == hawser::error::none ? finish() : wrong;
  }
  // What came out, or why not.
  std::string inflated(std::string_view payload) {
    const hawser::error wrong = inflate(payload);
    return wrong == hawser::error::none ? std::string{text()} : std::string{to_string(wrong)};
  }

  [[nodiscard]] std::string_view text() const {
    return block_ == nullptr ? std::string_view{} : hawser::as_text(block_->bytes());
  }
  [[nodiscard]] std::size_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  [[nodiscard]] typename Codec::inflater& codec() { return inflater_; }
  void restart(std::uint8_t window_bits) { inflater_.restart(window_bits); }

 private:
  hawser::inflate_bounds bounds_;
  hawser::detail::block_pool pool_{hawser::memory{}, 0};
  typename Codec::inflater inflater_;
  hawser::inflating_message message_;
  hawser::detail::block* block_ = nullptr;
};

// The same with a codec of whole messages, which has no window to forget. The payload comes in
// parts that are expected to be all of it.
template <hawser::message_codec Codec>
class message_inflater<Codec> {
 public:
  explicit message_inflater(const hawser::inflate_bounds& bounds = {},
                            std::uint8_t window_bits = 15)
      : bounds_{bounds}, inflater_{hawser::memory{}, window_bits} {}
  message_inflater(const message_inflater&) = delete;
  message_inflater& operator=(const message_inflater&) = delete;
  ~message_inflater() { begin(); }

  void begin() {
    message_.release(pool_);
    if (block_ != nullptr) pool_.give(block_);
    block_ = nullptr;
  }
  hawser::error add(std::string_view part) {
    const std::uint64_t all = message_.compressed_size() + part.size();
    if (part.empty()) return hawser::error::none;
    part.copy(reinterpret_cast<char*>(message_.add(part.size(), 0, 2 * all, pool_)), part.size());
    return hawser::error::none;
  }
  hawser::error finish() { return message_.inflate(inflater_, bounds_, pool_, block_); }

  hawser::error inflate(std::string_view payload) {
    begin();
    const hawser::error wrong = add(payload);
    return wrong == hawser::error::none ? finish() : wrong;
  }
  std::string inflated(std::string_view payload) {
    const hawser::error wrong = inflate(payload);
    return wrong == hawser::error::none ? std::string{text()} : std::string{to_string(wrong)};
  }

  [[nodiscard]] std::string_view text() const {
    return block_ == nullptr ? std::string_view{} : hawser::as_text(block_->bytes());
  }
  [[nodiscard]] std::size_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  void restart(std::uint8_t /*window_bits*/) {}

 private:
  hawser::inflate_bounds bounds_;
  hawser::detail::block_pool pool_{hawser::memory{}, 0};
  typename Codec::inflater inflater_;
  hawser::gathered_message message_;
  hawser::detail::block* block_ = nullptr;
};

// The payloads of messages, by a codec.
template <class Codec = hawser::zlib_codec>
class message_deflater {
 public:
  explicit message_deflater(const hawser::deflate_settings& settings = {})
      : deflater_{hawser::memory{}, settings} {}

  std::string part(std::string_view text, bool fin) {
    std::string out(hawser::deflate_bound(text.size()), '\0');
    const std::size_t size = hawser::deflate_part(deflater_, bytes_of(text), fin,
                                                  std::as_writable_bytes(std::span{out}));
    if (size == hawser::deflate_failed) return "failed";
    out.resize(size);
    return out;
  }
  std::string whole(std::string_view text) { return part(text, true); }
  void restart() { deflater_.restart(); }

 private:
  typename Codec::deflater deflater_;
};

template <hawser::message_codec Codec>
class message_deflater<Codec> {
 public:
  explicit message_deflater(const hawser::deflate_settings& settings = {})
      : deflater_{hawser::memory{}, settings} {}

  std::string whole(std::string_view text) {
    std::string out(hawser::deflate_bound(text.size()), '\0');
    const std::size_t size =
        hawser::deflate_whole(deflater_, bytes_of(text), std::as_writable_bytes(std::span{out}));
    if (size == hawser::deflate_failed) return "failed";
    out.resize(size);
    return out;
  }
  void restart() {}

 private:
  typename Codec::deflater deflater_;
};

}  // namespace support
