// A WebSocket client for people: lines in, messages out. `wscat --help` says the rest.

#include "hawser/adapters/descriptor.hpp"
#include "hawser/hawser.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <signal.h>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

constexpr std::string_view help = R"(usage: wscat [OPTION]... URL

Connects to a WebSocket server, sends each line of the input as a message, and prints each message
that comes.

  wscat ws://localhost:9001/               talk to a server; Ctrl-D or Ctrl-C ends it
  echo hello | wscat ws://localhost:9001/  send one line, print what comes within a second
  wscat --wait inf URL < /dev/null         only listen, until the server closes

Opening:
  --subprotocol NAME      offer a subprotocol; repeat it for more, the best first
  --header 'NAME: VALUE'  add a header to the request; may be repeated
  --origin ORIGIN         ask as a page of https://example.com would
  ws://USER:PASSWORD@HOST sends Basic authorization. There is no TLS here: no wss.

While it is open:
  --binary                send lines as binary messages: any bytes, not only UTF-8
  --ping SECONDS          send a ping that often, and print the round-trip time of each
  --timings               print how long connecting, the handshake and a round trip took

Closing:
  --wait SECONDS          after the end of the input, wait so long for replies; the default is 1,
                          and "inf" waits until the server closes
  --close CODE [REASON]   close with this code, 1000 to 4999, and this reason; the default is 1000
  The first Ctrl-C closes and waits up to 5 seconds for the server to agree, the second leaves.

Output:
  On a terminal a message starts with "< ", what a terminal would obey is shown escaped, and binary
  messages are dumped in hexadecimal. Elsewhere messages are written as they are, a line for each.
  Everything else goes to standard error. NO_COLOR switches colours off.

Exit status:
  0  closed cleanly: by this end, or by the server with code 1000, 1001 or none
  1  no connection: nobody there, the handshake was refused or failed
  2  wrong usage
  3  the connection was lost or failed, or was left by the second Ctrl-C
  4  closed cleanly by the server, with any other code
  5  closed cleanly, but a line was not sent: it was not UTF-8, or over 64 MiB
)";

enum exit_status { closed = 0, not_connected = 1, usage = 2, broken = 3, told_off = 4, unsent = 5 };

using clock_type = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

constexpr std::size_t buffer_size = std::size_t{64} << 10;
constexpr std::size_t max_message_size = std::size_t{64} << 20;

// ---- The command line

struct options {
  hawser::client_request request;
  hawser::close_code close_code = hawser::close_code::normal;
  std::string close_reason;
  hawser::duration ping;
  hawser::duration wait = hawser::duration::seconds(1);
  bool binary = false;
  bool timings = false;
};

[[noreturn]] void misuse(const std::string& why) {
  std::cerr << "wscat: " << why << "\nTry wscat --help.\n";
  std::exit(usage);
}

hawser::duration parse_seconds(std::string_view name, const std::string& value) {
  constexpr double most = 1e9;
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0' || std::isnan(number) || number < 0) {
    misuse(std::string{name} + " wants seconds, not '" + value + "'");
  }
  return seconds{std::min(number, most)};
}

hawser::close_code parse_code(const std::string& value) {
  unsigned number = 0;
  const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), number);
  const auto code = static_cast<hawser::close_code>(number);
  if (wrong != std::errc{} || end != value.data() + value.size() || number > 4999 ||
      !hawser::is_wire_close_code(code)) {
    misuse("--close wants a code that may be sent, as 1000 or 4000, not '" + value + "'");
  }
  return code;
}

hawser::header parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) {
    misuse("--header wants 'Name: value', not '" + std::string{text} + "'");
  }
  std::string_view value = text.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  return {text.substr(0, colon), value};
}

bool is_url(std::string_view text) { return text.find("://") != std::string_view::npos; }

// Takes the option at arguments[i] and moves i to its last value.
void parse_option(std::span<char*> arguments, std::size_t& i, options& chosen) {
  const std::string_view name = arguments[i];
  const auto value = [&]() -> std::string {
    if (i + 1 >= arguments.size()) misuse(std::string{name} + " wants a value");
    return arguments[++i];
  };
  if (name == "--help" || name == "-h") {
    std::cout << help;
    std::exit(0);
  } else if (name == "--binary") {
    chosen.binary = true;
  } else if (name == "--timings") {
    chosen.timings = true;
  } else if (name == "--subprotocol") {
    chosen.request.subprotocols.push_back(value());
  } else if (name == "--header") {
    value();
    chosen.request.headers.push_back(parse_header(arguments[i]));
  } else if (name == "--origin") {
    chosen.request.origin = value();
  } else if (name == "--ping") {
    chosen.ping = parse_seconds(name, value());
  } else if (name == "--wait") {
    chosen.wait = parse_seconds(name, value());
  } else if (name == "--close") {
    chosen.close_code = parse_code(value());
    // The reason may be left out: then what follows is an option or the URL.
    const std::string_view next = i + 1 < arguments.size() ? arguments[i + 1] : "--";
    if (!next.starts_with("--") && !is_url(next)) chosen.close_reason = value();
  } else {
    misuse("there is no option " + std::string{name});
  }
}

options parse_options(std::span<char*> arguments) {
  options chosen;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (std::string_view{arguments[i]}.starts_with('-')) {
      parse_option(arguments, i, chosen);
    } else if (chosen.request.url.empty()) {
      chosen.request.url = arguments[i];
    } else {
      misuse("one URL is enough: '" + std::string{arguments[i]} + "' is too much");
    }
  }
  if (chosen.request.url.empty()) misuse("where to? It wants a URL, as ws://localhost:9001/");
  if (chosen.close_reason.size() > hawser::max_close_reason_size ||
      !hawser::is_utf8(chosen.close_reason)) {
    misuse("the reason of --close is UTF-8, of at most 123 bytes");
  }
  return chosen;
}

// ---- What people see

// What an attacker may write must not move the cursor, change the title or turn the line around:
// control characters are escaped, and so are those that reorder text. Line breaks stay where
// `keeps_lines` says so, and what is no UTF-8 is shown byte by byte.
std::string escaped(std::string_view text, bool keeps_lines) {
  const bool is_utf8 = hawser::is_utf8(text);
  std::string result;
  const auto append = [&](const char* format, unsigned code) {
    std::array<char, 8> shown{};
    std::snprintf(shown.data(), shown.size(), format, code);
    result += shown.data();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned byte = static_cast<unsigned char>(text[i]);
    const std::string_view rest = text.substr(i);
    if (byte == '\n' && keeps_lines) {
      result += "\n  ";
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7F || (byte >= 0x80 && !is_utf8)) {
      append("\\x%02x", byte);
    } else if (byte == 0xC2 && static_cast<unsigned char>(rest[1]) < 0xA0) {
      append("\\u%04x", static_cast<unsigned char>(rest[1]));  // U+0080 to U+009F
      i += 1;
    } else if (rest.starts_with("\xE2\x80") || rest.starts_with("\xE2\x81")) {
      const unsigned code = 0x2000 + (byte == 0xE2 && rest[1] == '\x81' ? 0x40U : 0U) +
                            (static_cast<unsigned char>(rest[2]) & 0x3FU);
      const bool reorders = code == 0x200E || code == 0x200F ||
                            (code >= 0x202A && code <= 0x202E) ||
                            (code >= 0x2066 && code <= 0x2069);
      if (reorders) append("\\u%04x", code);
      if (!reorders) result += rest.substr(0, 3);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string hex_dump(std::span<const std::byte> bytes) {
  constexpr std::size_t width = 16;
  constexpr std::size_t most = 256;
  std::string result = "binary, " + std::to_string(bytes.size()) + " bytes";
  const std::size_t shown = std::min(bytes.size(), most);
  std::array<char, 16> text{};
  for (std::size_t row = 0; row < shown; row += width) {
    std::snprintf(text.data(), text.size(), "\n  %04zx ", row);
    result += text.data();
    std::string printable;
    for (std::size_t i = row; i < row + width; ++i) {
      if (i % 8 == 0) result += ' ';
      if (i >= shown) {
        result += "   ";
        continue;
      }
      const auto byte = std::to_integer<unsigned char>(bytes[i]);
      std::snprintf(text.data(), text.size(), "%02x ", byte);
      result += text.data();
      printable += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
    }
    result += ' ' + printable;
  }
  if (bytes.size() > shown) result += "\n  and " + std::to_string(bytes.size() - shown) + " more";
  return result;
}

std::string_view describe(hawser::close_code code) {
  using enum hawser::close_code;
  constexpr std::array<std::pair<hawser::close_code, std::string_view>, 12> known{{
      {normal, "normal"},
      {going_away, "going away"},
      {protocol_error, "protocol error"},
      {unsupported_data, "unsupported data"},
      {invalid_payload, "invalid payload"},
      {policy_violation, "policy violation"},
      {message_too_big, "message too big"},
      {mandatory_extension, "an extension is missing"},
      {internal_error, "internal error"},
      {service_restart, "service restart"},
      {try_again_later, "try again later"},
      {bad_gateway, "bad gateway"},
  }};
  for (const auto& [each, text] : known) {
    if (each == code) return text;
  }
  return "";
}

std::string milliseconds(hawser::duration length) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f ms",
                static_cast<double>(length.nanoseconds()) / 1e6);
  return text.data();
}

// Messages go to standard output, all else to standard error.
class screen {
 public:
  void message(const hawser::event& event) {
    if (!is_terminal_) {
      std::cout << event.text() << '\n';
    } else {
      std::cout << (has_colours_ ? "\x1b[36m< \x1b[0m" : "< ")
                << (event.is_text() ? escaped(event.text(), true) : hex_dump(event.payload()))
                << '\n';
    }
  }

  // What somebody asked for, or must know.
  void say(std::string_view text) const { write("\x1b[2m", text); }
  // What is good to know for who looks on.
  void remark(std::string_view text) const {
    if (is_error_terminal_) say(text);
  }
  void complain(std::string_view text) const { write("\x1b[31m", "wscat: " + std::string{text}); }

  // False where nobody reads the output any more.
  [[nodiscard]] static bool flush() { return static_cast<bool>(std::cout.flush()); }

 private:
  void write(std::string_view colour, std::string_view text) const {
    std::cout.flush();
    if (has_error_colours_) {
      std::cerr << colour << text << "\x1b[0m\n";
    } else {
      std::cerr << text << '\n';
    }
  }

  static bool allows_colours() {
    const char* const forbidden = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    return (forbidden == nullptr || *forbidden == '\0') &&
           (terminal == nullptr || std::string_view{terminal} != "dumb");
  }

  bool is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  bool is_error_terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool has_colours_ = is_terminal_ && allows_colours();
  bool has_error_colours_ = is_error_terminal_ && allows_colours();
};

// ---- The conversation

// A signal becomes something to read, which ends the wait in poll.
std::array<int, 2> signal_pipe;

void handle_signal(int) { static_cast<void>(::write(signal_pipe[1], "", 1)); }

class session {
 public:
  session(const options& chosen, hawser::descriptor socket, hawser::duration connecting)
      : options_{chosen},
        socket_{std::move(socket)},
        connecting_{connecting},
        endpoint_{{.limits = {.max_message_size = max_message_size,
                              .max_output_size = max_message_size + 2 * buffer_size}}},
        connection_{endpoint_, chosen.request} {}

  exit_status run() {
    // What would not go into a request: a header with a line break, a subprotocol with a space.
    if (hawser::is_misuse(connection_.error())) {
      screen_.complain("this cannot be asked: " + std::string{to_string(connection_.error())});
      return usage;
    }
    connection_.on_time(clock_type::now());
    write();
    while (!connection_.wants_close()) {
      take_turn();
      if (!screen::flush()) begin_close();
    }
    socket_.close();
    return tell_end();
  }

 private:
  // Everything that waits is watched at once: signals, the input, the server, the time.
  void take_turn() {
    const bool reads_input =
        connection_.is_open() && !input_ended_ && connection_.output_size() < buffer_size;
    const int events = (has_ended_ ? 0 : POLLIN) | (connection_.has_output() ? POLLOUT : 0);
    std::array<::pollfd, 3> entries{
        {{signal_pipe[0], POLLIN, 0},
         {reads_input ? STDIN_FILENO : -1, POLLIN, 0},
         {events != 0 ? socket_.value() : -1, static_cast<short>(events), 0}}};
    ::poll(entries.data(), entries.size(), wait_length());
    if (entries[0].revents != 0) interrupt();
    if (entries[1].revents != 0) read_input();
    if (entries[2].revents != 0 && !has_ended_) read();
    write();
    connection_.on_time(clock_type::now());
    tell_round_trip();
    keep_time();
    write();
  }

  [[nodiscard]] int wait_length() const {
    constexpr std::int64_t most = 60'000;
    const hawser::time_point deadline =
        std::min({connection_.next_deadline(), next_ping_, close_at_});
    const hawser::time_point now = clock_type::now();
    return static_cast<int>(std::clamp((deadline - now).milliseconds_up(), std::int64_t{0}, most));
  }

  void interrupt() {
    char byte = 0;
    static_cast<void>(::read(signal_pipe[0], &byte, 1) == 1);
    if (std::exchange(was_interrupted_, true)) {
      connection_.abort();
    } else {
      screen_.remark("closing; Ctrl-C again leaves at once");
      begin_close();
    }
  }

  void begin_close() {
    input_ended_ = has_begun_close_ = true;
    connection_.close(options_.close_code, options_.close_reason);
  }

  // ---- In

  void read() {
    const hawser::io_result got = socket_.read_some(buffer_, hawser::time_point::min());
    has_ended_ = got.status == hawser::io_status::eof || got.status == hawser::io_status::failed;
    if (got.status == hawser::io_status::eof) connection_.receive_eof();
    if (got.status == hawser::io_status::failed && !connection_.was_clean()) {
      connection_.abort(hawser::error::transport_failed);
    }
    auto events = connection_.receive(std::span{buffer_}.first(got.size));
    while (const hawser::event event = events.next()) handle(event);
  }

  void handle(const hawser::event& event) {
    switch (event.kind()) {
      case hawser::event_kind::open:
        open();
        break;
      case hawser::event_kind::message:
        ++received_;
        received_bytes_ += event.payload().size();
        screen_.message(event);
        break;
      case hawser::event_kind::pong:
        pong_came_ = true;
        break;
      case hawser::event_kind::close:
        is_closed_by_server_ = !has_begun_close_;
        break;
      case hawser::event_kind::refused:
        tell_refusal(connection_.response());
        break;
      default:
        break;
    }
  }

  void open() {
    was_open_ = true;
    const std::string protocol = escaped(connection_.protocol(), false);
    screen_.remark("open" + (protocol.empty() ? "" : ", subprotocol " + protocol));
    const hawser::time_point now = clock_type::now();
    if (options_.timings) {
      screen_.say("connected in " + milliseconds(connecting_) + ", handshake in " +
                  milliseconds(now - started_));
    }
    if (options_.timings || options_.ping != hawser::duration{}) ping(now);
    if (options_.ping != hawser::duration{}) next_ping_ = now + options_.ping;
  }

  // ---- Out

  void read_input() {
    const auto size = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size <= 0) {
      input_ended_ = true;
      if (!line_.empty() || is_line_too_long_) send_line();
      return;
    }
    std::string_view text =
        hawser::as_text(std::span{buffer_}.first(static_cast<std::size_t>(size)));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
      extend_line(text.substr(0, end));
      send_line();
      text.remove_prefix(end + 1);
    }
    extend_line(text);
  }

  void extend_line(std::string_view part) {
    if (line_.size() + part.size() > max_message_size) is_line_too_long_ = true;
    if (!is_line_too_long_) line_ += part;
  }

  void send_line() {
    ++line_number_;
    hawser::error wrong = hawser::error::output_full;
    if (!is_line_too_long_) {
      wrong = options_.binary ? connection_.send_binary(std::as_bytes(std::span{line_}))
                              : connection_.send_text(line_);
    }
    if (wrong == hawser::error::none) {
      ++sent_;
      sent_bytes_ += line_.size();
    } else {
      has_unsent_ = true;
      const std::string why = wrong == hawser::error::text_not_utf8 ? "not UTF-8; --binary sends it"
                              : wrong == hawser::error::output_full ? "too long"
                                                                    : std::string{to_string(wrong)};
      screen_.complain("line " + std::to_string(line_number_) + " was not sent: " + why);
    }
    line_.clear();
    is_line_too_long_ = false;
  }

  void write() {
    while (connection_.has_output() && !connection_.wants_close()) {
      const hawser::io_result sent =
          socket_.write_some(connection_.output(), hawser::time_point::min());
      connection_.consume_output(sent.size);
      if (sent.status == hawser::io_status::timeout) break;
      if (sent.status == hawser::io_status::failed) {
        connection_.abort(hawser::error::transport_failed);
      }
    }
    if (connection_.wants_shutdown() && !std::exchange(is_shut_down_, true)) {
      socket_.shutdown_send();
    }
  }

  // ---- Time

  void keep_time() {
    const hawser::time_point now = clock_type::now();
    if (now >= next_ping_) {
      ping(now);
      next_ping_ = now + options_.ping;
    }
    if (input_ended_ && connection_.is_open() && !connection_.has_output()) {
      if (close_at_ == hawser::time_point::max()) close_at_ = now + options_.wait;
      if (now >= close_at_) begin_close();
    }
    if (!connection_.is_open()) next_ping_ = close_at_ = hawser::time_point::max();
  }

  void ping(hawser::time_point now) {
    connection_.ping();
    connection_.on_time(now);  // from when on it is measured
  }

  void tell_round_trip() {
    if (!std::exchange(pong_came_, false)) return;
    const bool is_wanted = options_.ping != hawser::duration{} || options_.timings;
    if (is_wanted && connection_.round_trip() != hawser::duration{}) {
      screen_.say("round trip " + milliseconds(connection_.round_trip()));
    }
  }

  // ---- The end

  void tell_refusal(const hawser::response& response) const {
    std::string text =
        "refused: " + std::to_string(response.status) + ' ' + escaped(response.reason, false);
    if (const std::string_view to = response.headers.value("Location"); !to.empty()) {
      text += "\n  Location: " + escaped(to, false);
    }
    std::string_view body = response.body;
    while (body.ends_with('\n') || body.ends_with('\r')) body.remove_suffix(1);
    if (!body.empty()) text += "\n  " + escaped(body, true);
    screen_.complain(text);
  }

  exit_status tell_end() const {
    const hawser::error why = connection_.error();
    if (!was_open_) {
      if (why != hawser::error::handshake_refused) {
        screen_.complain("no WebSocket connection: " + std::string{to_string(why)});
      }
      return not_connected;
    }
    const int code = static_cast<int>(connection_.close_code());
    const std::string shown = code_and_reason();
    if (!connection_.was_clean()) {
      screen_.complain("the connection broke: " + std::string{to_string(why)} +
                       (code == 0 || code == 1006 ? "" : "; closed with " + shown));
      return broken;
    }
    tell_totals();
    const bool is_good = !is_closed_by_server_ || code == 1000 || code == 1001 || code == 1005;
    const std::string who = is_closed_by_server_ ? "closed by the server with " : "closed with ";
    if (is_good) screen_.remark(who + shown);
    if (!is_good) screen_.complain(who + shown);
    return !is_good ? told_off : has_unsent_ ? unsent : closed;
  }

  [[nodiscard]] std::string code_and_reason() const {
    const hawser::close_code code = connection_.close_code();
    if (code == hawser::close_code::no_status) return "no code";
    std::string text = std::to_string(static_cast<int>(code));
    if (!describe(code).empty()) text += " (" + std::string{describe(code)} + ')';
    const std::string_view reason = connection_.close_reason();
    return reason.empty() ? text : text + ": " + escaped(reason, false);
  }

  void tell_totals() const {
    if (!options_.timings) return;
    const auto count = [](std::size_t messages, std::size_t bytes) {
      return std::to_string(messages) + (messages == 1 ? " message, " : " messages, ") +
             std::to_string(bytes) + " bytes";
    };
    screen_.say("sent " + count(sent_, sent_bytes_) + "; received " +
                count(received_, received_bytes_));
  }

  const options& options_;
  screen screen_;
  hawser::descriptor socket_;
  hawser::duration connecting_;
  hawser::time_point started_ = clock_type::now();
  hawser::client_endpoint endpoint_;
  hawser::client_connection connection_;
  hawser::time_point next_ping_ = hawser::time_point::max();
  hawser::time_point close_at_ = hawser::time_point::max();
  std::string line_;  // of the input, as far as it is known
  std::size_t line_number_ = 0;
  std::size_t sent_ = 0, sent_bytes_ = 0, received_ = 0, received_bytes_ = 0;
  bool is_line_too_long_ = false;
  bool has_unsent_ = false;
  bool input_ended_ = false;
  bool has_ended_ = false;  // the server sends no more
  bool is_shut_down_ = false;
  bool was_open_ = false;
  bool was_interrupted_ = false;
  bool has_begun_close_ = false;
  bool is_closed_by_server_ = false;
  bool pong_came_ = false;
  std::array<std::byte, buffer_size> buffer_;
};

exit_status connect_and_talk(const options& chosen) {
  const std::string& url = chosen.request.url;
  const hawser::parsed<hawser::uri> to = hawser::parse_uri(url);
  if (!to) misuse("'" + escaped(url, false) + "' is no WebSocket URL, as ws://localhost:9001/ is");
  if (to->secure) {
    std::cerr << "wscat: wss needs TLS, which wscat does not have: only ws URLs can be used\n";
    return not_connected;
  }
  const hawser::time_point start = clock_type::now();
  hawser::opened_socket opened = hawser::connect_tcp(to->host_without_brackets(), to->port,
                                                     start + hawser::duration::seconds(10));
  if (!opened) {
    std::cerr << "wscat: cannot connect to " << to->host << ':' << to->port << ": "
              << opened.failure << '\n';
    return not_connected;
  }
  // From here on a signal closes the connection instead of ending the program.
  if (::pipe(signal_pipe.data()) != 0) return not_connected;
  for (const int each : {SIGINT, SIGTERM}) ::signal(each, handle_signal);
  ::signal(SIGPIPE, SIG_IGN);
  return session{chosen, std::move(opened.socket), clock_type::now() - start}.run();
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::ios::sync_with_stdio(false);
  const options chosen = parse_options({arguments, static_cast<std::size_t>(argument_count)});
  return connect_and_talk(chosen);
}
