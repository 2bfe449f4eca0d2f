#pragma once

// Connections as tests hold them: one end with its log, or both ends with a wire between them that
// cuts as it is told, and a clock that goes on when it is told.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/chunked.hpp"
#include "support/fixed_entropy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace support {

// True where code runs at its full speed; elsewhere tests of throughput take smaller inputs.
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
inline constexpr bool is_fast_build = false;
#elif defined(__has_feature)
inline constexpr bool is_fast_build = !__has_feature(address_sanitizer);
#else
inline constexpr bool is_fast_build = true;
#endif

class simulated_clock {
 public:
  [[nodiscard]] hawser::time_point now() const noexcept { return now_; }
  void advance(hawser::duration length) noexcept { now_ = now_ + length; }
  void advance_to(hawser::time_point when) noexcept { now_ = std::max(now_, when); }

 private:
  hawser::time_point now_{123'456'789'000};
};

// What a list of spans holds, up to `most` bytes.
inline bytes joined(const hawser::output_list& output, std::size_t most = SIZE_MAX) {
  bytes all;
  for (const std::span<const std::byte> part : output) {
    const std::span<const std::byte> taken = part.first(std::min(part.size(), most - all.size()));
    all.insert(all.end(), taken.begin(), taken.end());
  }
  return all;
}

// Payloads in a log: short ones byte by byte, long ones by their size and a number that tells them
// apart.
inline std::string describe(std::span<const std::byte> payload) {
  if (payload.size() <= 130) return to_hex(payload);
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const std::byte byte : payload) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001B3U;
  }
  return std::to_string(payload.size()) + " bytes, " + std::to_string(hash);
}

inline std::string number(hawser::close_code code) {
  return std::to_string(static_cast<unsigned>(code));
}

// The lines of an event_log for the events that end a connection.
inline std::string close_line(hawser::close_code code, std::string_view reason) {
  return "close " + number(code) + " " + std::string{reason};
}
inline std::string failure_line(hawser::error why) {
  return "failed " + number(close_code_for(why)) + " " + std::string{to_string(why)};
}
// The same before the connection is open, where no close frame can tell the peer.
inline std::string opening_failure_line(hawser::error why) {
  return "failed 1006 " + std::string{to_string(why)};
}

// A connection, the log of its events and the bytes that it sent. Pieces are joined in the log.
// What holds of every event is checked: nothing comes after the last, flags and places of pieces
// agree.
template <hawser::role Role, class Extension = hawser::no_extension>
class logged_connection {
 public:
  static constexpr hawser::role self = Role;
  using connection_type = hawser::basic_connection<Role, Extension>;
  using endpoint_type = typename connection_type::endpoint_type;
  using reaction = std::function<void(connection_type&, const hawser::event&)>;

  explicit logged_connection(endpoint_type& endpoint)
    requires(Role == hawser::role::server)
      : connection_{endpoint} {}
  logged_connection(endpoint_type& endpoint, hawser::client_request request)
    requires(Role == hawser::role::client)
      : connection_{endpoint, std::move(request)} {}
  logged_connection(endpoint_type& endpoint, const hawser::agreement& agreed)
      : connection_{connection_type::adopt(endpoint, agreed)} {}

  connection_type* operator->() noexcept { return &connection_; }
  connection_type& operator*() noexcept { return connection_; }

  // What is done on each event.
  reaction react;

  // Gives a part, in memory of exactly its size, and takes all events.
  void feed(std::span<const std::byte> part) {
    const std::unique_ptr<std::byte[]> copy{new std::byte[part.size()]};
    std::copy(part.begin(), part.end(), copy.get());
    feed_in_place({copy.get(), part.size()});
  }
  void feed(std::string_view text) { feed(std::as_bytes(std::span{text})); }
  void feed_in_place(std::span<std::byte> part) {
    auto events = connection_.receive(part);
    while (const hawser::event found = events.next()) {
      record(found);
      if (react) react(connection_, found);
    }
    if (!events.rest().empty()) FAIL("bytes are left though there is no more event");
  }
  void feed_each_byte(std::span<const std::byte> input) {
    for (const std::byte& byte : input) feed({&byte, 1});
  }

  // An event that the test took by itself.
  void note(const hawser::event& found) { record(found); }

  // The first event of a connection that was adopted, which no test wants to see again.
  void take_open() {
    feed(std::span<const std::byte>{});
    if (log_.size() != 1 || !log_.front().starts_with("open")) FAIL("it does not open");
    log_.clear();
  }

  // Tells the end of the stream and takes the event that follows from it.
  void feed_end() {
    connection_.receive_eof();
    feed(std::span<const std::byte>{});
  }

  // Takes what is to be sent, or the first part of it, away.
  bytes take_output(std::size_t most = std::numeric_limits<std::size_t>::max()) {
    bytes all;
    while (all.size() < most && connection_.has_output()) {
      const bytes part = joined(connection_.output(), most - all.size());
      if (part.empty()) FAIL("there is output, and none is shown");
      connection_.consume_output(part.size());
      all.insert(all.end(), part.begin(), part.end());
    }
    sent_.insert(sent_.end(), all.begin(), all.end());
    return all;
  }
  std::string take_output_text() { return to_text(take_output()); }

  [[nodiscard]] const event_log& log() const noexcept { return log_; }
  [[nodiscard]] std::string last_line() const { return log_.empty() ? std::string{} : log_.back(); }
  // Everything that was taken so far.
  [[nodiscard]] const bytes& sent() const noexcept { return sent_; }
  // True after the event that ends the connection.
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
  void forget_log() { log_.clear(); }

  // What can be asked of the connection, in one line.
  [[nodiscard]] std::string state() const {
    constexpr std::string_view names[] = {"connecting", "open", "closing", "closed"};
    std::string line{names[static_cast<unsigned>(connection_.ready_state())]};
    if (connection_.wants_shutdown()) line += ", wants shutdown";
    if (connection_.wants_close()) line += ", wants close";
    if (connection_.was_clean()) line += ", clean";
    line += ", " + number(connection_.close_code());
    if (!connection_.close_reason().empty()) line += " " + std::string{connection_.close_reason()};
    if (connection_.error() != hawser::error::none) {
      line += ", " + std::string{to_string(connection_.error())};
    }
    return line;
  }

 private:
  static void check(bool holds) {
    if (!holds) FAIL("an event breaks what holds of every event");
  }

  void record(const hawser::event& found) {
    using hawser::event_kind;
    check(!has_ended_);
    switch (found.kind()) {
      case event_kind::request:
        if constexpr (Role == hawser::role::server) {
          const hawser::request& asked = connection_.request();
          log_.push_back((asked.is_upgrade() ? "upgrade " : "request ") +
                         std::string{asked.method()} + " " + std::string{asked.target()});
        }
        return;
      case event_kind::open:
        check(connection_.ready_state() == hawser::ready_state::open ||
              connection_.ready_state() == hawser::ready_state::closing);
        log_.push_back(connection_.protocol().empty()
                           ? "open"
                           : "open " + std::string{connection_.protocol()});
        return;
      case event_kind::message:
        check(found.is_text() != found.is_binary());
        log_.push_back((found.is_text() ? "text " : "binary ") + describe(found.payload()));
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
        check(found.code() == connection_.close_code());
        check(found.reason() == connection_.close_reason());
        return end(close_line(found.code(), found.reason()));
      case event_kind::failed:
        check(found.error() == connection_.error() && found.code() == connection_.close_code());
        return end("failed " + number(found.code()) + " " + std::string{to_string(found.error())});
      case event_kind::refused:
        if constexpr (Role == hawser::role::client) {
          return end("refused " + std::to_string(connection_.response().status));
        }
        return;
      case event_kind::none:
        check(false);
    }
  }

  void end(std::string line) {
    if (is_in_piece_) log_.push_back("unfinished " + piece_type_ + describe(piece_));
    is_in_piece_ = false;
    has_ended_ = true;
    log_.push_back(std::move(line));
  }

  void record_piece(const hawser::event& found) {
    const hawser::piece_position place = connection_.position_of_piece();
    const std::string type = found.is_text() ? "text " : "binary ";
    check(found.is_text() != found.is_binary());
    check(found.is_first() == !is_in_piece_);
    if (found.is_first()) {
      piece_type_ = type;
      piece_.clear();
      is_in_piece_ = true;
    }
    check(type == piece_type_);
    check(found.is_last() || !found.payload().empty());
    check(place.offset == piece_.size());
    if (found.is_last()) check(place.is_last_frame && place.frame_remaining == 0);
    piece_.insert(piece_.end(), found.payload().begin(), found.payload().end());
    if (!found.is_last()) return;
    is_in_piece_ = false;
    log_.push_back(type + describe(piece_));
  }

  connection_type connection_;
  event_log log_;
  bytes sent_;
  std::string piece_type_;
  bytes piece_;
  bool is_in_piece_ = false;
  bool has_ended_ = false;
};

// At which end, for TEMPLATE_TEST_CASE.
struct at_server {
  static constexpr hawser::role self = hawser::role::server;
};
struct at_client {
  static constexpr hawser::role self = hawser::role::client;
};

// A connection that is open from the start, with an endpoint of its own.
template <hawser::role Role>
class adopted {
 public:
  using endpoint_type = typename hawser::basic_connection<Role>::endpoint_type;
  using options_type = typename endpoint_type::options_type;

  adopted() : adopted{options_type{}} {}
  explicit adopted(options_type options)
      : endpoint{std::move(options)}, end{endpoint, hawser::agreement{}} {
    end.take_open();
  }

  endpoint_type endpoint;
  logged_connection<Role> end;
};

// The events that the peer of an end makes of what that end sent. It takes anything that is legal.
template <hawser::role Role>
event_log read_back(const bytes& sent) {
  adopted<hawser::peer_of(Role)> peer{
      {.limits = {.max_message_size = 100'000'000, .max_control_frames = 0}}};
  peer.end.feed(sent);
  return peer.end.log();
}

// Sends each message back, whole or piece by piece, as it came.
template <hawser::role Role>
void echo(hawser::basic_connection<Role>& connection, const hawser::event& found) {
  if (!found.is_message() && !found.is_piece()) return;
  const hawser::error wrong = connection.send(found);
  if (wrong != hawser::error::none && wrong != hawser::error::not_open) {
    FAIL("an echo could not be sent: " << std::string{to_string(wrong)});
  }
}

// A server, a client, and what lies between.
class pair {
  // Before the endpoints, whose options refer to it.
  counting_entropy server_entropy_{17};
  counting_entropy client_entropy_{1};

 public:
  struct setup {
    hawser::server_options server = {};
    hawser::client_options client = {};
    hawser::client_request request = {.url = "ws://localhost:9001/chat?room=1"};
  };

  pair() : pair{setup{}} {}
  explicit pair(setup with)
      : server_endpoint{with_entropy(std::move(with.server), server_entropy_)},
        client_endpoint{with_entropy(std::move(with.client), client_entropy_)},
        server{server_endpoint},
        client{client_endpoint, std::move(with.request)} {}

  hawser::server_endpoint server_endpoint;
  hawser::client_endpoint client_endpoint;
  logged_connection<hawser::role::server> server;
  logged_connection<hawser::role::client> client;
  simulated_clock clock;
  // How many bytes arrive at once.
  std::size_t step = std::numeric_limits<std::size_t>::max();

  // Brings what waits now to the other end; false where nothing waits.
  bool carry_to_server() { return carry(client, server); }
  bool carry_to_client() { return carry(server, client); }

  // Until nothing waits at either end.
  void run() {
    for (std::size_t turn = 0; turn < 10'000; ++turn) {
      const bool there = carry_to_server();
      const bool back = carry_to_client();
      if (!there && !back) return;
    }
    FAIL("the two ends never come to rest");
  }

  // The opening handshake, and its events forgotten.
  void open() {
    run();
    if (!server->is_open() || !client->is_open()) FAIL("the handshake failed: " << server.state());
    server.forget_log();
    client.forget_log();
  }

  // Time passes, and both ends are told.
  void tick(hawser::duration length) {
    clock.advance(length);
    server->on_time(clock.now());
    client->on_time(clock.now());
  }

 private:
  template <class Options>
  static Options with_entropy(Options options, counting_entropy& entropy) {
    options.entropy = entropy.source();
    return options;
  }

  template <class From, class To>
  bool carry(From& from, To& to) {
    const bytes all = from.take_output();
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t size = std::min(step, all.size() - at);
      to.feed(std::span{all}.subspan(at, size));
      at += size;
    }
    return !all.empty();
  }
};

}  // namespace support
