// An echo server over websocketpp, with its transport over Asio, in one thread.

#include "port.hpp"

#include <cstdint>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/extensions/permessage_deflate/enabled.hpp>
#include <websocketpp/server.hpp>

namespace {

// As its own configurations that compress have it. Whether windows go on is up to the client.
struct compressing_config : websocketpp::config::asio {
  struct permessage_deflate_config {};
  using permessage_deflate_type =
      websocketpp::extensions::permessage_deflate::enabled<permessage_deflate_config>;
};

template <class Config>
void serve(int port) {
  using server_type = websocketpp::server<Config>;
  server_type server;
  server.clear_access_channels(websocketpp::log::alevel::all);
  server.clear_error_channels(websocketpp::log::elevel::all);
  server.init_asio();
  server.set_reuse_addr(true);
  server.set_tcp_post_init_handler([&server](websocketpp::connection_hdl peer) {
    server.get_con_from_hdl(peer)->get_raw_socket().set_option(
        websocketpp::lib::asio::ip::tcp::no_delay{true});
  });
  server.set_message_handler([&server](websocketpp::connection_hdl peer,
                                       const typename server_type::message_ptr& message) {
    server.send(peer, message->get_payload(), message->get_opcode());
  });
  server.set_listen_backlog(4096);
  server.listen(websocketpp::lib::asio::ip::tcp::v4(), static_cast<std::uint16_t>(port));
  server.start_accept();
  server.run();
}

}  // namespace

int main(int count, char** arguments) {
  const int port = port_from(count, arguments);
  if (deflate_from(count, arguments) == deflate_mode::none) {
    serve<websocketpp::config::asio>(port);
  } else {
    serve<compressing_config>(port);
  }
}
