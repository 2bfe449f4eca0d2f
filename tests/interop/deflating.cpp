// The server and the client of hawser that compress, with options of one's choice. Both send back
// what they get: every other message in three fragments.
//
//     interop_deflating serve OPTIONS...      a server each; prints their ports, ends by SIGTERM
//     interop_deflating echo OPTIONS URL...   a connection each, one after the other
//
// OPTIONS are those of hawser::deflate_options, as "takeover=0,window_bits=9". For each URL `echo`
// prints what was agreed on when the server closed cleanly, or how else it ended.

#include "hawser/adapters/descriptor.hpp"
#include "hawser/adapters/epoll.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/hawser.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <list>
#include <signal.h>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr hawser::limits limits{.max_message_size = std::size_t{64} << 20,
                                .max_output_size = std::size_t{80} << 20};

hawser::deflate_options parse_options(std::string_view text) {
  hawser::deflate_options parsed;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const std::string_view name = part.substr(0, part.find('='));
    const int value = std::stoi(std::string{part.substr(std::min(part.size(), name.size() + 1))});
    const auto bits = static_cast<std::uint8_t>(value);
    if (name == "takeover") {
      parsed.takeover = value != 0;
    } else if (name == "peer_takeover") {
      parsed.peer_takeover = value != 0;
    } else if (name == "window_bits") {
      parsed.settings.window_bits = bits;
    } else if (name == "peer_window_bits") {
      parsed.peer_window_bits = bits;
    } else if (name == "insists") {
      parsed.insists = value != 0;
    } else if (name == "min_size") {
      parsed.min_size = static_cast<std::size_t>(value);
    } else {
      throw std::invalid_argument{std::string{part}};
    }
  }
  return parsed;
}

// Sends a message back, in one frame or in three.
hawser::error echo(auto& connection, const hawser::event& message, bool in_fragments) {
  if (!in_fragments) return connection->send(message);
  const hawser::byte_view all = message.payload();
  const std::array<std::size_t, 4> places{0, all.size() / 3, all.size() / 2, all.size()};
  hawser::error wrong = message.is_text() ? connection->begin_text() : connection->begin_binary();
  for (std::size_t i = 0; i < 3 && wrong == hawser::error::none; ++i) {
    const hawser::byte_view part = all.subspan(places[i], places[i + 1] - places[i]);
    wrong = i == 2 ? connection->finish(part) : connection->append(part);
  }
  return wrong;
}

struct echoing {
  struct session {
    bool in_fragments = false;
  };

  void on_message(auto& peer, const hawser::event& message) {
    bool& in_fragments = peer.session().in_fragments;
    if (echo(peer, message, in_fragments) != hawser::error::none) peer->abort();
    in_fragments = !in_fragments;
  }
};

hawser::epoll_loop* loop_to_stop = nullptr;

void serve(std::span<char*> options) {
  hawser::loop_server_options common;
  common.endpoint.origins = hawser::origin_policy::any();
  common.endpoint.limits = limits;
  hawser::epoll_loop loop;
  std::list<hawser::epoll_server<echoing, hawser::zlib_deflate>> servers;
  std::cout << "listening on";
  for (const char* const each : options) {
    servers.emplace_back(loop, common, echoing{}, parse_options(each));
    std::cout << ' ' << servers.back().address().port;
  }
  std::cout << std::endl;
  loop_to_stop = &loop;
  ::signal(SIGTERM, [](int) { loop_to_stop->stop(); });
  loop.run();
  ::signal(SIGTERM, SIG_DFL);
  loop_to_stop = nullptr;
}

// How a connection that sends back what it gets goes.
std::string run_echo(hawser::zlib::client_endpoint& endpoint, const std::string& url) {
  const hawser::parsed<hawser::uri> to = hawser::parse_uri(url);
  if (!to) return std::string{to_string(to.error)};
  hawser::opened_socket opened = hawser::connect_tcp(to->host_without_brackets(), to->port,
                                                     std::chrono::steady_clock::now() + 10s);
  if (!opened) return opened.failure;
  hawser::client_stream<hawser::descriptor, hawser::zlib_deflate> server{
      endpoint, std::move(opened.socket), {.url = url}};
  auto* const connection = &server.connection();
  bool in_fragments = false;
  hawser::error wrong = hawser::error::none;
  while (const hawser::event event = server.receive()) {
    if (!event.is_message()) continue;
    wrong = echo(connection, event, in_fragments);
    if (wrong != hawser::error::none) connection->abort();
    in_fragments = !in_fragments;
  }
  if (wrong != hawser::error::none) return "not sent: " + std::string{to_string(wrong)};
  if (connection->was_clean()) {
    const auto agreed = connection->extensions();
    return agreed.text().empty() ? "nothing" : std::string{agreed.text()};
  }
  if (connection->error() == hawser::error::handshake_refused) {
    return "refused with " + std::to_string(connection->response().status);
  }
  return "failed: " + std::string{to_string(connection->error())};
}

void echo_all(const char* options, std::span<char*> urls) {
  hawser::zlib::client_endpoint endpoint{{.limits = limits}, parse_options(options)};
  for (const char* const url : urls) std::cout << run_echo(endpoint, url) << std::endl;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::span all{arguments, static_cast<std::size_t>(argument_count)};
  const std::string_view what = argument_count < 3 ? "" : all[1];
  try {
    if (what == "serve") {
      serve(all.subspan(2));
    } else if (what == "echo") {
      echo_all(all[2], all.subspan(3));
    } else {
      std::cerr << "interop_deflating serve OPTIONS... | echo OPTIONS URL...\n";
      return 2;
    }
  } catch (const std::exception& wrong) {
    std::cerr << "interop_deflating: " << wrong.what() << '\n';
    return 1;
  }
}
