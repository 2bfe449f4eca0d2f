// An echo server over uWebSockets, without TLS and compression.

#include "port.hpp"

#include <App.h>
#include <cstdio>
#include <string_view>

namespace {

struct session {};

}  // namespace

int main(int count, char** arguments) {
  uWS::App server;
  uWS::App::WebSocketBehavior<session> behavior;
  behavior.compression = uWS::CompressOptions::DISABLED;
  behavior.maxPayloadLength = 64U << 20;
  behavior.maxBackpressure = 64U << 20;
  behavior.message = [](auto* peer, std::string_view message, uWS::OpCode type) {
    peer->send(message, type);
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
