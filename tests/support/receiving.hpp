#pragma once

// A receiver with all that it stands on, and the log of its events. Pieces are joined in the log,
// so that it tells what was received and not how it was cut.

#include "hawser/detail/block.hpp"
#include "hawser/event.hpp"
#include "hawser/receiver.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace support {

// How the log tells a text.
inline std::string text_event(std::string_view payload) {
  return "text " + to_hex(std::as_bytes(std::span{payload}));
}

template <hawser::role Role>
class receiving {
 public:
  explicit receiving(const hawser::receiver_context& context = {}, bool uses_fast_path = true,
                     const hawser::memory& source = {})
      : pool_{source, 0},
        context_{with_pool(context)},
        receiver_{context_},
        is_fast_{uses_fast_path} {
    receiver_.update_fast_limit(context_, is_fast_);
  }
  receiving(const receiving&) = delete;
  receiving& operator=(const receiving&) = delete;
  ~receiving() { receiver_.release(context_); }

  // The next event of [position, end). Checks what holds of each step: progress, the whole input
  // used where there is no event, and fast_limit as the facts have it.
  hawser::event next(std::byte*& position, std::byte* end) {
    const std::byte* before = position;
    hawser::event found = receiver_.next_small(position, end);
    if (!found) found = receiver_.next_alone(position, end, context_);
    if (found) {
      check(position > before && position <= end);
      check(receiver_.fast_limit() == receiver_.fast_limit(context_));
    } else {
      check(position == before);
      found = receiver_.next(position, end, context_);
      check(position >= before && position <= end);
      check(found ? position > before || receiver_.is_ended() || before == end : position == end);
      receiver_.update_fast_limit(context_, is_fast_);
    }
    return found;
  }

  // All events of a part, into the log.
  void feed(std::span<std::byte> part) {
    std::byte* position = part.data();
    std::byte* end = position + part.size();
    while (const hawser::event found = next(position, end)) record(found);
  }
  void feed(bytes&& part) { feed(std::span{part}); }

  [[nodiscard]] const event_log& log() const noexcept { return log_; }
  // The log, and what of a message in pieces had come.
  [[nodiscard]] event_log finished_log() const {
    event_log all = log_;
    if (!piece_.empty()) all.push_back("unfinished " + piece_);
    return all;
  }
  [[nodiscard]] hawser::receiver<Role>& get() noexcept { return receiver_; }
  [[nodiscard]] hawser::receiver_context& context() noexcept { return context_; }

  void record(const hawser::event& found) {
    using hawser::event_kind;
    check(!has_ended_);
    has_ended_ = found.kind() == event_kind::close || found.kind() == event_kind::failed;
    check(has_ended_ == receiver_.is_ended());
    switch (found.kind()) {
      case event_kind::message:
        log_.push_back(type(found) + to_hex(found.payload()));
        return;
      case event_kind::piece:
        record_piece(found);
        return;
      case event_kind::ping:
        log_.push_back("ping " + to_hex(found.payload()));
        return;
      case event_kind::pong:
        log_.push_back("pong " + to_hex(found.payload()));
        return;
      case event_kind::close:
        log_.push_back("close " + number(found.code()) + " " + std::string{found.reason()});
        return;
      case event_kind::failed:
        if (!piece_.empty()) log_.push_back("unfinished " + piece_);
        piece_.clear();
        log_.push_back("failed " + number(found.code()) + " " +
                       std::string{to_string(found.error())});
        return;
      default:
        log_.emplace_back("an event that no receiver has");
    }
  }

 private:
  static void check(bool holds) {
    if (!holds) FAIL("a step of the receiver breaks what holds of every step");
  }

  [[nodiscard]] hawser::receiver_context with_pool(hawser::receiver_context context) noexcept {
    context.pool = &pool_;
    return context;
  }

  static std::string type(const hawser::event& found) {
    check(found.is_text() != found.is_binary());
    return found.is_text() ? "text " : "binary ";
  }

  static std::string number(hawser::close_code code) {
    return std::to_string(static_cast<unsigned>(code));
  }

  // Joins pieces, and checks their flags and places.
  void record_piece(const hawser::event& found) {
    const hawser::piece_position place = receiver_.position_of_piece();
    check(found.is_first() == piece_.empty());
    if (found.is_first()) {
      piece_ = type(found);
      piece_size_ = 0;
    } else {
      check(piece_.starts_with(type(found)));
      check(found.is_last() || !found.payload().empty());
    }
    check(place.offset == piece_size_);
    if (found.is_last()) check(place.is_last_frame && place.frame_remaining == 0);
    if (!found.payload().empty() && piece_size_ != 0) piece_ += ' ';
    piece_ += to_hex(found.payload());
    piece_size_ += found.payload().size();
    if (!found.is_last()) return;
    log_.push_back(piece_);
    piece_.clear();
  }

  hawser::detail::block_pool pool_;
  hawser::receiver_context context_;
  hawser::receiver<Role> receiver_;
  bool is_fast_;
  bool has_ended_ = false;
  event_log log_;
  std::string piece_;
  std::uint64_t piece_size_ = 0;
};

// The log of a receiver that is fed these parts.
template <hawser::role Role>
event_log receive(const chunks& parts, const hawser::receiver_context& context = {},
                  bool uses_fast_path = true) {
  receiving<Role> receiving{context, uses_fast_path};
  for (bytes part : parts) receiving.feed(std::span{part});
  return receiving.finished_log();
}

template <hawser::role Role>
event_log receive(const bytes& input, const hawser::receiver_context& context = {}) {
  return receive<Role>(chunks{input}, context);
}

// The log, which must be the same at every split, with and without the fast path.
template <hawser::role Role>
event_log receive_any_way(const bytes& input, const hawser::receiver_context& context = {}) {
  const auto feed = [&](const chunks& parts) { return receive<Role>(parts, context); };
  const event_log log = require_same_at_every_split(input, feed);
  REQUIRE(receive<Role>(chunks{input}, context, false) == log);
  REQUIRE(receive<Role>(cut_each_byte(input), context, false) == log);
  return log;
}

}  // namespace support
