#pragma once

// A connection that a fuzz input drives: with options, bytes and calls from the input, and with
// everything asserted that holds whatever they are. What that is stands in fuzz/README.md.

#include "hawser/codecs/libdeflate.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/connection.hpp"
#include "hawser/gathered_message.hpp"
#include "hawser/memory_bound.hpp"
#include "support/drive_plan.hpp"
#include "support/fuzz_memory.hpp"
#include "support/fuzzing.hpp"
#include "support/output_reader.hpp"
#include "support/reference.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

template <hawser::role Role, class Extension>
class driven {
 public:
  using endpoint_type = hawser::basic_endpoint<Role, Extension>;
  using connection_type = hawser::basic_connection<Role, Extension>;

  explicit driven(fuzz_input in)
      : plan_{in},
        actions_{in.take_back(2 * action_count_of(plan_))},
        wire_bytes_{plan_.wire(is_server, in.take_all())},
        wire_{wire_bytes_},
        endpoint_(plan_.make_endpoint<Role, Extension>()),
        output_{{.is_server = Role == hawser::role::server,
                 .has_handshake = plan_.begins_with_handshake(),
                 .checks_text = !plan_.bit(1, 3)}} {
    heap_.during([&] { connection_ = plan_.make_connection(endpoint_); });
  }

  void run() {
    check_state();
    while (!actions_.empty()) {
      const unsigned op = actions_.byte();
      act(op % action_count, actions_.byte());
      check_state();
    }
    if (!plan_.is_dropped()) {
      finish();
      check_end();
    }
    heap_.during([&] { connection_.reset(); });
    const std::size_t kept = endpoint_.options().max_kept_memory;
    hawser::limits limits = endpoint_.options().limits;
    if (plan_.bit(1, 1))
      limits.max_message_size = is_gathered ? hawser::max_inflated_size(limits) : 0;
    const std::size_t bound = max_bytes(limits) + own_memory;
    // What the endpoint keeps for others are blocks, and contexts that no window is taken over in.
    const std::size_t of_connection = hawser::max_connection_bytes(limits) +
                                      (is_gathered ? hawser::max_gathered_bytes(limits) : 0);
    require(heap_.live() <= kept + bound - of_connection, "all memory was given back");
    require(Extension::is_used || heap_.live() <= kept, "all memory was given back");
    require(heap_.peak() <= bound + kept + compressing_memory(),
            "memory stays within max_connection_bytes");
  }

 private:
  static constexpr bool is_server = Role == hawser::role::server;
  // Messages are compressed and inflated as a whole.
  static constexpr bool is_gathered = [] {
    if constexpr (Extension::is_used) return hawser::message_codec<typename Extension::codec>;
    return false;
  }();
  // A client's own request, an application's answer, and what malloc rounds up.
  static constexpr std::size_t own_memory = 4096;
  static constexpr unsigned action_count = 24;

  // An agreement that somebody else made need not be what the options insist on.
  [[nodiscard]] std::size_t max_bytes(const hawser::limits& limits) const {
    if constexpr (is_gathered) {
      using codec = typename Extension::codec;
      return hawser::max_connection_bytes(limits) + hawser::max_gathered_bytes(limits) +
             codec::deflater_size(plan_.deflate().settings) + codec::inflater_size(15);
    } else if constexpr (Extension::is_used) {
      hawser::deflate_options options = plan_.deflate();
      options.insists = options.insists && plan_.begins_with_handshake();
      return hawser::max_connection_bytes<hawser::zlib_codec>(limits, options);
    } else {
      return hawser::max_connection_bytes(limits);
    }
  }
  // Where a message is compressed.
  [[nodiscard]] std::size_t compressing_memory() const {
    if (!Extension::is_used) return 0;
    return hawser::detail::block_size(hawser::deflate_bound(largest_tried_));
  }

  static std::size_t action_count_of(const drive_plan& plan) { return plan.bytes[0] % 128; }

  // --- What an input can do

  void act(unsigned op, unsigned argument) {
    switch (op) {
      case 0:
        return receive(take_wire(argument + 1));
      case 1:
        return receive_each(take_wire(argument + 1));
      case 2:
        return receive(take_wire(argument / 4 + 1), argument % 4);
      case 3:
        return receive_often(take_wire(argument % 32 + 1), 1U << (argument / 32));
      case 4:
        return advance(argument);
      case 5:
        return meet_deadline();
      case 6:
        event_op_ = 8 + argument % (action_count - 8);
        event_argument_ = argument;
        return;
      case 7:
        return receive({});
      default:
        return act_between_events(op, argument);
    }
  }

  // What can be done while a cursor is there, too.
  void act_between_events(unsigned op, unsigned argument) {
    switch (op) {
      case 8:
      case 9:
        return send(hawser::opcode::text, argument);
      case 10:
        return send(hawser::opcode::binary, argument);
      case 11:
        return begin(argument);
      case 12:
        return append(argument, false);
      case 13:
        return append(argument, true);
      case 14:
      case 15:
        return send_control(argument);
      case 16:
        return close(argument);
      case 17:
        if (argument != 0) return take_output(argument);
        return abort();
      case 18:
        return show_output();
      case 19:
      case 20:
        return take_output(argument);
      case 21:
        return decide(argument);
      case 22:
        if (argument % 4 == 0) end_stream();
        return;
      default:
        return take_output(255);
    }
  }

  [[nodiscard]] std::string_view take_wire(std::size_t size) {
    if (has_stream_ended_) return {};
    const std::string_view taken = wire_.substr(0, size);
    wire_.remove_prefix(taken.size());
    return taken;
  }

  void receive_each(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) receive(bytes.substr(i, 1));
  }

  void receive_often(std::string_view bytes, unsigned times) {
    for (unsigned i = 0; i < times; ++i) receive(bytes);
  }

  // Gives the connection what was kept and `bytes`. After `most` events it pauses, and keeps the
  // rest.
  void receive(std::string_view bytes, std::size_t most = static_cast<std::size_t>(-1)) {
    fed_ += bytes.size();
    const std::string all = kept_ + std::string{bytes};
    kept_.clear();
    const exact_copy buffer{all};
    auto cursor = connection_->receive(hawser::mutable_byte_view{buffer.span()});
    std::size_t left = all.size();
    for (std::size_t taken = 0; taken != most; ++taken) {
      const hawser::event found = heap_.during([&] { return cursor.next(); });
      const std::span<std::byte> rest = cursor.rest();
      require(rest.size() <= left && rest.data() + rest.size() == buffer.span().data() + all.size(),
              "the cursor moves forward");
      left = rest.size();
      require(hawser::as_text(rest) == std::string_view{all}.substr(all.size() - left),
              "bytes that are not parsed are not changed");
      if (!found) {
        require(rest.empty(), "where there is no event, all bytes are used");
        break;
      }
      take(found);
      check_state();
    }
    kept_ = hawser::as_text(cursor.rest());
  }

  void take(const hawser::event& found) {
    ++event_count_;
    require(event_count_ <= fed_ + 4, "each event uses bytes, but for a few");
    record_.add(found, connection_->position_of_piece());
    switch (found.kind()) {
      case hawser::event_kind::open:
        require(!was_opened_, "a connection opens once");
        was_opened_ = true;
        require(connection_->protocol().empty() || connection_->protocol() == "chat" ||
                    connection_->protocol() == "superchat" || connection_->protocol() == "other",
                "a subprotocol is agreed on that was offered");
        check_request();
        break;
      case hawser::event_kind::request:
        check_request();
        decide(plan_.decision() << 4);
        break;
      case hawser::event_kind::message:
      case hawser::event_kind::piece:
        if (plan_.echoes()) echo(found);
        break;
      case hawser::event_kind::ping:
        if (connection_->is_open() && !plan_.bit(1, 2)) {
          expected_pongs_.emplace_back(found.text().substr(0, 125));
        }
        break;
      case hawser::event_kind::close:
        require(connection_->close_code() == found.code(), "the peer's code is kept");
        require(connection_->close_reason() == found.reason(), "the peer's reason is kept");
        break;
      case hawser::event_kind::failed:
      case hawser::event_kind::refused:
        require(connection_->error() == found.error(), "the error is kept");
        break;
      default:
        break;
    }
    if (event_op_ != 0) act_between_events(event_op_, event_argument_);
  }

  void advance(unsigned argument) {
    constexpr std::array<std::int64_t, 8> steps = {0,
                                                   1,
                                                   1'000'000,
                                                   1'000'000'000,
                                                   5'000'000'000,
                                                   25'000'000'000,
                                                   3'600'000'000'000,
                                                   std::int64_t{1} << 55};
    pass(steps[argument % steps.size()]);
  }

  void pass(std::int64_t nanoseconds) {
    now_ += nanoseconds;
    if (now_ > latest) now_ = latest;
    const hawser::time_point now{now_};
    heap_.during([&] { connection_->on_time(now); });
    // What on_time() itself queued is to be watched from the next call on.
    if (connection_->next_deadline() <= now) heap_.during([&] { connection_->on_time(now); });
    require(connection_->next_deadline() > now, "what was due was done");
  }

  void meet_deadline() {
    const hawser::time_point next = connection_->next_deadline();
    if (next == hawser::time_point::max()) return;
    pass(std::max<std::int64_t>(0, next.nanoseconds() > now_ ? next.nanoseconds() - now_ : 0));
  }

  [[nodiscard]] static std::string noise_of(std::size_t size, unsigned mask) {
    std::string bytes(size, '\0');
    std::uint32_t state = 1;
    for (char& each : bytes) {
      state = state * 1664525U + 1013904223U;
      each = static_cast<char>(state >> 24 & mask);
    }
    return bytes;
  }

  [[nodiscard]] std::string payload_by(unsigned argument) {
    constexpr std::array<std::size_t, 16> sizes = {0,   1,   5, 124, 125,  126,  127,  1000,
                                                   131, 980, 2, 250, 3000, 4096, 4097, 65536};
    std::size_t size = sizes[argument % 16];
    if (sent_ > max_sent) size = std::min<std::size_t>(size, 126);
    sent_ += size;
    constexpr std::array<std::string_view, 4> units = {"x", "\xC3\xA9", "\xF0\x9F\x98\x80", "\n"};
    const std::string_view unit = units[argument / 16 % 4];
    std::string payload(size, unit[0]);
    for (std::size_t i = 0; i < size && unit.size() > 1; ++i) payload[i] = unit[i % unit.size()];
    // What hardly shrinks, and what does not; the same each time.
    if (Extension::is_used && argument / 16 % 4 == 3) {
      payload = noise_of(size, argument / 64 == 2 ? 0xFF : 0x7F);
    }
    if (argument / 64 == 3 && !payload.empty()) payload.back() = '\xFF';
    return payload;
  }

  // What a call returned goes with what it did.
  template <class Call>
  hawser::error attempt(Call&& call) {
    const std::size_t buffered = connection_->buffered_amount();
    const bool had_output = connection_->has_output();
    const hawser::error result = heap_.during(call);
    last_queued_ = connection_->buffered_amount() - buffered;
    require(result == hawser::error::none || hawser::is_misuse(result), "a call names a misuse");
    require(result == hawser::error::none || (connection_->buffered_amount() == buffered &&
                                              connection_->has_output() == had_output),
            "a call that fails does nothing");
    return result;
  }

  // Nothing may be sent that is not open, and no text that is none.
  void check_sent(hawser::error result, bool was_open, bool is_text, std::string_view payload) {
    require(was_open || result == hawser::error::not_open, "only an open connection sends");
    const bool is_refused = is_text && !plan_.bit(1, 3) && !is_reference_utf8(payload);
    require(!is_refused || result != hawser::error::none, "text that is sent is UTF-8");
  }

  void send(hawser::opcode type, unsigned argument) {
    const std::string payload = payload_by(argument);
    largest_tried_ = std::max(largest_tried_, payload.size());
    const bool is_text = type == hawser::opcode::text;
    const bool was_open = connection_->is_open();
    const hawser::error result = attempt([&] { return call_send(is_text, payload); });
    check_sent(result, was_open, is_text, payload);
    if (was_open && is_sending_) {
      require(result == hawser::error::message_in_progress, "messages do not mix");
    }
    if (result == hawser::error::none) count_sent(line_of_message(is_text, payload), payload);
  }

  void begin(unsigned argument) {
    const bool is_text = argument % 2 == 0;
    const hawser::error result = attempt([&] { return call_begin(is_text); });
    if (result == hawser::error::none) begin_model(is_text);
  }

  hawser::error call_send(bool is_text, const std::string& payload) {
    const hawser::byte_view bytes = std::as_bytes(std::span{payload});
    if constexpr (Extension::is_used) {
      const hawser::message_options how = plan_.message_options();
      return is_text ? connection_->send_text(payload, how) : connection_->send_binary(bytes, how);
    } else {
      return is_text ? connection_->send_text(payload) : connection_->send_binary(bytes);
    }
  }
  hawser::error call_begin(bool is_text) {
    if constexpr (Extension::is_used) {
      const hawser::message_options how = plan_.message_options();
      return is_text ? connection_->begin_text(how) : connection_->begin_binary(how);
    } else {
      return is_text ? connection_->begin_text() : connection_->begin_binary();
    }
  }

  void append(unsigned argument, bool fin) {
    const std::string payload = payload_by(argument);
    largest_tried_ = std::max(largest_tried_, payload.size());
    const bool was_open = connection_->is_open();
    const hawser::error result =
        attempt([&] { return fin ? connection_->finish(payload) : connection_->append(payload); });
    require(was_open || result == hawser::error::not_open, "only an open connection sends");
    require(!was_open || is_sending_ || result == hawser::error::no_message_begun,
            "only a message that was begun goes on");
    if (result == hawser::error::none) append_model(payload, fin);
  }

  void echo(const hawser::event& found) {
    const std::string payload{found.text()};
    largest_tried_ = std::max(largest_tried_, payload.size());
    const bool was_open = connection_->is_open();
    const hawser::error result = attempt([&] { return connection_->send(found); });
    require(was_open || result == hawser::error::not_open, "only an open connection sends");
    if (found.is_message()) {
      check_sent(result, was_open, found.is_text(), payload);
      if (result == hawser::error::none) {
        count_sent(line_of_message(found.is_text(), payload), payload);
      }
      return;
    }
    if (result != hawser::error::none) return;
    if (found.is_first()) begin_model(found.is_text());
    append_model(payload, found.is_last());
  }

  // What was queued is the payload, or what compression made of it.
  void count_queued(std::string_view payload) {
    require(Extension::is_used || last_queued_ == payload.size(), "a payload is queued as it is");
    require(last_queued_ <= hawser::deflate_bound(payload.size()), "a payload hardly grows");
    queued_ += last_queued_;
  }
  void count_sent(std::string line, std::string_view payload) {
    count_queued(payload);
    sent_lines_.push_back(std::move(line));
  }
  void begin_model(bool is_text) {
    require(!is_sending_, "a message begins where none is");
    is_sending_ = true;
    is_sending_text_ = is_text;
    sending_.clear();
  }
  void append_model(std::string_view part, bool fin) {
    require(is_sending_, "what goes on was begun");
    count_queued(part);
    sending_ += part;
    is_sending_ = !fin;
    if (fin) sent_lines_.push_back(line_of_message(is_sending_text_, sending_));
  }

  void send_control(unsigned argument) {
    const std::string payload = payload_by(argument / 4 % 8 + argument / 128 * 64);
    const hawser::error result = attempt([&] {
      if (argument % 4 == 0) return connection_->ping();
      if (argument % 4 == 1) return connection_->ping(payload);
      return connection_->pong(payload);
    });
    require(argument % 4 == 0 || payload.size() <= 125 || result != hawser::error::none,
            "a control frame carries at most 125 bytes");
    if (result == hawser::error::none && argument % 4 >= 2) expected_pongs_.push_back(payload);
  }

  void close(unsigned argument) {
    constexpr std::array<unsigned, 16> codes = {1000, 1001, 1003, 1005, 1006, 1007, 1011, 1014,
                                                1015, 2999, 3000, 4999, 5000, 0,    999,  1004};
    const unsigned code = codes[argument % 16];
    std::string reason = payload_by(argument / 16 % 8 * 16 + argument / 128 * 3);
    if (argument / 128 == 1) reason.resize(std::min<std::size_t>(reason.size(), 123));
    const bool was_open = connection_->is_open();
    const bool was_connecting = connection_->ready_state() == hawser::ready_state::connecting;
    const hawser::error result = heap_.during(
        [&] { return connection_->close(static_cast<hawser::close_code>(code), reason); });
    if (result != hawser::error::none) {
      require(connection_->is_open() == was_open, "a close that fails does nothing");
      return;
    }
    require(!connection_->is_open(), "a connection that closes is not open");
    ends_silently_ = ends_silently_ || was_connecting;
  }

  void abort() {
    heap_.during([&] { connection_->abort(); });
    require(connection_->wants_close(), "abort ends all");
  }

  void decide(unsigned argument) {
    if constexpr (is_server) {
      const bool is_deciding = !connection_->request().method().empty() && !was_decided_;
      const hawser::error result = heap_.during([&] { return answer(argument); });
      require(is_deciding || result != hawser::error::none, "only a request is answered");
      if (result != hawser::error::none) return;
      was_decided_ = true;
      ends_silently_ = ends_silently_ || connection_->ready_state() > hawser::ready_state::open;
    }
  }

  // The request is there when it is told of, and when the connection opens.
  void check_request() {
    if constexpr (is_server) {
      const hawser::request& asked = connection_->request();
      if (!plan_.begins_with_handshake()) return;
      require(asked.target().find(asked.path()) != std::string_view::npos || asked.path() == "/",
              "the path of a request is in its target");
      require(asked.target().ends_with(asked.query()), "the query of a request ends its target");
      require(asked.subprotocol().empty() || asked.offers(asked.subprotocol()),
              "the endpoint's choice was offered");
      require(asked.header("Origin") == asked.origin() || !asked.is_upgrade(), "the Origin");
      std::size_t offered = 0;
      asked.for_each_subprotocol([&](std::string_view each) {
        ++offered;
        return asked.offers(each);
      });
      require(offered <= hawser::max_offered_subprotocols || !asked.is_upgrade(),
              "what is offered is bounded");
      require(asked.headers().count("Cookie") != 0 || asked.cookie("a").empty(), "cookies");
      require(!asked.query().empty() || asked.query_value("x").empty(), "values of the query");
    }
  }

  hawser::error answer(unsigned argument)
    requires(Role == hawser::role::server)
  {
    constexpr hawser::header own[] = {{"X-Own", "a value"}};
    constexpr hawser::header bad[] = {{"X-Own", "a\r\nvalue"}};
    switch (argument >> 4 & 7U) {
      case 0:
        return hawser::error::not_deciding;  // later
      case 1:
        return connection_->accept();
      case 2:
        return connection_->accept(argument % 2 == 0 ? "superchat" : "other", own);
      case 3:
        return connection_->accept("", bad);
      case 4:
        return connection_->reject(403, "not you");
      case 5:
        return connection_->respond(200, own, "a body");
      case 6:
        if (argument % 2 == 1) return connection_->respond(argument % 4 == 1 ? 101 : 200, bad, "");
        return connection_->respond(204, {}, "");
      default:
        return connection_->reject(argument % 2 == 0 ? 503 : 9999, "never\r\n");
    }
  }

  void end_stream() {
    has_stream_ended_ = true;
    connection_->receive_eof();
  }

  // --- Output

  [[nodiscard]] std::string agreed_text() const {
    if constexpr (Extension::is_used) {
      return std::string{connection_->extensions().text()};
    } else {
      return std::string{connection_->extensions()};
    }
  }

  [[nodiscard]] std::string shown_bytes() const {
    std::string all;
    for (const std::span<const std::byte> part : list_) all += hawser::as_text(part);
    return all;
  }

  void show_output() {
    list_ = connection_->output();
    require(list_.empty() == !connection_->has_output(), "has_output() says whether there is any");
    const std::string now_shown = shown_bytes();
    require(now_shown.starts_with(shown_), "what was shown keeps its place");
    require(hawser::as_text(list_.front()) == now_shown.substr(0, list_.front().size()),
            "front() is the first span");
    shown_ = now_shown;
  }

  // Takes a part of the output, as `argument` says: 0 nothing, 255 all.
  void take_output(unsigned argument) {
    if (shown_.empty()) show_output();
    require(shown_bytes().starts_with(shown_), "what was shown stays as it was");
    std::size_t size = shown_.size();
    if (argument < 128) size = std::min<std::size_t>(size, argument);
    if (argument >= 128 && argument < 255) size = size * (argument - 128) / 127;
    output_.agree(agreed_text());
    output_.feed(std::string_view{shown_}.substr(0, size));
    heap_.during([&] { connection_->consume_output(size); });
    shown_.clear();
    list_ = {};
  }

  // --- What holds at all times

  void check_state() {
    const hawser::ready_state state = connection_->ready_state();
    require(state >= last_state_, "ready_state() goes forward");
    require(connection_->is_open() == (state == hawser::ready_state::open),
            "is_open() is a ready_state()");
    require(connection_->wants_close() == (state == hawser::ready_state::closed),
            "wants_close() is a ready_state()");
    require(!wanted_shutdown_ || connection_->wants_shutdown(), "wants_shutdown() stays true");
    require(!has_failed_ || connection_->error() != hawser::error::none, "an error stays");
    require(connection_->buffered_amount() == queued_ - output_.data_size(),
            "buffered_amount() is what was sent and not consumed");
    require(!connection_->was_clean() || !has_failed_, "what failed was not clean");
    require(connection_->round_trip() >= hawser::duration{}, "a round trip takes time");
    last_state_ = state;
    wanted_shutdown_ = connection_->wants_shutdown();
    has_failed_ = connection_->error() != hawser::error::none;
  }

  // Everything that is left, until the connection is over.
  void finish() {
    event_op_ = 0;
    if (!has_stream_ended_) receive(take_wire(wire_.size()));
    if (!plan_.falls_silent() || !plan_.has_timeouts()) end_stream();
    constexpr std::int64_t hour = 3'600'000'000'000;
    for (int i = 0; i < 8 && !connection_->wants_close(); ++i) {
      receive({});
      take_output(255);
      check_state();
      pass(hour);
      // Where time does not, only the application ends a request.
      if (is_server && !plan_.has_timeouts()) decide(4U << 4U);
    }
    receive({});
    take_output(255);
    take_output(255);
    check_state();
  }

  void check_end() {
    require(connection_->wants_close(), "every connection comes to its end");
    require(record_.has_ended() || ends_silently_, "close, failed or refused comes");
    require(!connection_->has_output() && connection_->buffered_amount() == 0, "all was taken");
    output_.finish();
    require_same(output_.messages(), sent_lines_, "what was sent is what the peer reads");
    std::vector<std::string> pongs = output_.pongs();
    if (!expected_pongs_.empty()) {
      require(std::find(pongs.begin(), pongs.end(), expected_pongs_.back()) != pongs.end(),
              "the newest pong is sent");
    }
    for (const std::string& pong : pongs) {
      const auto place = std::find(expected_pongs_.begin(), expected_pongs_.end(), pong);
      require(place != expected_pongs_.end(), "each pong answers a ping");
      expected_pongs_.erase(place);
    }
  }

  static constexpr std::int64_t latest = std::int64_t{1} << 61;
  static constexpr std::size_t max_sent = std::size_t{20} << 10;

  drive_plan plan_;
  fuzz_input actions_;
  std::string wire_bytes_;
  std::string_view wire_;
  endpoint_type endpoint_;
  output_reader output_;
  heap_share heap_;
  std::unique_ptr<connection_type> connection_;
  event_record record_;

  std::string kept_;
  std::size_t fed_ = 0;
  std::size_t event_count_ = 0;
  unsigned event_op_ = 0;
  unsigned event_argument_ = 0;
  bool has_stream_ended_ = false;
  bool was_opened_ = false;
  bool was_decided_ = false;
  bool ends_silently_ = false;  // the application ended it before it was open

  std::size_t sent_ = 0;
  std::uint64_t queued_ = 0;
  std::size_t last_queued_ = 0;
  std::size_t largest_tried_ = 0;
  fuzz_log sent_lines_;
  std::string sending_;
  bool is_sending_ = false;
  bool is_sending_text_ = false;
  std::vector<std::string> expected_pongs_;
  hawser::output_list list_;
  std::string shown_;

  std::int64_t now_ = 1'000'000'000;
  hawser::ready_state last_state_ = hawser::ready_state::connecting;
  bool wanted_shutdown_ = false;
  bool has_failed_ = false;
};

// Drives a connection, of a type that compresses where the input says so.
template <hawser::role Role>
void drive(fuzz_input in) {
  fuzz_input head = in;
  const drive_plan plan{head};
  if (plan.compresses_whole()) {
    driven<Role, hawser::libdeflate_deflate>{in}.run();
  } else if (plan.compresses()) {
    driven<Role, hawser::zlib_deflate>{in}.run();
  } else {
    driven<Role, hawser::no_extension>{in}.run();
  }
}

}  // namespace support
