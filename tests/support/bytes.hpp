#pragma once

// Bytes as tests write them: `"81 05 48 65"_hex`, texts, numbers from a seed, and frames, legal or
// not. The frames are put together by hand, so that they do not rest on what they test.

#include "hawser/rfc6455.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace support {

using bytes = std::vector<std::byte>;

inline namespace literals {

// Pairs of hexadecimal digits; spaces between them are skipped. Anything else ends the program.
inline bytes operator""_hex(const char* digits, std::size_t size) {
  const auto value = [](char digit) -> unsigned {
    constexpr std::string_view all = "0123456789abcdef0123456789ABCDEF";
    const auto found = all.find(digit);
    if (found == std::string_view::npos) std::abort();
    return static_cast<unsigned>(found % 16);
  };
  bytes result;
  for (std::size_t i = 0; i < size; ++i) {
    if (digits[i] == ' ') continue;
    if (i + 1 == size) std::abort();
    result.push_back(static_cast<std::byte>(value(digits[i]) << 4 | value(digits[i + 1])));
    ++i;
  }
  return result;
}

}  // namespace literals

inline bytes to_bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span{text});
  return {view.begin(), view.end()};
}

inline std::string to_text(std::span<const std::byte> from) {
  return {reinterpret_cast<const char*>(from.data()), from.size()};
}

inline std::string to_hex(std::span<const std::byte> from) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const std::byte byte : from) {
    if (!result.empty()) result += ' ';
    result += digits[std::to_integer<unsigned>(byte) >> 4];
    result += digits[std::to_integer<unsigned>(byte) & 15U];
  }
  return result;
}

template <class... Parts>
bytes concat(const Parts&... parts) {
  bytes result;
  (result.insert(result.end(), std::begin(parts), std::end(parts)), ...);
  return result;
}

inline bytes repeat(std::size_t count, std::span<const std::byte> part) {
  bytes result;
  result.reserve(count * part.size());
  for (std::size_t i = 0; i < count; ++i) result.insert(result.end(), part.begin(), part.end());
  return result;
}

// A sequence of numbers that is the same on each machine and run.
class seeded {
 public:
  explicit seeded(std::uint64_t seed = 1) : state_{seed} {}

  std::uint64_t next() {  // splitmix64
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBU;
    return mixed ^ mixed >> 31;
  }

  // One of 0 .. count - 1.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }

  bytes some_bytes(std::size_t size) {
    bytes result(size);
    for (std::byte& byte : result) byte = static_cast<std::byte>(next() & 0xFFU);
    return result;
  }

 private:
  std::uint64_t state_;
};

// A frame in all its bits. `forge` writes it as it is told, right or wrong.
struct forged {
  bool fin = true;
  unsigned rsv = 0;     // 0 to 7: RSV1 is 4, RSV3 is 1
  unsigned opcode = 2;  // 0 to 15
  bool masked = false;
  std::array<std::uint8_t, 4> key = {0x37, 0xFA, 0x21, 0x3D};
  std::size_t length_size = shortest;     // bytes of the length field: 0, 2, 8
  std::uint64_t announced = payload_has;  // the length that the header claims
  static constexpr std::size_t shortest = 99;
  static constexpr std::uint64_t payload_has = 0xFEDCBA9876543210U;
};

inline bytes forge(const forged& frame, std::span<const std::byte> payload = {}) {
  const std::uint64_t length =
      frame.announced == forged::payload_has ? payload.size() : frame.announced;
  std::size_t length_size = frame.length_size;
  if (length_size == forged::shortest) length_size = length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8;
  bytes result;
  const auto add = [&](std::uint64_t byte) {
    result.push_back(static_cast<std::byte>(byte & 0xFFU));
  };
  add((frame.fin ? 128U : 0U) + frame.rsv * 16 + frame.opcode);
  add((frame.masked ? 128U : 0U) + (length_size == 0 ? length : length_size == 2 ? 126 : 127));
  for (std::size_t i = length_size; i != 0; --i) add(length >> (8 * (i - 1)));
  if (frame.masked) {
    for (const std::uint8_t byte : frame.key) add(byte);
  }
  for (std::size_t i = 0; i < payload.size(); ++i) {
    add(std::to_integer<unsigned>(payload[i]) ^ (frame.masked ? frame.key[i % 4] : 0U));
  }
  return result;
}

// The same as the peer of `receiver` must send it: masked by a client, not by a server.
inline bytes forge_to(hawser::role receiver, forged frame,
                      std::span<const std::byte> payload = {}) {
  frame.masked = receiver == hawser::role::server;
  return forge(frame, payload);
}

// A legal frame to `receiver`, unless FIN or the opcode make it one that is not.
inline bytes frame_to(hawser::role receiver, hawser::opcode opcode,
                      std::span<const std::byte> payload, bool fin = true) {
  return forge_to(receiver, {.fin = fin, .opcode = static_cast<unsigned>(opcode)}, payload);
}

inline bytes frame_to(hawser::role receiver, hawser::opcode opcode, std::string_view payload,
                      bool fin = true) {
  return frame_to(receiver, opcode, std::as_bytes(std::span{payload}), fin);
}

// The payload of a close frame with any number for a code.
inline bytes close_body(unsigned code, std::string_view reason = {}) {
  return concat(
      bytes{static_cast<std::byte>(code >> 8 & 0xFFU), static_cast<std::byte>(code & 0xFFU)},
      to_bytes(reason));
}

}  // namespace support
