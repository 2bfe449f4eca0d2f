#pragma once

// What fuzz targets share: how a target fails, how it reads its input, and how the events of a
// connection become a log that does not tell how the bytes were cut. No exceptions, no Catch2.

#include "hawser/close_payload.hpp"
#include "hawser/error.hpp"
#include "hawser/event.hpp"
#include "hawser/receiver.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace support {

// Fails the target, with a message, where `holds` is false.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "this does not hold: %s\n", what);
  std::abort();
}

// The input of a target, read from the front. Where it is used up, numbers are 0.
class fuzz_input {
 public:
  fuzz_input(const std::uint8_t* data, std::size_t size) noexcept
      : rest_{reinterpret_cast<const char*>(data), size} {}
  explicit fuzz_input(std::string_view bytes) noexcept : rest_{bytes} {}

  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

  unsigned byte() noexcept {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view take(std::size_t size) noexcept {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // The last `size` bytes, or as many as there are.
  std::string_view take_back(std::size_t size) noexcept {
    const std::size_t left = rest_.size() - std::min(size, rest_.size());
    const std::string_view taken = rest_.substr(left);
    rest_ = rest_.substr(0, left);
    return taken;
  }

  std::string_view take_all() noexcept { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

// A copy of bytes in memory of exactly their size, so that a sanitizer sees each overrun.
class exact_copy {
 public:
  explicit exact_copy(std::string_view from)
      : bytes_{std::make_unique<std::byte[]>(from.size())}, size_{from.size()} {
    const std::span<const std::byte> source = std::as_bytes(std::span{from});
    std::copy(source.begin(), source.end(), bytes_.get());
  }

  [[nodiscard]] std::span<std::byte> span() const noexcept { return {bytes_.get(), size_}; }
  [[nodiscard]] std::string_view text() const noexcept { return hawser::as_text(span()); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_;
};

// Cuts `whole` into parts of 1 to 16 bytes, or larger ones, as `sizes` says; without `sizes` it is
// one part.
inline std::vector<std::string_view> cut_by(std::string_view whole, std::string_view sizes) {
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; !whole.empty() && !sizes.empty(); ++i) {
    const auto byte = static_cast<unsigned char>(sizes[i % sizes.size()]);
    const std::size_t size = byte < 0x80 ? byte % 16U + 1U : (byte & 0x7FU) * 8U + 1U;
    parts.push_back(whole.substr(0, size));
    whole.remove_prefix(parts.back().size());
  }
  if (!whole.empty()) parts.push_back(whole);
  return parts;
}

inline std::vector<std::string_view> cut_each(std::string_view whole) {
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < whole.size(); ++i) parts.push_back(whole.substr(i, 1));
  return parts;
}

using fuzz_log = std::vector<std::string>;

inline void require_same(const fuzz_log& a, const fuzz_log& b, const char* what) {
  if (a == b) return;
  for (const fuzz_log* log : {&a, &b}) {
    std::fprintf(stderr, "---\n");
    for (const std::string& line : *log) {
      std::fprintf(stderr, "%.*s\n", static_cast<int>(std::min<std::size_t>(line.size(), 200)),
                   line.data());
    }
  }
  require(false, what);
}

// The lines of such a log. reference.hpp writes the same.
inline std::string line_of_message(bool is_text, std::string_view payload) {
  return (is_text ? "text " : "binary ") + std::string{payload};
}
inline std::string line_of_close(unsigned code, std::string_view reason) {
  return "close " + std::to_string(code) + " " + std::string{reason};
}
inline std::string line_of_failure(hawser::error why) {
  return "failed " + std::string{to_string(why)};
}

// Events as a log. Pieces are joined, and checked for what holds of each.
class event_record {
 public:
  void add(const hawser::event& found, const hawser::piece_position& place) {
    require(!has_ended_, "nothing comes behind close, failed or refused");
    switch (found.kind()) {
      case hawser::event_kind::message:
        require(found.is_text() != found.is_binary(), "a message is either text or binary");
        lines_.push_back(line_of_message(found.is_text(), found.text()));
        break;
      case hawser::event_kind::piece:
        add_piece(found, place);
        break;
      case hawser::event_kind::ping:
        lines_.push_back("ping " + std::string{found.text()});
        break;
      case hawser::event_kind::pong:
        lines_.push_back("pong " + std::string{found.text()});
        break;
      default:
        add_other(found);
    }
  }

  // The log, and what had come of a message in pieces.
  [[nodiscard]] fuzz_log lines() const {
    fuzz_log all = lines_;
    if (!piece_.empty()) all.push_back("unfinished " + line_of_message(is_text_, piece_));
    return all;
  }
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }

 private:
  void add_piece(const hawser::event& found, const hawser::piece_position& place) {
    require(found.is_first() == !in_message_, "first pieces begin messages");
    if (found.is_first()) is_text_ = found.is_text();
    require(found.is_text() == is_text_ && found.is_binary() == !is_text_,
            "all pieces of a message have its type");
    require(found.is_last() || !found.payload().empty(), "only the last piece may be empty");
    require(place.offset == piece_.size(), "a piece knows its offset");
    require(!found.is_last() || (place.is_last_frame && place.frame_remaining == 0),
            "behind the last piece is nothing");
    piece_ += found.text();
    in_message_ = !found.is_last();
    if (in_message_) return;
    lines_.push_back(line_of_message(is_text_, piece_));
    piece_.clear();
  }

  void add_other(const hawser::event& found) {
    using hawser::event_kind;
    has_ended_ = found.kind() == event_kind::close || found.kind() == event_kind::failed ||
                 found.kind() == event_kind::refused;
    if (has_ended_) lines_ = lines();
    if (has_ended_) piece_.clear();
    switch (found.kind()) {
      case event_kind::open:
        lines_.emplace_back("open");
        break;
      case event_kind::request:
        lines_.emplace_back("request");
        break;
      case event_kind::close:
        lines_.push_back(line_of_close(static_cast<unsigned>(found.code()), found.reason()));
        break;
      case event_kind::failed:
        require(found.error() != hawser::error::none, "a failure has a reason");
        lines_.push_back(line_of_failure(found.error()));
        break;
      case event_kind::refused:
        lines_.emplace_back("refused");
        break;
      default:
        require(false, "an event is of a known kind");
    }
  }

  fuzz_log lines_;
  std::string piece_;
  bool is_text_ = false;
  bool in_message_ = false;
  bool has_ended_ = false;
};

}  // namespace support
