// The same with uWebSockets: an echo server.

#include <App.h>
#include <string_view>

int main() {
  struct nothing {};
  uWS::App::WebSocketBehavior<nothing> echo;
  echo.compression = uWS::DISABLED;
  echo.message = [](auto* peer, std::string_view message, uWS::OpCode type) {
    peer->send(message, type);
  };
  uWS::App{}.ws<nothing>("/*", std::move(echo)).listen(9001, [](auto*) {}).run();
}
