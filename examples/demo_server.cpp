// A page for people and the server behind it, in one program: a chat, an echo and a ticker, each
// over a WebSocket of its own. Open the address that it prints in a browser.
//
//     demo_server [--host HOST] [--port PORT] [--no-deflate]
//
// Defaults: 127.0.0.1, port 8080 (0: a free one). Only its own page may connect, and programs that
// are no browser. At SIGINT and SIGTERM it closes all connections with code 1001, and ends with
// status 0. Messages are compressed (--deflate), unless it is told not to.

#include "demo/chat.hpp"
#include "demo/page.hpp"
#include "demo/session.hpp"
#include "demo/ticker.hpp"
#include "hawser/adapters/epoll.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/hawser.hpp"

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <signal.h>
#include <span>
#include <string>
#include <string_view>

namespace {

constexpr std::uint64_t max_message_size = std::uint64_t{16} << 20;

struct handler;
using server_type = hawser::epoll_server<handler, hawser::zlib_deflate>;

struct handler {
  using session = demo::session;

  // The page's files come over the same port as the connections.
  void on_request(auto& peer) {
    if (!peer->request().is_upgrade()) return demo::serve_page(peer);
    peer.session().uses = demo::service_at(peer->request().path());
    if (peer.session().uses == demo::service::none) {
      peer->reject(404, "The WebSockets are at /echo, /chat and /ticker");
    } else {
      peer->accept();
    }
  }

  void on_open(auto& peer) {
    if (peer.session().uses == demo::service::ticker) demo::ticker<server_type>::on_open(peer);
    log(peer, "opened");
  }

  void on_message(auto& peer, const hawser::event& message) {
    if (peer.session().uses == demo::service::echo) peer->send(message);
    if (peer.session().uses == demo::service::chat) demo::chat::on_message(peer, message);
  }

  void on_close(auto& peer) {
    if (peer.session().uses == demo::service::none) return;
    if (peer.session().uses == demo::service::chat) demo::chat::on_close(peer);
    const auto code = std::to_string(static_cast<int>(peer->close_code()));
    const bool failed = peer->error() != hawser::error::none;
    log(peer, "closed with " + code + (failed ? ": " + std::string{to_string(peer->error())} : ""));
  }

  // Bad Origins end here, and whatever else is no proper request.
  void on_refused(auto& peer) {
    const hawser::request& request = peer->request();
    if (request.target().empty() && is_loss(peer->error())) return;  // it never asked for anything
    demo::log("refused " + demo::printable(request.target()) + ": " +
              std::string{to_string(peer->error())} + " (Origin '" +
              demo::printable(request.header("Origin")) + "', Host '" +
              demo::printable(request.header("Host")) + "')");
  }

 private:
  static void log(auto& peer, const std::string& what) {
    std::size_t open = 0;
    peer.group().for_each([&](auto&) { ++open; });
    demo::log(std::string{path_of(peer.session().uses)} + ' ' + what + "; " + std::to_string(open) +
              " open");
  }
};

bool parse_port(std::string_view text, std::uint16_t& port) {
  const std::from_chars_result parsed =
      std::from_chars(text.data(), text.data() + text.size(), port);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

struct options {
  hawser::loop_server_options server = {.port = 8080, .max_connections = 1000};
  hawser::deflate_options deflate = {};
};

options parse_options(std::span<char*> arguments) {
  options parsed;
  hawser::loop_server_options& result = parsed.server;
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    if (name == "--deflate" || name == "--no-deflate") {
      parsed.deflate.is_enabled = name == "--deflate";
      --i;
      continue;
    }
    const std::string_view value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (name == "--host" && !value.empty()) {
      result.host = value;
    } else if (name != "--port" || !parse_port(value, result.port)) {
      std::cerr << "usage: demo_server [--host HOST] [--port PORT] [--no-deflate]\n";
      std::exit(2);
    }
  }
  result.endpoint.limits.max_message_size = max_message_size;
  // The echo of a message that was just let in always finds room.
  result.endpoint.limits.max_output_size = max_message_size + result.marks.high + (1 << 16);
  return parsed;
}

std::string url_of(const hawser::local_address& address) {
  const bool is_any = address.host == "0.0.0.0" || address.host == "[::]";
  return "http://" + (is_any ? "localhost" : address.host) + ':' + std::to_string(address.port) +
         '/';
}

// The loop that a signal is to wake; null where one came.
std::atomic<hawser::epoll_loop*> running = nullptr;

// The second signal does what it would do without this program's care: it ends it at once.
void handle_signal(int number) {
  if (hawser::epoll_loop* const loop = running.exchange(nullptr)) loop->stop();
  ::signal(number, SIG_DFL);
}

void serve(const options& chosen) {
  hawser::epoll_loop loop;
  server_type server{loop, chosen.server, {}, chosen.deflate};
  const demo::ticker ticker{server};
  running = &loop;
  for (const int each : {SIGINT, SIGTERM}) ::signal(each, handle_signal);
  std::cout << "listening on " << url_of(server.address()) << " (open it in a browser)"
            << std::endl;

  constexpr hawser::duration long_enough = hawser::duration::seconds(3600);
  while (running != nullptr) loop.poll(long_enough);
  demo::log("stopping");
  server.shut_down();
  while (server.size() != 0) loop.poll(long_enough);  // for the closing timeout at the most
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    serve(parse_options({arguments, static_cast<std::size_t>(argument_count)}));
  } catch (const std::exception& wrong) {
    std::cerr << "demo_server: " << wrong.what() << '\n';
    return 1;
  }
}
