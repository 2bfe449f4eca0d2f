// An echo server over hawser that compresses. As `examples/echo_server.cpp`, with a choice of how:
//
//     hawser_deflate [--port P] --deflate takeover|shared
//
// `takeover` is what there is by default, `shared` the preset for that. Where it is built with
// BENCH_LIBDEFLATE it has only the latter, by libdeflate.

#include "hawser/adapters/epoll.hpp"
#include "port.hpp"
#if defined(BENCH_LIBDEFLATE)
#include "hawser/codecs/libdeflate.hpp"
#else
#include "hawser/codecs/zlib.hpp"
#endif

#include <cstdint>

namespace {

struct echo {
  void on_message(auto& peer, const hawser::event& message) { peer->send(message); }
};

#if defined(BENCH_LIBDEFLATE)
using chosen_codec = hawser::libdeflate_deflate;
#else
using chosen_codec = hawser::zlib_deflate;
#endif

}  // namespace

int main(int count, char** arguments) {
  hawser::loop_server_options chosen;
  chosen.port = static_cast<std::uint16_t>(port_from(count, arguments));
  hawser::deflate_options options;
  if (deflate_from(count, arguments) == deflate_mode::shared) {
    options = hawser::deflate_presets::small;
    options.min_size = 0;  // as the others have it
  }
  hawser::epoll_loop loop;
  const hawser::epoll_server<echo, chosen_codec> server{loop, chosen, {}, options};
  loop.run();
}
