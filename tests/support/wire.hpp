#pragma once

#include "hawser/rfc6455.hpp"
#include "support/bytes.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace support {

// Bytes on their way to one end, put together frame by frame.
class wire_to {
 public:
  explicit wire_to(hawser::role receiver) noexcept : receiver_{receiver} {}

  wire_to& text(std::string_view payload, bool fin = true) {
    return frame(hawser::opcode::text, std::as_bytes(std::span{payload}), fin);
  }
  wire_to& binary(std::span<const std::byte> payload, bool fin = true) {
    return frame(hawser::opcode::binary, payload, fin);
  }
  // The payload of a compressed message, or its first part.
  wire_to& deflated(std::string_view payload, bool is_text = true, bool fin = true) {
    return forged({.fin = fin, .rsv = 4, .opcode = is_text ? 1U : 2U},
                  std::as_bytes(std::span{payload}));
  }
  wire_to& more(std::span<const std::byte> payload, bool fin = false) {
    return frame(hawser::opcode::continuation, payload, fin);
  }
  wire_to& more(std::string_view payload, bool fin = false) {
    return more(std::as_bytes(std::span{payload}), fin);
  }
  wire_to& last(std::string_view payload) { return more(payload, true); }
  wire_to& ping(std::string_view payload = {}) {
    return frame(hawser::opcode::ping, std::as_bytes(std::span{payload}));
  }
  wire_to& pong(std::string_view payload = {}) {
    return frame(hawser::opcode::pong, std::as_bytes(std::span{payload}));
  }
  wire_to& close() { return frame(hawser::opcode::close, {}); }
  wire_to& close(unsigned code, std::string_view reason = {}) {
    return frame(hawser::opcode::close, close_body(code, reason));
  }
  wire_to& frame(hawser::opcode opcode, std::span<const std::byte> payload, bool fin = true) {
    return forged({.fin = fin, .opcode = static_cast<unsigned>(opcode)}, payload);
  }
  // As told, but masked as it must be.
  wire_to& forged(const support::forged& frame, std::span<const std::byte> payload = {}) {
    return raw(forge_to(receiver_, frame, payload));
  }
  wire_to& raw(std::span<const std::byte> some) {
    bytes_.insert(bytes_.end(), some.begin(), some.end());
    return *this;
  }

  operator bytes() const { return bytes_; }      // NOLINT(google-explicit-constructor)
  operator std::span<const std::byte>() const {  // NOLINT(google-explicit-constructor)
    return bytes_;
  }

 private:
  hawser::role receiver_;
  bytes bytes_;
};

}  // namespace support
