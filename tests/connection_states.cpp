// Every reachable pair of facts and input: a model of the connection, written from its
// documentation, is walked together with it. After each input both must give the same events,
// results and answers.

#include "hawser/connection.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "support/handshakes.hpp"
#include "support/pair.hpp"
#include "support/wire.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace hawser;
using namespace support;

namespace {

enum class input {
  half_head,   // the beginning of a request or an answer
  whole_head,  // the rest of a good one
  refusal,     // an answer with another status (client)
  no_http,     // a byte that begins no head
  accept,      // of the application (server)
  reject,
  respond,
  message,  // frames of the peer
  ping,
  close,
  violation,
  nothing,  // an empty receive
  end_of_stream,
  send,  // of the application
  send_ping,
  send_close,
  abort,
  take_output,
  block_output,  // a write that takes nothing
  time,          // 11 seconds: longer than opening and closing may take
};

constexpr input all_inputs[] = {
    input::half_head,     input::whole_head,  input::refusal,      input::no_http,
    input::accept,        input::reject,      input::respond,      input::message,
    input::ping,          input::close,       input::violation,    input::nothing,
    input::end_of_stream, input::send,        input::send_ping,    input::send_close,
    input::abort,         input::take_output, input::block_output, input::time};

constexpr std::string_view names[] = {
    "half_head", "whole_head", "refusal", "no_http",     "accept",       "reject",        "respond",
    "message",   "ping",       "close",   "violation",   "nothing",      "end_of_stream", "send",
    "send_ping", "send_close", "abort",   "take_output", "block_output", "time"};

bool is_frames(input given) {
  return given == input::message || given == input::ping || given == input::close ||
         given == input::violation;
}
bool is_head(input given) {
  return given == input::half_head || given == input::whole_head || given == input::refusal ||
         given == input::no_http;
}

constexpr timeouts no_timeouts{.ping = {}, .pong = {}, .output = {}};

// What is known of a connection.
struct model {
  enum class phase { untouched, reading, deciding, open };

  role self = role::server;
  phase at = phase::untouched;
  bool request_told = false, open_told = false, end_told = false;
  bool close_sent = false, close_received = false, answered = false, eof = false, over = false;
  bool pending = false;
  error why = error::none;
  close_code code = close_code::none;
  std::string early = {};  // inputs that came while the application decides

  [[nodiscard]] bool is_ending() const {
    return close_sent || close_received || answered || over || why != error::none;
  }
  [[nodiscard]] bool is_open() const { return at == phase::open && !is_ending(); }
  [[nodiscard]] bool is_clean() const { return close_sent && close_received && why == error::none; }
  [[nodiscard]] bool wants_shutdown() const {
    return !pending && (why != error::none || answered || (self == role::server && is_clean()));
  }
  [[nodiscard]] bool wants_close() const {
    return over || (!pending && is_ending() && eof && (end_told || close_received));
  }
  [[nodiscard]] ready_state state() const {
    if (wants_close()) return ready_state::closed;
    if (is_ending()) return ready_state::closing;
    return at == phase::open ? ready_state::open : ready_state::connecting;
  }

  // Everything in one line, to tell states apart and for comparison.
  [[nodiscard]] std::string line() const {
    std::string result;
    for (const bool fact : {is_open(), wants_shutdown(), wants_close(), is_clean(), pending}) {
      result += fact ? '1' : '0';
    }
    return result + " " + std::to_string(static_cast<int>(state())) + " " +
           std::string{to_string(why)} + " " + number(code);
  }
  [[nodiscard]] std::string key() const {
    std::string result = line() + early + std::to_string(static_cast<int>(at));
    for (const bool fact :
         {request_told, open_told, end_told, close_sent, close_received, answered, eof, over}) {
      result += fact ? '1' : '0';
    }
    return result;
  }
};

// What an input gives: the kinds of events, and the result of a call.
struct effect {
  std::string events;
  error result = error::none;
};

class model_of_connection {
 public:
  explicit model_of_connection(const model& start) : now_{start} {}

  // False where the input makes no sense here.
  bool apply(input given, effect& out) {
    if (is_head(given) && !takes_head(given)) return false;
    if (is_frames(given) &&
        (now_.at == model::phase::untouched || now_.at == model::phase::reading) &&
        !now_.is_ending()) {
      return false;
    }
    const bool is_of_server =
        given == input::accept || given == input::reject || given == input::respond;
    if (is_of_server && now_.self == role::client) return false;
    out = {};
    if (is_head(given) || is_frames(given) || given == input::nothing) {
      receive(given, out);
    } else if (given == input::end_of_stream) {
      now_.eof = true;
      receive(input::nothing, out);
    } else {
      call(given, out);
    }
    return true;
  }
  [[nodiscard]] const model& now() const { return now_; }

 private:
  [[nodiscard]] bool takes_head(input given) const {
    const bool is_dropped = now_.why != error::none || now_.answered || now_.close_received;
    if (is_dropped || now_.at == model::phase::open) return is_dropped && given == input::no_http;
    const bool is_untouched = now_.at == model::phase::untouched;
    if (given == input::half_head || given == input::no_http) return is_untouched;
    if (given == input::refusal) return is_untouched && now_.self == role::client;
    return is_untouched || now_.at == model::phase::reading;
  }

  void receive(input given, effect& out) {
    if (now_.why != error::none || now_.answered) return tell_end(out);
    if (now_.at != model::phase::open) {
      open_by(given, out);
      if (now_.at != model::phase::open) return;
      given = input::nothing;
    }
    if (!now_.open_told) {
      now_.open_told = true;
      out.events += 'o';
    }
    for (const char each : std::exchange(now_.early, {})) take(static_cast<input>(each), out);
    take(given, out);
    if (now_.eof && !now_.close_received && now_.why == error::none) {
      end(error::end_of_stream);
      tell_end(out);
    }
  }

  void take(input given, effect& out) {
    if (now_.close_received || now_.why != error::none) return;
    if (given == input::message) out.events += 'm';
    if (given == input::ping) {
      out.events += 'p';
      if (now_.is_open()) now_.pending = true;
    }
    if (given == input::close) {
      out.events += 'c';
      now_.close_received = now_.end_told = true;
      now_.code = close_code::going_away;
      if (!now_.close_sent) now_.close_sent = now_.pending = true;
    }
    if (given == input::violation) {
      end(error::reserved_opcode);
      if (!now_.close_sent) now_.close_sent = now_.pending = true;
      tell_end(out);
    }
  }

  void open_by(input given, effect& out) {
    using phase = model::phase;
    if (now_.self == role::client) {
      if (given == input::half_head) now_.at = phase::reading;
      if (given == input::whole_head) now_.at = phase::open;
      if (given == input::refusal || given == input::no_http) {
        lose(given == input::refusal ? error::handshake_refused : error::bad_status_line);
      } else if (now_.eof && now_.at != phase::open) {
        lose(error::end_of_stream);
      }
      if (now_.why != error::none) tell_end(out);
      return;
    }
    if (now_.at == phase::deciding) {
      if (is_frames(given)) now_.early += static_cast<char>(given);
      return;
    }
    if (given == input::half_head) now_.at = phase::reading;
    if (given == input::no_http) {
      answer(error::bad_request_line);
      tell_end(out);
      return;
    }
    if (given == input::whole_head) {
      now_.at = phase::deciding;
      out.events += 'r';
      return;
    }
    if (now_.eof) {
      lose(error::end_of_stream);
      tell_end(out);
    }
  }

  void call(input given, effect& out) {
    using phase = model::phase;
    switch (given) {
      case input::accept:
      case input::reject:
      case input::respond:
        if (now_.at != phase::deciding || now_.is_ending()) {
          out.result = error::not_deciding;
        } else if (given == input::accept) {
          now_.at = phase::open;
          now_.pending = true;
        } else {
          answer(error::rejected);
          now_.end_told = true;
        }
        return;
      case input::send:
      case input::send_ping:
        if (now_.is_open()) {
          now_.pending = true;
        } else {
          out.result = error::not_open;
        }
        return;
      case input::send_close:
        if (now_.is_ending()) return;
        if (now_.at == phase::open) {
          now_.close_sent = now_.pending = true;
          return;
        }
        now_.end_told = true;
        if (now_.self == role::client || now_.at == phase::untouched) return lose(error::aborted);
        return answer(error::aborted);
      case input::abort:
        return lose(error::aborted);
      case input::take_output:
        now_.pending = false;
        return;
      case input::time:
        return pass_time();
      default:
        return;
    }
  }

  void pass_time() {
    if (now_.over || now_.is_open()) return;
    if (!now_.is_ending()) {
      const bool is_begun = now_.at != model::phase::untouched;
      if (now_.self == role::server && is_begun) return answer(error::opening_timeout);
      return lose(error::opening_timeout);
    }
    const bool is_waiting = now_.close_sent && !(now_.close_received && !now_.pending);
    if (is_waiting && now_.why == error::none) return lose(error::closing_timeout);
    now_.over = true;
  }

  void tell_end(effect& out) {
    if (now_.end_told) return;
    now_.end_told = true;
    out.events += now_.why == error::handshake_refused ? 'R' : 'f';
  }
  void end(error why) {
    if (now_.why == error::none) now_.why = why;
    if (now_.code == close_code::none) {
      now_.code = now_.at == model::phase::open ? close_code_for(now_.why) : close_code::abnormal;
    }
  }
  void lose(error why) {
    if (!now_.is_clean() || now_.pending) end(why);
    now_.over = true;
  }
  void answer(error why) {
    end(why);
    now_.answered = now_.pending = true;
  }

  model now_;
};

// The same inputs to a connection.
template <role Role>
class real_connection {
 public:
  explicit real_connection(bool is_adopted)
      : endpoint_{options()}, connection_{make(endpoint_, is_adopted)} {
    if (Role == role::client && !is_adopted) take_output();
  }

  effect apply(input given) {
    effect out;
    switch (given) {
      case input::half_head:
      case input::whole_head:
      case input::refusal:
      case input::no_http:
        receive(head(given), out);
        break;
      case input::message:
        receive(wire_to{Role}.text("hello"), out);
        break;
      case input::ping:
        receive(wire_to{Role}.ping("p"), out);
        break;
      case input::close:
        receive(wire_to{Role}.close(1001), out);
        break;
      case input::violation:
        receive(wire_to{Role}.forged({.opcode = 3}), out);
        break;
      case input::nothing:
        receive({}, out);
        break;
      case input::end_of_stream:
        connection_->receive_eof();
        receive({}, out);
        break;
      case input::send:
        out.result = connection_->send_text("hello");
        break;
      case input::send_ping:
        out.result = connection_->ping();
        break;
      case input::send_close:
        out.result = connection_->close(close_code{4000}, "bye");
        break;
      case input::abort:
        connection_->abort();
        break;
      case input::take_output:
        take_output();
        break;
      case input::block_output:
        static_cast<void>(connection_->output());
        connection_->consume_output(0);
        break;
      case input::time:
        connection_->on_time(clock_.now());
        clock_.advance(duration::seconds(11));
        connection_->on_time(clock_.now());
        break;
      default:
        if constexpr (Role == role::server) out.result = decide(given);
    }
    return out;
  }

  [[nodiscard]] std::string line() const {
    std::string result;
    for (const bool fact :
         {connection_->is_open(), connection_->wants_shutdown(), connection_->wants_close(),
          connection_->was_clean(), connection_->has_output()}) {
      result += fact ? '1' : '0';
    }
    return result + " " + std::to_string(static_cast<int>(connection_->ready_state())) + " " +
           std::string{to_string(connection_->error())} + " " + number(connection_->close_code());
  }

 private:
  using endpoint_type = typename basic_connection<Role>::endpoint_type;

  static typename endpoint_type::options_type options() {
    if constexpr (Role == role::server) {
      return {.timeouts = no_timeouts, .decides_upgrades = true};
    } else {
      return {.timeouts = no_timeouts, .entropy = sample_nonce()};
    }
  }

  static std::unique_ptr<basic_connection<Role>> make(endpoint_type& endpoint, bool is_adopted) {
    if (is_adopted) {
      return std::unique_ptr<basic_connection<Role>>{
          new basic_connection<Role>(basic_connection<Role>::adopt(endpoint, {}))};
    }
    if constexpr (Role == role::server) {
      return std::make_unique<server_connection>(endpoint);
    } else {
      return std::make_unique<client_connection>(
          endpoint, client_request{.url = "ws://server.example.com/chat"});
    }
  }

  bytes head(input given) {
    const std::string good = Role == role::server ? upgrade_request() : upgrade_answer();
    constexpr std::size_t half = 20;
    switch (given) {
      case input::half_head:
        has_half_ = true;
        return to_bytes(good.substr(0, half));
      case input::whole_head:
        return to_bytes(has_half_ ? good.substr(half) : good);
      case input::refusal:
        return to_bytes(http_message{"HTTP/1.1 404 Not Found"}.with("Content-Length", "0").text());
      default:
        return "16"_hex;
    }
  }

  error decide(input given) {
    if (given == input::accept) return connection_->accept();
    if (given == input::reject) return connection_->reject(403, "no");
    return connection_->respond(200, {}, "page");
  }

  void receive(bytes some, effect& out) {
    auto events = connection_->receive(some);
    while (const event found = events.next()) {
      out.events += "?romipPcRf"[static_cast<std::size_t>(found.kind())];
    }
    if (!events.rest().empty()) FAIL("bytes are left");
  }

  void take_output() {
    while (connection_->has_output()) {
      connection_->consume_output(joined(connection_->output()).size());
    }
  }

  endpoint_type endpoint_;
  std::unique_ptr<basic_connection<Role>> connection_;
  simulated_clock clock_;
  bool has_half_ = false;
};

std::string in_words(const std::vector<input>& path) {
  std::string words;
  for (const input each : path) words += std::string{names[static_cast<std::size_t>(each)]} + " ";
  return words;
}

model start_of(role self, bool is_adopted) {
  model start{.self = self};
  if (is_adopted) start.at = model::phase::open;
  return start;
}

// Walks the path with both. False where its last input makes no sense.
template <role Role>
bool walk(bool is_adopted, const std::vector<input>& path, model& reached) {
  model_of_connection expected{start_of(Role, is_adopted)};
  // Whether the whole path makes sense, before anything is made.
  for (const input each : path) {
    effect ignored;
    if (!expected.apply(each, ignored)) return false;
  }
  reached = expected.now();
  expected = model_of_connection{start_of(Role, is_adopted)};
  real_connection<Role> real{is_adopted};
  for (const input each : path) {
    effect wanted;
    static_cast<void>(expected.apply(each, wanted));
    const effect found = real.apply(each);
    if (found.events == wanted.events && found.result == wanted.result &&
        real.line() == expected.now().line()) {
      continue;
    }
    INFO((Role == role::server ? "server" : "client")
         << (is_adopted ? ", adopted: " : ": ") << in_words(path));
    INFO("at " << names[static_cast<std::size_t>(each)]);
    REQUIRE(found.events == wanted.events);
    REQUIRE(found.result == wanted.result);
    REQUIRE(real.line() == expected.now().line());
  }
  return true;
}

// From every state that can be reached, every input.
template <role Role>
std::size_t walk_every_state(bool is_adopted) {
  std::set<std::string> known;
  std::deque<std::vector<input>> paths{{}};
  std::size_t pairs = 0;
  known.insert(start_of(Role, is_adopted).key());
  while (!paths.empty()) {
    const std::vector<input> path = paths.front();
    paths.pop_front();
    for (const input each : all_inputs) {
      std::vector<input> longer = path;
      longer.push_back(each);
      model reached;
      if (!walk<Role>(is_adopted, longer, reached)) continue;
      ++pairs;
      const bool is_bounded = reached.early.size() <= 1;
      if (is_bounded && known.insert(reached.key()).second) paths.push_back(longer);
    }
  }
  return pairs;
}

// Every sequence of so many inputs.
template <role Role>
std::size_t walk_every_path(bool is_adopted, std::size_t length, std::vector<input>& path) {
  if (length == 0) return 0;
  std::size_t count = 0;
  for (const input each : all_inputs) {
    path.push_back(each);
    model reached;
    if (walk<Role>(is_adopted, path, reached)) {
      ++count;
      if (!reached.over || length <= 1) {
        count += walk_every_path<Role>(is_adopted, length - 1, path);
      }
    }
    path.pop_back();
  }
  return count;
}

}  // namespace

TEMPLATE_TEST_CASE("every input in every state does what the model says", "[connection][states]",
                   at_server, at_client) {
  CHECK(walk_every_state<TestType::self>(true) > 300);
  CHECK(walk_every_state<TestType::self>(false) > 300);
}

TEMPLATE_TEST_CASE("every short sequence of inputs does what the model says",
                   "[connection][states]", at_server, at_client) {
  const std::size_t length = is_fast_build ? 4 : 3;
  std::vector<input> path;
  CHECK(walk_every_path<TestType::self>(true, length, path) > 1000);
  CHECK(walk_every_path<TestType::self>(false, length, path) > 500);
}
