// A server that sends back what it gets, on io_uring: Linux 6.1 or later, and liburing.
//
//     uring_echo_server [--port PORT]
//
// Defaults: port 9001 of 127.0.0.1 (0: a free one). SIGINT and SIGTERM close all connections, and
// end it.

#include "hawser/adapters/uring.hpp"
#include "hawser/hawser.hpp"
#include "signals.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string_view>

namespace {

struct echo {
  void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
};

}  // namespace

int main(int argument_count, char** arguments) {
  hawser::loop_server_options options;
  options.port = 9001;
  if (argument_count == 3 && arguments[1] == std::string_view{"--port"}) {
    options.port = static_cast<std::uint16_t>(std::strtoul(arguments[2], nullptr, 10));
  } else if (argument_count != 1) {
    std::cerr << "uring_echo_server [--port PORT]\n";
    return 2;
  }
  // Below the high water mark there is always room for one more message to be sent back.
  hawser::limits& limits = options.endpoint.limits;
  limits.max_message_size = std::size_t{64} << 20;
  limits.max_output_size =
      options.marks.high + limits.max_message_size + hawser::max_frame_header_size;
  try {
    hawser::uring_loop loop;
    hawser::uring_server<echo> server{loop, options};
    bool is_stopping = false;
    const signals<hawser::uring_loop> ending{loop, [&] {
                                               is_stopping = true;
                                               server.shut_down();
                                             }};
    const hawser::local_address& address = server.address();
    std::cout << "listening on ws://" << address.host << ':' << address.port << '/' << std::endl;
    while (!is_stopping || server.size() != 0) loop.poll(hawser::duration::seconds(60));
  } catch (const std::runtime_error& wrong) {
    std::cerr << "cannot serve: " << wrong.what() << '\n';
    return 1;
  }
}
