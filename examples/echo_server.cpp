// A server that sends back what it gets, to as many clients as come.
//
//     echo_server [--host HOST] [--port PORT] [--threads N] [--max-message-size BYTES]
//                 [--any-origin]
//
// Defaults: 127.0.0.1, port 9001 (0: a free one), one thread, 64 MiB. Browsers are let in where
// their page comes from this host and port, or with --any-origin from anywhere. SIGINT and SIGTERM
// close all connections, and end it.

#include "hawser/adapters/epoll.hpp"
#include "hawser/hawser.hpp"

#include <cstdlib>
#include <iostream>
#include <list>
#include <signal.h>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct echo {
  void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
};

// A loop of its own for each thread: the system spreads the connections over their sockets, and
// they share nothing.
class worker {
 public:
  explicit worker(const hawser::epoll_server_options& options) : server_{loop_, options} {}

  [[nodiscard]] const hawser::local_address& address() const { return server_.address(); }

  void run() {
    while (!is_stopping_ || server_.size() != 0) loop_.poll(hawser::duration::seconds(60));
  }

  // From any thread.
  void stop() {
    loop_.post([this] {
      is_stopping_ = true;
      server_.shut_down();
    });
  }

 private:
  hawser::epoll_loop loop_;
  hawser::epoll_server<echo> server_;
  bool is_stopping_ = false;
};

struct options {
  hawser::epoll_server_options server;
  unsigned threads = 1;
};

options parse_options(std::span<char*> arguments) {
  options parsed;
  parsed.server.port = 9001;
  hawser::limits& limits = parsed.server.endpoint.limits;
  limits.max_message_size = std::size_t{64} << 20;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--any-origin") {
      parsed.server.endpoint.origins = hawser::origin_policy::any();
      continue;
    }
    const char* const value = ++i < arguments.size() ? arguments[i] : "";
    if (name == "--host") {
      parsed.server.host = value;
    } else if (name == "--port") {
      parsed.server.port = static_cast<std::uint16_t>(std::strtoul(value, nullptr, 10));
    } else if (name == "--threads" && std::atoi(value) > 0) {
      parsed.threads = static_cast<unsigned>(std::atoi(value));
    } else if (name == "--max-message-size") {
      limits.max_message_size = std::strtoull(value, nullptr, 10);
    } else {
      std::cerr << "echo_server [--host HOST] [--port PORT] [--threads N] "
                   "[--max-message-size BYTES] [--any-origin]\n";
      std::exit(2);
    }
  }
  // Below the high water mark there is always room for one more message to be sent back.
  limits.max_output_size =
      parsed.server.marks.high + limits.max_message_size + hawser::max_frame_header_size;
  parsed.server.shares_port = parsed.threads > 1;
  return parsed;
}

// Runs until a signal comes, which waits for this thread: those of the workers do not take it.
void serve(options chosen) {
  ::sigset_t signals;
  ::sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM}) ::sigaddset(&signals, each);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::list<worker> workers;
  for (unsigned i = 0; i < chosen.threads; ++i) {
    workers.emplace_back(chosen.server);
    chosen.server.port = workers.front().address().port;
  }
  std::vector<std::thread> threads;
  for (worker& each : workers) threads.emplace_back(&worker::run, &each);

  const hawser::local_address& address = workers.front().address();
  std::cout << "listening on ws://" << address.host << ':' << address.port << '/' << std::endl;
  int signal = 0;
  ::sigwait(&signals, &signal);
  for (worker& each : workers) each.stop();
  for (std::thread& each : threads) each.join();
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    serve(parse_options({arguments, static_cast<std::size_t>(argument_count)}));
  } catch (const std::runtime_error& wrong) {
    std::cerr << "cannot serve: " << wrong.what() << '\n';
    return 1;
  }
}
