#pragma once

// A sender with its outbox and all that they stand on; and frames read back from the wire by hand,
// so that what is sent does not rest on what receives.

#include "hawser/detail/block.hpp"
#include "hawser/entropy.hpp"
#include "hawser/outbox.hpp"
#include "hawser/sender.hpp"
#include "support/bytes.hpp"
#include "support/fixed_entropy.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace support {

// A frame as it stands on the wire, its payload unmasked.
struct wire_frame {
  bool fin = false;
  unsigned rsv = 0;
  unsigned opcode = 0;
  bool masked = false;
  bytes key;
  std::size_t header_size = 0;
  bytes payload;

  [[nodiscard]] bool is_control() const noexcept { return opcode >= 8; }
  [[nodiscard]] std::size_t size() const noexcept { return header_size + payload.size(); }
};

// The frame at the front of these bytes, if all of it is there.
inline std::optional<wire_frame> read_frame(std::span<const std::byte> in) {
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint64_t>(in[i]); };
  if (in.size() < 2) return std::nullopt;
  wire_frame frame;
  frame.fin = at(0) >= 128;
  frame.rsv = static_cast<unsigned>(at(0) / 16 % 8);
  frame.opcode = static_cast<unsigned>(at(0) % 16);
  frame.masked = at(1) >= 128;
  std::uint64_t length = at(1) % 128;
  const std::size_t length_size = length < 126 ? 0 : length == 126 ? 2 : 8;
  frame.header_size = 2 + length_size + (frame.masked ? 4U : 0U);
  if (in.size() < frame.header_size) return std::nullopt;
  if (length_size != 0) length = 0;
  for (std::size_t i = 0; i < length_size; ++i) length = length * 256 + at(2 + i);
  if (in.size() - frame.header_size < length) return std::nullopt;
  if (frame.masked) {
    const auto key = in.subspan(frame.header_size - 4, 4);
    frame.key.assign(key.begin(), key.end());
  }
  const auto payload = in.subspan(frame.header_size, static_cast<std::size_t>(length));
  frame.payload.assign(payload.begin(), payload.end());
  for (std::size_t i = 0; frame.masked && i < payload.size(); ++i) {
    frame.payload[i] ^= frame.key[i % 4];
  }
  return frame;
}

// All frames; `rest` is what is left of one that is cut.
inline std::vector<wire_frame> read_frames(std::span<const std::byte> in, bytes* rest = nullptr) {
  std::vector<wire_frame> frames;
  while (std::optional<wire_frame> frame = read_frame(in)) {
    in = in.subspan(frame->size());
    frames.push_back(std::move(*frame));
  }
  if (rest != nullptr) rest->assign(in.begin(), in.end());
  return frames;
}

template <hawser::role Role>
class sending {
 public:
  static constexpr std::size_t plenty = std::size_t{1} << 30;

  explicit sending(std::size_t max_output_size = plenty, const hawser::memory& source = {},
                   std::size_t max_kept = 0)
      : pool_{source, max_kept},
        random_{counting_.source()},
        context_{.max_output_size = max_output_size, .pool = &pool_, .entropy = &random_} {}
  sending(const sending&) = delete;
  sending& operator=(const sending&) = delete;
  ~sending() { out_.clear(pool_); }

  hawser::error send(hawser::opcode type, std::span<const std::byte> payload) {
    return sender_.send(out_, type, payload, context_);
  }
  hawser::error send(hawser::opcode type, std::string_view payload) {
    return send(type, std::as_bytes(std::span{payload}));
  }
  hawser::error begin(hawser::opcode type) { return sender_.begin(type); }
  hawser::error append(std::string_view part, bool fin) {
    return sender_.append(out_, std::as_bytes(std::span{part}), fin, context_);
  }
  void control(hawser::opcode type, std::string_view payload) {
    sender_.send_control(out_, type, std::as_bytes(std::span{payload}), context_);
  }
  void close(hawser::close_code code, std::string_view reason) {
    sender_.send_close(out_, code, reason, context_);
  }
  void consume(std::size_t size) { out_.consume(pool_, size); }

  // All that waits, in one piece. Hands it out.
  [[nodiscard]] bytes waiting() {
    bytes all;
    for (const std::span<const std::byte> part : out_.output()) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  // The same, and it is sent.
  [[nodiscard]] bytes take_all() {
    bytes all;
    while (!out_.empty()) {
      const bytes part = waiting();
      all.insert(all.end(), part.begin(), part.end());
      consume(part.size());
    }
    return all;
  }

  [[nodiscard]] hawser::outbox& out() noexcept { return out_; }
  [[nodiscard]] hawser::sender<Role>& get() noexcept { return sender_; }
  [[nodiscard]] hawser::sender_context& context() noexcept { return context_; }
  [[nodiscard]] hawser::detail::block_pool& pool() noexcept { return pool_; }
  [[nodiscard]] const counting_entropy& entropy() const noexcept { return counting_; }

 private:
  hawser::detail::block_pool pool_;
  counting_entropy counting_;
  hawser::entropy random_;
  hawser::sender_context context_;
  hawser::outbox out_;
  hawser::sender<Role> sender_;
};

}  // namespace support
