// A server that sends back what it gets, to as many clients as come.
//
//     echo_server [--host HOST] [--port PORT] [--threads N] [--max-message-size BYTES]
//                 [--any-origin] [--no-deflate] [--codec zlib|libdeflate]
//
// Defaults: 127.0.0.1, port 9001 (0: a free one), one thread, 64 MiB. Browsers are let in where
// their page comes from this host and port, or with --any-origin from anywhere. Messages are
// compressed where the client offers it (--deflate), or never with --no-deflate; by zlib, or where
// it was built with that by libdeflate. SIGINT and SIGTERM close all connections, and end it.

#include "hawser/adapters/epoll.hpp"
#include "hawser/codecs/zlib.hpp"
#include "hawser/hawser.hpp"
#include "signals.hpp"
#if defined(HAWSER_EXAMPLES_LIBDEFLATE)
#include "hawser/codecs/libdeflate.hpp"
#endif

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct echo {
  void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
};

// A loop of its own for each thread: the system spreads the connections over their sockets, and
// they share nothing. Without an extension its connections are smaller.
template <class Extension>
class worker {
 public:
  explicit worker(const hawser::loop_server_options& options) : server_{loop_, options} {}

  [[nodiscard]] const hawser::local_address& address() const { return server_.address(); }
  [[nodiscard]] hawser::epoll_loop& loop() { return loop_; }

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
  hawser::epoll_server<echo, Extension> server_;
  bool is_stopping_ = false;
};

struct options {
  hawser::loop_server_options server;
  unsigned threads = 1;
  bool compresses = true;
  bool uses_libdeflate = false;
};

#if defined(HAWSER_EXAMPLES_LIBDEFLATE)
constexpr bool has_libdeflate = true;
using libdeflate_extension = hawser::libdeflate_deflate;
#else
constexpr bool has_libdeflate = false;
using libdeflate_extension = hawser::zlib_deflate;
#endif

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
    if (name == "--deflate" || name == "--no-deflate") {
      parsed.compresses = name == "--deflate";
      continue;
    }
    const char* const value = ++i < arguments.size() ? arguments[i] : "";
    if (name == "--host") {
      parsed.server.host = value;
    } else if (name == "--port") {
      parsed.server.port = static_cast<std::uint16_t>(std::strtoul(value, nullptr, 10));
    } else if (name == "--threads" && std::atoi(value) > 0) {
      parsed.threads = static_cast<unsigned>(std::atoi(value));
    } else if (name == "--codec" && (value == std::string_view{"zlib"} ||
                                     (has_libdeflate && value == std::string_view{"libdeflate"}))) {
      parsed.uses_libdeflate = value != std::string_view{"zlib"};
    } else if (name == "--max-message-size") {
      limits.max_message_size = std::strtoull(value, nullptr, 10);
    } else {
      std::cerr << "echo_server [--host HOST] [--port PORT] [--threads N] "
                   "[--max-message-size BYTES] [--any-origin] [--no-deflate] "
                   "[--codec zlib|libdeflate]\n";
      std::exit(2);
    }
  }
  // Below the high water mark there is always room for one more message to be sent back.
  limits.max_output_size =
      parsed.server.marks.high + limits.max_message_size + hawser::max_frame_header_size;
  parsed.server.shares_port = parsed.threads > 1;
  return parsed;
}

// The first worker has this thread: where it is the only one, the program has one thread.
template <class Extension>
void serve(options chosen) {
  std::list<worker<Extension>> workers;
  for (unsigned i = 0; i < chosen.threads; ++i) {
    workers.emplace_back(chosen.server);
    chosen.server.port = workers.front().address().port;
  }
  // Before there are threads, which inherit that they do not take the signals.
  const signals<hawser::epoll_loop> ending{workers.front().loop(), [&workers] {
                                             for (worker<Extension>& each : workers) each.stop();
                                           }};
  std::vector<std::thread> threads;
  for (auto each = std::next(workers.begin()); each != workers.end(); ++each) {
    threads.emplace_back(&worker<Extension>::run, &*each);
  }

  const hawser::local_address& address = workers.front().address();
  std::cout << "listening on ws://" << address.host << ':' << address.port << '/' << std::endl;
  workers.front().run();
  for (std::thread& each : threads) each.join();
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    const options chosen = parse_options({arguments, static_cast<std::size_t>(argument_count)});
    if (!chosen.compresses) {
      serve<hawser::no_extension>(chosen);
    } else if (chosen.uses_libdeflate) {
      serve<libdeflate_extension>(chosen);
    } else {
      serve<hawser::zlib_deflate>(chosen);
    }
  } catch (const std::runtime_error& wrong) {
    std::cerr << "cannot serve: " << wrong.what() << '\n';
    return 1;
  }
}
