// The server of hawser for the tests with other implementations. What each path does, README.md
// says; those of the other implementations do the same.
//
//     interop_server [--origin ORIGIN]...
//
// Without an origin it lets in pages of its own host and port. It prints its URL, and on standard
// error why it refused a handshake, and ends by SIGTERM.

#include "hawser/adapters/epoll.hpp"
#include "hawser/hawser.hpp"

#include <exception>
#include <iostream>
#include <map>
#include <signal.h>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

const std::string& question() {
  static const std::string text = "are you there?";
  return text;
}

std::string decoded(std::string_view text) {
  std::string result;
  if (!hawser::decode_percent(text, result)) result = "not percent-encoded";
  return result;
}

hawser::byte_view bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

class playground {
 public:
  struct session {
    std::string path;
    std::string id;
  };

  void on_request(auto& peer) {
    const hawser::request& request = peer->request();
    if (request.path() == "/status") {
      peer->reject(static_cast<unsigned>(std::stoi(std::string{request.query_value("status")})),
                   "as you asked");
    } else if (!request.is_upgrade()) {
      peer->reject(404, "only WebSockets are here");
    } else {
      peer.session() = {std::string{request.path()}, std::string{request.query_value("id")}};
      peer->accept();
    }
  }

  void on_open(auto& peer) {
    const hawser::request& request = peer->request();
    const std::string& path = peer.session().path;
    if (path == "/ping") {
      peer->ping(bytes_of(question()));
    } else if (path == "/fragments") {
      send_fragments(peer);
    } else if (path == "/close") {
      const std::string code{request.query_value("code")};
      peer->close(code.empty() ? hawser::close_code::no_status
                               : static_cast<hawser::close_code>(std::stoi(code)),
                  decoded(request.query_value("reason")));
    } else if (path == "/abort") {
      peer->abort();
    } else if (path == "/invalid") {
      peer->send_text("\xff");
    } else if (path == "/flood") {
      const std::string payload(std::stoul(std::string{request.query_value("size")}), 'x');
      peer->send_binary(bytes_of(payload));
    } else if (path == "/header") {
      peer->send_text(request.header("X-Interop"));
    } else if (path == "/subprotocol") {
      peer->send_text(peer->protocol().empty() ? "none" : peer->protocol());
    } else if (path == "/closed") {
      const auto found = ends_.find(peer.session().id);
      peer->send_text(found == ends_.end() ? "unknown" : found->second);
      peer.session().id.clear();
    }
  }

  void on_message(auto& peer, const hawser::event& message) { peer->send(message); }

  void on_pong(auto& peer, const hawser::event& pong) {
    if (pong.text() == question()) peer->send_text("pong: " + std::string{pong.text()});
  }

  void on_close(auto& peer) {
    if (peer.session().id.empty()) return;
    std::string end = std::to_string(static_cast<int>(peer->close_code()));
    if (!peer->close_reason().empty()) end += ' ' + std::string{peer->close_reason()};
    ends_[peer.session().id] = end;
  }

  void on_refused(auto& peer) { std::cerr << "refused: " << to_string(peer->error()) << std::endl; }

 private:
  static void send_fragments(auto& peer) {
    peer->begin_text();
    for (const std::string_view part : {"one ", "two ", "", "thr\xc3"})
      peer->append(bytes_of(part));
    peer->finish(bytes_of("\xa9\x65"));
    peer->begin_binary();
    peer->append(bytes_of("fo"));
    peer->finish(bytes_of("ur"));
  }

  std::map<std::string, std::string> ends_;
};

hawser::epoll_loop* loop_to_stop = nullptr;

void serve(std::span<char*> arguments) {
  hawser::loop_server_options options;
  hawser::server_options& endpoint = options.endpoint;
  endpoint.subprotocols = {"chat.v1", "chat.v2"};
  endpoint.checks_sent_text = false;
  endpoint.limits.max_message_size = std::size_t{64} << 20;
  endpoint.limits.max_output_size = std::size_t{65} << 20;
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] != std::string_view{"--origin"}) throw std::invalid_argument{arguments[i]};
    endpoint.origins.allow = hawser::origin_policy::rule::listed;
    endpoint.origins.origins.emplace_back(arguments[i + 1]);
  }

  hawser::epoll_loop loop;
  hawser::epoll_server<playground> server{loop, options};
  loop_to_stop = &loop;
  ::signal(SIGTERM, [](int) { loop_to_stop->stop(); });
  const hawser::local_address& address = server.address();
  std::cout << "listening on ws://" << address.host << ':' << address.port << '/' << std::endl;
  loop.run();
  ::signal(SIGTERM, SIG_DFL);
  loop_to_stop = nullptr;
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    serve({arguments, static_cast<std::size_t>(argument_count)});
  } catch (const std::exception& wrong) {
    std::cerr << "interop_server: " << wrong.what() << '\n';
    return 1;
  }
}
