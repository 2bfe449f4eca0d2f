// An echo server over hawser that compresses. As `examples/echo_server.cpp`, with a choice of how:
//
//     hawser_deflate [--port P] --deflate takeover|shared
//
// `takeover` is what there is by default, `shared` the preset for that.

#include "hawser/adapters/epoll.hpp"
#include "hawser/codecs/zlib.hpp"
#include "port.hpp"

#include <cstddef>
#include <cstdint>

namespace {

struct echo {
  void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
};

template <class Extension>
void serve(int port, const hawser::deflate_options& options) {
  hawser::epoll_server_options chosen;
  chosen.port = static_cast<std::uint16_t>(port);
  hawser::epoll_loop loop;
  const hawser::epoll_server<echo, Extension> server{loop, chosen, {}, options};
  loop.run();
}

}  // namespace

int main(int count, char** arguments) {
  const int port = port_from(count, arguments);
  const deflate_mode deflate = deflate_from(count, arguments);
  serve<hawser::zlib_deflate>(port, deflate == deflate_mode::shared ? hawser::deflate_presets::small
                                                                    : hawser::deflate_options{});
}
