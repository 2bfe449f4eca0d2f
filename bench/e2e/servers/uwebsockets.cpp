// An echo server over uWebSockets, without TLS. With `--deflate shared` all connections share a
// compressor and a decompressor. There is no `takeover`: at the commit that was looked at,
// HttpResponse.h tests for the shared compressor with `&`, which every dedicated one passes, and
// makes that the one of 3 KB.

#include "port.hpp"

#include <App.h>
#include <cstdio>
#include <string_view>

namespace {

struct session {};

}  // namespace

int main(int count, char** arguments) {
  const deflate_mode deflate = deflate_from(count, arguments);
  if (deflate == deflate_mode::takeover) {
    std::fputs("its dedicated compressors are broken\n", stderr);
    return 2;
  }
  const bool compresses = deflate == deflate_mode::shared;
  uWS::App server;
  uWS::App::WebSocketBehavior<session> behavior;
  if (compresses) {
    behavior.compression = uWS::CompressOptions(uWS::CompressOptions::SHARED_COMPRESSOR |
                                                uWS::CompressOptions::SHARED_DECOMPRESSOR);
  }
  behavior.maxPayloadLength = 64U << 20;
  behavior.maxBackpressure = 64U << 20;
  behavior.message = [compresses](auto* peer, std::string_view message, uWS::OpCode type) {
    peer->send(message, type, compresses);
  };
  server.ws<session>("/*", std::move(behavior));
  bool listens = false;
  server.listen("127.0.0.1", port_from(count, arguments),
                [&listens](auto* listener) { listens = listener != nullptr; });
  if (!listens) {
    std::fputs("cannot listen\n", stderr);
    return 1;
  }
  server.run();
}
