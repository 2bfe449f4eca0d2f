// The client of hawser for the tests with other implementations: it plays every case against their
// server, one after the other.
//
//     interop_client ECHO LIMITED STRICT PLAY     URLs: see README.md
//
// For each case it prints "ok NAME", or "FAILED NAME", a tab and why.

#include "hawser/adapters/epoll.hpp"
#include "hawser/hawser.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

struct message {
  bool is_text = false;
  std::string payload;

  friend bool operator==(const message&, const message&) = default;
};

// All that a connection brought.
struct record {
  bool is_open = false;
  bool has_ended = false;
  std::string protocol;
  std::vector<message> messages;
  std::vector<std::string> pings;
  std::vector<std::string> pongs;
  int code = 0;
  std::string reason;
  bool was_clean = false;
  hawser::error error = hawser::error::none;
  unsigned status = 0;  // of the handshake
};

struct recorder {
  struct session {
    std::shared_ptr<record> seen;
  };

  void on_open(auto& peer) {
    peer.session().seen->is_open = true;
    peer.session().seen->protocol = peer->protocol();
  }
  void on_message(auto& peer, const hawser::event& found) {
    peer.session().seen->messages.push_back({found.is_text(), std::string{found.text()}});
  }
  void on_ping(auto& peer, const hawser::event& ping) {
    peer.session().seen->pings.emplace_back(ping.text());
  }
  void on_pong(auto& peer, const hawser::event& pong) {
    peer.session().seen->pongs.emplace_back(pong.text());
  }
  void on_close(auto& peer) {
    record& seen = *peer.session().seen;
    seen.has_ended = true;
    seen.code = static_cast<int>(peer->close_code());
    seen.reason = peer->close_reason();
    seen.was_clean = peer->was_clean();
    seen.error = peer->error();
    seen.status = peer->response().status;
  }
};

using group = hawser::epoll_client<recorder>;

hawser::byte_view bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, const std::string& what) {
  if (!holds) throw failure{what};
}

// One connection, and all that it takes to hold a conversation over it.
class conversation {
 public:
  conversation(group& clients, hawser::client_request request)
      : clients_{&clients}, url_{request.url} {
    auto& peer = clients.connect(std::move(request));
    peer.session().seen = seen_;
    handle_ = peer.handle();
  }
  conversation(group& clients, const std::string& url)
      : conversation{clients, hawser::client_request{.url = url}} {}
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;
  ~conversation() {
    if (auto* const peer = clients_->find(handle_)) {
      (*peer)->abort();
      clients_->loop().poll({});
    }
  }

  record& seen() { return *seen_; }

  auto& peer() {
    auto* const found = clients_->find(handle_);
    require(found != nullptr, "the connection is gone: " + end());
    return *found;
  }

  template <class Condition>
  void wait(const std::string& what, Condition condition) {
    const auto limit = clock_type::now() + std::chrono::seconds(20);
    while (!condition()) {
      require(!seen_->has_ended, "the connection ended before " + what + ": " + end());
      require(clock_type::now() < limit, "no " + what + " came");
      clients_->loop().poll(hawser::duration::milliseconds(100));
    }
  }

  conversation& open() {
    wait("open", [&] { return seen_->is_open; });
    return *this;
  }
  const message& next_message() {
    wait("message", [&] { return seen_->messages.size() > taken_; });
    return seen_->messages[taken_++];
  }
  void expect(const message& expected) {
    const message& found = next_message();
    require(found == expected, (found.is_text ? "text of " : "binary of ") +
                                   std::to_string(found.payload.size()) +
                                   " bytes came: " + found.payload.substr(0, 80));
  }
  void expect_end(int code, std::string_view reason, bool is_clean = true) {
    wait("end", [&] { return seen_->has_ended; });
    require(seen_->code == code && seen_->was_clean == is_clean &&
                (reason == "*" || seen_->reason == reason),
            "it ended with " + end());
  }
  void expect_refusal(unsigned status) {
    wait("end", [&] { return seen_->has_ended; });
    require(!seen_->is_open && seen_->error == hawser::error::handshake_refused &&
                seen_->status == status,
            "it ended with status " + std::to_string(seen_->status) + ", " + end());
  }
  void close(int code = 1000, std::string_view reason = {}) {
    const auto wrong = peer()->close(static_cast<hawser::close_code>(code), reason);
    require(wrong == hawser::error::none, std::string{to_string(wrong)});
    expect_end(code, reason);
  }

  [[nodiscard]] std::string end() const {
    return std::to_string(seen_->code) + ' ' + seen_->reason + " (" +
           std::string{to_string(seen_->error)} + ')';
  }

 private:
  group* clients_;
  std::string url_;
  std::shared_ptr<record> seen_ = std::make_shared<record>();
  hawser::loop_handle handle_;
  std::size_t taken_ = 0;
};

// Text of a given size in bytes, with characters of one, two and four.
std::string text_of(std::size_t size) {
  constexpr std::string_view part = "h\u00e9llo \U0001f600 ";
  std::string text;
  text.reserve(size);
  while (text.size() + part.size() <= size) text += part;
  text.resize(size, '.');
  return text;
}

std::string binary_of(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 0x9E3779B9;
  for (char& each : bytes) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    each = static_cast<char>(state);
  }
  return bytes;
}

std::string name_of_size(std::size_t size) {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  return size >= mebibyte ? std::to_string(size / mebibyte) + " MiB" : std::to_string(size) + " B";
}

class cases {
 public:
  explicit cases(std::span<char*> urls)
      : echo_{urls[0]}, limited_{urls[1]}, strict_{urls[2]}, play_{urls[3]} {}

  bool run() {
    sizes();
    frames();
    subprotocols();
    handshakes();
    closes();
    violations();
    return is_good_;
  }

 private:
  template <class Body>
  void play(const std::string& name, Body body) {
    try {
      body();
      std::cout << "ok " << name << std::endl;
    } catch (const std::exception& wrong) {
      is_good_ = false;
      std::cout << "FAILED " << name << '\t' << wrong.what() << std::endl;
    }
  }

  void sizes() {
    for (const bool is_text : {true, false}) {
      for (const std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 1 << 20, 16 << 20}) {
        play((is_text ? "text of " : "binary of ") + name_of_size(size), [&] {
          conversation talk{clients_, echo_};
          talk.open();
          const message sent{is_text, is_text ? text_of(size) : binary_of(size)};
          is_text ? talk.peer()->send_text(sent.payload)
                  : talk.peer()->send_binary(bytes_of(sent.payload));
          talk.expect(sent);
          talk.close();
        });
      }
    }
    play("1000 messages in order", [&] {
      conversation talk{clients_, echo_};
      talk.open();
      for (int i = 0; i < 1000; ++i) talk.peer()->send_text("message " + std::to_string(i));
      for (int i = 0; i < 1000; ++i) talk.expect({true, "message " + std::to_string(i)});
      talk.close();
    });
  }

  void frames() {
    play("fragments to the server", [&] {
      conversation talk{clients_, echo_};
      auto& peer = talk.open().peer();
      peer->begin_text();
      for (const std::string_view part : {"one ", "", "two", " thr\xc3"})
        peer->append(bytes_of(part));
      peer->ping(bytes_of("between"));
      peer->finish(bytes_of("\xa9\x65"));
      talk.expect({true, "one two thr\u00e9e"});
      talk.close();
    });
    play("fragments to the client", [&] {
      conversation talk{clients_, play_ + "/fragments"};
      talk.expect({true, "one two thr\u00e9e"});
      talk.expect({false, "four"});
      talk.close();
    });
    play("ping to the server", [&] {
      conversation talk{clients_, echo_};
      auto& peer = talk.open().peer();
      const std::string longest(125, 'p');
      peer->ping(bytes_of(longest));
      peer->ping({});
      talk.wait("pong", [&] { return talk.seen().pongs.size() == 2; });
      require(talk.seen().pongs == std::vector<std::string>{longest, ""}, "another pong came");
      talk.close();
    });
    play("ping to the client", [&] {
      conversation talk{clients_, play_ + "/ping"};
      talk.expect({true, "pong: are you there?"});
      require(talk.seen().pings == std::vector<std::string>{"are you there?"}, "another ping came");
      talk.close();
    });
  }

  void subprotocols() {
    const auto agree = [&](std::vector<std::string> offered, const std::string& chosen) {
      conversation talk{clients_,
                        {.url = play_ + "/subprotocol", .subprotocols = std::move(offered)}};
      talk.expect({true, chosen.empty() ? "none" : chosen});
      require(talk.seen().protocol == chosen, "the subprotocol is " + talk.seen().protocol);
      talk.close();
    };
    play("subprotocol: the first that both know",
         [&] { agree({"x", "chat.v2", "chat.v1"}, "chat.v2"); });
    play("subprotocol: none in common", [&] { agree({"x", "y"}, ""); });
    play("subprotocol: none offered", [&] { agree({}, ""); });
    play("subprotocol: one that was not offered", [&] {
      conversation talk{clients_, {.url = play_ + "/unoffered", .subprotocols = {"chat.v1"}}};
      talk.wait("end", [&] { return talk.seen().has_ended; });
      require(!talk.seen().is_open && talk.seen().error == hawser::error::subprotocol_not_offered,
              talk.end());
    });
  }

  void handshakes() {
    play("header", [&] {
      conversation talk{clients_,
                        {.url = play_ + "/header", .headers = {{"X-Interop", "a, b; c=\"d\""}}}};
      talk.expect({true, "a, b; c=\"d\""});
      talk.close();
    });
    play("compression is not used", [&] {
      conversation talk{clients_, play_ + "/extensions"};
      talk.expect({true, "none"});
      talk.close();
    });
    play("Origin that is accepted", [&] {
      conversation talk{clients_, {.url = strict_, .origin = "https://good.example"}};
      talk.open().close();
    });
    play("Origin that is refused", [&] {
      conversation{clients_, {.url = strict_, .origin = "https://evil.example"}}.expect_refusal(
          403);
    });
    for (const unsigned status : {401, 404, 426, 503}) {
      play("refused with status " + std::to_string(status), [&] {
        conversation{clients_, play_ + "/status?status=" + std::to_string(status)}.expect_refusal(
            status);
      });
    }
  }

  // How a server says that the connection of this id ended.
  std::string ended(const std::string& id) {
    const auto limit = clock_type::now() + std::chrono::seconds(10);
    while (true) {
      conversation talk{clients_, play_ + "/closed?id=" + id};
      std::string end = talk.next_message().payload;
      talk.close();
      if (end != "unknown" || clock_type::now() > limit) return end;
    }
  }
  [[nodiscard]] std::string next_id() { return "hawser" + std::to_string(++last_id_); }

  struct ending {
    int code;
    std::string_view name;
    std::string_view reason;
    std::string_view encoded;
  };
  static constexpr std::array<ending, 5> endings{
      {{1000, "1000", "done", "done"},
       {1001, "1001", "", ""},
       {3000, "3000", "", ""},
       {4999, "4999 and a reason", "Gr\u00fc\u00dfe \U0001f44b", "Gr%C3%BC%C3%9Fe%20%F0%9F%91%8B"},
       {1005, "no code", "", ""}}};

  void closes() {
    for (const ending& each : endings) {
      play("client closes with " + std::string{each.name}, [&] {
        const std::string id = next_id();
        conversation talk{clients_, play_ + "/echo?id=" + id};
        talk.open().close(each.code, each.reason);
        std::string expected = std::to_string(each.code);
        if (!each.reason.empty()) expected += ' ' + std::string{each.reason};
        const std::string told = ended(id);
        require(told == expected, "the server was told " + told);
      });
    }
    for (const ending& each : endings) {
      play("server closes with " + std::string{each.name}, [&] {
        const std::string code = each.code == 1005 ? "" : std::to_string(each.code);
        conversation talk{clients_,
                          play_ + "/close?code=" + code + "&reason=" + std::string{each.encoded}};
        talk.expect_end(each.code, each.reason);
      });
    }
    play("client vanishes", [&] {
      const std::string id = next_id();
      conversation talk{clients_, play_ + "/echo?id=" + id};
      talk.open().peer()->abort();
      talk.expect_end(1006, "", false);
      const std::string told = ended(id);
      require(told == "1006", "the server was told " + told);
    });
    play("server vanishes", [&] {
      conversation talk{clients_, play_ + "/abort"};
      talk.open().expect_end(1006, "", false);
      require(hawser::is_loss(talk.seen().error), talk.end());
    });
  }

  void violations() {
    play("over the server's limit: 1009", [&] {
      conversation talk{clients_, limited_};
      const std::string text(1000, 'x');
      talk.open().peer()->send_text(text);
      talk.expect({true, text});
      talk.peer()->send_text(text + "x");
      talk.expect_end(1009, "*");
    });
    play("over the client's limit: 1009", [&] {
      const std::string id = next_id();
      conversation talk{limited_clients_, play_ + "/flood?size=2000&id=" + id};
      talk.expect_end(1009, "*", false);
      require(talk.seen().error == hawser::error::message_too_big, talk.end());
      const std::string told = ended(id);
      require(told.starts_with("1009"), "the server was told " + told);
    });
    play("text to the server that is not UTF-8: 1007", [&] {
      conversation talk{careless_clients_, echo_};
      talk.open().peer()->send_text("\xff");
      talk.expect_end(1007, "*");
    });
    play("text to the client that is not UTF-8", [&] {
      const std::string id = next_id();
      conversation talk{clients_, play_ + "/invalid?id=" + id};
      talk.expect_end(1007, "*", false);
      require(talk.seen().error == hawser::error::invalid_utf8, talk.end());
      const std::string told = ended(id);
      require(told.starts_with("1007"), "the server was told " + told);
    });
  }

  static hawser::client_options options_with(std::size_t max_message_size) {
    return {
        .limits = {.max_message_size = max_message_size, .max_output_size = std::size_t{65} << 20}};
  }
  static hawser::client_options careless() {
    hawser::client_options options;
    options.checks_sent_text = false;
    return options;
  }

  std::string echo_, limited_, strict_, play_;
  hawser::epoll_loop loop_;
  group clients_{loop_, options_with(std::size_t{64} << 20)};
  group limited_clients_{loop_, options_with(1000)};
  group careless_clients_{loop_, careless()};
  int last_id_ = 0;
  bool is_good_ = true;
};

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 5) {
    std::cerr << "interop_client ECHO LIMITED STRICT PLAY\n";
    return 2;
  }
  try {
    return cases{std::span{arguments + 1, 4}}.run() ? 0 : 1;
  } catch (const std::exception& wrong) {
    std::cerr << wrong.what() << '\n';
    return 2;
  }
}
